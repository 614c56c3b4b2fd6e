"""Migrations, and what happens when the database is away."""

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.contract.steps import NOW, decided, report, request
from triage_ml.domain.admission import fail_scoring
from triage_ml.errors import SetupFailed, StoreUnavailable
from triage_ml.storage import migrate as migrations
from triage_ml.storage import pool
from triage_ml.storage.embedded import EmbeddedServer
from triage_ml.storage.migrate import migrate
from triage_ml.storage.pool import QUERIES, make_pool
from triage_ml.storage.postgres import PostgresCaseStore, utc_now

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'triage'"
BLOCKED = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
NEW_TEXT_AND_CLAIM = """
WITH version AS (
    INSERT INTO item_version
    SELECT item_id, 'new', 'new', '[]', %(now)s FROM triage_case
), claimed AS (
    INSERT INTO claim (claim_id, case_id, reviewer, claimed_at, lease_expires_at,
        drawn_at_random, propensity)
    SELECT case_id, case_id, 'ben', %(now)s, %(now)s, false, 1 FROM triage_case
)
UPDATE triage_case SET version_sha256 = 'new', state = 'claimed', claim_id = case_id,
    lease_expires_at = %(now)s
"""
OLD_ANSWERS = """
INSERT INTO idempotency (actor, key, body_sha256, created_at)
SELECT 'intake', 'old-' || n, '', %(at)s FROM generate_series(1, 100) n
"""
OLD_ANNOUNCEMENTS = """
INSERT INTO outbox (case_id, payload, created_at, next_attempt_at, delivered_at)
SELECT case_id, '{}', %(at)s, %(at)s, %(at)s FROM triage_case, generate_series(1, 100) n
"""
DIES_BEFORE_MARKING = """
import os, sys
from pathlib import Path
from yoyo.backends import DatabaseBackend
from triage_ml.storage import migrate

migrate.FOLDER = Path(sys.argv[2])
DatabaseBackend.mark_one = lambda *words, **options: os._exit(9)
migrate.migrate(sys.argv[1])
"""
NOWHERE = "postgresql://somebody:secret@127.0.0.1:1/nothing"


def test_migrating_twice_is_migrating_once(new_database):
    """The second time nothing is done, and quickly."""
    url = new_database()
    version = migrate(url)
    begin = time.monotonic()
    assert migrate(url) == version
    assert time.monotonic() - begin < 0.5  # 2 ms on an idle machine


def test_several_may_migrate_at_once(new_database):
    """Each process of a deployment does so at its start."""
    url = new_database()
    versions = []
    threads = [threading.Thread(target=lambda: versions.append(migrate(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(versions) == 4
    assert len(set(versions)) == 1


def test_the_lock_of_a_killed_migration_does_not_stay(new_database):
    """A row that a dead process left in yoyo's table is cleared."""
    url = new_database()
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO yoyo_lock (locked, pid) VALUES (1, 999999)")
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id LIKE '0002%'")
        connection.execute("DROP FUNCTION live_index")
        for function in ("rewriting_history", "illegal_move", "illegal_step"):
            connection.execute(f"DROP FUNCTION refuse_{function} CASCADE")
    assert migrate(url) == migrate(url)


def test_a_killed_migration_is_begun_anew(new_database, tmp_path, monkeypatch):
    """Its statements and its mark are one transaction: both are there, or neither."""
    url = new_database()
    (tmp_path / "0001_kinds.sql").write_text("CREATE TYPE kind AS ENUM ('a');\nCREATE TABLE t ();")
    (tmp_path / "0002_more.sql").write_text("-- depends: 0001_kinds\nCREATE TABLE more (k kind);")
    words = [sys.executable, "-c", DIES_BEFORE_MARKING, url, str(tmp_path)]
    assert subprocess.run(words, check=False).returncode == 9
    monkeypatch.setattr(migrations, "FOLDER", tmp_path)
    assert migrate(url) == "0002_more"
    with psycopg.connect(url) as connection:
        assert connection.execute("TABLE more").fetchall() == []


def test_migrating_leaves_no_errors_in_the_servers_log(short_tmp_path):
    """Who reads it after a failure should find that failure only."""
    with EmbeddedServer(short_tmp_path) as server:
        migrate(server.url)
        with psycopg.connect(server.url) as connection:
            connection.execute("DELETE FROM _yoyo_migration WHERE migration_id LIKE '0003%'")
            connection.execute("DROP INDEX idempotency_by_age, outbox_delivered")
        migrate(server.url)
    assert "ERROR" not in (short_tmp_path / "server.log").read_text()


def test_a_newer_schema_is_not_touched(new_database):
    """Older code must not write to it."""
    url = new_database()
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('x', '9999_later')"
        )
    with pytest.raises(SetupFailed, match="9999_later"):
        migrate(url)


@pytest.mark.parametrize("url", [NOWHERE, "not a url", "postgresql://%zz"])
def test_an_unreachable_database_is_a_setup_failure(url):
    """In one line without the password."""
    with pytest.raises(SetupFailed) as caught:
        migrate(url)
    assert "secret" not in str(caught.value)


def test_another_kind_of_url_is_refused(new_database):
    """What libpq would take, the migrations do not: one form everywhere."""
    words = make_conninfo(**conninfo_to_dict(new_database()))
    with pytest.raises(SetupFailed, match="postgresql://"):
        migrate(words)


def test_a_broken_migration_is_a_setup_failure(new_database, tmp_path, monkeypatch):
    """And the kind of error is named."""
    (tmp_path / "0001_wrong.sql").write_text("CREATE TABLE one (two three);")
    monkeypatch.setattr(migrations, "FOLDER", tmp_path)
    with pytest.raises(SetupFailed, match="UndefinedObject"):
        migrate(new_database())


@pytest.mark.anyio
async def test_a_store_without_a_database_says_so():
    """Every call, without the address or the password."""
    async with PostgresCaseStore.at(NOWHERE, timeout_seconds=0.1) as store:
        for call in (store.ping(), store.list_keys(), report(store), store.claim(request())):
            with pytest.raises(StoreUnavailable) as caught:
                await call
            assert "secret" not in str(caught.value)


@pytest.mark.anyio
async def test_a_store_outlives_the_loss_of_its_connections(postgres_store, database_url):
    """Connections that the server dropped are replaced."""
    await report(postgres_store)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(CUT)
    await postgres_store.ping()
    assert (await report(postgres_store)).joined


@pytest.mark.anyio
async def test_a_connection_lost_within_a_transaction_is_reported(postgres_store, database_url):
    """The caller learns that nothing was acknowledged, and nothing is stored."""
    receipt = await report(postgres_store)

    def cut(case):
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(CUT)
        return fail_scoring(case)

    with pytest.raises(StoreUnavailable, match="lost"):
        await postgres_store.change(receipt.case_id, cut)
    assert (await postgres_store.get_case(receipt.case_id)).scoring_failures == 1


@dataclass
class Losing:
    """A step that loses its first races."""

    n_losses: int
    error: type[Exception] = psycopg.errors.SerializationFailure
    n_calls: int = 0

    def __call__(self, case):
        self.n_calls += 1
        if self.n_calls <= self.n_losses:
            raise self.error
        return fail_scoring(case)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "error", [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected]
)
async def test_a_lost_race_is_tried_again(postgres_store, error):
    """The server gave the transaction up in favour of another one."""
    receipt = await report(postgres_store)
    step = Losing(2, error)
    await postgres_store.change(receipt.case_id, step)
    assert step.n_calls == 3
    assert (await postgres_store.get_case(receipt.case_id)).scoring_failures == 2


@pytest.mark.anyio
async def test_races_are_not_lost_for_ever(postgres_store):
    """After a few tries the caller decides."""
    receipt = await report(postgres_store)
    step = Losing(99)
    with pytest.raises(StoreUnavailable):
        await postgres_store.change(receipt.case_id, step)
    assert step.n_calls == pool.MAX_TRIES


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (psycopg.errors.DiskFull, "disk is full"),
        (psycopg.errors.QueryCanceled, "too long"),
        (psycopg.errors.LockNotAvailable, "too long"),
        (psycopg.InterfaceError, "lost"),
    ],
)
async def test_the_reason_names_the_kind_of_failure(postgres_store, error, words):
    """The server's own words could hold values."""
    receipt = await report(postgres_store)

    def fail(case):
        raise error("value of a row")

    with pytest.raises(StoreUnavailable, match=words) as caught:
        await postgres_store.change(receipt.case_id, fail)
    assert "value" not in str(caught.value)


@pytest.mark.anyio
async def test_a_cancelled_request_stores_nothing_by_half(postgres_store, database_url):
    """A caller that hangs up leaves a usable store; its report, once begun, is stored whole."""
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('i-1', 0))")
        waiting = asyncio.ensure_future(report(postgres_store, key="k-1"))
        while not other.execute(BLOCKED).fetchone()[0]:
            await postgres_store.ping()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    receipt = await report(postgres_store, key="k-1")
    assert receipt.joined is False
    assert len(await postgres_store.reports(receipt.case_id)) == 1


@pytest.mark.anyio
async def test_a_change_sees_what_it_waited_for(postgres_store, database_url):
    """Another transaction gave the case a new text and a claim; both are there, none is lost."""
    receipt = await report(postgres_store)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM triage_case FOR UPDATE")
        seen = []
        waiting = asyncio.ensure_future(postgres_store.change(receipt.case_id, remember(seen)))
        while not other.execute(BLOCKED).fetchone()[0]:
            await postgres_store.ping()
        other.execute(NEW_TEXT_AND_CLAIM, {"now": NOW})
        other.commit()
        await waiting
    assert [(case.item.text, case.claim.reviewer) for case in seen] == [("new", "ben")]


@pytest.mark.anyio
@pytest.mark.parametrize("statement", [QUERIES.forget_answers, QUERIES.forget_arrived])
async def test_one_statement_forgets_so_many_and_finds_them_by_an_index(
    postgres_store, database_url, statement
):
    """However much is old, it ends in time and its locks with it."""
    await decided(postgres_store, key="k-1")
    old = NOW - timedelta(days=99)
    async with make_pool(database_url) as connections, connections.connection() as connection:
        await connection.execute(OLD_ANSWERS, {"at": old})
        await connection.execute(OLD_ANNOUNCEMENTS, {"at": old})
        facts = {"before": old + timedelta(days=1), "limit": 60}
        cursor = await connection.execute(f"EXPLAIN {statement.sql}", facts)
        plan = "\n".join([row["QUERY PLAN"] for row in await cursor.fetchall()])
        assert [await statement(connection, **facts) for _ in range(3)] == [60, 40, 0]
    assert "Seq Scan" not in plan


def remember(seen):
    def step(case):
        seen.append(case)
        return fail_scoring(case)

    return step


def test_the_stores_own_clock_carries_a_zone():
    """UTC, like everything that is stored."""
    assert utc_now().utcoffset().total_seconds() == 0
    assert utc_now() > NOW.replace(year=2020)
