"""A comparison of two models or policies on the same history, and what it forbids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from triage_ml.domain.delay import DelayReport, HarmTest
from triage_ml.domain.queue_diff import Part, QueueDiff, diff_of
from triage_ml.domain.waited import RESTRICTED

TOLERANCE = 1e-9
"""Harm-hours: rounding of sums of floats is no difference."""


class Kind(StrEnum):
    """Models: texts scored again by both; simulation: scores as they stand, other rules."""

    MODELS = "models"
    SIMULATION = "simulation"


class BreachKind(StrEnum):
    DELAY = "delay"
    GRAVE_SINKS = "grave_sinks"


@dataclass(frozen=True, slots=True)
class Subject:
    """A side: the version of the model that scored and of the policy that placed.

    The model may have learned from what was decided until `learned_until`; None: from nothing that
    was, if `learning_known`. It is not known of a model whose files are gone.
    """

    model: str
    policy: str
    learned_until: datetime | None = None
    learning_known: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """A demand that does not hold. `name` is the language, or `restricted`.

    A delay says by how many harm-hours at least; grave cases that sink, how many and which.
    """

    kind: BreachKind
    name: str
    value: float
    case_ids: tuple[UUID, ...] = ()

    @property
    def restricted(self) -> bool:
        return self.name == RESTRICTED

    def __str__(self) -> str:
        where = "in restricted queues" if self.restricted else self.name
        if self.kind is BreachKind.DELAY:
            least = "" if self.restricted else f", by {self.value:.1f} harm-hours at least"
            return f"{where}: harm waits longer{least}"
        if self.restricted:
            return f"{where}: cases of a violation S3 or graver leave T0 or T1"
        ids = ", ".join(map(str, self.case_ids))
        return f"{self.value:.0f} cases of a violation S3 or graver leave T0 or T1: {ids}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Cases of a span of time under two subjects. What is restricted stands apart.

    `n_unscored` cases had no scores on one side and were placed without them there. `breaches` is
    what `gate` said when it was made. `came_later` sums up the cases that neither model can
    remember: they came after what both learned from, and repeat no text from before. Restricted
    ones are not among them. None where nothing was learned, or it is not known until when.
    """

    comparison_id: UUID
    at: datetime
    by: str
    kind: Kind
    before: Subject
    after: Subject
    first_at: datetime
    last_at: datetime
    n_unscored: int
    diff: QueueDiff
    restricted: QueueDiff
    delay: DelayReport
    breaches: tuple[Breach, ...] = ()
    came_later: Part | None = None

    @property
    def learned_until(self) -> datetime | None:
        return last_learned(self.before, self.after)

    @property
    def unknown_learners(self) -> tuple[str, ...]:
        """Models of which is not known until when they learned from decisions."""
        if self.kind is not Kind.MODELS:
            return ()
        sides = (self.before, self.after)
        return tuple(dict.fromkeys(side.model for side in sides if not side.learning_known))

    @property
    def n_cases(self) -> int:
        return self.diff.total.n_cases + self.restricted.total.n_cases

    def for_everybody(self) -> "Comparison":
        """Leave out what only few may see; that it speaks against the later subject stays."""
        delay = replace(
            self.delay,
            rows=tuple(row for row in self.delay.rows if row.kind != RESTRICTED),
            tests=tuple(test for test in self.delay.tests if test.name != RESTRICTED),
        )
        breaches = (replace(x, value=0.0) if x.restricted else x for x in self.breaches)
        return replace(self, restricted=diff_of(()), delay=delay, breaches=tuple(breaches))


def last_learned(*sides: Subject) -> datetime | None:
    """Give until when any side may have learned from decisions; None: from none, or not known."""
    if not all(side.learning_known for side in sides):
        return None
    return max((side.learned_until for side in sides if side.learned_until), default=None)


def gate(comparison: Comparison) -> list[Breach]:
    """Name what speaks against the later subject.

    The language whose harm waits longer the most must not be worse beyond its interval, and no
    case that was decided as a violation of S3 or more may leave T0 or T1; each is named.
    """
    found = _delayed(comparison.delay.tests)
    for name, diff in (("", comparison.diff), (RESTRICTED, comparison.restricted)):
        ids = tuple(pair.case_id for pair in diff.moves if pair.grave_sinks)
        if ids:
            shown = () if name == RESTRICTED else ids
            found.append(Breach(BreachKind.GRAVE_SINKS, name, len(ids), shown))
    return found


def _delayed(tests: Sequence[HarmTest]) -> list[Breach]:
    worse = [test for test in tests if test.difference.low > TOLERANCE]
    worse.sort(key=lambda test: -test.difference.low)
    return [Breach(BreachKind.DELAY, test.name, test.difference.low) for test in worse]
