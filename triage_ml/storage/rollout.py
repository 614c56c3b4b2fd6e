"""Trials of models beside the live one, and their counts.

Every write holds the lock under which models go live: which of them are there, and which may be
forgotten, is one order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from psycopg.types.json import Jsonb

from triage_ml.domain.guard import Decided, GuardLimits, Key
from triage_ml.domain.rollout import GUARD, RolloutStage, Trial, begin
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import NotFound
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Connection, Transactions


class StoredRollout(Transactions):
    """Keeps trials; see `triage_ml.ports.RolloutStore`."""

    async def open_trial(self) -> Trial | None:
        async with self._connection() as connection:
            return await _open_trial(connection)

    async def trials(self, limit: int = 100) -> list[Trial]:
        async with self._connection() as connection:
            return await _trials(connection, limit)

    async def begin_trial(self, asked: Trial) -> Trial:
        async def work(connection: Connection) -> Trial:
            await QUERIES.lock_live_model(connection)
            if not (await QUERIES.has_model_files(connection, version=asked.version))["there"]:
                raise NotFound("published model", asked.version)
            against = await _live(connection) or ""
            await _add(
                connection, begin(replace(asked, against=against), await _open_trial(connection))
            )
            return (await _trials(connection, 1))[0]

        return await self._run(work)

    async def end_trial(self, at: datetime, by: str, why: str, number: int | None = None) -> bool:
        async def work(connection: Connection) -> bool:
            await QUERIES.lock_live_model(connection)
            trial = await _open_trial(connection)
            if trial is None or number not in (None, trial.number):
                return False
            await _add(connection, trial.ended(at, by, why))
            return True

        return await self._run(work)

    async def go_back(self, number: int, at: datetime, why: str) -> bool:
        async def work(connection: Connection) -> bool:
            await QUERIES.lock_live_model(connection)
            trial = await _open_trial(connection)
            if trial is None or (trial.number, trial.stage) != (number, RolloutStage.PROBATION):
                return False
            if await _live(connection) != trial.against:
                return False
            given = {"version": trial.version, "at": at, "by": GUARD, "why": why}
            if not await QUERIES.make_model_live(connection, **given):
                raise NotFound("published model", trial.version)
            await _add(connection, trial.ended(at, GUARD, why))
            return True

        return await self._run(work)

    async def add_tally(self, number: int, counts: Mapping[Key, int]) -> None:
        names = ("measure", "language", "outcome", "n")
        counted = [dict(zip(names, (*key, n), strict=True)) for key, n in counts.items()]

        async def work(connection: Connection) -> None:
            await QUERIES.add_tally(connection, number=number, counts=rows.json_text(counted))

        await self._run(work)

    async def tally(self, number: int) -> dict[Key, int]:
        async with self._connection() as connection:
            found = QUERIES.tally(connection, number=number)
            return {
                (row["measure"], row["language"], row["outcome"]): row["n"] async for row in found
            }

    async def decided(self, trial: Trial, queues: Sequence[str]) -> list[Decided]:
        watches_live = trial.stage is RolloutStage.PROBATION
        async with self._connection() as connection:
            found = QUERIES.decided_pairs(
                connection,
                number=trial.number,
                version=trial.version,
                queues=list(queues),
                alarm_at=trial.limits.alarm_at,
            )
            return [_decided_of(row, watches_live) async for row in found]


async def follow_live(
    connection: Connection, before: str | None, version: str, at: datetime, by: str, why: str
) -> None:
    """Let the trial follow a change of the live model, in the transaction that makes it."""
    trial = await _open_trial(connection)
    if trial is not None:
        await _add(connection, trial.after(before, version, at, by, why))


async def _live(connection: Connection) -> str | None:
    live = [row["version"] async for row in QUERIES.live_models(connection, limit=1)]
    return live[0] if live else None


async def _open_trial(connection: Connection) -> Trial | None:
    newest = await _trials(connection, 1)
    return newest[0] if newest and newest[0].stage is not RolloutStage.ENDED else None


async def _trials(connection: Connection, limit: int) -> list[Trial]:
    return [_trial_of(row) async for row in QUERIES.trials(connection, limit=limit)]


async def _add(connection: Connection, trial: Trial) -> None:
    await QUERIES.add_trial(
        connection,
        version=trial.version,
        against=trial.against,
        stage=trial.stage.value,
        share=trial.share,
        at=trial.at,
        by=trial.by,
        why=trial.why,
        limits=Jsonb(asdict(trial.limits)),
    )


def _trial_of(row: rows.Row) -> Trial:
    limits = {k: v for k, v in row["limits"].items() if k in GuardLimits.__annotations__}
    return Trial(**{**row, "stage": RolloutStage(row["stage"]), "limits": GuardLimits(**limits)})


def _decided_of(row: rows.Row, watches_live: bool) -> Decided:
    pair = (row["live"], row["beside"]) if watches_live else (row["beside"], row["live"])
    return Decided(Language(row["language"]), row["upheld"], *pair, row["n"])
