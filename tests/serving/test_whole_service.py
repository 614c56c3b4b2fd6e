"""The app as it is deployed: PostgreSQL, a real artifact, the worker, webhooks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.app import SystemClock, build, open_store
from serving.settings import Settings
from tests.serving.bench import report_body
from tests.serving.receiver import SECRET, Receiver
from triage_ml.inference.artifact import MANIFEST, MODEL, SHIPPED
from triage_ml.storage.embedded import EmbeddedServer
from triage_ml.workflow.access import create_key

TEXT = "what harassment w1 w2"


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """A tiny artifact that runs on the true code path."""
    pytest.importorskip("onnx", reason="writing an artifact needs the training extra")
    from triage_ml.testing.artifacts import tiny_artifact

    return tiny_artifact(tmp_path / "model").folder


@contextmanager
def serving(**settings: Any) -> Iterator[TestClient]:
    """Start the app, with a key for all scopes in its headers."""
    chosen = Settings(**{"score_deadline": "5s", **settings})
    with TestClient(build(chosen), raise_server_exceptions=False) as client:
        assert client.portal is not None
        keys = client.portal.call(client.app.state.service.store.list_keys)  # type: ignore[attr-defined]
        secret = client.portal.call(
            create_key,
            client.app.state.service.store,  # type: ignore[attr-defined]
            SystemClock(),
            f"test-{len(keys)}",
            ("admin", "restricted"),
        )
        client.headers["Authorization"] = f"Bearer {secret}"
        yield client


def test_an_item_goes_the_whole_way(database_url: str, model_dir: Path, receiver: Receiver) -> None:
    """Reported, scored, claimed, decided, announced; after a restart all of it is still there."""
    settings = {
        "database_url": database_url,
        "model_dir": model_dir,
        "webhook_url": receiver.url,
        "webhook_secret": SECRET,
    }
    headers = {"Idempotency-Key": "once"}
    with serving(**settings) as client:
        assert client.get("/readyz").json()["model_version"]
        body = report_body(text=TEXT)
        receipt = client.post("/v1/reports", json=body, headers=headers).json()
        assert receipt["degraded"] is False
        assert receipt["labels"]["harassment"]["probability"] > 0.5
        assert client.post("/v1/reports", json=body, headers=headers).json() == receipt
        queue = client.post(f"/v1/queues/{receipt['queue']}/claims", json={"n": 5}).json()
        (claimed,) = queue["claims"]
        verdict = {"claim_id": claimed["claim"]["claim_id"], "action": "no_action"}
        path = f"/v1/cases/{receipt['case_id']}"
        assert client.post(f"{path}/decision", json=verdict).json()["state"] == "decided"
        assert receiver.arrived.wait(20)
        (event,) = receiver.verified()
        assert (event["type"], event["data"]["case_id"]) == ("case.decided", receipt["case_id"])
    with serving(**settings) as client:
        assert client.get(path).json()["decision"]["action"] == "no_action"
        steps = [row["step"] for row in client.get(f"{path}/events").json()["events"]]
        assert steps == ["reported", "routed", "claimed", "decided"]


def test_a_batch_on_the_database_is_stored_once(database_url: str, model_dir: Path) -> None:
    """Reports that arrive side by side for the same items join, and a repeat adds nothing."""
    rows = [
        {**report_body(f"post-{n % 20}", text=TEXT), "idempotency_key": f"key-{n}"}
        for n in range(100)
    ]
    with serving(database_url=database_url, model_dir=model_dir) as client:
        first = client.post("/v1/reports:batch", json=rows).json()
        assert first["n_accepted"] == 100
        assert len({line["receipt"]["case_id"] for line in first["results"]}) == 20
        assert client.post("/v1/reports:batch", json=rows).json() == first
        queues = client.get("/v1/queues").json()["queues"]
        assert sum(row["n_open"] for row in queues) == 20


def test_the_same_report_at_the_same_time_is_stored_once(
    database_url: str, model_dir: Path
) -> None:
    """Retries that overtake each other all get the one receipt."""
    headers = {"Idempotency-Key": "once"}
    with serving(database_url=database_url, model_dir=model_dir) as client:

        def send(_: int) -> Any:
            return client.post("/v1/reports", json=report_body(text=TEXT), headers=headers).json()

        with ThreadPoolExecutor(8) as pool:
            receipts = list(pool.map(send, range(16)))
        assert all(receipt == receipts[0] for receipt in receipts)
        case = client.get(f"/v1/cases/{receipts[0]['case_id']}").json()
        assert case["n_reports"] == 1


def test_without_an_artifact_the_service_starts_degraded(
    database_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It says so in the log and in /readyz, and takes reports."""
    with serving(database_url=database_url, model_dir=tmp_path / "absent") as client:
        ready = client.get("/readyz").json()
        assert (ready["status"], ready["model"], ready["degraded"]) == ("ready", "missing", True)
        assert client.post("/v1/reports", json=report_body()).json()["degraded"] is True
    assert "NO MODEL" in "".join(capfd.readouterr())


@pytest.mark.parametrize("broken", [MANIFEST, MODEL])
def test_a_damaged_artifact_is_not_served(database_url: str, model_dir: Path, broken: str) -> None:
    """Checksums and manifest are verified at start; a damaged model is a missing one."""
    (model_dir / broken).write_bytes(b"{}")
    with serving(database_url=database_url, model_dir=model_dir) as client:
        assert client.get("/readyz").json()["model"] == "missing"


def test_scores_follow_once_a_model_is_there(database_url: str, model_dir: Path) -> None:
    """A case that was queued without scores is scored after a restart with a model."""
    with serving(database_url=database_url, model_dir=model_dir / "absent") as client:
        case_id = client.post("/v1/reports", json=report_body(text=TEXT)).json()["case_id"]
    with serving(database_url=database_url, model_dir=model_dir, worker_in_server=False) as client:
        from serving.worker import Worker

        service = client.app.state.service  # type: ignore[attr-defined]
        assert client.portal is not None
        assert client.portal.call(Worker(service, None).score_round) == 1
        assert client.get(f"/v1/cases/{case_id}").json()["degraded"] is False


@pytest.mark.skipif(not (SHIPPED / MANIFEST).exists(), reason="no model is shipped yet")
@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "You are a worthless idiot and everybody here hates you."),
        ("de", "Du bist ein wertloser Idiot und alle hier hassen dich."),
        ("tr", "Sen değersiz bir aptalsın ve buradaki herkes senden nefret ediyor."),
        ("es", "Eres un idiota inútil y todos aquí te odian."),
        ("ko", "너는 쓸모없는 멍청이고 여기 있는 모두가 너를 싫어해."),
    ],
)
def test_the_shipped_model_scores_every_language(
    database_url: str, language: str, text: str
) -> None:
    """The default model answers in each language with its support stated."""
    with serving(database_url=database_url) as client:
        receipt = client.post("/v1/reports", json=report_body(text=text)).json()
        assert (receipt["degraded"], receipt["language"]["code"]) == (False, language)
        assert receipt["p_violation"] > 0.5
        assert all(row["support"] for row in receipt["labels"].values())


def test_the_default_database_is_started_and_stopped(short_tmp_path: Path) -> None:
    """Without a URL a server of our own runs in the data folder, as long as the service does."""
    settings = {"data_dir": short_tmp_path, "model_dir": short_tmp_path / "absent"}
    with serving(**settings) as client:
        case_id = client.post("/v1/reports", json=report_body()).json()["case_id"]
        assert (short_tmp_path / "postgres" / "data" / "postmaster.pid").exists()
    assert not (short_tmp_path / "postgres" / "data" / "postmaster.pid").exists()
    with serving(**settings) as client:
        assert client.get(f"/v1/cases/{case_id}").json()["state"] == "queued"


def test_the_service_outlives_its_database(short_tmp_path: Path) -> None:
    """While the database is away reports get 503; when it is back they are taken again."""
    with (
        EmbeddedServer(short_tmp_path) as server,
        serving(database_url=server.url, model_dir=short_tmp_path / "absent") as client,
    ):
        assert client.post("/v1/reports", json=report_body()).status_code == 201
        server.stop()
        assert client.get("/readyz").status_code == 503
        refused = client.post("/v1/reports", json=report_body("post-2"))
        assert refused.json()["type"] == "/docs#store-unavailable"
        server.start()
        assert client.post("/v1/reports", json=report_body("post-2")).status_code == 201
        queues = client.get("/v1/queues").json()["queues"]
        assert sum(row["n_open"] for row in queues) == 2


@pytest.mark.anyio
async def test_an_errand_opens_the_same_database(short_tmp_path: Path) -> None:
    """Commands beside the server, as making a key, share its database."""
    settings = Settings(data_dir=short_tmp_path)
    async with open_store(settings) as store:
        await create_key(store, SystemClock(), "anna", ("review",))
    async with open_store(settings) as store:
        assert [key.name for key in await store.list_keys()] == ["anna"]
