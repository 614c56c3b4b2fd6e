"""Scores as they were, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from triage_ml.domain.case import Case, Change
from triage_ml.errors import NotFound
from triage_ml.ports.records import ScoreRecord


class MemoryRecords:
    """Keeps what models said; see `triage_ml.ports.RecordStore`."""

    _cases: Mapping[UUID, Case]

    def __init__(self) -> None:
        super().__init__()
        self._scores: list[ScoreRecord] = []

    async def scores_of(self, case_id: UUID) -> list[ScoreRecord]:
        if case_id not in self._cases:
            raise NotFound("case", str(case_id))
        return [row for row in self._scores if row.case_id == case_id]

    async def scores_since(
        self, since: datetime, until: datetime, queues: Sequence[str], limit: int, after: int = 0
    ) -> list[ScoreRecord]:
        last = (self._scores[after - 1].at, after) if after else (since, 0)
        found = (
            row
            for row in self._scores
            if row.at < until
            and (row.at, row.score_id) > last
            and self._cases[row.case_id].placement.queue in queues
        )
        return sorted(found, key=lambda row: (row.at, row.score_id))[:limit]

    async def add_shadow_scores(self, records: Sequence[ScoreRecord]) -> None:
        for row in records:
            if row.case_id not in self._cases:
                raise NotFound("case", "of a score")
        for row in records:
            self._scores.append(replace(row, score_id=len(self._scores) + 1))

    def _record(self, change: Change, at: datetime) -> None:
        if change.scored is None:
            return
        scores, arm = change.scored
        case = change.case
        made = ScoreRecord.of(
            case.case_id, case.item.version_sha256, len(case.item.text), scores, arm, at
        )
        self._scores.append(replace(made, score_id=len(self._scores) + 1))
