"""What analysts can read, and that every query of the documentation runs."""

import re
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.contract.steps import NOW, appeal, claim_one, decide, decided, report
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.taxonomy import Label, Severity

pytestmark = pytest.mark.anyio
PAGE = Path(__file__).parents[2] / "docs/how-to/analyse.md"
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
FORBIDDEN = re.compile(
    "text|body|context|reporter|author_ref|item_id|reviewer|actor|owner|claimed_by|grounds|complainant|explanation|facts|detail"
)


@pytest.fixture
async def seeded(postgres_store, database_url):
    """A few cases of every kind, one of them restricted."""
    store = postgres_store
    case = await decided(store, text="a text of nobody's business")
    await appeal(store, case.case_id)
    await report(store, "i-2", at=NOW - timedelta(days=1))
    await decide(store, await claim_one(store, share=1.0))
    await report(store, "i-3", reason=Label.CHILD_SAFETY)
    found = Verdict({Label.CHILD_SAFETY: Severity.S1}, Action.REMOVE_CONTENT, explanation="c. 2")
    await decided(store, "i-4", found)
    await store.count_days(NOW, ("child-safety",))
    return database_url


def test_the_page_has_a_dozen_queries():
    assert len(QUERIES) == 12


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_of_the_page_runs(seeded, query):
    """As an analyst, who may read the views and nothing else."""
    with psycopg.connect(seeded) as connection:
        connection.execute("SET ROLE triage_analyst")
        connection.execute(query)


async def test_queries_about_what_was_seeded_answer(seeded):
    """Most of them, that is: an answer of nothing would prove little."""
    with psycopg.connect(seeded) as connection:
        answered = [bool(connection.execute(query).fetchall()) for query in QUERIES]
    # The clock of the seed stands; those that ask for the last days find nothing in them.
    assert sum(answered) >= 7


def views(connection) -> list[tuple[str, list[str]]]:
    rows = connection.execute(
        "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns "
        "WHERE table_schema = 'analytics' GROUP BY table_name ORDER BY table_name"
    )
    return rows.fetchall()


async def test_no_view_has_a_text_or_a_person(seeded):
    """Neither by the names of its columns, nor anywhere in its rows."""
    with psycopg.connect(seeded) as connection:
        found = views(connection)
        assert len(found) == 10
        for name, columns in found:
            wrong = [column for column in columns if FORBIDDEN.search(column)]
            assert wrong == [], name
            rows = connection.execute(f"SELECT v::text FROM analytics.{name} v").fetchall()
            told = " ".join(row[0] for row in rows)
            for secret in ("nobody's business", "u-1", "author-1", "rita", "i-1", "clause"):
                assert not re.search(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", told), (
                    name,
                    secret,
                )


async def test_nothing_restricted_is_in_a_view(seeded):
    """Neither its cases nor its counts, wherever they were routed."""
    with psycopg.connect(seeded) as connection:
        [[n_cases]] = connection.execute("SELECT count(*) FROM triage_case").fetchall()
        [[n_shown]] = connection.execute("SELECT count(*) FROM analytics.cases").fetchall()
        assert (n_cases, n_shown) == (4, 2)
        for name, _ in views(connection):
            rows = connection.execute(f"SELECT v::text FROM analytics.{name} v").fetchall()
            told = " ".join(row[0] for row in rows)
            assert "child" not in told, name


async def test_decisions_without_hints_can_be_told_apart(postgres_store, database_url):
    """With the claims they came of: else nobody could say whether hints mislead."""
    await report(postgres_store, "i-1")
    await report(postgres_store, "i-2")
    for blind_share in (0.0, 1.0):
        await decide(postgres_store, await claim_one(postgres_store, blind_share=blind_share))
    with psycopg.connect(database_url) as connection:
        for view in ("claims", "decisions"):
            rows = connection.execute(f"SELECT hints_withheld FROM analytics.{view} ORDER BY 1")
            assert rows.fetchall() == [(False,), (True,)], view


async def test_a_queue_that_becomes_restricted_leaves_the_views(postgres_store, database_url):
    """When the worker counts next."""
    await report(postgres_store)
    with psycopg.connect(database_url, autocommit=True) as connection:
        seen = "SELECT count(*) FROM analytics.cases"
        assert connection.execute(seen).fetchall() == [(1,)]
        await postgres_store.count_days(NOW, ("std-en-safety",))
        try:
            assert connection.execute(seen).fetchall() == [(0,)]
        finally:
            connection.execute("DELETE FROM restricted_queue WHERE queue = 'std-en-safety'")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM public.item_version",
        "SELECT * FROM public.triage_case",
        "SELECT * FROM public.analytics_salt",
        "SELECT * FROM public.emerging",
        "DELETE FROM analytics.daily_counts",
        "CREATE TABLE analytics.mine (n integer)",
    ],
)
async def test_an_analyst_may_nothing_else(database_url, statement):
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE triage_analyst")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
