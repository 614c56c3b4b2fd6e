"""A question about time, and the pieces of its answer, made of counts and sums.

Pure: `triage_ml.workflow.trends` brings the counts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from triage_ml.domain.prevalence import Prevalence, WeightedSample, estimate
from triage_ml.domain.report import OTHER_REASON, check_ref
from triage_ml.domain.stats import wilson
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.domain.trends import find_changes, find_spikes
from triage_ml.errors import InvalidInput
from triage_ml.ports.trends import DayCount, Measure, SampleRow, Slice, Split

MAX_DAYS = 366
MAX_PARTS = 14
REST = "*"
"""The parts that are too many to be shown one by one, together."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to see: days (UTC, both included), filters, and how it is grouped."""

    since: date
    until: date
    label: str = ""
    language: str = ""
    surface: str = ""
    split: Split = Split.LABEL
    weekly: bool = False

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise InvalidInput("to", "must not lie before from")
        if (self.until - self.since).days >= MAX_DAYS:
            raise InvalidInput("from", f"must lie within {MAX_DAYS} days of to")
        for field, day in (("from", self.since), ("to", self.until)):
            if not 2000 <= day.year <= 2200:
                raise InvalidInput(field, "must be a day of these centuries")
        if self.label not in ("", OTHER_REASON, *Label):
            raise InvalidInput("label", "is not one of the policy's labels")
        if self.language not in ("", *Language):
            raise InvalidInput("language", "is not one of the supported languages")
        if self.surface:
            check_ref("surface", self.surface)

    @property
    def found(self) -> Measure:
        """What decisions found: a label, or any violation. No finding is called `other`."""
        return Measure.VIOLATIONS if self.label in list(Label) else Measure.UPHELD


@dataclass(frozen=True, slots=True)
class Series:
    """Counts per period for each part, the largest part first."""

    parts: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]  # (periods, parts)

    @property
    def totals(self) -> tuple[int, ...]:
        return tuple(map(sum, self.rows))


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the decisions of a period found a violation, with Wilson's 95 % interval."""

    n_decisions: int
    n_found: int

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(min(self.n_found, self.n_decisions), self.n_decisions)

    @property
    def value(self) -> float | None:
        return self.n_found / self.n_decisions if self.n_decisions else None


@dataclass(frozen=True, slots=True)
class FoundSpike:
    """A day on which far more was reported than in the four weeks before. `part` "": in all."""

    day: date
    part: str
    n: int
    usual: float
    z: float


@dataclass(frozen=True, slots=True)
class FoundChange:
    """The first day of a new level of reports per day."""

    day: date
    before: float
    after: float
    p_value: float


@dataclass(frozen=True, slots=True)
class PrevalenceRow:
    """Language None: all of them together; label "": any violation."""

    language: Language | None
    label: str
    n_drawn: int
    found: Prevalence | None


@dataclass(frozen=True, slots=True)
class Cell:
    """What was reported and found of one label in one language."""

    n_reports: int = 0
    n_found: int = 0


def _days(since: date, until: date) -> list[date]:
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]


def period_of(asked: Question, day: date) -> date:
    """Give the period a day belongs to: itself, or the Monday of its week."""
    return day - timedelta(days=day.weekday()) if asked.weekly else day


def periods_of(asked: Question) -> tuple[date, ...]:
    return tuple(sorted({period_of(asked, day) for day in _days(asked.since, asked.until)}))


def series_of(
    asked: Question, periods: Sequence[date], counts: Iterable[DayCount], measure: Measure
) -> Series:
    sums: Counter[tuple[date, str]] = Counter()
    sizes: Counter[str] = Counter()
    for row in counts:
        if row.measure is measure:
            sums[period_of(asked, row.day), row.part] += row.n
            sizes[row.part] += row.n
    parts = sorted(sizes, key=lambda part: (-sizes[part], part))
    shown, rest = parts[:MAX_PARTS], parts[MAX_PARTS:]
    lines = [[sums[period, part] for part in shown] for period in periods]
    if rest:
        for line, period in zip(lines, periods, strict=True):
            line.append(sum(sums[period, part] for part in rest))
        shown.append(REST)
    return Series(tuple(shown), tuple(map(tuple, lines)))


def shares_of(
    asked: Question, periods: Sequence[date], counts: Iterable[DayCount]
) -> tuple[Share, ...]:
    """Divide what was found by decisions; with a label, what was found of that."""
    numerator = asked.found
    decisions: Counter[date] = Counter()
    found: Counter[date] = Counter()
    for row in counts:
        if row.measure is Measure.DECISIONS:
            decisions[period_of(asked, row.day)] += row.n
        elif row.measure is numerator:
            found[period_of(asked, row.day)] += row.n
    return tuple(Share(decisions[period], found[period]) for period in periods)


def _by_part(wanted: Slice, reports: Iterable[DayCount], until: date) -> dict[str, list[int]]:
    """Lay out reports as one count a day without gaps: all of them under "", and each part."""
    n_days = (until - wanted.since).days + 1
    found: dict[str, list[int]] = {"": [0] * n_days}
    for row in reports:
        if row.day <= until:
            at = (row.day - wanted.since).days
            found[""][at] += row.n
            if row.part:
                found.setdefault(row.part, [0] * n_days)[at] += row.n
    return found


def spikes_of(
    wanted: Slice, since: date, reports: Sequence[DayCount], today: date
) -> tuple[FoundSpike, ...]:
    """Look for spikes in all reports and in the largest parts; the newest first.

    The day that still runs counts: more than usual is more than usual already.
    """
    until = min(wanted.until, today)
    series = _by_part(wanted, reports, until)
    largest = sorted(series, key=lambda part: -sum(series[part]))[: MAX_PARTS + 1]
    first = (since - wanted.since).days
    found = [
        FoundSpike(wanted.since + timedelta(days=row.index), part, row.n, row.usual, row.z)
        for part in largest
        for row in find_spikes(series[part], first)
    ]
    return tuple(sorted(found, key=lambda row: (-row.day.toordinal(), -row.z)))


def changes_of(
    wanted: Slice, since: date, reports: Sequence[DayCount], today: date
) -> tuple[FoundChange, ...]:
    """Look for new levels in all reports, up to the last whole day."""
    until = min(wanted.until, today - timedelta(days=1))
    if until < wanted.since:
        return ()
    changes = find_changes(_by_part(wanted, reports, until)[""])
    found = [
        FoundChange(wanted.since + timedelta(days=row.index), row.before, row.after, row.p_value)
        for row in changes
    ]
    return tuple(row for row in found if row.day >= since)


def prevalence_of(asked: Question, rows: Sequence[SampleRow]) -> tuple[PrevalenceRow, ...]:
    """Estimate for all languages together, then for each; any violation before its labels."""
    if asked.label == OTHER_REASON:
        return ()
    bases = {row.language: row.sample for row in rows if not row.label}
    labels = sorted({row.label for row in rows if row.label})
    found: list[PrevalenceRow] = []
    for language in (None, *sorted(bases)):
        mine = [row for row in rows if language in (None, row.language)]
        base = sum((row.sample for row in mine if not row.label), WeightedSample())
        if not asked.label:
            found.append(PrevalenceRow(language, "", base.n_drawn, estimate(base)))
        for label in [asked.label] if asked.label else labels:
            of_label = sum((row.sample for row in mine if row.label == label), WeightedSample())
            if of_label.n_found or asked.label:
                estimated = estimate(base.with_found(of_label))
                found.append(PrevalenceRow(language, label, base.n_drawn, estimated))
    return tuple(found)
