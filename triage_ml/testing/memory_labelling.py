"""Picks in memory, and what came of them (see `triage_ml.testing.memory`)."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from triage_ml.domain.case import Case, CaseState, Stage
from triage_ml.domain.decision import Decision
from triage_ml.domain.labelling import Strategy
from triage_ml.domain.scores import Arm, LabelScores
from triage_ml.domain.taxonomy import Language, Tier
from triage_ml.domain.terms import MAX_CHARS
from triage_ml.ports.labelling import CandidateQuery, PickResult, StoredPick, WaitingCase
from triage_ml.ports.records import ScoreRecord


class MemoryLabelling:
    """`triage_ml.ports.LabellingStore` for tests."""

    _cases: Mapping[UUID, Case]
    _scores: list[ScoreRecord]

    def __init__(self) -> None:
        super().__init__()
        self._picks: dict[tuple[date, int], StoredPick] = {}

    async def label_candidates(self, wanted: CandidateQuery) -> tuple[list[WaitingCase], int]:
        found = [case for case in self._cases.values() if self._may_choose(case, wanted)]
        found.sort(key=lambda case: _lot(case.case_id, wanted.salt))
        drawn = sorted(found[: wanted.limit], key=lambda case: case.case_id)
        return [self._waiting(case) for case in drawn], len(found)

    async def n_decided_of(self, case_ids: Sequence[UUID]) -> int:
        known = [self._cases[case_id] for case_id in set(case_ids) if case_id in self._cases]
        return sum(case.state is CaseState.DECIDED for case in known)

    async def save_picks(self, picks: Sequence[StoredPick]) -> bool:
        chosen = {row.pick.case_id for row in self._picks.values() if row.missed_at is None}
        slots = {(row.day, row.slot) for row in picks}
        cases = {row.pick.case_id for row in picks}
        if len(slots) < len(picks) or len(cases) < len(picks):
            return False
        if slots & self._picks.keys() or cases & chosen:
            return False
        self._picks |= {(row.day, row.slot): row for row in picks}
        return True

    async def picks_of(self, day: date) -> list[StoredPick]:
        found = [row for row in self._picks.values() if row.day == day]
        return sorted(found, key=lambda row: row.slot)

    async def picks_to_move(self, limit: int) -> list[StoredPick]:
        found = [row for row in self._picks.values() if _is_open(row)]
        return sorted(found, key=lambda row: (row.picked_at, row.day, row.slot))[:limit]

    async def settle_pick(self, day: date, slot: int, at: datetime, *, moved: bool) -> bool:
        row = self._picks.get((day, slot))
        if row is None or not _is_open(row):
            return False
        settled = replace(row, moved_at=at) if moved else replace(row, missed_at=at)
        self._picks[day, slot] = settled
        return True

    async def find_pick(self, case_id: UUID) -> StoredPick | None:
        for row in self._picks.values():
            if row.pick.case_id == case_id and row.missed_at is None:
                return row
        return None

    async def pick_results(
        self, since: datetime, queue: str, queues: Sequence[str], hidden_labels: Sequence[str]
    ) -> list[PickResult]:
        groups: dict[tuple[Language, Strategy], list[StoredPick]] = defaultdict(list)
        for row in self._picks.values():
            case = self._cases[row.pick.case_id]
            decision = _own_decision(row, case)
            hidden = decision is not None and not _labels(decision).isdisjoint(hidden_labels)
            if row.picked_at >= since and case.placement.queue in queues and not hidden:
                groups[row.pick.language, row.pick.strategy].append(row)
        return [
            self._result(*key, groups[key], queue)
            for key in sorted(groups, key=lambda key: (key[0].value, key[1].value))
        ]

    def _result(
        self, language: Language, strategy: Strategy, rows: Sequence[StoredPick], queue: str
    ) -> PickResult:
        pairs = [(row, self._cases[row.pick.case_id]) for row in rows]
        decided = [found for row, case in pairs if (found := _own_decision(row, case))]
        return PickResult(
            language=language,
            strategy=strategy,
            n_picked=len(rows),
            n_missed=sum(row.missed_at is not None for row in rows),
            n_left=sum(_has_left(row, case, queue) for row, case in pairs),
            n_decided=len(decided),
            n_upheld=sum(decision.upheld for decision in decided),
            labels=dict(Counter(label for found in decided for label in _applied(found))),
        )

    def _may_choose(self, case: Case, wanted: CandidateQuery) -> bool:
        chosen = {row.pick.case_id for row in self._picks.values() if row.missed_at is None}
        return (
            case.state is CaseState.QUEUED
            and case.stage is Stage.FIRST
            and case.item.erased is None
            and case.placement.priority.tier >= Tier.T3
            and case.placement.queue in wanted.queues
            and case.scores is not None
            and not case.awaits_scores
            and case.owner is None
            and case.language.language is not Language.UND
            and case.received_at < wanted.received_before
            and case.placement.due_at > wanted.due_after
            and not {label.value for label in case.placement.labels} & {*wanted.hidden_labels}
            and case.case_id not in chosen
        )

    def _waiting(self, case: Case) -> WaitingCase:
        if case.scores is None:
            raise ValueError("a case without scores is never chosen")
        return WaitingCase(
            case_id=case.case_id,
            text=case.item.text[:MAX_CHARS],
            scores=case.scores,
            reasons=frozenset(case.summary.reason_labels),
            sources=case.summary.sources,
            challenger=self._trial(case, case.scores.model_version),
        )

    def _trial(self, case: Case, live: str) -> LabelScores | None:
        said = [
            row
            for row in self._scores
            if row.case_id == case.case_id
            and row.version_sha256 == case.item.version_sha256
            and row.arm is not Arm.LIVE
            and row.model_version != live
        ]
        if not said:
            return None
        last = said[-1]
        return LabelScores(last.labels, last.p_violation, last.language, last.model_version)


def _lot(case_id: UUID, salt: str) -> str:
    # Spreads, protects nothing.
    return hashlib.md5(f"{case_id}{salt}".encode(), usedforsecurity=False).hexdigest()


def _is_open(row: StoredPick) -> bool:
    return row.moved_at is None and row.missed_at is None


def _own_decision(row: StoredPick, case: Case) -> Decision | None:
    """Give the newest decision, unless it is from before the case was moved."""
    found = case.decision
    if found is None or found.unread or row.moved_at is None or found.decided_at < row.moved_at:
        return None
    return found


def _labels(decision: Decision) -> frozenset[str]:
    return frozenset(label.value for label in decision.verdict.findings)


def _applied(decision: Decision) -> list[str]:
    return [label.value for label, severity in decision.verdict.findings.items() if severity >= 1]


def _has_left(row: StoredPick, case: Case, queue: str) -> bool:
    unread = case.decision is not None and case.decision.unread
    elsewhere = case.placement.queue != queue or case.state is CaseState.WITHDRAWN or unread
    return row.moved_at is not None and _own_decision(row, case) is None and elsewhere
