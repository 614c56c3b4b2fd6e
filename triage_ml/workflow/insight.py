"""What stands beside a case: similar decided ones, its author's past, how right hints were."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage_ml.domain.case import Case
from triage_ml.domain.likelihood import LIKELIHOODS, likelihood
from triage_ml.domain.policy import Policy
from triage_ml.domain.report import Item
from triage_ml.domain.sketch import sketch_of
from triage_ml.domain.stats import wilson
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.ports import (
    AuthorHistory,
    Clock,
    HintOutcomes,
    InsightStore,
    SimilarCase,
    Who,
)
from triage_ml.workflow.review import RESTRICTED

MAX_SIMILAR = 5
MAX_PAST = 5
AUTHOR_WINDOW = timedelta(days=365)
RECORD_WINDOW = timedelta(days=30)
RECORD_LASTS = timedelta(seconds=60)
MIN_DECISIONS = 20
"""Fewer decisions give no share: its interval would be about 40 points wide."""
MAX_UNSEEN = 0.05
"""With more of a hint's decisions hidden from who asks, what is left says something else."""
SKETCHES_AT_ONCE = 16
"""Few, because making them holds up other Python threads: some milliseconds."""

_FLOORS = tuple(floor for floor, _ in reversed(LIKELIHOODS))
_WORDS = tuple(likelihood(floor) for floor in (0.0, *_FLOORS))  # of each band

Cell = tuple[Language, Label, str]
"""A hint: language, label, and the word for its probability."""


@dataclass(frozen=True, slots=True)
class HintRecord:
    """How often a hint was right, with a 95 % interval; too few decisions give no share."""

    n: int = 0
    n_right: int = 0

    @property
    def enough(self) -> bool:
        return self.n >= MIN_DECISIONS

    @property
    def share(self) -> float:
        return self.n_right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.n_right, self.n)


@dataclass(frozen=True, slots=True)
class HintRecords:
    """What became of the hints of the last 30 days. A cell that must not be told is None."""

    cells: Mapping[Cell, HintRecord | None]

    def of(self, language: Language, label: Label, word: str) -> HintRecord | None:
        return self.cells.get((language, label, word), HintRecord())


@dataclass(frozen=True, slots=True)
class CaseInsight:
    """What is known beside a case, as far as who asks may see it."""

    similar: Sequence[SimilarCase]
    author: AuthorHistory
    records: HintRecords


class Insight:
    """Reads for one process. The records of hints are asked for once a minute, not per page."""

    def __init__(self, store: InsightStore, policy: Policy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._asking = asyncio.Lock()
        self._outcomes: Sequence[HintOutcomes] = ()
        self._asked_at: datetime | None = None

    async def of(self, who: Who, case: Case) -> CaseInsight:
        """Find what stands beside a case that who asks may see. Raises: StoreUnavailable."""
        may = RESTRICTED in who.scopes
        queues = None if may else self._open_queues()
        item, since = case.item, self._clock.now() - AUTHOR_WINDOW
        return CaseInsight(
            await self._similar(item, queues),
            await self._store.author_history(
                item.author_ref, case.case_id, since, queues, MAX_PAST
            ),
            HintRecords({_cell(row): _record(row, may) for row in await self._recent()}),
        )

    async def _similar(self, item: Item, queues: Sequence[str] | None) -> Sequence[SimilarCase]:
        if item.erased is not None:
            return ()
        sketch = await asyncio.to_thread(sketch_of, item.text)
        return await self._store.similar_cases(sketch, item.item_id, queues, MAX_SIMILAR)

    async def _recent(self) -> Sequence[HintOutcomes]:
        async with self._asking:
            now = self._clock.now()
            if self._asked_at is None or now - self._asked_at >= RECORD_LASTS:
                self._outcomes = await self._store.hint_outcomes(
                    now - RECORD_WINDOW, _FLOORS, self._open_queues()
                )
                self._asked_at = now
            return self._outcomes

    def _open_queues(self) -> tuple[str, ...]:
        """Name the queues everybody may see; one the policy no longer has is not among them."""
        return tuple(name for name, row in self._policy.queues.items() if not row.restricted)


async def sketch_decided(store: InsightStore, limit: int = SKETCHES_AT_ONCE) -> int:
    """Sketch texts of decided cases that have none, newest first; give how many."""
    waiting = await store.unsketched(limit)
    if waiting:
        made = await asyncio.to_thread(lambda: [(name, sketch_of(text)) for name, text in waiting])
        await store.save_sketches(made)
    return len(waiting)


def _cell(row: HintOutcomes) -> Cell:
    return row.language, row.label, _WORDS[row.band]


def _record(row: HintOutcomes, may: bool) -> HintRecord | None:
    n_all = row.n + row.n_hidden
    if may:
        return HintRecord(n_all, row.n_right + row.n_hidden_right)
    if row.n_hidden > MAX_UNSEEN * n_all:
        return None
    return HintRecord(row.n, row.n_right)
