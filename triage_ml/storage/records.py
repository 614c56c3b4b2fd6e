"""Scores as they were."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg

from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import NotFound
from triage_ml.ports.records import ScoreRecord
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Transactions


class StoredRecords(Transactions):
    """Keeps what models said; see `triage_ml.ports.RecordStore`."""

    async def scores_of(self, case_id: UUID) -> list[ScoreRecord]:
        async with self._connection() as connection:
            if await QUERIES.is_case(connection, case_id=case_id) is None:
                raise NotFound("case", str(case_id))
            return [_record_of(row) async for row in QUERIES.scores_of(connection, case_id=case_id)]

    async def scores_since(
        self, since: datetime, until: datetime, queues: Sequence[str], limit: int, after: int = 0
    ) -> list[ScoreRecord]:
        given = {"since": since, "until": until, "limit": limit, "after": after}
        async with self._connection() as connection:
            found = QUERIES.scores_since(connection, **given, queues=list(queues))
            return [_record_of(row) async for row in found]

    async def add_shadow_scores(self, records: Sequence[ScoreRecord]) -> None:
        scores = rows.json_text([rows.score_columns(record) for record in records])
        async with self._connection() as connection:
            try:
                await QUERIES.add_scores(connection, scores=scores)
            except psycopg.errors.ForeignKeyViolation as error:
                raise NotFound("case", "of a score") from error


def _record_of(row: rows.Row) -> ScoreRecord:
    return ScoreRecord(
        **{
            **row,
            "arm": Arm(row["arm"]),
            "language": Language(row["language"]),
            "labels": rows.recorded_labels(row["labels"]),
        }
    )
