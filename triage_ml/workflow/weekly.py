"""What a week was like: the content of the weekly report."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from triage_ml.domain.policy import Policy
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import InvalidInput
from triage_ml.ports import CaseStore, Clock
from triage_ml.ports.trends import QueueRecord
from triage_ml.workflow.answers import Cell, PrevalenceRow, Question, Share
from triage_ml.workflow.queues import QueueRow, queue_rows
from triage_ml.workflow.trends import Overview, Trends


@dataclass(frozen=True, slots=True)
class Nobody:
    """Who a report is made for: it may be passed on, so it sees nothing restricted."""

    name: str = "report"
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Week:
    """A week (Monday to Sunday, UTC), the one before, and the queues as they are now.

    `until` is the last day that is in it: a week that still runs is not whole.
    """

    name: str
    monday: date
    until: date
    overview: Overview
    n_reports: int
    n_reports_before: int
    decisions: Share
    decisions_before: Share
    prevalence: PrevalenceRow | None
    records: Sequence[QueueRecord]
    queues: Sequence[QueueRow]
    cells: dict[tuple[Language, str], Cell]

    @property
    def whole(self) -> bool:
        return self.until == self.monday + timedelta(days=6)


def monday_of(week: str) -> date:
    """Read a week such as 2026-W47. Raises: InvalidInput."""
    found = re.fullmatch(r"(\d{4})-W(\d{2})", week)
    try:
        if found:
            return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        pass
    raise InvalidInput("week", "must be a week of the calendar, as in 2026-W47")


async def gather_week(
    trends: Trends, store: CaseStore, policy: Policy, clock: Clock, week: str
) -> Week:
    """Gather what the report of a week says. Raises: InvalidInput; StoreUnavailable."""
    monday, today = monday_of(week), clock.now().date()
    if monday > today:
        raise InvalidInput("week", "has not begun yet")
    who = Nobody()
    asked = Question(monday, min(monday + timedelta(days=6), today))
    length = asked.until - asked.since
    earlier = Question(monday - timedelta(days=7), monday - timedelta(days=7) + length)
    found = await trends.overview(who, asked, leaves=True)
    before = await trends.overview(who, earlier, leaves=True)
    depths = await store.queue_depths(clock.now())
    return Week(
        name=week,
        monday=monday,
        until=asked.until,
        overview=found,
        n_reports=sum(found.reports.totals),
        n_reports_before=sum(before.reports.totals),
        decisions=_sum(found.shares),
        decisions_before=_sum(before.shares),
        prevalence=next(iter(found.prevalence), None),
        records=await trends.records(who, asked),
        queues=[row for row in queue_rows(policy, depths, who) if row.n_open],
        cells=await trends.cells(who, asked),
    )


def _sum(shares: Sequence[Share]) -> Share:
    return Share(sum(row.n_decisions for row in shares), sum(row.n_found for row in shares))
