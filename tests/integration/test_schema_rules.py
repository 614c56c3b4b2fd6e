"""What the database refuses by itself, and where it must agree with the domain."""

import json
from datetime import timedelta
from itertools import product

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.steps import (
    NOW,
    appeal,
    claim_one,
    decide,
    decided,
    report,
    withdraw,
)
from triage_ml.domain.case import OPEN_STATES, TRANSITIONS, CaseState, Stage, Step
from triage_ml.domain.priority import index_at
from triage_ml.domain.report import Source

STATES = list(CaseState)


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url) as connection:
        yield connection


@pytest.fixture
async def case_id(postgres_store):
    return (await report(postgres_store)).case_id


def test_the_transitions_are_those_of_the_domain(connection):
    """Row by row."""
    rows = connection.execute("SELECT from_state, step, to_state FROM case_transition").fetchall()
    ours = {(str(a), str(step), str(b)) for (a, step), b in TRANSITIONS.items()}
    assert set(rows) == ours


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("case_state", CaseState),
        ("case_step", Step),
        ("case_stage", Stage),
        ("report_source", Source),
    ],
)
def test_the_enums_are_those_of_the_domain(connection, name, values):
    """The same words in the same order."""
    [row] = connection.execute(f"SELECT enum_range(NULL::{name})::text[]").fetchall()
    assert row[0] == [value.value for value in values]


@pytest.mark.anyio
@pytest.mark.parametrize(("before", "after"), list(product(STATES, STATES)))
async def test_a_case_moves_only_where_a_transition_leads(connection, case_id, before, after):
    """Every pair of states, straight in SQL: refused exactly where TRANSITIONS has no way."""
    connection.execute("SET session_replication_role TO replica")  # any state to begin with
    connection.execute("ALTER TABLE triage_case DROP CONSTRAINT claimed_has_lease")
    connection.execute("ALTER TABLE triage_case DROP CONSTRAINT decided_has_decision")
    connection.execute("UPDATE triage_case SET state = %s", (before,))
    connection.execute("SET session_replication_role TO origin")
    legal = before == after or any(
        (start, end) == (before, after) for (start, _), end in TRANSITIONS.items()
    )
    if legal:
        connection.execute("UPDATE triage_case SET state = %s", (after,))
    else:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute("UPDATE triage_case SET state = %s", (after,))
    connection.rollback()


@pytest.mark.anyio
@pytest.mark.parametrize("state", STATES)
async def test_the_log_takes_only_legal_steps(connection, case_id, state):
    """Every state, step and next state: an event that TRANSITIONS does not know is refused."""
    for step, after in product(Step, STATES):
        legal = TRANSITIONS.get((state, step)) is after
        row = (case_id, NOW, step, "test", state, after)
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(
                    "INSERT INTO case_event"
                    " (case_id, at, step, actor, from_state, to_state, detail)"
                    " VALUES (%s, %s, %s, %s, %s, %s, '{}')",
                    row,
                )
        except psycopg.errors.IntegrityConstraintViolation:
            assert not legal, row
        else:
            assert legal, row


@pytest.mark.anyio
@pytest.mark.parametrize("state", STATES)
async def test_a_case_begins_received_or_queued(connection, case_id, state):
    """Its first log line comes from nowhere, and only as a report."""
    connection.execute("ALTER TABLE triage_case DROP CONSTRAINT claimed_has_lease")
    connection.execute("ALTER TABLE triage_case DROP CONSTRAINT decided_has_decision")
    connection.execute("DROP INDEX one_open_case_per_item")
    connection.execute("CREATE TEMP TABLE copy ON COMMIT DROP AS SELECT * FROM triage_case")
    connection.execute("UPDATE copy SET case_id = gen_random_uuid(), state = %s", (state,))
    legal = state in OPEN_STATES - {CaseState.CLAIMED}
    if legal:
        connection.execute("INSERT INTO triage_case SELECT * FROM copy")
    else:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute("INSERT INTO triage_case SELECT * FROM copy")
    connection.rollback()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_event SET actor = 'nobody'",
        "DELETE FROM case_event",
        "TRUNCATE case_event",
        "DELETE FROM decision",
        "INSERT INTO case_event (case_id, at, step, actor, to_state, detail)"
        " SELECT case_id, now(), 'routed', 'nobody', 'queued', '{}' FROM triage_case",
        "UPDATE triage_case SET claim_id = NULL, lease_expires_at = now()",
        "UPDATE triage_case SET decided_at = now()",
        "UPDATE triage_case SET stage = 'appeal'",
        """UPDATE triage_case SET item = item || '{"text": "leaked"}'""",
        "INSERT INTO triage_case SELECT * FROM triage_case",
    ],
)
async def test_the_database_refuses_what_would_be_wrong(connection, case_id, statement):
    """History is not rewritten, and columns hold together."""
    with pytest.raises(psycopg.IntegrityError):
        connection.execute(statement)


@pytest.mark.anyio
async def test_one_item_has_one_open_case(connection, case_id):
    """A partial unique index says so, whoever writes."""
    connection.execute("CREATE TEMP TABLE copy ON COMMIT DROP AS SELECT * FROM triage_case")
    connection.execute("UPDATE copy SET case_id = gen_random_uuid()")
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_open_case_per_item"):
        connection.execute("INSERT INTO triage_case SELECT * FROM copy")


WEIGHTS = st.just(0.0) | st.floats(1e-6, 1e3)  # PostgreSQL refuses products below 1e-308
MINUTES = st.integers(-100_000, 100_000).map(lambda n: timedelta(minutes=n, microseconds=n))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 1e6),
    st.floats(1, 1e5),
    MINUTES,
    MINUTES,
    WEIGHTS,
    WEIGHTS,
)
def test_the_index_is_that_of_the_domain(migrated_url, base, handling, age, left, urgency, weight):
    """SQL and Python order cases alike, at any moment."""
    row = type("Weights", (), {"urgency_weight": urgency, "age_weight": weight})
    times = (NOW - age, NOW + left)
    expected = index_at(row, base, timedelta(seconds=handling), *times, NOW).value
    seconds = timedelta(seconds=handling).total_seconds()
    with psycopg.connect(migrated_url) as connection:
        [found] = connection.execute(
            "SELECT live_index(%s, %s, %s, %s, %s, %s, %s)",
            (base, seconds, *times, urgency, weight, NOW),
        ).fetchone()
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.anyio
async def test_text_and_reporters_stay_in_their_tables(connection, postgres_store):
    """After a whole life of a case, neither is found in events, outbox, receipts or cases."""
    secret, who = "the text that nobody logs", "reporter-0815"
    facts = {"text": secret, "reporter_ref": who, "key": "k-1"}
    case = await decided(postgres_store, **facts)
    await appeal(postgres_store, case.case_id, ref=who)
    other = await report(postgres_store, "i-2", text=secret, reporter_ref=who)
    await withdraw(postgres_store, other.case_id, other.report_id)
    for table in ("case_event", "outbox", "idempotency", "triage_case", "claim", "decision"):
        rows = connection.execute(f"SELECT to_jsonb(t)::text FROM {table} t").fetchall()
        assert rows
        assert secret not in json.dumps(rows)
        assert who not in json.dumps(rows)


@pytest.mark.anyio
async def test_decisions_and_appeals_are_kept(connection, postgres_store):
    """Also the decision that an appeal replaced, and every version of the text."""
    case = await decided(postgres_store, text="one")
    reopened = await appeal(postgres_store, case.case_id)
    again = await claim_one(postgres_store, "ben", queue=reopened.placement.queue)
    await decide(postgres_store, again)
    await report(postgres_store, text="two")
    kept = connection.execute(
        "SELECT (SELECT array_agg(reviewer ORDER BY decision_id) FROM decision),"
        " (SELECT array_agg(grounds) FROM appeal),"
        " (SELECT array_agg(body ORDER BY body) FROM item_version),"
        " (SELECT array_agg(ended_by::text) FROM claim)"
    ).fetchone()
    assert kept == (["rita", "ben"], ["I disagree"], ["one", "two"], ["decided", "decided"])


@pytest.mark.anyio
async def test_an_erased_version_holds_no_text(connection, case_id):
    """The database itself refuses a version that is marked as erased and is not empty."""
    with pytest.raises(psycopg.errors.CheckViolation, match="erased_is_empty"):
        connection.execute("UPDATE item_version SET erased_at = now()")
    connection.rollback()
    connection.execute("UPDATE item_version SET erased_at = now(), body = '', context = '[]'")
