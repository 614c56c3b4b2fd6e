"""What the database notes of what the model said, also for cases decided before it did."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from tests.contract.steps import NOW, add_scores, appeal, claim_one, decide, make_scores, report
from triage_ml.domain.routing import LIKELY
from triage_ml.domain.scores import LabelScore
from triage_ml.domain.taxonomy import Label, Support
from triage_ml.storage.migrate import FOLDER

pytestmark = pytest.mark.anyio
MIGRATION = (FOLDER / "0020_means.sql").read_text(encoding="utf-8")
BACKFILL = MIGRATION[MIGRATION.rindex("INSERT INTO reading") : MIGRATION.rindex("CREATE INDEX")]
READINGS = "SELECT queue, tier, language, model_version, scored, found FROM reading ORDER BY 1, 4"


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def anew(connection):
    """Forget the readings and make them as the migration does."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role TO replica")
        connection.execute("TRUNCATE reading")
    connection.execute(BACKFILL)
    return connection.execute(READINGS).fetchall()


async def decided(store, item_id, scores):
    receipt = await report(store, item_id, scores=scores)
    queue = (await store.get_case(receipt.case_id)).placement.queue
    return await decide(store, await claim_one(store, queue=queue))


def test_found_is_what_the_service_acts_on():
    """The migration and the routing agree on how probable a label must be."""
    assert f">= {LIKELY}" in MIGRATION


async def test_an_unmeasured_label_is_found_by_its_bound(postgres_store, connection):
    score = LabelScore(0.1, 0.6, 2.0, Support.FUNCTIONAL)
    labels = {Label.HARASSMENT: score, Label.HATE: replace(score, upper=0.4)}
    await decided(postgres_store, "i-1", replace(make_scores(0.1), labels=labels))
    [row] = connection.execute(READINGS).fetchall()
    assert row[2:] == ("en", "m-1", ["harassment", "hate"], ["harassment"])


async def test_cases_decided_before_have_the_same_reading(postgres_store, connection):
    """A case keeps its scores from its decision on."""
    await decided(postgres_store, "i-1", make_scores(0.9))
    case = await decided(postgres_store, "i-2", make_scores(0.1))
    await appeal(postgres_store, case.case_id, NOW + timedelta(hours=1))
    noted = connection.execute(READINGS).fetchall()
    assert anew(connection) == noted
    assert len(noted) == 2


async def test_what_was_scored_again_after_a_complaint_is_not_made_up(postgres_store, connection):
    """What the model said before is not known any more; the case still counts as decided."""
    case = await decided(postgres_store, "i-1", make_scores(0.1))
    await appeal(postgres_store, case.case_id, NOW + timedelta(hours=1))
    postgres_store._now = lambda: NOW + timedelta(hours=2)
    await add_scores(postgres_store, case.case_id, 0.9, NOW + timedelta(hours=2))
    [row] = anew(connection)
    assert row[3:] == ("", [], [])


async def test_a_reading_is_never_rewritten(postgres_store, connection):
    await decided(postgres_store, "i-1", make_scores(0.9))
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        connection.execute("UPDATE reading SET found = '{}'")
