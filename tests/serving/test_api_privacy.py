"""Item text and reporter references enter neither logs nor metrics nor problems."""

import asyncio
import gc
import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog

from serving.telemetry import configure_logging
from serving.worker import Worker
from tests.serving.bench import Bench, report_body, scope_of
from tests.serving.conftest import MakeBench
from triage_ml.errors import DeliveryFailed, ScoringFailed
from triage_ml.ports import Delivery
from triage_ml.testing import StubScorer

TEXT = "Zebrafisch unterm Regenschirm"
REPORTER = "melder-4711"
AUTHOR = "verfasser-0815"


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest, kept_logging: None) -> Iterator[io.StringIO]:
    """Everything any logger of the process writes, at the finest level."""
    root = logging.getLogger()
    client = logging.getLogger("httpx2")  # the test's own client, not a part of the service
    client.disabled = True
    configure_logging("debug", request.param)
    written = io.StringIO()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    client.disabled = False


async def refuse(_: Delivery) -> None:
    raise DeliveryFailed("status 500")


def test_a_day_of_requests_leaves_no_text_behind(
    make_bench: MakeBench, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports, refusals, failures of model, store and code, reviews and webhooks: no trace."""
    scorer = StubScorer(failure=ScoringFailed("no"))
    bench = make_bench(scorer=scorer)
    body = report_body(
        text=TEXT, item_author_ref=AUTHOR, report_reporter_ref=REPORTER, report_reason="harassment"
    )
    answers = [
        bench.post("/v1/reports", body),
        bench.post("/v1/reports", {**body, TEXT: 1}),
        bench.post("/v1/reports", {**body, "report": {**body["report"], "source": TEXT}}),
        bench.post("/v1/reports", content=f'{{"item": "{TEXT}'.encode()),
        bench.post("/v1/reports:batch", [body, {"item": TEXT}, TEXT]),
        bench.post("/v1/score", {"texts": [{"text": TEXT}]}),
        bench.get(f"/v1/cases/{TEXT}"),
        bench.get(f"/v1/absent/{TEXT}?text={TEXT}"),
    ]
    worker = Worker(bench.service, refuse)
    bench.run(worker.score_round)
    scorer.failure = None
    bench.run(worker.score_round)
    claimed = bench.claim()
    verdict = {"claim_id": claimed["claim"]["claim_id"], "action": "no_action", "facts": TEXT}
    path = f"/v1/cases/{claimed['case']['case_id']}"
    answers.append(bench.post(f"{path}/decision", verdict, scope="review"))
    answers.append(
        bench.post(f"{path}/appeal", {"complainant_ref": REPORTER, "grounds": TEXT}, scope="intake")
    )
    bench.run(worker.deliver_round)
    bench.clock.advance(timedelta(minutes=1))

    async def break_down(*_: object) -> None:
        raise RuntimeError(TEXT)

    monkeypatch.setattr(bench.store, "submit", break_down)
    answers.append(bench.post("/v1/reports", body))
    assert [answer.status_code for answer in answers] == [
        201, 422, 422, 400, 200, 503, 422, 404, 200, 200, 500,
    ]  # fmt: skip
    places = {"log": log.getvalue(), "metrics": bench.client.get("/metrics").text}
    places |= {f"answer {n}": answer.text for n, answer in enumerate(answers) if answer.is_error}
    for secret in (TEXT, REPORTER, AUTHOR, "Zebrafisch"):
        assert [name for name, written in places.items() if secret in written] == []
    assert "webhook failed" in places["log"]
    assert "request failed" in places["log"]
    assert "/v1/cases/{case_id}/decision" in places["log"]


def test_a_request_cut_off_by_the_stop_is_a_problem_and_leaves_no_text(
    bench: Bench, log: io.StringIO
) -> None:
    """A body that never ends: 503 to who still listens, and no error for the server to log."""
    body = json.dumps(report_body(text=TEXT)).encode()
    answers: list[dict[str, Any]] = []

    async def cut_off() -> None:
        waiting = asyncio.Event()
        chunks = iter([{"type": "http.request", "body": body[:-5], "more_body": True}])

        async def receive() -> dict[str, Any]:
            for message in chunks:
                return message
            waiting.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            answers.append(message)

        request = asyncio.ensure_future(bench.client.app(scope_of("/v1/reports"), receive, send))
        await waiting.wait()
        request.cancel()
        await request

    bench.run(cut_off)
    assert answers[0]["status"] == 503
    assert json.loads(answers[1]["body"])["type"] == "/docs#given-up"
    assert "request given up" in log.getvalue()
    assert TEXT not in log.getvalue()


def test_an_error_that_another_logger_writes_is_told_without_its_values(
    bench: Bench, log: io.StringIO
) -> None:
    """Neither the locals nor the message of an error: servers log what they catch."""

    def fail(text: str) -> None:
        raise RuntimeError(text)

    async def forgotten() -> None:
        task = asyncio.ensure_future(asyncio.to_thread(fail, TEXT))
        await asyncio.wait({task})
        del task
        gc.collect()

    try:
        fail(TEXT)
    except RuntimeError as error:
        logging.getLogger("uvicorn.error").exception("In application", exc_info=error)
        logging.getLogger("uvicorn.error").exception("again")
        structlog.stdlib.get_logger("triage").exception("ours")
    bench.run(forgotten)
    written = log.getvalue()
    assert written.count("RuntimeError") == 4
    assert "test_api_privacy.py:" in written
    assert "Task exception was never retrieved" in written
    assert TEXT not in written
