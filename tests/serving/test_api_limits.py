"""Bodies over the limit, too many requests at once, a database that is away."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from serving.body import BodyLimit
from serving.problems import BodyTooSlow
from tests.serving.bench import KEYWORDS, Bench, report_body, secret_of
from tests.serving.conftest import MakeBench
from triage_ml.errors import StoreUnavailable
from triage_ml.testing import StubScorer

MEBIBYTE = b"x" * 2**20


def test_a_body_of_ten_megabytes_is_refused_by_its_stated_length(bench: Bench) -> None:
    """413 with the limit, and nothing stored."""
    answer = bench.post("/v1/reports", content=MEBIBYTE * 10)
    assert (answer.status_code, answer.json()["type"]) == (413, "/docs#too-large")
    assert "2,097,152" in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"] == "body"
    assert bench.n_stored() == 0


def test_a_streamed_body_is_refused_before_it_is_read_whole(bench: Bench) -> None:
    """Without a stated length the limit holds too, after the first bytes over it."""
    n_taken = 0
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal n_taken
        n_taken += 1
        return {"type": "http.request", "body": MEBIBYTE, "more_body": n_taken < 1_000}

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "path": "/v1/reports", "raw_path": b"/v1/reports", "query_string": b"", "root_path": "",
        "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"authorization", f"Bearer {secret_of('intake')}".encode())],
    }  # fmt: skip
    bench.run(bench.client.app, scope, receive, send)
    assert answers[0]["status"] == 413
    assert n_taken == 3
    assert bench.n_stored() == 0


def test_a_streamed_report_within_the_limit_is_taken(bench: Bench) -> None:
    """Chunks need no stated length."""

    def chunks() -> Iterator[bytes]:
        body = json.dumps(report_body()).encode()
        yield body[:20]
        yield body[20:]

    assert bench.post("/v1/reports", content=chunks()).status_code == 201


def test_batches_may_be_larger(make_bench: MakeBench) -> None:
    """Batch and score have a limit of their own."""
    bench = make_bench(settings={"max_body_bytes": 2_000, "max_bulk_body_bytes": 20_000})
    rows = [report_body(f"post-{n}") for n in range(20)]
    assert bench.post("/v1/reports:batch", rows).json()["n_accepted"] == 20
    assert bench.post("/v1/reports", rows).status_code == 413
    assert bench.post("/v1/reports:batch", rows * 10).status_code == 413
    assert bench.n_stored() == 20


def test_a_client_that_hangs_up_stores_nothing(bench: Bench) -> None:
    """A body that ends early is no report."""
    sent: list[dict[str, Any]] = []
    messages = iter(
        [
            {"type": "http.request", "body": b'{"item"', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "path": "/v1/reports", "raw_path": b"/v1/reports", "query_string": b"", "root_path": "",
        "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"authorization", f"Bearer {secret_of('intake')}".encode())],
    }  # fmt: skip
    bench.run(bench.client.app, scope, receive, send)
    assert sent[0]["status"] == 400
    assert bench.n_stored() == 0


def test_more_requests_than_places_are_asked_to_come_back(make_bench: MakeBench) -> None:
    """429 with Retry-After at once; the place is free again when the first is done."""
    gate = Event()
    scorer = StubScorer(KEYWORDS, gate=gate)
    bench = make_bench(scorer=scorer, settings={"max_in_flight": 1, "score_deadline": "30s"})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(bench.report)
        scorer.entered.wait(10)
        for path, body in (
            ("/v1/reports", report_body("post-2")),
            ("/v1/reports:batch", [report_body("post-2")]),
            ("/v1/score", {"texts": [{"text": "x"}]}),
        ):
            answer = bench.post(path, body)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert bench.get("/v1/queues").is_success
        gate.set()
        assert first.result(10)["degraded"] is False
    assert bench.n_stored() == 1
    assert bench.report(item_id="post-2")["joined"] is False


@pytest.fixture
def away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A service whose database went away after the keys were looked up."""
    for scope in ("intake", "admin"):
        bench.post("/v1/reports", {}, scope=scope)

    async def refuse(*_: object) -> None:
        raise StoreUnavailable("the connection was refused or lost")

    for name in ("submit", "change", "claim", "get_case", "queue_depths", "ping", "find_key"):
        monkeypatch.setattr(bench.store, name, refuse)
    return bench


def test_without_the_database_reports_are_refused_not_lost(away: Bench) -> None:
    """503 with Retry-After: an answer of 201 always means stored."""
    for answer in (
        away.post("/v1/reports", report_body()),
        away.post("/v1/queues/std-en-safety/claims", {}),
        away.get("/v1/queues"),
        away.get("/v1/queues", scope="review"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (503, "/docs#store-unavailable")
        assert int(answer.headers["retry-after"]) > 0


def test_a_batch_without_the_database_says_so_per_report(away: Bench) -> None:
    """Each line has its own 503, so that a caller can send exactly these again."""
    body = away.post("/v1/reports:batch", [report_body(), report_body("post-2")]).json()
    assert [line["status"] for line in body["results"]] == [503, 503]
    assert body["n_accepted"] == 0


def test_readiness_follows_the_database_and_liveness_does_not(away: Bench) -> None:
    """A process without its database is alive, not ready, and still scraped."""
    assert away.client.get("/livez").json() == {"status": "alive"}
    assert away.client.get("/readyz").status_code == 503
    metrics = away.client.get("/metrics")
    assert metrics.status_code == 200
    assert "triage_store_up 0.0" in metrics.text


@pytest.mark.anyio
async def test_half_a_body_is_not_waited_for_for_ever() -> None:
    """A sender that stops is answered 408; after a whole body nothing is timed any more."""
    arrived = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if arrived:
            return arrived.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        with pytest.raises(BodyTooSlow):
            await receive()
        reached.append(scope["path"])

    async def send(message: Message) -> None:
        return None

    reached: list[str] = []
    limit = BodyLimit(app, 1000, {}, timedelta(milliseconds=20))
    scope = {"type": "http", "path": "/v1/reports", "headers": []}
    await limit(scope, receive, send)
    assert reached == ["/v1/reports"]


def test_a_made_up_method_makes_no_series_of_its_own(bench: Bench) -> None:
    """Whoever may connect could otherwise fill the metrics."""
    bench.call("ZZTOP", "/livez")
    shown = bench.get("/metrics").text
    assert "ZZTOP" not in shown
    assert 'method="OTHER"' in shown
