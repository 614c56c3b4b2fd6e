"""Days counted for drift, what they say, and alarms."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from triage_ml.domain.drift import DrawnDecision, DriftDay
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.drift_watch import Reading
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports.drift import DriftAlarm, Watched
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Connection, Transactions


class StoredDrift(Transactions):
    """Keeps sums, readings and alarms; see `triage_ml.ports.DriftStore`."""

    async def uncounted_drift_days(self, until: date, limit: int) -> list[date]:
        async with self._connection() as connection:
            found = QUERIES.uncounted_drift_days(connection, until=until, limit=limit)
            return [row["day"] async for row in found]

    async def texts_of_day(
        self, day: date, wanted: Watched, limit: int
    ) -> Mapping[Language, Sequence[str]]:
        texts: dict[Language, list[str]] = defaultdict(list)
        async with self._connection() as connection:
            async for row in QUERIES.texts_of_day(connection, limit=limit, **_given(day, wanted)):
                texts[Language(row["language"])].append(row["body"])
        return texts

    async def drawn_on(self, day: date, wanted: Watched) -> list[DrawnDecision]:
        async with self._connection() as connection:
            found = QUERIES.drawn_on(connection, **_given(day, wanted))
            return [_drawn_of(row) async for row in found]

    async def complaints_decided_on(
        self, day: date, wanted: Watched
    ) -> list[tuple[Language, bool]]:
        async with self._connection() as connection:
            found = QUERIES.complaints_decided_on(connection, **_given(day, wanted))
            return [(Language(row["language"]), row["overturned"]) async for row in found]

    async def save_drift_day(
        self, day: date, rows_: Sequence[DriftDay], counted_at: datetime
    ) -> None:
        columns = [{**asdict(row), "day": None} for row in rows_]
        async with self._connection() as connection:
            if (await QUERIES.lock_drift(connection))["taken"]:
                await QUERIES.drop_drift_day(connection, day=day)
                await QUERIES.add_drift_days(connection, day=day, rows=rows.json_text(columns))
                await QUERIES.note_drift_counted(connection, day=day, counted_at=counted_at)

    async def forget_drift_days(self) -> None:
        async def work(connection: Connection) -> None:
            await QUERIES.forget_drift_readings(connection)
            await QUERIES.forget_drift_counted(connection)
            await QUERIES.forget_drift_sums(connection)

        await self._run(work)

    async def drift_days(self, since: date, until: date) -> list[DriftDay]:
        async with self._connection() as connection:
            found = QUERIES.drift_days(connection, since=since, until=until)
            return [DriftDay(**{**row, "sums": tuple(row["sums"])}) async for row in found]

    async def last_drift_days(self) -> tuple[date | None, date | None]:
        async with self._connection() as connection:
            row = await QUERIES.last_drift_days(connection)
        return row["counted"], row["read"]

    async def save_readings(self, day: date, readings: Sequence[Reading]) -> None:
        columns = [_columns(row) for row in readings]
        async with self._connection() as connection:
            if (await QUERIES.lock_drift(connection))["taken"]:
                await QUERIES.drop_readings(connection, day=day)
                await QUERIES.add_readings(connection, day=day, rows=rows.json_text(columns))

    async def readings(self, since: date, language: str = "") -> list[Reading]:
        async with self._connection() as connection:
            found = QUERIES.readings(connection, since=since, language=language)
            return [_reading_of(row) async for row in found]

    async def raise_drift_alarms(
        self, readings: Sequence[Reading], at: datetime
    ) -> list[DriftAlarm]:
        columns = [{**_columns(row), "since": row.since or row.day} for row in readings]
        async with self._connection() as connection:
            found = QUERIES.raise_drift_alarms(connection, rows=rows.json_text(columns), at=at)
            return [_alarm_of(row) async for row in found]

    async def close_drift_alarms(self, keys: Sequence[Key], at: datetime) -> int:
        async with self._connection() as connection:
            given = rows.json_text([asdict(key) for key in keys])
            return int(await QUERIES.close_drift_alarms(connection, keys=given, at=at))

    async def acknowledge_drift_alarm(
        self, alarm_id: int, who: str, note: str, at: datetime, *, as_normal: bool
    ) -> DriftAlarm:
        given = {"who": who, "note": note, "at": at, "as_normal": as_normal}
        async with self._connection() as connection:
            row = await QUERIES.acknowledge_drift_alarm(connection, alarm_id=alarm_id, **given)
            if row is not None:
                return _alarm_of(row)
            if await QUERIES.find_drift_alarm(connection, alarm_id=alarm_id) is None:
                raise NotFound("alarm", str(alarm_id))
        raise Conflict("this alarm was acknowledged before")

    async def drift_alarms(self, limit: int, *, open_only: bool = False) -> list[DriftAlarm]:
        async with self._connection() as connection:
            found = QUERIES.drift_alarms(connection, limit=limit, open_only=open_only)
            return [_alarm_of(row) async for row in found]

    async def drift_restarts(self) -> Mapping[Key, date]:
        async with self._connection() as connection:
            found = QUERIES.drift_restarts(connection)
            return {Key(row["measure"], row["language"]): row["restart_on"] async for row in found}


def _given(day: date, wanted: Watched) -> dict[str, Any]:
    since = datetime.combine(day, time(), UTC)
    return {
        "since_at": since,
        "until_at": since + timedelta(days=1),
        "queues": list(wanted.queues),
        "hidden_labels": list(wanted.hidden_labels),
    }


def _drawn_of(row: rows.Row) -> DrawnDecision:
    found = tuple(Label(name) for name in row["found"])
    return DrawnDecision(**{**row, "language": Language(row["language"]), "found": found})


def _columns(row: Reading) -> dict[str, Any]:
    columns = asdict(row)
    columns["z_limit"] = columns.pop("limit")
    return columns


def _reading_of(row: rows.Row) -> Reading:
    columns = dict(row)
    limit = columns.pop("z_limit")
    return Reading(**columns, limit=limit)


def _alarm_of(row: rows.Row) -> DriftAlarm:
    columns = dict(row)
    limit = columns.pop("z_limit")
    return DriftAlarm(**columns, limit=limit)
