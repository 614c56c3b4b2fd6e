"""Policies as they were and the texts of past scores, alike in both stores."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from tests.contract.steps import NOW, make_scores, report
from triage_ml.domain.scores import Arm
from triage_ml.policy import load_policy, policy_of, read_policy
from triage_ml.ports import KeptPolicy, KeptText, ModelUse, PolicyUse, ScoreRecord

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
FILES = read_policy()
TODAY = load_policy()
KEPT = KeptPolicy(TODAY.version, TODAY.sha256, FILES, NOW)
NEXT = KeptPolicy("next", "b" * 64, {"policy.toml": 'version = "next"  # ä, 한'}, NOW + HOUR)


async def test_a_policy_that_was_kept_reads_back_as_the_same_policy(store):
    assert await store.keep_policy(KEPT) == []
    [found] = await store.kept_policies()
    assert found == KEPT
    assert policy_of(found.files) == TODAY


async def test_a_start_with_the_same_policy_leaves_nothing_behind(store):
    for hours in range(3):
        assert await store.keep_policy(replace(KEPT, first_seen_at=NOW + hours * HOUR)) == []
    assert await store.kept_policies() == [KEPT]
    assert [row.at for row in await store.policy_history()] == [NOW]


async def test_the_history_knows_when_an_earlier_policy_came_back(store):
    await store.keep_policy(KEPT)
    await store.keep_policy(NEXT)
    await store.keep_policy(replace(KEPT, first_seen_at=NOW + 2 * HOUR))
    assert await store.kept_policies() == [KEPT, NEXT]
    history = await store.policy_history()
    assert [(row.version, row.at) for row in history] == [
        (TODAY.version, NOW + 2 * HOUR),
        ("next", NOW + HOUR),
        (TODAY.version, NOW),
    ]
    assert await store.policy_history(1) == [
        PolicyUse(history[0].number, TODAY.version, TODAY.sha256, NOW + 2 * HOUR)
    ]


async def test_other_contents_of_a_version_are_kept_beside_it_and_named(store):
    await store.keep_policy(KEPT)
    other = replace(NEXT, version=TODAY.version)
    assert await store.keep_policy(other) == [TODAY.sha256]
    assert await store.find_policies(TODAY.version) == [KEPT, other]
    assert await store.find_policies("nothing") == []


async def test_the_text_of_a_score_is_found_by_its_name_after_it_was_edited(store):
    first = await report(store, text="what stood there", scores=make_scores())
    [record] = await store.scores_of(first.case_id)
    await report(store, text="something else", scores=make_scores(), reporter_ref="u-2")
    found = await store.find_text(first.case_id, record.version_sha256)
    assert found == KeptText("what stood there", ())


async def test_a_text_of_another_item_is_not_found(store):
    first = await report(store, scores=make_scores())
    second = await report(store, "i-2", text="another", scores=make_scores())
    [record] = await store.scores_of(second.case_id)
    assert await store.find_text(first.case_id, record.version_sha256) is None
    assert await store.find_text(uuid4(), record.version_sha256) is None


async def test_models_are_counted_by_arm_and_version_in_a_span(store):
    first = await report(store, scores=make_scores())
    await report(store, "i-2", at=NOW + HOUR, scores=make_scores(model_version="m-2"))
    shadow = ScoreRecord.of(first.case_id, "0", 6, make_scores(), Arm.SHADOW, NOW)
    await store.add_shadow_scores([shadow, shadow])
    assert await store.models_used(NOW, NOW + HOUR) == [
        ModelUse(Arm.LIVE, "m-1", 1, NOW, NOW),
        ModelUse(Arm.SHADOW, "m-1", 2, NOW, NOW),
    ]
    later = await store.models_used(NOW, NOW + 2 * HOUR)
    assert [row.model_version for row in later] == ["m-1", "m-2", "m-1"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE policy_version SET documents = '{}'",
        "DELETE FROM policy_live",
        "DELETE FROM policy_version",
        "INSERT INTO policy_version VALUES ('v', 'no hash', '{}', now())",
        "INSERT INTO policy_live (version, sha256, live_at) VALUES ('v', 'x', now())",
    ],
)
async def test_the_database_itself_keeps_policies_as_they_were(
    postgres_store, database_url, statement
):
    await postgres_store.keep_policy(KEPT)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.IntegrityError):
        connection.execute(statement)
