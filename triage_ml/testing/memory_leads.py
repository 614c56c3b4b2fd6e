"""Golden cases and second verdicts in memory, and what leads ask, computed from the log."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import quantiles
from uuid import UUID

from triage_ml.domain.case import Case, CaseState, Stage, Step
from triage_ml.domain.quality import Judgement, SampleKind, lot
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports import CaseEvent
from triage_ml.ports.leads import (
    GoldenCase,
    HandlingTime,
    HeldCase,
    Pair,
    Revision,
    Sample,
    SampleRequest,
    SecondVerdict,
    Settlement,
)
from triage_ml.testing.memory_decided import Decided, decisions


class MemoryLeads:
    """`triage_ml.ports.leads.LeadStore` for tests, beside the cases of `MemoryCaseStore`."""

    _cases: dict[UUID, Case]
    _events: dict[UUID, list[CaseEvent]]

    def __init__(self) -> None:
        super().__init__()
        self._golden: dict[UUID, GoldenCase] = {}
        self._retired: set[UUID] = set()
        self._verdicts: dict[UUID, SecondVerdict] = {}
        self._settled: dict[UUID, Settlement] = {}

    async def work_in_hand(
        self, now: datetime, queues: Sequence[str], limit: int
    ) -> list[HeldCase]:
        held = [
            HeldCase(
                case_id=case.case_id,
                claim_id=case.claim.claim_id,
                reviewer=case.claim.reviewer,
                queue=case.placement.queue,
                tier=case.placement.priority.tier,
                claimed_at=case.claim.claimed_at,
                lease_expires_at=case.claim.lease_expires_at,
                due_at=case.placement.due_at,
            )
            for case in self._cases.values()
            if case.claim is not None
            and case.claim.lease_expires_at > now
            and case.placement.queue in queues
        ]
        return sorted(held, key=lambda row: (row.reviewer, row.due_at, row.case_id))[:limit]

    async def draw_sample(self, request: SampleRequest, kind: SampleKind) -> UUID | None:
        if kind is SampleKind.GOLDEN:
            found = self._undrawn_golden(request)
        else:
            found = self._undrawn_decisions(request)
        return min(found, key=lambda x: _digest(f"{x}{request.reviewer}"), default=None)

    async def find_sample(self, sample_id: UUID, request: SampleRequest) -> Sample | None:
        found = [
            Sample(row.claim_id, SampleKind.DOUBLE, row.case.case_id, row.judgement, "")
            for row in self._sampled(request)
        ]
        found += self._golden_samples(request)
        return next((sample for sample in found if sample.sample_id == sample_id), None)

    async def add_second_verdict(self, verdict: SecondVerdict) -> None:
        if await self.find_second_verdict(verdict.sample.sample_id, verdict.reviewer):
            raise Conflict("this person has judged this case already")
        self._verdicts[verdict.review_id] = verdict

    async def find_second_verdict(self, sample_id: UUID, reviewer: str) -> Judgement | None:
        for row in self._verdicts.values():
            if (row.sample.sample_id, row.reviewer) == (sample_id, reviewer):
                return row.judgement
        return None

    async def add_golden(self, golden: GoldenCase) -> None:
        if any(row.case_id == golden.case_id for row in self._in_use()):
            raise Conflict("this case is a golden one already")
        self._golden[golden.golden_id] = golden

    async def retire_golden(self, golden_id: UUID, queues: Sequence[str], at: datetime) -> None:
        del at  # kept by PostgreSQL alone
        in_use = [row for row in self._in_use() if row.queue in queues]
        if golden_id not in {row.golden_id for row in in_use}:
            raise NotFound("golden case", str(golden_id))
        self._retired.add(golden_id)

    async def golden_cases(self, queues: Sequence[str], limit: int) -> list[GoldenCase]:
        found = [row for row in self._in_use() if row.queue in queues]
        return sorted(found, key=lambda row: (-row.marked_at.timestamp(), row.golden_id))[:limit]

    async def disagreements(self, queues: Sequence[str], limit: int) -> list[Pair]:
        found = [
            row
            for row in self._pairs(queues)
            if row.first.differs(row.second) and row.outcome is None
        ]
        return found[:limit]

    async def find_pair(self, review_id: UUID, queues: Sequence[str]) -> Pair | None:
        return next((row for row in self._pairs(queues) if row.review_id == review_id), None)

    async def settle(self, review_id: UUID, settlement: Settlement) -> None:
        open_pairs = await self.disagreements(list(self._queues()), len(self._verdicts))
        if review_id not in {row.review_id for row in open_pairs}:
            raise Conflict("there is nothing to settle any more")
        self._settled[review_id] = settlement

    async def pairs(self, since: datetime, queues: Sequence[str]) -> list[Pair]:
        return [row for row in self._pairs(queues) if row.judged_at >= since]

    async def revisions(self, since: datetime, queues: Sequence[str]) -> list[Revision]:
        first = {row.case.case_id: row for row in self._decided() if row.stage == Stage.FIRST}
        later = [
            row
            for row in self._decided()
            if row.stage == Stage.APPEAL
            and not row.unread
            and row.decided_at >= since
            and row.case.placement.queue in queues
        ]
        return [
            Revision(
                language=row.case.language.language,
                decided_at=row.decided_at,
                first=first[row.case.case_id].judgement,
                second=row.judgement,
                overturned=first[row.case.case_id].upheld != row.upheld
                or first[row.case.case_id].judgement.action is not row.judgement.action,
            )
            for row in sorted(later, key=lambda row: row.decided_at)
        ]

    async def handling_times(
        self, since: datetime, queues: Sequence[str], min_people: int
    ) -> list[HandlingTime]:
        cells: dict[tuple[str, Language], list[Decided]] = defaultdict(list)
        for row in self._decided():
            if row.decided_at >= since and row.case.placement.queue in queues:
                cells[row.queue, row.case.language.language].append(row)
        found = [
            HandlingTime(queue, language, len(rows), _seconds(rows, min_people))
            for (queue, language), rows in sorted(cells.items())
        ]
        every = [row for rows in cells.values() for row in rows]
        if every:
            found.append(HandlingTime(None, None, len(every), _seconds(every, min_people)))
        return found

    def _queues(self) -> set[str]:
        return {case.placement.queue for case in self._cases.values()}

    def _in_use(self) -> list[GoldenCase]:
        return [
            replace(
                row,
                queue=self._cases[row.case_id].placement.queue,
                language=self._cases[row.case_id].language.language,
            )
            for row in self._golden.values()
            if row.golden_id not in self._retired
        ]

    def _undrawn_golden(self, request: SampleRequest) -> list[UUID]:
        judged = {
            row.sample.sample_id
            for row in self._verdicts.values()
            if row.reviewer == request.reviewer
        }
        found = [sample.sample_id for sample in self._golden_samples(request)]
        return [x for x in found if x not in judged and x not in self._retired]

    def _undrawn_decisions(self, request: SampleRequest) -> list[UUID]:
        judged = {row.sample.sample_id for row in self._verdicts.values()}
        return [
            row.claim_id
            for row in self._sampled(request)
            if row.claim_id not in judged
            and row.decided_at >= request.since
            and row.case.state is CaseState.DECIDED
            and row.case.decision is not None
            and row.case.decision.claim_id == row.claim_id
        ]

    def _sampled(self, request: SampleRequest) -> Iterator[Decided]:
        for row in self._decided():
            drawn = lot(row.claim_id, row.decided_at) < request.share or row.drawn_at_random
            if drawn and self._may(row.case, row.judgement, request):
                yield row

    def _golden_samples(self, request: SampleRequest) -> list[Sample]:
        return [
            Sample(row.golden_id, SampleKind.GOLDEN, row.case_id, row.judgement, row.note)
            for row in self._golden.values()
            if row.marked_by != request.reviewer
            and self._may(self._cases[row.case_id], row.judgement, request)
        ]

    def _may(self, case: Case, known: Judgement, request: SampleRequest) -> bool:
        deciders = {e.actor for e in self._events[case.case_id] if e.step is Step.DECIDED}
        shown = {*case.placement.labels, *known.findings}
        return (
            case.item.erased is None
            and case.placement.queue in request.queues
            and request.reviewer not in deciders
            and not shown & set(request.excluded_labels)
        )

    def _decided(self) -> Iterator[Decided]:
        return decisions(self._cases, self._events)

    def _pairs(self, queues: Sequence[str]) -> list[Pair]:
        decided = {row.claim_id: row for row in self._decided()}
        rows = sorted(self._verdicts.values(), key=lambda row: (row.judged_at, row.review_id))
        found = [
            _pair(row, decided[row.sample.sample_id], self._settled.get(row.review_id))
            for row in rows
            if row.sample.kind is SampleKind.DOUBLE
        ]
        return [row for row in found if row.queue in queues]


def _pair(second: SecondVerdict, first: Decided, settled: Settlement | None) -> Pair:
    return Pair(
        review_id=second.review_id,
        case_id=first.case.case_id,
        decided_claim=first.claim_id,
        queue=first.case.placement.queue,
        language=first.case.language.language,
        first_reviewer=first.reviewer,
        first=first.judgement,
        second_reviewer=second.reviewer,
        second=second.judgement,
        second_note=second.note,
        judged_at=second.judged_at,
        outcome=settled.outcome if settled else None,
    )


def _seconds(rows: Sequence[Decided], min_people: int) -> tuple[float, float, float] | None:
    """Give the percentiles as PostgreSQL's percentile_cont does."""
    if len({row.reviewer for row in rows}) < min_people:
        return None
    took = [(row.decided_at - row.claimed_at).total_seconds() for row in rows]
    if len(took) == 1:
        return took[0], took[0], took[0]
    cuts = quantiles(took, n=100, method="inclusive")
    return cuts[49], cuts[89], cuts[98]


def _digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
