"""Past scores and placements made again, and held against what was recorded then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, isclose
from typing import Any

from triage_ml.domain.case import Step
from triage_ml.domain.facts import PlacedFrom, Used
from triage_ml.domain.placing import (
    placed_anew,
    placed_for_appeal,
    sent_to_gap,
    sent_to_label,
    sent_up,
)
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Priority
from triage_ml.domain.routing import Placement, place
from triage_ml.domain.scores import LabelScores, keep_worst
from triage_ml.domain.taxonomy import VIOLATION, Tier

TOLERANCE = 1e-5
"""Largest difference of a probability, bound or severity that still is the same number.

A text alone and in a batch differs by rounding of floats: docs/decisions/0025-replay.md.
"""

BASE_TOLERANCE = 1e-9
"""Relative; the index is computed in double precision from recorded numbers."""

Value = float | str


class Gone(Exception):
    """What a replay needs is not there any more, or never was; the message says what."""


@dataclass(frozen=True, slots=True)
class OutputCheck:
    """One output of a model, then and now; an output that is missing has no values."""

    output: str
    recorded: Mapping[str, Value]
    replayed: Mapping[str, Value]

    @property
    def difference(self) -> float:
        """The largest one of its numbers; infinite where something else differs."""
        if self.recorded.keys() != self.replayed.keys():
            return inf
        pairs = [(self.recorded[name], self.replayed[name]) for name in self.recorded]
        return max((_distance(then, now) for then, now in pairs), default=0.0)

    @property
    def agrees(self) -> bool:
        return self.difference <= TOLERANCE


def compare_scores(recorded: LabelScores, replayed: LabelScores) -> tuple[OutputCheck, ...]:
    """Hold every number against its like: any violation first, then label by label."""
    whole = OutputCheck(
        VIOLATION, {"probability": recorded.p_violation}, {"probability": replayed.p_violation}
    )
    labels = dict.fromkeys((*recorded.labels, *replayed.labels))
    return whole, *(
        OutputCheck(x.value, _values(recorded, x), _values(replayed, x)) for x in labels
    )


def _values(scores: LabelScores, label: Any) -> dict[str, Value]:
    score = scores.labels.get(label)
    if score is None:
        return {}
    return {
        "probability": score.probability,
        "upper": score.upper,
        "severity": score.severity,
        "support": score.support.value,
    }


def _distance(then: Value, now: Value) -> float:
    if isinstance(then, str) or isinstance(now, str):
        return 0.0 if then == now else inf
    distance = abs(then - now)
    return distance if distance < inf else inf  # a number that is none differs


class ScoreChain:
    """Follows which scores a case carried from placement to placement.

    `records` are those that placed the case, with their time, oldest first.
    """

    def __init__(self, records: Sequence[tuple[datetime, LabelScores]]) -> None:
        self._left = list(records)
        self._carried: LabelScores | None = None
        self._known = False

    def follow(self, used: Used, at: datetime) -> LabelScores | None:
        """Give the scores of the placement made at `at`. Raises: Gone."""
        match used:
            case Used.NONE:
                self._carried, self._known = None, True
            case Used.RECORDED:
                self._carried, self._known = self._next(at), True
            case Used.JOINED:
                newer = self._next(at)
                self._require_known()
                self._carried = keep_worst(self._carried, newer)
            case Used.KEPT:
                self._require_known()
        return self._carried

    def _next(self, at: datetime) -> LabelScores:
        self._known, before = False, self._known
        while self._left and self._left[0][0] < at:
            self._left.pop(0)
        if not self._left or self._left[0][0] != at:
            raise Gone("the record of its scores is missing")
        self._known = before
        return self._left.pop(0)[1]

    def _require_known(self) -> None:
        if not self._known:
            raise Gone("its scores were made before scores were recorded")


@dataclass(frozen=True, slots=True)
class PlacementCheck:
    """One placement of the log, then and now.

    `origin` is what it was computed from. `differences` names what is not the same; `unknown` says
    why it cannot be computed again.
    """

    sequence: int
    at: datetime
    step: Step
    actor: str
    recorded: Placement | None
    recomputed: Placement | None
    differences: tuple[str, ...] = ()
    unknown: str = ""
    origin: PlacedFrom | None = None


def placement_of(detail: Mapping[str, Any]) -> Placement:
    """Read a placement as the log has it. Raises: KeyError, ValueError, TypeError if damaged."""
    base = float(detail["base_index"])
    priority = Priority(
        tier=Tier(detail["tier"]),
        tier_reason=detail["tier_reason"],
        harm_terms=(),
        harm=0.0,
        reach=0.0,
        reporter=0.0,
        context=0.0,
        base=base,
        handling_seconds=0.0,
        policy_version=detail["policy_version"],
    )
    due_at = datetime.fromisoformat(detail["due_at"])
    queue, reason = detail["queue"], detail["route_reason"]
    return Placement(priority, queue, reason, due_at, detail["clock"], ())


def is_placement(detail: Mapping[str, Any]) -> bool:
    return "base_index" in detail and "due_at" in detail


def recompute(
    step: Step,
    origin: PlacedFrom,
    policy: Policy,
    scores: LabelScores | None,
    before: Placement | None,
    owner: str = "",
    chosen: str = "",
) -> Placement:
    """Place a case again as that step did. `chosen` says why it was, to learn from.

    Raises: Gone.
    """
    facts, now = origin.facts, origin.at
    if step is Step.APPEALED:
        return placed_for_appeal(policy, facts, scores, origin.stood_in or "", now)
    if origin.stood_in is None:
        return place(policy, facts, scores, now)
    if before is None:
        raise Gone("the placement before it is missing")
    if step is Step.ESCALATED:
        return sent_up(policy, before, owner, now)
    if step is Step.POLICY_GAP:
        return sent_to_gap(policy, before, now)
    if chosen:
        return sent_to_label(policy, before, chosen, now)
    return placed_anew(policy, facts, scores, before, now)


def placement_differences(recorded: Placement, recomputed: Placement) -> tuple[str, ...]:
    """Name what differs between two placements."""
    then, now = _to_the_letter(recorded), _to_the_letter(recomputed)
    found = [name for name in then if then[name] != now[name]]
    if not isclose(recorded.priority.base, recomputed.priority.base, rel_tol=BASE_TOLERANCE):
        found.append("base_index")
    return tuple(found)


def _to_the_letter(placement: Placement) -> dict[str, object]:
    """Give all but the index, which may differ by rounding; the same time in any zone is one."""
    detail = {**placement.as_detail(), "due_at": placement.due_at}
    del detail["base_index"]
    return detail
