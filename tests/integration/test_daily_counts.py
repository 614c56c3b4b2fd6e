"""Counts of days in PostgreSQL: whatever happens, they equal a count from scratch."""

from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.steps import (
    DISMISSED,
    NOW,
    UPHELD,
    add_scores,
    appeal,
    claim_one,
    decide,
    decided,
    report,
)
from triage_ml.domain import review
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.policy import load_policy
from triage_ml.storage import trends
from triage_ml.storage.trends import SETTLED

pytestmark = pytest.mark.anyio
COUNTS = "SELECT day, measure, label, language, surface, queue, n FROM daily_count"


def rows(url) -> set[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return set(connection.execute(COUNTS).fetchall())


async def check(store, url, now=NOW) -> set[tuple[object, ...]]:
    """Count what is new, then everything, and see that nothing differs."""
    while await store.count_days(now, ()):
        pass
    caught_up = rows(url)
    await store.recount_days()
    assert rows(url) == caught_up
    return caught_up


async def escalate(store, case_id) -> None:
    policy = load_policy()
    await store.change(
        case_id,
        lambda known: review.escalate(known, policy, "lea", "lea", "press", NOW, None),
    )


async def test_a_count_follows_a_case_to_its_queue(postgres_store, database_url):
    """Its earlier reports move along, so that a restricted queue hides all of them."""
    await report(postgres_store)
    before = await check(postgres_store, database_url)
    receipt = await report(postgres_store)
    await escalate(postgres_store, receipt.case_id)
    after = await check(postgres_store, database_url, NOW + timedelta(minutes=1))
    assert {row[5] for row in before} == {"std-en-safety"}
    assert {(row[5], row[6]) for row in after} == {("escalation", 2)}


async def test_a_finding_that_restricts_a_case_takes_its_reports_along(
    postgres_store, database_url
):
    """The decision changes other days than its own: those of the reports."""
    await report(postgres_store, at=NOW - timedelta(days=2))
    await check(postgres_store, database_url)
    found = Verdict({Label.CHILD_SAFETY: Severity.S2}, Action.REMOVE_CONTENT, explanation="c. 2")
    await decide(postgres_store, await claim_one(postgres_store), found)
    after = await check(postgres_store, database_url, NOW + timedelta(minutes=1))
    assert {row[5] for row in after} == {"child-safety"}


async def test_lines_of_the_log_that_come_late_are_counted(postgres_store, database_url):
    """A transaction that began earlier may end later: its lines are not passed over."""
    await report(postgres_store, at=NOW - timedelta(days=2))
    await check(postgres_store, database_url)
    with psycopg.connect(database_url) as connection:
        [[at]] = connection.execute("SELECT counted_to FROM daily_count_progress").fetchall()
        [[last]] = connection.execute("SELECT max(sequence) FROM case_event").fetchall()
    assert at == last  # two days old: settled
    await report(postgres_store, "i-2", at=NOW - SETTLED / 2)
    await check(postgres_store, database_url)
    with psycopg.connect(database_url) as connection:
        [[at]] = connection.execute("SELECT counted_to FROM daily_count_progress").fetchall()
    assert at == last  # what is young is looked at again


async def test_a_long_log_is_counted_in_pieces(postgres_store, database_url, monkeypatch):
    monkeypatch.setattr(trends, "LINES_AT_ONCE", 4)
    for n in range(6):
        await report(postgres_store, f"i-{n}", at=NOW - timedelta(days=n + 1))
    assert await postgres_store.count_days(NOW, ())
    assert len(await check(postgres_store, database_url)) == 6


STEPS = st.lists(
    st.sampled_from(
        ("report", "old", "german", "scores", "uphold", "dismiss", "appeal", "escalate", "count")
    ),
    max_size=12,
)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=STEPS)
async def test_counts_equal_a_count_from_scratch(postgres_store, database_url, steps):
    """After any history, with counting in between."""
    from tests.conftest import empty

    empty(database_url)
    decided_ids = []
    for n, step in enumerate(steps):
        match step:
            case "report":
                await report(postgres_store, f"i-{n % 3}")
            case "old":
                await report(postgres_store, f"old-{n}", at=NOW - timedelta(days=n + 1))
            case "german":
                await report(postgres_store, f"g-{n}", language=Language.DE, reason=Label.HATE)
            case "scores":
                receipt = await report(postgres_store, f"s-{n}")
                await add_scores(postgres_store, receipt.case_id, 0.9)
            case "uphold" | "dismiss":
                await report(postgres_store, f"d-{n}")
                verdict = UPHELD if step == "uphold" else DISMISSED
                held = await claim_one(postgres_store)
                decided_ids.append((await decide(postgres_store, held, verdict)).case_id)
            case "appeal" if decided_ids:
                await appeal(postgres_store, decided_ids.pop())
            case "escalate":
                receipt = await report(postgres_store, f"e-{n}")
                await escalate(postgres_store, receipt.case_id)
            case "count":
                await postgres_store.count_days(NOW, ())
    await check(postgres_store, database_url)


async def test_one_worker_counts_at_a_time(postgres_store, database_url):
    """A second one leaves it to the first and waits for nothing."""
    await decided(postgres_store)
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('daily_count', 2))")
        assert not await postgres_store.count_days(NOW, ())
        assert rows(database_url) == set()
    await check(postgres_store, database_url)
