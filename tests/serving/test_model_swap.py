"""Models that go live while the app runs: PostgreSQL, real artifacts, requests all the while."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from serving import app, swap
from serving.app import open_service
from serving.metrics import Metrics
from serving.settings import Settings
from tests.serving.bench import report_body
from tests.serving.test_whole_service import serving
from triage_ml.inference.artifact import MANIFEST, file_hash
from triage_ml.ports import ModelArtifact
from triage_ml.storage.postgres import PostgresCaseStore

pytest.importorskip("onnx", reason="writing an artifact needs the training extra")

TEXTS = [f"w{n} w{n + 1} w{n + 2}" for n in range(40)]
SECONDS = 20.0
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Models:
    """Artifacts with one `rest_logit` each, so that a score tells which of them made it."""

    def __init__(self, url: str, place: Path) -> None:
        self._url = url
        self._place = place

    def artifact(self, version: str, **changes: Any) -> ModelArtifact:
        from triage_ml.testing.artifacts import tiny_artifact

        folder = self._place / version
        made = tiny_artifact(folder, {"model_version": version}, **changes)
        own = file_hash(folder / MANIFEST)
        return ModelArtifact(version, own, folder, {**made.manifest.files, MANIFEST: own})

    def go_live(self, version: str, **changes: Any) -> None:
        """Publish and make live, as `triage model promote` does."""

        async def publish(store: PostgresCaseStore) -> None:
            await store.publish_model(self.artifact(version, **changes), AT)
            await store.make_live(version, AT, "anna", "x")

        self.run(publish)

    def run(self, use: Callable[[PostgresCaseStore], Awaitable[None]]) -> None:
        async def opened() -> None:
            async with PostgresCaseStore.at(self._url) as store:
                await use(store)

        asyncio.run(opened())

    def damage(self, statement: str) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(statement)


@pytest.fixture
def models(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    """An empty database, and a tiny model as the shipped one."""
    monkeypatch.setattr(swap, "LOOK_EVERY", swap.LOOK_EVERY / 10)
    found = Models(database_url, tmp_path / "artifacts")
    monkeypatch.setattr(app, "SHIPPED", found.artifact("shipped").folder)
    return found


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, Any]:
    return {"database_url": database_url, "data_dir": tmp_path / "data"}


def version(client: TestClient) -> str | None:
    found: str | None = client.get("/readyz").json()["model_version"]
    return found


def metric(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


def wait_for(client: TestClient, wanted: str) -> None:
    ends = time.monotonic() + SECONDS
    while version(client) != wanted:
        assert time.monotonic() < ends, f"{version(client)} is still there"
        time.sleep(0.02)


def test_what_goes_live_is_served_without_a_restart(models, settings):
    """And what is gone back to. Readiness, description, metrics and scores all say so."""
    with serving(**settings) as client:
        assert version(client) == "shipped"
        for name in ("one", "two", "one"):
            models.go_live(name)
            wait_for(client, name)
            assert client.get("/v1/model").json()["version"] == name
            assert f'triage_model_info{{version="{name}"}} 1.0' in client.get("/metrics").text
            scored = client.post("/v1/score", json={"texts": [{"text": "w1"}]}).json()
            assert scored["model_version"] == name
        assert metric(client, "triage_model_behind") == 0


def test_a_restart_begins_with_the_live_model(models, settings):
    """From the download, though the database lost the files; the shipped one is not loaded."""
    models.go_live("one")
    with serving(**settings) as client:
        assert version(client) == "one"
    models.damage("DELETE FROM model_file")
    with serving(**settings) as client:
        assert version(client) == "one"


@pytest.mark.parametrize("begun", [True, False], ids=["running", "starting"])
@pytest.mark.parametrize(
    ("damage", "changes"),
    [
        ("UPDATE model_chunk SET bytes = 'x' WHERE version = 'bad' AND name = 'model.onnx'", {}),
        (None, {"rest_logit": float("nan")}),
        (None, {"n_outputs": 7}),
    ],
    ids=["corrupt", "no number", "another shape"],
)
def test_a_model_that_cannot_be_used_is_not_served(models, settings, capfd, begun, damage, changes):
    """The one before goes on, at a start the shipped one; log and metrics say so."""
    with ExitStack() as stack:
        if begun:
            client = stack.enter_context(serving(**settings))
        models.go_live("good")
        if begun:
            wait_for(client, "good")

        async def bad(store: PostgresCaseStore) -> None:
            await store.publish_model(models.artifact("bad", **changes), AT)
            if damage:
                models.damage(damage)
            await store.make_live("bad", AT, "anna", "x")

        models.run(bad)
        if not begun:
            client = stack.enter_context(serving(**settings))
        ends = time.monotonic() + SECONDS
        while metric(client, 'triage_model_changes_total{outcome="refused"}') != 1:
            assert time.monotonic() < ends
            time.sleep(0.02)
        assert version(client) == ("good" if begun else "shipped")
        assert metric(client, "triage_model_behind") == 1
        assert client.post("/v1/reports", json=report_body()).json()["degraded"] is False
        models.go_live("other")
        wait_for(client, "other")
    assert "REFUSED" in "".join(capfd.readouterr())


def test_a_folder_that_is_set_wins(models, settings, capfd):
    """Who names a folder means it."""
    models.go_live("one")
    with serving(**settings, model_dir=models.artifact("mine").folder) as client:
        assert version(client) == "mine"
        models.go_live("two")
        time.sleep(1)
        assert version(client) == "mine"
    assert "not followed" in "".join(capfd.readouterr())


def test_every_server_follows(models, settings, tmp_path):
    """Each with a disk of its own, and two that share one."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(serving(**{**settings, "data_dir": tmp_path / name}))
            for name in ("first", "second", "second")
        ]
        for name in ("one", "two"):
            models.go_live(name)
            for client in clients:
                wait_for(client, name)


@pytest.mark.anyio
async def test_a_worker_by_itself_follows(models, settings):
    """It scores the backlog with the live model."""
    await asyncio.to_thread(models.go_live, "one")
    async with open_service(Settings(**settings), Metrics()) as service:
        assert service.scoring.scorer.info.version == "one"
        await asyncio.to_thread(models.go_live, "two")
        async with asyncio.timeout(SECONDS):
            while service.scoring.scorer.info.version != "two":  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def test_requests_never_notice_a_swap(models, settings):
    """None fails or goes without scores, and each is answered by one model from end to end."""
    logits = {"one": -3.0, "two": -2.0, "three": -1.0}  # the shipped one has -4.0
    done = Event()
    with serving(**settings) as client:
        chances = {}

        def ask_for_scores() -> int:
            n = 0
            while not done.is_set():
                body = {"texts": [{"text": text, "language_hint": "en"} for text in TEXTS]}
                answer = client.post("/v1/score", json=body)
                assert answer.status_code == 200, answer.text
                found = {row["p_violation"] for row in answer.json()["scores"]}
                assert len(found) == 1
                assert chances.setdefault(answer.json()["model_version"], found) == found
                n += 1
            return n

        def report(name: str) -> int:
            n = 0
            while not done.is_set():
                answer = client.post("/v1/reports", json=report_body(f"{name}-{n}", text="w1 w2"))
                assert (answer.status_code, answer.json()["degraded"]) == (201, False)
                n += 1
            return n

        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(ask_for_scores) for _ in range(2)]
            asked += [pool.submit(report, name) for name in "ab"]
            for name in ("one", "two", "three", "one", "two"):
                models.go_live(name, rest_logit=logits[name])
                wait_for(client, name)
                time.sleep(0.2)
            done.set()
            assert all(future.result() > 5 for future in asked)
        assert chances.keys() >= {"one", "two", "three"}
        assert len({tuple(found) for found in chances.values()}) == len(chances)
