"""Published models on a real database: whole or not at all, and one of them live."""

import asyncio
import errno
import hashlib
import shutil
from collections import namedtuple
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from tests.contract.steps import NOW
from triage_ml.errors import ArtifactInvalid, Conflict, NotFound, StoreUnavailable
from triage_ml.ports import ModelArtifact
from triage_ml.storage import models
from triage_ml.storage.postgres import PostgresCaseStore

pytestmark = pytest.mark.anyio

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """So that even a few bytes are stored in several."""
    monkeypatch.setattr(models, "CHUNK_BYTES", 7)


def artifact_in(folder: Path, version: str = "a", weights: bytes = b"0123456789" * 3):
    folder.mkdir()
    files = {"manifest.json": version.encode(), "model.onnx": weights, "card.md": b""}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return ModelArtifact(version, hashes["manifest.json"], folder, hashes)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def publish(store, folder: Path, *versions: str) -> None:
    """Publish versions, and make each live in turn."""
    for n, version in enumerate(versions):
        at = NOW + timedelta(days=2 * n)
        await store.publish_model(artifact_in(folder / version, version), at)
        await store.make_live(version, at, "anna", f"first {version}")


async def test_what_is_published_is_fetched_as_it_was(postgres_store, tmp_path):
    """Every byte, also of an empty file; nothing is left beside the folder."""
    made = artifact_in(tmp_path / "made")
    assert await postgres_store.publish_model(made, NOW)
    await postgres_store.fetch_model("a", tmp_path / "models" / "x")
    assert contents(tmp_path / "models" / "x") == contents(made.folder)
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["x"]


async def test_the_same_model_is_published_once(postgres_store, tmp_path):
    """A second time nothing is stored; at the same time, neither."""
    made = artifact_in(tmp_path / "made")
    done = await asyncio.gather(*(postgres_store.publish_model(made, NOW) for _ in range(4)))
    assert sorted(done) == [False, False, False, True]


async def test_a_version_is_one_model_for_ever(postgres_store, tmp_path):
    """Scores name it: other bytes under the same name are refused."""
    await postgres_store.publish_model(artifact_in(tmp_path / "made"), NOW)
    other = artifact_in(tmp_path / "other")
    other = ModelArtifact("a", "0" * 64, other.folder, other.files)
    with pytest.raises(Conflict, match="published as a before"):
        await postgres_store.publish_model(other, NOW)


async def test_files_that_changed_are_not_published(postgres_store, tmp_path):
    """Nor is anything of the version: it can be published when they are right."""
    made = artifact_in(tmp_path / "made")
    right = (made.folder / "model.onnx").read_bytes()
    (made.folder / "model.onnx").write_bytes(b"wrong")
    with pytest.raises(ArtifactInvalid, match=r"model\.onnx does not match"):
        await postgres_store.publish_model(made, NOW)
    (made.folder / "model.onnx").unlink()
    with pytest.raises(ArtifactInvalid, match="No such file"):
        await postgres_store.publish_model(made, NOW)
    (made.folder / "model.onnx").write_bytes(right)
    assert await postgres_store.publish_model(made, NOW)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE model_chunk SET bytes = 'x' WHERE name = 'model.onnx' AND number = 1",
        "DELETE FROM model_chunk WHERE name = 'model.onnx' AND number = 1",
    ],
)
async def test_a_damaged_piece_is_noticed(postgres_store, database_url, tmp_path, damage):
    """Nothing of the model appears where it was to go."""
    await postgres_store.publish_model(artifact_in(tmp_path / "made"), NOW)
    with psycopg.connect(database_url) as connection:
        connection.execute(damage)
    with pytest.raises(ArtifactInvalid, match=r"model\.onnx in the database"):
        await postgres_store.fetch_model("a", tmp_path / "models" / "x")
    assert list((tmp_path / "models").iterdir()) == []


async def test_a_full_disk_stops_before_it_is_full(postgres_store, tmp_path, monkeypatch):
    """The database may write its log to the same one."""
    await postgres_store.publish_model(artifact_in(tmp_path / "made"), NOW)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(models.shutil, "disk_usage", lambda _: usage(models.RESERVE_BYTES))
    with pytest.raises(OSError, match="No space left") as caught:
        await postgres_store.fetch_model("a", tmp_path / "models" / "x")
    assert caught.value.errno == errno.ENOSPC
    assert list((tmp_path / "models").iterdir()) == []


async def test_two_that_share_a_disk_fetch_the_same(postgres_store, tmp_path):
    """Who comes second finds the folder there and leaves it."""
    made = artifact_in(tmp_path / "made")
    await postgres_store.publish_model(made, NOW)
    place = tmp_path / "models" / "x"
    await asyncio.gather(*(postgres_store.fetch_model("a", place) for _ in range(3)))
    assert contents(place) == contents(made.folder)
    assert [path.name for path in place.parent.iterdir()] == ["x"]


async def test_what_a_killed_download_left_is_removed(postgres_store, tmp_path, monkeypatch):
    """When it is old: a young one may be another process at work."""
    await postgres_store.publish_model(artifact_in(tmp_path / "made"), NOW)
    left = tmp_path / "models" / ".part-left"
    left.mkdir(parents=True)
    await postgres_store.fetch_model("a", tmp_path / "models" / "x")
    assert left.exists()
    monkeypatch.setattr(models, "ABANDONED", timedelta(seconds=-1))
    await postgres_store.fetch_model("a", tmp_path / "models" / "y")
    assert not left.exists()


async def test_the_newest_change_is_live(postgres_store, tmp_path):
    """With who and why; making the live one live again changes nothing."""
    assert await postgres_store.live_model() is None
    await publish(postgres_store, tmp_path, "a", "b")
    assert await postgres_store.make_live("a", NOW, "ben", "too strict")
    assert not await postgres_store.make_live("a", NOW, "ben", "again")
    live = await postgres_store.live_model()
    assert (live.version, live.by, live.why) == ("a", "ben", "too strict")
    history = await postgres_store.model_history()
    assert [row.version for row in history] == ["a", "b", "a"]
    assert history[0] == live
    assert len(await postgres_store.model_history(2)) == 2


async def test_what_was_not_published_cannot_go_live(postgres_store):
    """No server could fetch it."""
    for call in (
        postgres_store.make_live("a", NOW, "anna", "x"),
        postgres_store.fetch_model("a", Path("nowhere")),
    ):
        with pytest.raises(NotFound, match="no published model a"):
            await call


async def test_changes_at_the_same_moment_all_stay(postgres_store, tmp_path):
    """And the newest is live for everybody."""
    await publish(postgres_store, tmp_path, "a", "b", "c")
    await asyncio.gather(
        *(postgres_store.make_live(name, NOW, name, "at once") for name in "abcabc")
    )
    history = await postgres_store.model_history()
    assert (await postgres_store.live_model()) == history[0]
    assert all(x.version != y.version for x, y in pairwise(history))


async def test_files_of_old_versions_are_dropped(postgres_store, database_url, tmp_path):
    """Those of the last three that were live stay; a dropped one can be published again."""
    await publish(postgres_store, tmp_path, *"abcd")
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT DISTINCT version FROM model_chunk ORDER BY 1").fetchall()
    assert [version for (version,) in rows] == ["b", "c", "d"]
    assert [row.version for row in await postgres_store.model_history()] == ["d", "c", "b", "a"]
    with pytest.raises(NotFound):
        await postgres_store.make_live("a", NOW, "anna", "back")
    shutil.rmtree(tmp_path / "a")
    assert await postgres_store.publish_model(artifact_in(tmp_path / "a"), NOW)
    assert await postgres_store.make_live("a", NOW, "anna", "back")


async def test_what_is_about_to_go_live_is_not_dropped(postgres_store, tmp_path):
    """Between publishing and going live, other versions may go live."""
    await publish(postgres_store, tmp_path, *"abc")
    later = NOW + timedelta(days=10)
    await postgres_store.publish_model(artifact_in(tmp_path / "e", "e"), later)
    for version in "abc":
        await postgres_store.make_live(version, later, "ben", "meanwhile")
    assert await postgres_store.make_live("e", later, "anna", "new")


@pytest.mark.parametrize("table", ["model", "model_live"])
@pytest.mark.parametrize("how", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_the_history_is_append_only(postgres_store, database_url, tmp_path, table, how):
    """By anybody."""
    await publish(postgres_store, tmp_path, "a")
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.IntegrityError):
        connection.execute(how.format(table))


@pytest.mark.parametrize("name", ["../evil", ".hidden", "a/b", ""])
async def test_a_file_name_is_a_plain_one(postgres_store, database_url, tmp_path, name):
    """A row that somebody else wrote leads out of no folder."""
    await publish(postgres_store, tmp_path, "a")
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE model_file SET name = %s WHERE name = 'card.md'", [name])


async def test_who_listens_is_told_of_a_change(postgres_store, tmp_path):
    """Once when it begins to listen, and when a model goes live."""
    notices = postgres_store.model_notices()
    await asyncio.wait_for(anext(notices), 10)
    await publish(postgres_store, tmp_path, "a")
    await asyncio.wait_for(anext(notices), 10)
    await notices.aclose()


async def test_the_end_of_listening_is_said(postgres_store, database_url):
    """The connection was cut, or there is no database."""
    notices = postgres_store.model_notices()
    await anext(notices)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(CUT)
    with pytest.raises(StoreUnavailable):
        await asyncio.wait_for(anext(notices), 10)
    nowhere = PostgresCaseStore.at("postgresql://somebody:secret@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable) as caught:
        await anext(nowhere.model_notices())
    assert "secret" not in str(caught.value)
