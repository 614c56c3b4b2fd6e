"""Trials on PostgreSQL: what is decided, what is kept, what cannot be rewritten."""

from datetime import timedelta

import psycopg
import pytest

from tests.contract.steps import NOW
from tests.contract.test_rollout import asked, publish
from triage_ml.domain.rollout import RolloutStage

pytestmark = pytest.mark.anyio


async def test_the_files_of_a_version_on_trial_are_kept(postgres_store, tmp_path):
    """However many go live after it was published; when it has ended they may go."""
    store = postgres_store
    for version in "abcdefg":
        await publish(store, tmp_path, version)
    await store.make_live("a", NOW, "anna", "x")
    await store.begin_trial(asked("b"))
    late = NOW + timedelta(days=9)
    with psycopg.connect(store._pool.conninfo) as connection:
        connection.execute("DELETE FROM model_file WHERE version IN ('c', 'd', 'e')")
    await store._run(lambda connection: _forget(connection, late))
    assert await store.is_published("b")
    await store.end_trial(NOW, "anna", "x")
    await store._run(lambda connection: _forget(connection, late))
    assert not await store.is_published("b")
    assert await store.is_published("a")


async def _forget(connection, before):
    from triage_ml.storage.pool import QUERIES

    await QUERIES.forget_models(connection, before=before, n_kept=3)


async def test_the_log_of_trials_is_append_only(postgres_store, tmp_path, database_url):
    for version in "ab":
        await publish(postgres_store, tmp_path, version)
    await postgres_store.make_live("a", NOW, "anna", "x")
    await postgres_store.begin_trial(asked("b", RolloutStage.CANARY, 0.2))
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.Error, match="append-only"),
    ):
        connection.execute("UPDATE model_rollout SET reason = 'another'")


async def test_a_trial_is_told_to_who_listens(postgres_store, tmp_path):
    """By the notice of live models."""
    for version in "ab":
        await publish(postgres_store, tmp_path, version)
    await postgres_store.make_live("a", NOW, "anna", "x")
    notices = postgres_store.model_notices()
    await anext(notices)
    await postgres_store.begin_trial(asked("b"))
    await anext(notices)
    await notices.aclose()
