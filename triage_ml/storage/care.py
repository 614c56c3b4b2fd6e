"""Ledgers of exposure."""

from datetime import datetime

from triage_ml.domain.care import Exposure, PersonDose
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.storage.outbox import FORGET_AT_ONCE
from triage_ml.storage.pool import QUERIES, Connection, Transactions


class StoredCare(Transactions):
    """Keeps what people read for themselves; see `triage_ml.ports.CareStore`."""

    async def exposures(self, reviewer: str, since: datetime) -> list[Exposure]:
        async with self._connection() as connection:
            found = QUERIES.exposures(connection, reviewer=reviewer, since=since)
            return [
                Exposure(**{**row, "labels": tuple(Label(name) for name in row["labels"])})
                async for row in found
            ]

    async def erase_exposures(self, reviewer: str) -> int:
        async with self._connection() as connection:
            return int(await QUERIES.erase_exposures(connection, reviewer=reviewer))

    async def doses(self, since: datetime, until: datetime) -> list[PersonDose]:
        async with self._connection() as connection:
            found = QUERIES.doses(connection, since=since, until=until)
            return [
                PersonDose(Language(row["locale"]), row["points"], row["highest_day"])
                async for row in found
            ]

    async def forget_exposures(self, before: datetime) -> int:
        async with self._connection() as connection:
            n = await QUERIES.forget_exposures(connection, before=before, limit=FORGET_AT_ONCE)
        return int(n)

    async def urgent_waits(self, queue: str, now: datetime) -> bool:
        async with self._connection() as connection:
            row = await QUERIES.urgent_waits(connection, queue=queue, now=now)
        return bool(row["waits"])


async def note_exposure(connection: Connection, row: Exposure) -> None:
    """Write a row in the transaction that is running."""
    await QUERIES.note_exposure(
        connection,
        reviewer=row.reviewer,
        began_at=row.began_at,
        at=row.at,
        points=row.points,
        labels=[label.value for label in row.labels],
    )
