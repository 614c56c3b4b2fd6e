"""A desk after a month of work: the first cases of every state, copied many times in SQL.

Copies are rows of the same tables under other ids at other times; texts differ by a number at
their end. Whatever table belongs to a case, a claim, a report or a text is copied too.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.load.processes import StartFailed
from triage_ml.domain.case import CaseState
from triage_ml.domain.policy import Policy

SHARES = {CaseState.DECIDED: 0.60, CaseState.QUEUED: 0.38, CaseState.CLAIMED: 0.02}
MIN_CASES = 100
LEASE = timedelta(hours=1)
"""Of cases that are held before the measuring begins: some leases run out while it goes on."""

COLUMNS = """
    SELECT c.table_name, c.column_name, c.data_type,
        c.is_identity = 'YES' OR c.is_generated <> 'NEVER' AS made_by_database
    FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE table_schema = current_schema() AND t.table_type = 'BASE TABLE'
    ORDER BY c.table_name, c.ordinal_position
"""
COUNT = "count(*) FROM triage_case"
OWNERS = (
    ({"case_id"}, "s", ""),
    ({"claim_id"}, "o", "JOIN claim o USING (claim_id)"),
    ({"report_id"}, "o", "JOIN report o USING (report_id)"),
    ({"item_id", "version_sha256"}, "o", "JOIN triage_case o USING (item_id, version_sha256)"),
)
"""How the rows of a table lead to a case: by the first set of columns that it has."""
BY_NAME = {
    "item_id": "s.item_id || '-' || k.n",
    "author_ref": "'author-' || k.n % 5000",
    "reporter_ref": "'reporter-' || k.n % 20000",
    "body": "s.body || ' ' || k.n",
    "lot": "random()",
}
"""What stands in a copy's columns, for texts and numbers."""
BY_TYPE = {
    "uuid": "md5(s.{column}::text || ':' || k.n)::uuid",
    "timestamp with time zone": "s.{column} + k.shift",
    "jsonb": "pg_temp.copied(s.{column}, k.n, k.shift)",
}
COPIED = """
CREATE FUNCTION pg_temp.copied(doc jsonb, n integer, shift interval) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN jsonb_typeof(doc) = 'object' AND doc ?| ARRAY[
        'case_id', 'claim_id', 'item_id', 'author_ref', 'due_at', 'decided_at', 'lease_expires_at'
    ] THEN (
        SELECT jsonb_object_agg(key, CASE
            WHEN jsonb_typeof(value) <> 'string' THEN value
            WHEN key IN ('case_id', 'claim_id')
                THEN to_jsonb(md5((value #>> '{}') || ':' || n)::uuid)
            WHEN key = 'item_id' THEN to_jsonb((value #>> '{}') || '-' || n)
            WHEN key = 'author_ref' THEN to_jsonb('author-' || n % 5000)
            WHEN right(key, 3) = '_at' THEN to_jsonb((value #>> '{}')::timestamptz + shift)
            ELSE value
        END)
        FROM jsonb_each(doc)
    ) ELSE doc END
$$
"""


@dataclass(frozen=True)
class Copy:
    """One more case like `template`, that happened `ago` earlier."""

    template: Any
    ago: timedelta


def share_out(n_cases: int) -> dict[CaseState, int]:
    """Divide the cases among the states."""
    counts = {state: round(n_cases * share) for state, share in SHARES.items()}
    counts[CaseState.QUEUED] += n_cases - sum(counts.values())
    return counts


def copy_cases(url: str, counts: Mapping[CaseState, int], seed: int) -> None:
    """Copy the cases that are there until each state has as many as it should.

    Raises: StartFailed.
    """
    draw = random.Random(seed)
    # No triggers and no foreign keys: they would refuse cases that begin as decided ones.
    with psycopg.connect(url) as db:
        db.execute("SET session_replication_role TO replica")
        db.execute("SET synchronous_commit TO off")
        db.execute(COPIED)
        plan = _plan(db, counts, draw)
        db.execute("CREATE TEMP TABLE planned (template uuid, n integer, shift interval)")
        with db.cursor().copy("COPY planned FROM STDIN") as rows:
            for n, one in enumerate(plan, 1):
                rows.write_row((one.template, n, -one.ago))
        db.execute("ANALYZE planned")
        for statement in _statements(db):
            db.execute(statement)
        found = dict(db.execute(f"SELECT state::text, {COUNT} GROUP BY 1").fetchall())
        if found != {state.value: n for state, n in counts.items() if n}:
            raise StartFailed(f"the copies are {found}, not {counts}")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("VACUUM ANALYZE")


def spread(url: str) -> dict[str, dict[str, int]]:
    """Count the cases by state, and the open ones by queue, tier and language."""
    waiting = "WHERE state IN ('queued', 'claimed') GROUP BY 1 ORDER BY 1"
    with psycopg.connect(url) as db:
        return {
            "state": dict(db.execute(f"SELECT state::text, {COUNT} GROUP BY 1 ORDER BY 1")),
            "queue": dict(db.execute(f"SELECT queue, {COUNT} {waiting}")),
            "tier": dict(db.execute(f"SELECT 'T' || tier, {COUNT} {waiting}")),
            "language": dict(db.execute(f"SELECT language, {COUNT} {waiting}")),
        }


def decided_cases(url: str, policy: Policy, n: int) -> list[str]:
    """Give some decided cases that every reviewer may look up."""
    hidden = [name for name, queue in policy.queues.items() if queue.restricted]
    with psycopg.connect(url) as db:
        rows = db.execute(
            "SELECT case_id::text FROM triage_case WHERE state = 'decided' AND queue <> ALL(%s) "
            "ORDER BY md5(case_id::text) LIMIT %s",
            (hidden, n),
        )
        return [case_id for (case_id,) in rows]


def _plan(
    db: psycopg.Connection, counts: Mapping[CaseState, int], draw: random.Random
) -> list[Copy]:
    plan = []
    rows = db.execute("SELECT case_id, state::text FROM triage_case ORDER BY item_id").fetchall()
    for state, n_wanted in counts.items():
        templates = [case_id for case_id, found in rows if found == state]
        n_missing = n_wanted - len(templates)
        plan += [Copy(draw.choice(templates), _ago(state, draw)) for _ in range(n_missing)]
    return plan


def _ago(state: CaseState, draw: random.Random) -> timedelta:
    """Decided over a month, waiting since this day mostly, held since this hour."""
    if state is CaseState.DECIDED:
        return timedelta(days=30 * draw.random())
    if state is CaseState.QUEUED:
        return timedelta(hours=48 * draw.random() ** 3)
    return LEASE * draw.random()


def _statements(db: psycopg.Connection) -> Iterator[sql.Composed]:
    """Write one INSERT for each table whose rows belong to cases."""
    tables: dict[str, list[tuple[str, str, bool]]] = {}
    for table, *column in db.execute(COLUMNS).fetchall():
        tables.setdefault(table, []).append((column[0], column[1], column[2]))
    for table, columns in tables.items():
        known = {name for name, _, _ in columns}
        owned = next((way for needed, *way in OWNERS if needed <= known), None)
        if owned is None:
            continue
        owner, join = owned
        stored = [(name, kind) for name, kind, made in columns if not made]
        order = [name for name, _, made in columns if made]
        yield sql.SQL(
            "INSERT INTO {table} ({names}) SELECT {values} FROM {table} s {join} "
            "JOIN planned k ON k.template = {owner}.case_id ORDER BY {order} ON CONFLICT DO NOTHING"
        ).format(
            table=sql.Identifier(table),
            names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in stored),
            values=sql.SQL(", ").join(_value(name, kind) for name, kind in stored),
            join=sql.SQL(join),
            owner=sql.Identifier(owner),
            order=sql.SQL(", ").join(
                [sql.SQL("k.n"), *(sql.Identifier("s", name) for name in order)]
            ),
        )


def _value(name: str, kind: str) -> sql.Composable:
    column = sql.Identifier(name)
    if kind in BY_TYPE:
        return sql.SQL(BY_TYPE[kind]).format(column=column)
    return sql.SQL(BY_NAME[name]) if name in BY_NAME else sql.SQL("s.") + column
