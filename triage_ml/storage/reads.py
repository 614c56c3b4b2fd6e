"""What is asked of the store without changing it."""

from datetime import datetime
from uuid import UUID

from triage_ml.domain.case import Case
from triage_ml.errors import NotFound
from triage_ml.ports import CaseEvent, ItemVersion, QueueDepth, StoredAppeal, StoredReport
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Transactions


class Reads(Transactions):
    """Cases, their logs and their queues; see `triage_ml.ports.CaseStore`."""

    async def get_case(self, case_id: UUID) -> Case:
        async with self._connection() as connection:
            row = await QUERIES.load_case(connection, case_id=case_id)
        if row is None:
            raise NotFound("case", str(case_id))
        return rows.case_of(row)

    async def held_by(self, reviewer: str, now: datetime, limit: int = 100) -> list[Case]:
        async with self._connection() as connection:
            found = QUERIES.held_by(connection, reviewer=reviewer, now=now, limit=limit)
            return [rows.case_of(row) async for row in found]

    async def owned_by(self, owner: str, now: datetime, limit: int = 100) -> list[Case]:
        async with self._connection() as connection:
            found = QUERIES.owned_by(connection, owner=owner, now=now, limit=limit)
            return [rows.case_of(row) async for row in found]

    async def case_of_claim(self, claim_id: UUID) -> UUID:
        async with self._connection() as connection:
            row = await QUERIES.case_of_claim(connection, claim_id=claim_id)
        if row is None:
            raise NotFound("claim", str(claim_id))
        case_id: UUID = row["case_id"]
        return case_id

    async def events(self, case_id: UUID, after: int = 0, limit: int = 500) -> list[CaseEvent]:
        async with self._connection() as connection:
            found = QUERIES.events(connection, case_id=case_id, after=after, limit=limit)
            events = [rows.event_of(row) async for row in found]
        if not events:
            await self.get_case(case_id)
        return events

    async def reports(self, case_id: UUID, limit: int = 100) -> list[StoredReport]:
        async with self._connection() as connection:
            found = QUERIES.reports(connection, case_id=case_id, limit=limit)
            return [rows.report_of(row) async for row in found]

    async def versions(self, case_id: UUID, limit: int = 20) -> list[ItemVersion]:
        async with self._connection() as connection:
            found = QUERIES.versions(connection, case_id=case_id, limit=limit)
            return [ItemVersion(**row) async for row in found]

    async def appeals(self, case_id: UUID) -> list[StoredAppeal]:
        async with self._connection() as connection:
            found = QUERIES.appeals(connection, case_id=case_id)
            return [StoredAppeal(**row) async for row in found]

    async def queue_depths(self, now: datetime) -> list[QueueDepth]:
        async with self._connection() as connection:
            found = QUERIES.queue_depths(connection, now=now)
            return [rows.depth_of(row) async for row in found]

    async def unscored(self, limit: int, max_failures: int) -> list[Case]:
        async with self._connection() as connection:
            found = QUERIES.unscored(connection, limit=limit, max_failures=max_failures)
            return [rows.case_of(row) async for row in found]

    async def ping(self) -> None:
        async with self._connection() as connection:
            await QUERIES.ping(connection)
