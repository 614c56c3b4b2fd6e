"""Databases for the tests that need one.

`TRIAGE_TEST_DATABASE_URL` names an external server (its user may create databases); without it
the embedded server is started once, in a folder of its own.
"""

import logging
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
import structlog
from hypothesis import settings

from tests.tables import empty_tables
from triage_ml.ports import CaseStore
from triage_ml.storage.embedded import EmbeddedServer
from triage_ml.storage.migrate import migrate
from triage_ml.storage.postgres import PostgresCaseStore
from triage_ml.testing import FixedClock
from triage_ml.testing.memory import MemoryCaseStore

# A busy machine is no defect: tests end by pytest's own limit, never by hypothesis' deadline.
settings.register_profile("triage", deadline=None)
settings.load_profile("triage")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Undo what a server that is started in this process does to everybody's logging."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()


@pytest.fixture
def short_tmp_path() -> Iterator[Path]:
    """A folder outside pytest's own, whose permissions pytest would set back."""
    folder = Path(tempfile.mkdtemp(prefix="triage-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    external = os.environ.get("TRIAGE_TEST_DATABASE_URL")
    if external:
        yield external
        return
    folder = Path(tempfile.mkdtemp(prefix="triage-test-"))
    with EmbeddedServer(folder) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync TO off")  # these data need no power cut
            connection.execute("SELECT pg_reload_conf()")
        yield server.url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(server_url):
    """Make empty databases, dropped at the end."""
    made = []

    def make() -> str:
        name = f"triage_test_{uuid4().hex}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made.append(name)
        return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))

    yield make
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated_url(new_database) -> str:
    url = new_database()
    migrate(url)
    return url


@pytest.fixture
def database_url(migrated_url) -> str:
    """A migrated database without rows."""
    empty(migrated_url)
    return migrated_url


def empty(url: str) -> None:
    """Empty every table."""
    with psycopg.connect(url) as connection:
        empty_tables(connection)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def postgres_store(database_url, clock) -> AsyncIterator[PostgresCaseStore]:
    async with PostgresCaseStore.at(database_url, now=clock.now) as store:
        yield store


@pytest.fixture(params=["memory", "postgres"])
async def store(request, clock) -> AsyncIterator[CaseStore]:
    """Each store in turn: what is promised holds for both."""
    if request.param == "memory":
        yield MemoryCaseStore(random.Random(1), clock.now)
        return
    url = request.getfixturevalue("database_url")
    async with PostgresCaseStore.at(url, now=clock.now) as postgres:
        yield postgres
