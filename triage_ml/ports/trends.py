"""Counts over time, the random sample, and what emerges, as the use cases need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from triage_ml.domain.case import CaseState
from triage_ml.domain.prevalence import WeightedSample
from triage_ml.domain.taxonomy import Language
from triage_ml.domain.terms import Emerging, ReportedText


class Measure(StrEnum):
    """What is counted. Upheld: decisions that found a violation; violations: one per label."""

    REPORTS = "reports"
    DECISIONS = "decisions"
    UPHELD = "upheld"
    VIOLATIONS = "violations"
    SAMPLE = "sample"


class Split(StrEnum):
    """By what a count is taken apart."""

    NONE = "none"
    LABEL = "label"
    LANGUAGE = "language"
    SURFACE = "surface"


@dataclass(frozen=True, slots=True)
class Slice:
    """Which cases to count: days (UTC, both included), and filters; empty means all.

    `label` may be `other`: reports without a reason. `queues` None means every queue. Labels of
    `hidden_labels` are left out; those of `hint_labels` are no violations.
    """

    since: date
    until: date
    label: str = ""
    language: str = ""
    surface: str = ""
    queues: tuple[str, ...] | None = None
    hidden_labels: tuple[str, ...] = ()
    hint_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many of a measure on a day (UTC), for one part of a split."""

    day: date
    measure: Measure
    part: str
    n: int


@dataclass(frozen=True, slots=True)
class SampleRow:
    """Random draws of one language; with a label only what was found of it."""

    language: Language
    label: str
    sample: WeightedSample


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list: where it stands, without its text. `at` is what it is listed for."""

    case_id: UUID
    queue: str
    language: Language
    surface: str
    state: CaseState
    labels: tuple[str, ...]
    upheld: bool | None
    at: datetime


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """How a queue kept its clocks: first decisions, and those after the due time.

    `median_handling_seconds` is None where fewer people decided than asked for.
    """

    queue: str
    n_decided: int
    n_late: int
    median_handling_seconds: float | None


class TrendStore(Protocol):
    """Reads for trends, and what the worker writes for them.

    Raises, everywhere: StoreUnavailable.
    """

    async def daily_counts(self, wanted: Slice, split: Split) -> list[DayCount]:
        """Give counts per day and part, days without any left out. A label does not narrow
        decisions and upheld, which have none.
        """
        ...

    async def sample(self, wanted: Slice) -> list[SampleRow]:
        """Sum up random claims of those days by language, and what was found by label."""
        ...

    async def surfaces(self, wanted: Slice, limit: int = 100) -> list[str]:
        """Give the busiest surfaces of those days."""
        ...

    async def trend_cases(self, wanted: Slice, measure: Measure, limit: int) -> list[CaseLine]:
        """Give the cases behind a number, newest first; none with a hidden label."""
        ...

    async def cases_among(self, case_ids: Sequence[UUID], wanted: Slice) -> list[CaseLine]:
        """Give those of the cases that the slice's queues and hidden labels leave."""
        ...

    async def queue_records(self, wanted: Slice, min_people: int) -> list[QueueRecord]:
        """Give how queues kept their clocks in first decisions of those days, by name.

        The queue and the clock are those before a complaint moved the case.
        """
        ...

    async def reported_texts(
        self, wanted: Slice, recent_since: date, limit: int
    ) -> list[ReportedText]:
        """Give texts reported in those days, at most `limit` before and `limit` since
        `recent_since`, drawn by chance.
        """
        ...

    async def save_emerging(self, found: Sequence[Emerging], at: datetime) -> None:
        """Put these in the place of all that was found before."""
        ...

    async def emerging(self) -> tuple[list[Emerging], datetime | None]:
        """Give what was found last, in its order, and when."""
        ...

    async def count_days(self, now: datetime, restricted: Sequence[str]) -> bool:
        """Count the days anew in which something changed since the last time; say whether there
        is more to count. `restricted` are the queues that analysts must not see.
        """
        ...

    async def recount_days(self) -> None:
        """Count every day anew, whatever happened to the counts."""
        ...

    async def counted_from(self) -> date | None:
        """Give the first day of which anything is counted, whatever it is."""
        ...

    async def counted_at(self) -> datetime | None:
        """Give when days were counted last."""
        ...
