"""What stands beside a case, worked out of the cases in memory (see `triage_ml.testing.memory`)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from triage_ml.domain.case import OPEN_STATES, Case, CaseState, Step
from triage_ml.domain.decision import Decision
from triage_ml.domain.likelihood import SHOWN
from triage_ml.domain.sketch import Sketch, closest
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.ports import (
    MAX_COUNTED,
    AuthorHistory,
    CaseEvent,
    HintOutcomes,
    PastDecision,
    SimilarCase,
)


class _Cell(NamedTuple):
    language: Language
    label: Label
    band: int


class MemoryInsight:
    """`triage_ml.ports.InsightStore` for tests."""

    _cases: dict[UUID, Case]
    _events: dict[UUID, list[CaseEvent]]
    _sketches: dict[UUID, Sketch]

    async def unsketched(self, limit: int) -> list[tuple[UUID, str]]:
        waiting = [
            case
            for case, _ in self._concluded()
            if case.case_id not in self._sketches and case.item.erased is None
        ]
        return [(case.case_id, case.item.text) for case in waiting][:limit]

    async def save_sketches(self, sketches: Sequence[tuple[UUID, Sketch]]) -> None:
        for case_id, sketch in sketches:
            if self._cases[case_id].item.erased is None:
                self._sketches.setdefault(case_id, sketch)

    async def similar_cases(
        self, sketch: Sketch, item_id: str, queues: Sequence[str] | None, limit: int
    ) -> list[SimilarCase]:
        candidates = [
            (case, self._sketches[case.case_id].signature)
            for case, _ in self._concluded()
            if case.case_id in self._sketches
            and not set(sketch.bands).isdisjoint(self._sketches[case.case_id].bands)
            and case.state is CaseState.DECIDED
            and case.item.item_id != item_id
            and _seen(case, queues)
        ]
        return [SimilarCase(*found) for found in closest(sketch.signature, candidates, limit)]

    async def author_history(
        self,
        author_ref: str,
        but: UUID,
        since: datetime,
        queues: Sequence[str] | None,
        limit: int,
    ) -> AuthorHistory:
        def belongs(case: Case) -> bool:
            own = case.item.author_ref == author_ref and case.case_id != but
            return own and _seen(case, queues)

        n_open = sum(
            case.state in OPEN_STATES and case.received_at >= since and belongs(case)
            for case in self._cases.values()
        )
        over = [
            (case, decision)
            for case, decision in self._concluded()
            if case.state is CaseState.DECIDED and decision.decided_at >= since and belongs(case)
        ][:MAX_COUNTED]
        n_upheld = sum(decision.upheld for _, decision in over)
        return AuthorHistory(
            n_open=min(n_open, MAX_COUNTED),
            n_upheld=n_upheld,
            n_not_upheld=len(over) - n_upheld,
            n_overturned=sum(self._overturned(case) for case, _ in over),
            newest=tuple(PastDecision(case.case_id, decision) for case, decision in over[:limit]),
            capped=max(n_open, len(over)) >= MAX_COUNTED,
        )

    async def hint_outcomes(
        self, since: datetime, floors: Sequence[float], queues: Sequence[str]
    ) -> list[HintOutcomes]:
        hints = sorted(
            (_Cell(language, label, bisect_right(floors, trusted)), _seen(case, queues), found)
            for case, decision in self._concluded()
            if decision.decided_at >= since and not decision.unread
            if not self._withheld(case, decision)
            for language, label, trusted, found in _hints(case, decision)
        )
        return [
            _outcomes(cell, [(seen, found) for _, seen, found in group])
            for cell, group in groupby(hints, key=lambda row: row[0])
        ]

    def _concluded(self) -> list[tuple[Case, Decision]]:
        """Give the cases with a decision, newest first, also those under complaint."""
        found = [(case, case.decision) for case in self._cases.values() if case.decision]
        return sorted(found, key=lambda row: (-row[1].decided_at.timestamp(), row[0].case_id))

    def _overturned(self, case: Case) -> bool:
        """Whether a complaint changed the finding or the action."""
        decided = [
            (event.detail["dsa_category"] is None, event.detail["action"])
            for event in self._events[case.case_id]
            if event.step is Step.DECIDED
        ]
        return decided[0] != decided[-1]

    def _withheld(self, case: Case, decision: Decision) -> bool:
        """Whether who decided was not shown the hints: the log of the claim says so."""
        return any(
            event.detail.get("hints_withheld", False)
            for event in self._events[case.case_id]
            if event.step is Step.CLAIMED and event.detail["claim_id"] == str(decision.claim_id)
        )


def _seen(case: Case, queues: Sequence[str] | None) -> bool:
    return queues is None or case.placement.queue in queues


def _hints(case: Case, decision: Decision) -> Iterator[tuple[Language, Label, float, bool]]:
    if case.scores is None:
        return
    found = decision.verdict.findings
    for label, score in case.scores.labels.items():
        if score.trusted >= SHOWN:
            right = found.get(label, Severity.S0) >= Severity.S1
            yield case.scores.language, label, score.trusted, right


def _outcomes(cell: _Cell, rows: Sequence[tuple[bool, bool]]) -> HintOutcomes:
    seen = [found for is_seen, found in rows if is_seen]
    hidden = [found for is_seen, found in rows if not is_seen]
    return HintOutcomes(*cell, len(seen), sum(seen), len(hidden), sum(hidden))
