"""Probes, metrics, request ids."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from serving.routes.health import FRESH
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench
from triage_ml.errors import StoreUnavailable
from triage_ml.ports import QueueDepth


def test_a_service_with_model_and_database_is_ready(bench: Bench) -> None:
    """No key is needed to ask."""
    assert bench.client.get("/readyz").json() == {
        "status": "ready",
        "database": "ok",
        "model": "ok",
        "model_version": "stub-1",
        "degraded": False,
    }


def test_a_service_without_a_model_is_ready_and_says_degraded(make_bench: MakeBench) -> None:
    """Reports are accepted, so traffic may come; what is missing is stated."""
    answer = make_bench(scorer=None).client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["model"], body["degraded"]) == (200, "missing", True)


def test_metrics_follow_the_naming_and_count_by_route(bench: Bench) -> None:
    """Every name begins with triage_; paths are templates, so that ids make no new series."""
    receipt = bench.report()
    bench.get(f"/v1/cases/{receipt['case_id']}")
    bench.get("/v1/absent/thing")
    text = bench.client.get("/metrics").text
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[0] != "#"}
    assert all(name.startswith("triage_") for name in names)
    seen = 'triage_request_seconds_count{method="GET",route="/v1/cases/{case_id}",status="200"} 1.0'
    assert seen in text
    assert 'route="(none)",status="404"' in text
    assert receipt["case_id"] not in text


def test_metrics_tell_nothing_of_restricted_queues(bench: Bench) -> None:
    """A scrape needs no key: neither depth nor claims of such a queue are in it, nor in a sum."""
    bench.service.scoring.scorer = None
    receipt = bench.report(report_reason="child_safety")
    assert bench.service.policy.queues[receipt["queue"]].restricted
    assert bench.claim(receipt["queue"], scope="lead")
    text = bench.client.get("/metrics").text
    assert receipt["queue"] not in text
    assert "triage_backlog_cases 0.0" in text


def test_a_storm_of_scrapes_counts_the_cases_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database has to count is kept for a few seconds, also when it did not answer."""
    asked: list[datetime] = []

    async def refuse(now: datetime) -> list[QueueDepth]:
        asked.append(now)
        raise StoreUnavailable("gone")

    depths = bench.store.queue_depths
    monkeypatch.setattr(bench.store, "queue_depths", refuse)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: bench.client.get("/metrics"), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len(asked) == 1
    monkeypatch.setattr(bench.store, "queue_depths", depths)
    bench.report()
    bench.clock.advance(FRESH)
    text = bench.client.get("/metrics").text
    assert "triage_store_up 1.0" in text
    assert 'triage_queue_cases{queue="std-en-safety"' in text


@pytest.mark.parametrize(
    ("sent", "kept"), [("order-12345678", True), ("short", False), ("a b c d e f g h", False)]
)
def test_a_plain_request_id_is_taken_over(bench: Bench, sent: str, kept: bool) -> None:
    """A caller's id is kept if it is plain; any other is replaced."""
    answer = bench.client.get("/livez", headers={"X-Request-ID": sent})
    assert (answer.headers["x-request-id"] == sent) is kept
    assert len(answer.headers["x-request-id"]) >= 8
