"""Connections: one pool, its settings, and what its failures mean."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosql
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from triage_ml.errors import StoreUnavailable

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]
T = TypeVar("T")

QUERIES: Any = aiosql.from_path(
    Path(__file__).parent / "queries", "apsycopg", mandatory_parameters=False
)

MAX_TRIES = 4
"""Tries of a transaction that the server gave up in favour of another one."""

RECONNECT_SECONDS = 2.0
"""How long the pool itself tries to connect, ever less often; after that each call tries anew, so
that a database that was away for long is found again at once."""

LOST_RACE = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.UniqueViolation,
)
_NETWORK_IS_GONE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
"""After 20 s without a sign of the server a connection is lost; the system waits 15 minutes."""

_UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


def make_pool(
    url: str, *, max_size: int = 10, timeout_seconds: float = 5.0, name: str = "triage"
) -> Pool:
    """Describe a pool; opening it is what connects."""
    return AsyncConnectionPool(
        url,
        connection_class=AsyncConnection[DictRow],
        kwargs={
            "row_factory": dict_row,
            "application_name": name,
            "connect_timeout": 5,
            **_NETWORK_IS_GONE,
        },
        min_size=1,
        max_size=max_size,
        timeout=timeout_seconds,
        reconnect_timeout=RECONNECT_SECONDS,
        configure=_configure,
        check=AsyncConnectionPool.check_connection,
        open=False,
        name=name,
    )


async def _configure(connection: Connection) -> None:
    await connection.set_autocommit(True)
    await QUERIES.set_session(connection)
    await connection.set_autocommit(False)


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Run a transaction. Raises: StoreUnavailable, without the server's address or secrets."""
    try:
        async with pool.connection() as connection:
            yield connection
    except LOST_RACE:
        raise
    except _UNREACHABLE as error:
        raise StoreUnavailable(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Name the kind of failure: the server's own words can hold addresses and values."""
    if isinstance(error, PoolTimeout):
        return "no connection became free in time"
    if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
        return "it took too long"
    if isinstance(error, psycopg.errors.DiskFull):
        return "its disk is full"
    return "the connection was refused or lost"


class Transactions:
    """A pool and how to run transactions on it; the parts of the store build on this."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with transaction(self._pool) as connection:
                yield connection
        except LOST_RACE as error:
            raise StoreUnavailable("too many write to the same rows at once") from error

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a transaction, again if the server gave it up in favour of another one."""
        for n_tries in range(1, MAX_TRIES):
            try:
                async with transaction(self._pool) as connection:
                    return await work(connection)
            except LOST_RACE:
                await _pause(n_tries)
        async with self._connection() as connection:
            return await work(connection)


async def _pause(n_tries: int) -> None:
    await asyncio.sleep(0.005 * 2**n_tries)
