"""Probes, metrics, request ids."""

import pytest

from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench


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


@pytest.mark.parametrize(
    ("sent", "kept"), [("order-12345678", True), ("short", False), ("a b c d e f g h", False)]
)
def test_a_plain_request_id_is_taken_over(bench: Bench, sent: str, kept: bool) -> None:
    """A caller's id is kept if it is plain; any other is replaced."""
    answer = bench.client.get("/livez", headers={"X-Request-ID": sent})
    assert (answer.headers["x-request-id"] == sent) is kept
    assert len(answer.headers["x-request-id"]) >= 8
