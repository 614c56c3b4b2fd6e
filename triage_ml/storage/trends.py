"""Counts per day, the random sample, and what emerges."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from triage_ml.domain.case import CaseState
from triage_ml.domain.prevalence import WeightedSample
from triage_ml.domain.taxonomy import Language
from triage_ml.domain.terms import MAX_CHARS, Emerging, ReportedText
from triage_ml.ports.trends import (
    CaseLine,
    DayCount,
    Measure,
    QueueRecord,
    SampleRow,
    Slice,
    Split,
)
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Connection, Transactions

LINES_AT_ONCE = 100_000
"""Lines of the log that one transaction looks at."""

DAYS_AT_ONCE = 31
"""Days that one transaction counts when all are counted."""

SETTLED = timedelta(minutes=5)
"""No transaction lasts so long: lines of the log that are older have none missing before them."""


class StoredTrends(Transactions):
    """Counts in a table of their own; see `triage_ml.ports.trends.TrendStore`."""

    async def daily_counts(self, wanted: Slice, split: Split) -> list[DayCount]:
        async with self._connection() as connection:
            found = QUERIES.daily_sums(
                connection,
                since=wanted.since,
                until=wanted.until,
                split=split.value,
                **_filters(wanted),
            )
            return [
                DayCount(row["day"], Measure(row["measure"]), row["part"], row["n"])
                async for row in found
            ]

    async def sample(self, wanted: Slice) -> list[SampleRow]:
        async with self._connection() as connection:
            found = QUERIES.sample_sums(connection, **_times(wanted), **_filters(wanted))
            return [_sample_of(row) async for row in found]

    async def surfaces(self, wanted: Slice, limit: int = 100) -> list[str]:
        async with self._connection() as connection:
            found = QUERIES.busiest_surfaces(
                connection,
                since=wanted.since,
                until=wanted.until,
                limit=limit,
                **_filters(wanted),
            )
            return [row["surface"] async for row in found]

    async def trend_cases(self, wanted: Slice, measure: Measure, limit: int) -> list[CaseLine]:
        async with self._connection() as connection:
            found = QUERIES.trend_cases(
                connection,
                measure=measure.value,
                limit=limit,
                **_times(wanted),
                **_filters(wanted),
            )
            return [_line_of(row) async for row in found]

    async def cases_among(self, case_ids: Sequence[UUID], wanted: Slice) -> list[CaseLine]:
        async with self._connection() as connection:
            found = QUERIES.cases_among(connection, case_ids=list(case_ids), **_filters(wanted))
            return [_line_of(row) async for row in found]

    async def queue_records(self, wanted: Slice, min_people: int) -> list[QueueRecord]:
        async with self._connection() as connection:
            found = QUERIES.queue_records(
                connection, min_people=min_people, **_times(wanted), **_filters(wanted)
            )
            return [QueueRecord(**row) async for row in found]

    async def reported_texts(
        self, wanted: Slice, recent_since: date, limit: int
    ) -> list[ReportedText]:
        edge = _midnight(recent_since)
        whole = _times(wanted)
        spans = (
            ({"since_at": whole["since_at"], "until_at": edge}, False),
            ({"since_at": edge, "until_at": whole["until_at"]}, True),
        )
        texts: list[ReportedText] = []
        async with self._connection() as connection:
            for span, recent in spans:
                found = QUERIES.reported_texts(
                    connection, limit=limit, max_chars=MAX_CHARS, **span, **_filters(wanted)
                )
                texts += [_text_of(row, recent) async for row in found]
        return texts

    async def save_emerging(self, found: Sequence[Emerging], at: datetime) -> None:
        columns = [{**_columns(row), "key": row.key} for row in found]
        async with self._connection() as connection:
            if (await QUERIES.lock_emerging(connection))["taken"]:
                await QUERIES.drop_emerging(connection)
                await QUERIES.save_emerging(connection, rows=rows.json_text(columns), found_at=at)

    async def emerging(self) -> tuple[list[Emerging], datetime | None]:
        async with self._connection() as connection:
            found = [row async for row in QUERIES.emerging(connection)]
        return [_emerging_of(row) for row in found], found[0]["found_at"] if found else None

    async def count_days(self, now: datetime, restricted: Sequence[str]) -> bool:
        async def work(connection: Connection) -> bool:
            if not (await QUERIES.lock_counting(connection))["taken"]:
                return False
            await QUERIES.hide_queues(connection, names=list(restricted))
            return await _catch_up(connection, now)

        return await self._run(work)

    async def recount_days(self) -> None:
        async with self._connection() as connection:
            days = sorted([row["day"] async for row in QUERIES.every_day(connection)])
        for start in range(0, len(days), DAYS_AT_ONCE):
            async with self._connection() as connection:
                await QUERIES.wait_for_counting(connection)
                await _count(connection, days[start : start + DAYS_AT_ONCE])

    async def counted_from(self) -> date | None:
        async with self._connection() as connection:
            row = await QUERIES.first_counted_day(connection)
        first: date | None = row["day"]
        return first

    async def counted_at(self) -> datetime | None:
        async with self._connection() as connection:
            row = await QUERIES.count_progress(connection)
        return row["counted_at"] if row else None


async def _catch_up(connection: Connection, now: datetime) -> bool:
    """Count anew what the log has touched since; say whether the log goes on."""
    progress = await QUERIES.count_progress(connection)
    after = progress["counted_to"] if progress else 0
    lines = await QUERIES.log_to_count(
        connection, after=after, limit=LINES_AT_ONCE, settled=now - SETTLED
    )
    if lines["n"]:
        found = QUERIES.stale_days(connection, after=after, last=lines["last"])
        await _count(connection, [row["day"] async for row in found])
    await QUERIES.save_count_progress(
        connection, counted_to=lines["settled"] or after, counted_at=now
    )
    return bool(lines["n"] == LINES_AT_ONCE and lines["settled"])


async def _count(connection: Connection, days: Sequence[date]) -> None:
    await QUERIES.drop_days(connection, days=list(days))
    await QUERIES.count_days(connection, days=list(days))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _times(wanted: Slice) -> dict[str, datetime]:
    return {
        "since_at": _midnight(wanted.since),
        "until_at": _midnight(wanted.until + timedelta(days=1)),
    }


def _filters(wanted: Slice) -> dict[str, Any]:
    return {
        "label": wanted.label,
        "language": wanted.language,
        "surface": wanted.surface,
        "any_queue": wanted.queues is None,
        "queues": list(wanted.queues or ()),
        "hidden_labels": list(wanted.hidden_labels),
        "hint_labels": list(wanted.hint_labels),
    }


def _sample_of(row: Mapping[str, Any]) -> SampleRow:
    sums = {name: row[name] for name in WeightedSample.__dataclass_fields__}
    return SampleRow(Language(row["language"]), row["label"], WeightedSample(**sums))


def _line_of(row: Mapping[str, Any]) -> CaseLine:
    return CaseLine(
        case_id=row["case_id"],
        queue=row["queue"],
        language=Language(row["language"]),
        surface=row["surface"],
        state=CaseState(row["state"]),
        labels=tuple(row["labels"]),
        upheld=row["upheld"],
        at=row["at"],
    )


def _text_of(row: Mapping[str, Any], recent: bool) -> ReportedText:
    return ReportedText(**{**row, "language": Language(row["language"])}, recent=recent)


def _columns(row: Emerging) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Emerging.__dataclass_fields__}


def _emerging_of(row: Mapping[str, Any]) -> Emerging:
    kept = {name: row[name] for name in Emerging.__dataclass_fields__}
    kept |= {"language": Language(row["language"]), "case_ids": tuple(row["case_ids"])}
    return Emerging(**kept)
