"""Bring a database to the schema of this code, with yoyo."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from yoyo import default_migration_table, read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri

from triage_ml.errors import SetupFailed

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x7472696167656D6C % 2**63  # "triageml": the advisory lock of whoever migrates


def migrate(url: str) -> str:
    """Apply what is missing and give the schema's version. Safe when several start at once.

    Raises: SetupFailed when the database cannot be reached or is of a newer version.
    """
    ours = sorted(path.stem for path in FOLDER.glob("*.sql"))
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            if _applied(connection, ours) != ours:
                with _alone(connection):
                    _applied(connection, ours)
                    _apply(url)
    except psycopg.OperationalError as error:
        raise SetupFailed("the database cannot be reached: check its URL") from error
    except psycopg.Error as error:
        reason = f"{type(error).__name__} ({error.sqlstate})"
        raise SetupFailed(f"the database cannot be migrated: {reason}") from error
    return ours[-1]


def _applied(connection: psycopg.Connection, ours: list[str]) -> list[str]:
    """Name the migrations the database has. Raises: SetupFailed for one we do not know."""
    found = connection.execute("SELECT to_regclass('_yoyo_migration') IS NOT NULL").fetchone()
    if found is None or not found[0]:
        return []
    names = connection.execute("SELECT migration_id FROM _yoyo_migration").fetchall()
    applied = sorted(name for (name,) in names)
    unknown = sorted(set(applied) - set(ours))
    if unknown:
        raise SetupFailed(
            f"the database has schema {unknown[-1]}, this version knows {ours[-1]}: upgrade first"
        )
    return applied


@contextmanager
def _alone(connection: psycopg.Connection) -> Iterator[None]:
    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def _apply(url: str) -> None:
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        raise SetupFailed("the database URL must begin with postgresql://")
    logging.getLogger("yoyo").setLevel(logging.WARNING)
    # Not `get_backend`: its trials of what the server can do fill the server's log with errors.
    uri = parse_uri(f"postgresql+psycopg://{rest}")
    with PostgresqlPsycopgBackend(uri, default_migration_table) as backend:
        if backend.lock_table not in backend.list_tables():
            backend.create_lock_table()
        # We hold the advisory lock, so a row in yoyo's own lock is of a process that died.
        backend.break_lock()
        with backend.lock():
            for migration in backend.to_apply(read_migrations(str(FOLDER))):
                # yoyo would mark it in a second transaction, and a kill between the two leaves
                # a database that can never be migrated again.
                with backend.transaction():
                    migration.process_steps(backend, "apply")
                    backend.mark_one(migration, log=False)
