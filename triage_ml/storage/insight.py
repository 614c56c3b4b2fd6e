"""What stands beside a case: similar decided ones, its author's past, how right hints were."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from triage_ml.domain.sketch import Sketch, closest
from triage_ml.ports import MAX_COUNTED, AuthorHistory, HintOutcomes, SimilarCase
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Transactions

MAX_CANDIDATES = 64
"""Newest cases that share a band and are compared; of one much copied text there are more."""


class StoredInsight(Transactions):
    """See `triage_ml.ports.InsightStore`."""

    async def unsketched(self, limit: int) -> list[tuple[UUID, str]]:
        async with self._connection() as connection:
            found = QUERIES.unsketched(connection, limit=limit)
            return [(row["case_id"], row["body"]) async for row in found]

    async def save_sketches(self, sketches: Sequence[tuple[UUID, Sketch]]) -> None:
        async with self._connection() as connection:
            for case_id, sketch in sketches:
                await QUERIES.save_sketch(
                    connection,
                    case_id=case_id,
                    bands=list(sketch.bands),
                    signature=sketch.signature,
                )

    async def similar_cases(
        self, sketch: Sketch, item_id: str, queues: Sequence[str] | None, limit: int
    ) -> list[SimilarCase]:
        async with self._connection() as connection:
            candidates = [
                (row["case_id"], row["signature"])
                async for row in QUERIES.sharing_a_band(
                    connection,
                    bands=list(sketch.bands),
                    item_id=item_id,
                    limit=MAX_CANDIDATES,
                    **_seen(queues),
                )
            ]
            return [
                SimilarCase(
                    rows.case_of(await QUERIES.load_case(connection, case_id=case_id)), similarity
                )
                for case_id, similarity in closest(sketch.signature, candidates, limit)
            ]

    async def author_history(
        self,
        author_ref: str,
        but: UUID,
        since: datetime,
        queues: Sequence[str] | None,
        limit: int,
    ) -> AuthorHistory:
        asked = {"author_ref": author_ref, "but": but, "since": since, **_seen(queues)}
        async with self._connection() as connection:
            counts = await QUERIES.author_counts(connection, most=MAX_COUNTED, **asked)
            newest = [
                rows.past_decision_of(row)
                async for row in QUERIES.author_decisions(connection, limit=limit, **asked)
            ]
        return AuthorHistory(**counts, newest=tuple(newest))

    async def hint_outcomes(
        self, since: datetime, floors: Sequence[float], queues: Sequence[str]
    ) -> list[HintOutcomes]:
        async with self._connection() as connection:
            found = QUERIES.hint_outcomes(
                connection, since=since, floors=list(floors), queues=list(queues)
            )
            return [rows.hint_outcomes_of(row) async for row in found]


def _seen(queues: Sequence[str] | None) -> dict[str, Any]:
    return {"any_queue": queues is None, "queues": list(queues or ())}
