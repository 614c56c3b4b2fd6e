"""Numbers over time: what was reported, what was found, and what stands out.

Only the random sample says how frequent violations are among the cases that wait; every other
number is of what was reported, and of what reviewers came to.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from triage_ml.domain.policy import Policy
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.domain.terms import Emerging, find_emerging
from triage_ml.domain.trends import WINDOW_DAYS
from triage_ml.errors import NotFound, ScopeMissing
from triage_ml.ports import CaseStore, Clock, TrendStore, Who
from triage_ml.ports.trends import CaseLine, Measure, QueueRecord, Slice, Split
from triage_ml.workflow.answers import (
    Cell,
    FoundChange,
    FoundSpike,
    PrevalenceRow,
    Question,
    Series,
    Share,
    changes_of,
    periods_of,
    prevalence_of,
    series_of,
    shares_of,
    spikes_of,
)
from triage_ml.workflow.measures import MIN_PEOPLE
from triage_ml.workflow.review import RESTRICTED

RESTRICTED_LABELS = (Label.CHILD_SAFETY.value,)
"""Labels only people with the scope `restricted` see, and that no file or report ever holds."""

MAX_LISTED = 200
MAX_TEXTS = 20_000
RECENT_DAYS = 7
BEFORE_DAYS = 28
MAX_HELD = 1_000
"""More cases than one person holds at once."""


class CountedCases(TrendStore, CaseStore, Protocol):
    """Cases, and what is counted of them."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything a page of trends shows. `periods` are days, or the first days of weeks.

    `judged` says whether any day has enough days before it to be told a spike.
    """

    question: Question
    periods: tuple[date, ...]
    reports: Series
    violations: Series
    shares: tuple[Share, ...]
    spikes: tuple[FoundSpike, ...]
    changes: tuple[FoundChange, ...]
    judged: bool
    prevalence: tuple[PrevalenceRow, ...]
    surfaces: tuple[str, ...]
    counted_at: datetime | None


class Trends:
    """Answers questions about time. Every call names who asks."""

    def __init__(self, store: CountedCases, policy: Policy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock

    def today(self) -> date:
        return self._clock.now().date()

    async def overview(self, who: Who, asked: Question, *, leaves: bool = False) -> Overview:
        """Answer a question. What `leaves` the console holds nothing restricted, whoever asks.

        Raises: ScopeMissing.
        """
        wanted = self._slice(who, asked, leaves)
        # Days before the first that was counted were not quiet: there was nothing to report to.
        begun = await self._store.counted_from()
        before = wanted.since - timedelta(days=WINDOW_DAYS)
        longer = replace(wanted, since=max(before, begun or wanted.since))
        n_days = (min(asked.until, self.today()) - longer.since).days + 1
        counts = await self._store.daily_counts(longer, asked.split)
        reports = [row for row in counts if row.measure is Measure.REPORTS]
        shown = [row for row in counts if row.day >= asked.since]
        periods = periods_of(asked)
        return Overview(
            question=asked,
            periods=periods,
            reports=series_of(asked, periods, shown, Measure.REPORTS),
            violations=series_of(asked, periods, shown, Measure.VIOLATIONS),
            shares=shares_of(asked, periods, shown),
            spikes=spikes_of(longer, asked.since, reports, self.today()),
            changes=changes_of(longer, asked.since, reports, self.today()),
            judged=begun is not None and n_days > WINDOW_DAYS,
            prevalence=prevalence_of(asked, await self._store.sample(wanted)),
            surfaces=tuple(await self._store.surfaces(wanted)),
            counted_at=await self._store.counted_at(),
        )

    async def cases(self, who: Who, asked: Question, measure: Measure) -> list[CaseLine]:
        """Give the newest cases behind a number, one more than `MAX_LISTED` if there are more.

        Raises: ScopeMissing.
        """
        wanted = self._slice(who, asked)
        lines = await self._store.trend_cases(wanted, measure, MAX_LISTED + 1)
        return await self._without_hints(who, lines)

    async def emerging(self) -> tuple[list[Emerging], datetime | None]:
        """Give terms and clusters that became more frequent, and when they were looked for."""
        return await self._store.emerging()

    async def emerging_cases(self, who: Who, key: str) -> tuple[Emerging, list[CaseLine]]:
        """Give the cases of a term or cluster. Raises: NotFound when it is none any more."""
        found, _ = await self._store.emerging()
        for row in found:
            if row.key == key:
                today = self.today()
                wanted = self._slice(who, Question(today, today))
                lines = await self._store.cases_among(row.case_ids, wanted)
                return row, await self._without_hints(who, lines)
        raise NotFound("term", "of this key")

    async def records(self, who: Who, asked: Question) -> list[QueueRecord]:
        """Give how queues kept their clocks, without the restricted ones."""
        return await self._store.queue_records(self._slice(who, asked, leaves=True), MIN_PEOPLE)

    async def cells(self, who: Who, asked: Question) -> dict[tuple[Language, str], Cell]:
        """Give reports and violations by language and label, without the restricted ones."""
        found: dict[tuple[Language, str], Cell] = {}
        for language in Language:
            wanted = self._slice(who, replace(asked, language=language.value), leaves=True)
            for row in await self._store.daily_counts(wanted, Split.LABEL):
                cell = found.get((language, row.part), Cell())
                if row.measure is Measure.REPORTS:
                    found[language, row.part] = replace(cell, n_reports=cell.n_reports + row.n)
                elif row.measure is Measure.VIOLATIONS:
                    found[language, row.part] = replace(cell, n_found=cell.n_found + row.n)
        return found

    async def count(self) -> bool:
        """Bring the counts up to date; say whether there is more to count."""
        restricted = [name for name, row in self._policy.queues.items() if row.restricted]
        return await self._store.count_days(self._clock.now(), restricted)

    async def look_for_emerging(self) -> int:
        """Look for terms and clusters in the last week's texts; give how many there are.

        Nothing of a restricted queue is looked at.
        """
        now = self._clock.now()
        recent_since = now.date() - timedelta(days=RECENT_DAYS - 1)
        wanted = Slice(
            recent_since - timedelta(days=BEFORE_DAYS),
            now.date(),
            queues=self._open_queues(),
            hidden_labels=RESTRICTED_LABELS,
        )
        texts = await self._store.reported_texts(wanted, recent_since, MAX_TEXTS)
        found = await asyncio.to_thread(find_emerging, texts)
        await self._store.save_emerging(found, now)
        return len(found)

    async def _without_hints(self, who: Who, lines: Sequence[CaseLine]) -> list[CaseLine]:
        """Leave out the labels of cases that who asks holds blind: a model named some of them."""
        now = self._clock.now()
        held = await self._store.held_by(who.name, now, MAX_HELD)
        blind = {case.case_id for case in held if case.hides_hints_from(who.name, now)}
        return [replace(line, labels=()) if line.case_id in blind else line for line in lines]

    def _slice(self, who: Who, asked: Question, leaves: bool = False) -> Slice:
        may = RESTRICTED in who.scopes and not leaves
        if not may and asked.label in RESTRICTED_LABELS:
            raise ScopeMissing(RESTRICTED)
        return Slice(
            since=asked.since,
            until=asked.until,
            label=asked.label,
            language=asked.language,
            surface=asked.surface,
            # A queue the policy no longer has may have been a restricted one.
            queues=None if may else self._open_queues(),
            hidden_labels=() if may else RESTRICTED_LABELS,
            hint_labels=tuple(
                label.value for label, row in self._policy.labels.items() if not row.is_violation
            ),
        )

    def _open_queues(self) -> tuple[str, ...]:
        return tuple(name for name, row in self._policy.queues.items() if not row.restricted)
