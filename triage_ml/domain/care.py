"""What heavy cases cost the people who read them: points, shifts, and when to rest.

It is for the person alone. Others learn of it only in groups of at least `GROUP` people, of
weeks that are over, and coarsely (`groups`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage_ml.domain.document import Table
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import PolicyInvalid

GROUP = 5
"""The fewest people of whom anything is told together. No setting lowers it."""

GRAIN = 5.0
"""A group's mean is told in steps of so many points, its share in tenths."""

FEWEST, MOST = 0.1, 0.9
"""A share is told within these: "nobody" and "everybody" would speak of each single person."""


@dataclass(frozen=True, slots=True)
class CarePolicy:
    """How heavy labels weigh, and when a light case or a break is due.

    `points` holds the heavy labels; any other one is light. Pauses of `rest` are breaks, of
    `shift_gap` they end a shift. A shift's dose is raised or high from those points on.
    """

    points: Mapping[Label, float]
    severity_weights: tuple[float, ...]  # S0 .. S4
    heavy_points: float
    interleave_after: int
    break_after_points: float
    break_after: timedelta
    rest: timedelta
    shift_gap: timedelta
    raised_points: float
    high_points: float

    def weigh(self, severities: Mapping[Label, float]) -> float:
        """Give the points of a case: those of its gravest label."""
        return max((self._of(*row) for row in severities.items()), default=0.0)

    def level(self, points: float) -> str:
        """Name the dose of a shift or a day: `low`, `raised` or `high`."""
        if points >= self.high_points:
            return "high"
        return "raised" if points >= self.raised_points else "low"

    def _of(self, label: Label, severity: float) -> float:
        nearest = min(max(round(severity), Severity.S0), Severity.S4)
        return self.points.get(label, 0.0) * self.severity_weights[nearest]


@dataclass(frozen=True, slots=True)
class Exposure:
    """A case that somebody took at `began_at` and was done with at `at`.

    `labels` are the heavy ones among its labels. It names neither the case nor the decision.
    """

    reviewer: str
    began_at: datetime
    at: datetime
    points: float
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonDose:
    """The points of one person in a week and on its heaviest day, without their name."""

    locale: Language
    points: float
    highest_day: float


@dataclass(frozen=True, slots=True)
class GroupDose:
    """What is told of a group: the mean of points, and the share with a high dose on a day."""

    mean_points: float
    high_share: float


@dataclass(frozen=True, slots=True)
class Groups:
    """Everybody together, and by language of the interface. None: too few people to tell."""

    everybody: GroupDose | None
    by_language: Mapping[Language, GroupDose | None]


def care_policy(row: Table) -> CarePolicy:
    """Read the table `[care]`. Raises: PolicyInvalid."""
    row.only(_KEYS)
    points = row.part("points")
    points.only(Label)
    for low, high in (("raised_points", "high_points"), ("break_minutes", "break_after_minutes")):
        if row.number(low, 0, 1e6) >= row.number(high, 0, 1e6):
            raise PolicyInvalid(row.file, row.at(high), f"must be greater than {low}")
    return CarePolicy(
        points={
            label: points.number(label, 0, 1000) for label in Label if label in points.document
        },
        severity_weights=row.numbers("severity_weights", len(Severity)),
        heavy_points=row.number("heavy_points", 0.001, 1e6),
        interleave_after=row.whole("interleave_after", 1, 1000),
        break_after_points=row.number("break_after_points", 0.001, 1e6),
        break_after=timedelta(minutes=row.number("break_after_minutes", 1, 1440)),
        rest=timedelta(minutes=row.number("break_minutes", 1, 240)),
        shift_gap=timedelta(hours=row.number("shift_gap_hours", 1, 24)),
        raised_points=row.number("raised_points", 0.001, 1e6),
        high_points=row.number("high_points", 0.001, 1e6),
    )


_KEYS = (
    "points",
    "severity_weights",
    "heavy_points",
    "interleave_after",
    "break_after_points",
    "break_after_minutes",
    "break_minutes",
    "shift_gap_hours",
    "raised_points",
    "high_points",
)


def stretch(rows: Sequence[Exposure], gap: timedelta, now: datetime) -> list[Exposure]:
    """Give the newest of `rows` (oldest first) that no pause of `gap` parts, nor one until now.

    A pause lies between being done with a case and taking the next one: the time that somebody
    spends on a long case is no pause.
    """
    kept: list[Exposure] = []
    edge = now
    for row in reversed(rows):
        if edge - row.at >= gap:
            break
        kept.append(row)
        edge = min(edge, row.began_at)
    return kept[::-1]


def total(rows: Sequence[Exposure]) -> float:
    return sum(row.points for row in rows)


def rest_due(policy: CarePolicy, rows: Sequence[Exposure], now: datetime) -> bool:
    """Say whether the newest case filled the measure of points or minutes without a break.

    Each full measure says so once: who goes on is asked again only after another one.
    """
    work = stretch(rows, policy.rest, now)
    if not work:
        return False
    *earlier, last = work
    began_at = min(row.began_at for row in work)
    before, after = total(earlier), total(work)
    until = earlier[-1].at if earlier else began_at
    by_points = after // policy.break_after_points > before // policy.break_after_points
    by_time = (last.at - began_at) // policy.break_after > (until - began_at) // policy.break_after
    return by_points or by_time


def light_due(policy: CarePolicy, rows: Sequence[Exposure], now: datetime) -> bool:
    """Say whether the newest cases of the shift were heavy ones without a light one between."""
    newest = stretch(rows, policy.shift_gap, now)[-policy.interleave_after :]
    heavy = [row for row in newest if row.points >= policy.heavy_points]
    return len(heavy) == policy.interleave_after


def groups(policy: CarePolicy, people: Sequence[PersonDose]) -> Groups:
    """Tell of groups of `GROUP` people or more, such that no difference tells of fewer.

    The people of the languages that are not told could be computed from everybody minus those
    that are. So they must be nobody or `GROUP` people too; otherwise the smallest told
    language is kept back as well.
    """
    by_language: dict[Language, list[PersonDose]] = defaultdict(list)
    for person in people:
        by_language[person.locale].append(person)
    told = [name for name, members in by_language.items() if len(members) >= GROUP]
    told.sort(key=lambda name: (-len(by_language[name]), name))
    n_rest = len(people) - sum(len(by_language[name]) for name in told)
    while told and 0 < n_rest < GROUP:
        n_rest += len(by_language[told.pop()])
    return Groups(
        everybody=_told(policy, people) if len(people) >= GROUP else None,
        by_language={
            name: _told(policy, members) if name in told else None
            for name, members in sorted(by_language.items())
        },
    )


def _told(policy: CarePolicy, members: Sequence[PersonDose]) -> GroupDose:
    mean = sum(person.points for person in members) / len(members)
    n_high = sum(person.highest_day >= policy.high_points for person in members)
    share = round(n_high / len(members), 1)
    return GroupDose(round(mean / GRAIN) * GRAIN, min(max(share, FEWEST), MOST))
