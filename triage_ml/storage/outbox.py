"""Announcements on their way to webhooks, and API keys."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from triage_ml.errors import Conflict, NotFound
from triage_ml.ports import ApiKey, Delivery
from triage_ml.storage import rows
from triage_ml.storage.pool import QUERIES, Transactions

FORGET_AT_ONCE = 5_000
"""Rows that one statement drops."""


class Outbox(Transactions):
    """Leases announcements; see `triage_ml.ports.CaseStore`."""

    async def take_deliveries(self, limit: int, now: datetime, lease: timedelta) -> list[Delivery]:
        async with self._connection() as connection:
            found = QUERIES.take_deliveries(
                connection, limit=limit, now=now, leased_until=now + lease
            )
            return [rows.delivery_of(row) async for row in found]

    async def settle_delivery(
        self, delivery_id: int, at: datetime, retry_at: datetime | None, error: str = ""
    ) -> None:
        async with self._connection() as connection:
            await QUERIES.settle_delivery(
                connection, delivery_id=delivery_id, at=at, retry_at=retry_at, error=error
            )

    async def n_undelivered(self) -> int:
        async with self._connection() as connection:
            row = await QUERIES.n_undelivered(connection)
        return int(row["n"])

    async def forget(self, before: datetime) -> int:
        n_answers = await self._drop(QUERIES.forget_answers, before)
        n_arrived = await self._drop(QUERIES.forget_arrived, before)
        return n_answers + n_arrived + await self._drop(QUERIES.forget_sessions, before)

    async def _drop(self, statement: Callable[..., Awaitable[int]], before: datetime) -> int:
        """Drop in short transactions, so that after any pause each ends in time."""
        n_dropped = 0
        while True:
            async with self._connection() as connection:
                n = await statement(connection, before=before, limit=FORGET_AT_ONCE)
            n_dropped += n
            if n < FORGET_AT_ONCE:
                return n_dropped


class Keys(Transactions):
    """Knows keys by their hash; see `triage_ml.ports.CaseStore`."""

    async def find_key(self, key_sha256: str) -> ApiKey | None:
        async with self._connection() as connection:
            row = await QUERIES.find_key(connection, key_sha256=key_sha256)
        return rows.key_of(row) if row else None

    async def add_key(self, key: ApiKey, key_sha256: str) -> None:
        async with self._connection() as connection:
            n_added = await QUERIES.add_key(
                connection,
                key_sha256=key_sha256,
                name=key.name,
                scopes=sorted(key.scopes),
                created_at=key.created_at,
            )
        if n_added == 0:
            raise Conflict(f"there is a valid key named {key.name}")

    async def list_keys(self) -> list[ApiKey]:
        async with self._connection() as connection:
            return [rows.key_of(row) async for row in QUERIES.list_keys(connection)]

    async def revoke_key(self, name: str, at: datetime) -> None:
        async with self._connection() as connection:
            n_revoked = await QUERIES.revoke_key(connection, name=name, at=at)
        if n_revoked == 0:
            raise NotFound("key", name)
