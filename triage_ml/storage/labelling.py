"""Cases to choose from, and the picks."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from triage_ml.domain.labelling import Pick, Strategy
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.domain.terms import MAX_CHARS
from triage_ml.ports.labelling import CandidateQuery, PickResult, StoredPick, WaitingCase
from triage_ml.storage import rows
from triage_ml.storage.pool import LOST_RACE, QUERIES, Transactions, transaction


class StoredLabelling(Transactions):
    """Keeps what was chosen to learn from; see `triage_ml.ports.LabellingStore`."""

    async def label_candidates(self, wanted: CandidateQuery) -> tuple[list[WaitingCase], int]:
        async with self._connection() as connection:
            found = [
                row
                async for row in QUERIES.label_candidates(
                    connection,
                    queues=list(wanted.queues),
                    hidden_labels=list(wanted.hidden_labels),
                    received_before=wanted.received_before,
                    due_after=wanted.due_after,
                    limit=wanted.limit,
                    salt=wanted.salt,
                    max_chars=MAX_CHARS,
                )
            ]
        return [_waiting_of(row) for row in found], found[0]["n_eligible"] if found else 0

    async def n_decided_of(self, case_ids: Sequence[UUID]) -> int:
        async with self._connection() as connection:
            row = await QUERIES.n_decided_of(connection, case_ids=list(case_ids))
        return int(row["n"])

    async def save_picks(self, picks: Sequence[StoredPick]) -> bool:
        written = rows.json_text([_columns(pick) for pick in picks])
        try:
            async with transaction(self._pool) as connection:
                await QUERIES.add_picks(connection, picks=written)
        except LOST_RACE:
            return False
        return True

    async def picks_of(self, day: date) -> list[StoredPick]:
        async with self._connection() as connection:
            return [_pick_of(row) async for row in QUERIES.picks_of(connection, day=day)]

    async def picks_to_move(self, limit: int) -> list[StoredPick]:
        async with self._connection() as connection:
            return [_pick_of(row) async for row in QUERIES.picks_to_move(connection, limit=limit)]

    async def settle_pick(self, day: date, slot: int, at: datetime, *, moved: bool) -> bool:
        async with self._connection() as connection:
            row = await QUERIES.settle_pick(connection, day=day, slot=slot, at=at, moved=moved)
        return row is not None

    async def find_pick(self, case_id: UUID) -> StoredPick | None:
        async with self._connection() as connection:
            row = await QUERIES.find_pick(connection, case_id=case_id)
        return _pick_of(row) if row else None

    async def pick_results(
        self, since: datetime, queue: str, queues: Sequence[str], hidden_labels: Sequence[str]
    ) -> list[PickResult]:
        async with self._connection() as connection:
            found = QUERIES.pick_results(
                connection,
                since=since,
                queue=queue,
                queues=list(queues),
                hidden_labels=list(hidden_labels),
            )
            return [_result_of(row) async for row in found]


def _waiting_of(row: rows.Row) -> WaitingCase:
    summary = rows.summary_of(row["summary"])
    return WaitingCase(
        case_id=row["case_id"],
        text=row["text"],
        scores=rows.scores_of(row["scores"]),
        reasons=frozenset(summary.reason_labels),
        sources=tuple(summary.sources),
        challenger=_trial_of(row) if row["labels"] is not None else None,
    )


def _trial_of(row: rows.Row) -> LabelScores:
    labels = rows.recorded_labels(row["labels"])
    return LabelScores(labels, row["p_violation"], Language(row["language"]), row["model_version"])


def _columns(row: StoredPick) -> dict[str, object]:
    pick = row.pick
    return {
        "day": row.day,
        "slot": row.slot,
        "case_id": pick.case_id,
        "picked_at": row.picked_at,
        "language": pick.language,
        "strategy": pick.strategy,
        "label": pick.label,
        "score": pick.score,
        "chance": pick.chance,
        "n_eligible": row.n_eligible,
    }


def _pick_of(row: rows.Row) -> StoredPick:
    pick = Pick(
        case_id=row["case_id"],
        language=Language(row["language"]),
        strategy=Strategy(row["strategy"]),
        score=row["score"],
        label=Label(row["label"]) if row["label"] else None,
        chance=row["chance"],
    )
    names = ("day", "slot", "picked_at", "n_eligible", "moved_at", "missed_at")
    return StoredPick(pick=pick, **{name: row[name] for name in names})


def _result_of(row: rows.Row) -> PickResult:
    return PickResult(
        **{
            **row,
            "language": Language(row["language"]),
            "strategy": Strategy(row["strategy"]),
        }
    )
