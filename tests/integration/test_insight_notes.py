"""What the database notes by itself when a case is decided."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from tests.contract.steps import NOW, claim_one, decide, make_scores, report
from triage_ml.domain.likelihood import SHOWN
from triage_ml.domain.scores import LabelScore
from triage_ml.domain.sketch import sketch_of
from triage_ml.domain.taxonomy import Label, Support
from triage_ml.storage import insight
from triage_ml.storage.migrate import FOLDER

pytestmark = pytest.mark.anyio


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


async def claimed(store, item_id="i-1", **more):
    await report(store, item_id, **more)
    return await claim_one(store)


def test_what_is_noted_is_what_is_shown():
    """The migration and the page agree on how probable a hint must be."""
    migration = (FOLDER / "0008_insight.sql").read_text(encoding="utf-8")
    assert f"trusted >= {SHOWN}" in migration


async def test_a_decision_without_hints_says_nothing_of_them(postgres_store, connection):
    """Who did not see a hint cannot have followed it, or seen through it."""
    case = await claimed(postgres_store, scores=make_scores(0.95))
    connection.execute("UPDATE claim SET hints_withheld = true")
    await decide(postgres_store, case)
    since = NOW - timedelta(days=1)
    assert await postgres_store.hint_outcomes(since, [0.2], ["std-en-safety"]) == []
    assert len(await postgres_store.unsketched(5)) == 1


async def test_an_unmeasured_hint_counts_by_its_bound(postgres_store, connection):
    """As the page shows it."""
    score = LabelScore(0.1, 0.6, 2.0, Support.FUNCTIONAL)
    scores = replace(make_scores(0.1), labels={Label.HARASSMENT: score})
    await decide(postgres_store, await claimed(postgres_store, scores=scores))
    [(trusted,)] = connection.execute("SELECT trusted FROM decided_hint").fetchall()
    assert trusted == 0.6


async def test_cases_decided_before_wait_for_their_sketch(postgres_store, connection):
    """The statements of the migration find what was decided before it came."""
    case = await decide(postgres_store, await claimed(postgres_store, scores=make_scores(0.95)))
    connection.execute("TRUNCATE text_sketch, decided_hint")
    connection.execute("UPDATE triage_case SET decided_at = now()")
    migration = (FOLDER / "0008_insight.sql").read_text(encoding="utf-8")
    for statement in migration.partition("-- Cases decided before")[2].split(";")[:2]:
        connection.execute(f"--{statement}")
    [(case_id, text)] = await postgres_store.unsketched(5)
    assert (case_id, text) == (case.case_id, case.item.text)
    [(found,)] = connection.execute("SELECT found FROM decided_hint").fetchall()
    assert found


async def test_a_sketch_is_made_once(postgres_store, connection):
    """Two workers at once do no harm; a case without a decision has none."""
    case = await decide(postgres_store, await claimed(postgres_store))
    await postgres_store.save_sketches([(case.case_id, sketch_of("one"))])
    await postgres_store.save_sketches(
        [(case.case_id, sketch_of("two")), (UUID(int=0), sketch_of(""))]
    )
    [(signature,)] = connection.execute("SELECT signature FROM text_sketch").fetchall()
    assert signature == sketch_of("one").signature


async def test_of_very_many_copies_the_newest_are_compared(postgres_store, monkeypatch):
    """So that a text which a thousand people sent makes no page slow."""
    monkeypatch.setattr(insight, "MAX_CANDIDATES", 2)
    for minutes in range(3):
        at = NOW + timedelta(minutes=minutes)
        await report(postgres_store, f"i-{minutes}", at=at)
        await decide(postgres_store, await claim_one(postgres_store, now=at), now=at)
    waiting = await postgres_store.unsketched(5)
    await postgres_store.save_sketches([(name, sketch_of(text)) for name, text in waiting])
    found = await postgres_store.similar_cases(sketch_of("a text"), "other", None, 5)
    assert [row.case.item.item_id for row in found] == ["i-2", "i-1"]


async def test_an_author_with_very_many_cases_is_counted_in_part(postgres_store, monkeypatch):
    """And it is said."""
    monkeypatch.setattr(insight, "MAX_COUNTED", 2)
    for n in range(3):
        await decide(postgres_store, await claimed(postgres_store, f"i-{n}"))
    history = await postgres_store.author_history(
        "author-1", UUID(int=0), NOW - timedelta(days=1), None, 5
    )
    assert (history.n_upheld, history.capped) == (2, True)
