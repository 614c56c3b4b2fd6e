"""A model that is missing, slow or broken never costs a report."""

from threading import Event

import pytest

from serving.worker import Worker
from tests.serving.bench import KEYWORDS, Bench, report_body
from tests.serving.conftest import MakeBench
from triage_ml.errors import ScoringFailed
from triage_ml.testing import StubScorer


def assert_degraded(bench: Bench, receipt: dict[str, object]) -> None:
    """The report is stored and queued by its reason, and says that scores are missing."""
    assert (receipt["degraded"], receipt["model_version"]) == (True, None)
    assert (receipt["labels"], receipt["n_windows"]) == ({}, None)
    assert receipt["queue"] == "std-en-safety"
    assert "harm.harassment" in str(receipt["terms"])
    assert bench.n_stored() == 1


def assert_caught_up(bench: Bench, receipt: dict[str, object]) -> None:
    """One round of the worker gives the case its scores."""
    assert bench.run(Worker(bench.service, None).score_round) == 1
    case = bench.get(f"/v1/cases/{receipt['case_id']}").json()
    assert (case["degraded"], case["model_version"]) == (False, "stub-1")
    assert case["labels"]["harassment"]["probability"] == 0.9
    steps = bench.get(f"/v1/cases/{receipt['case_id']}/events").json()["events"]
    assert [event["step"] for event in steps] == ["reported", "routed", "scored", "routed"]


def test_without_a_model_a_report_is_queued_by_its_reason(make_bench: MakeBench) -> None:
    """It is accepted and flagged, and scored once a model is there."""
    bench = make_bench(scorer=None)
    receipt = bench.report()
    assert_degraded(bench, receipt)
    assert bench.run(Worker(bench.service, None).score_round) == 0
    bench.service.scoring.scorer = StubScorer(KEYWORDS)
    assert_caught_up(bench, receipt)


def test_a_slow_model_does_not_hold_up_a_report(make_bench: MakeBench) -> None:
    """Over the deadline the report is answered without scores, and the worker adds them."""
    gate = Event()
    scorer = StubScorer(KEYWORDS, gate=gate)
    bench = make_bench(scorer=scorer, settings={"score_deadline": "20ms"})
    receipt = bench.report()
    assert_degraded(bench, receipt)
    gate.set()
    assert_caught_up(bench, receipt)


@pytest.mark.parametrize("failure", [ScoringFailed("the session broke"), RuntimeError("crash")])
def test_a_failing_model_does_not_lose_a_report(make_bench: MakeBench, failure: Exception) -> None:
    """Failures of the model, foreseen or not, are counted by cause and made good later."""
    scorer = StubScorer(KEYWORDS, failure=failure)
    bench = make_bench(scorer=scorer)
    receipt = bench.report()
    assert_degraded(bench, receipt)
    assert 'triage_scoring_failures_total{reason="ScoringFailed"} 1.0' in bench.get("/metrics").text
    scorer.failure = None
    assert_caught_up(bench, receipt)


def test_a_report_under_a_full_model_is_accepted(make_bench: MakeBench) -> None:
    """When all places before the model are taken, a report is queued rather than refused."""
    gate = Event()
    bench = make_bench(
        scorer=StubScorer(KEYWORDS, gate=gate),
        settings={"score_deadline": "20ms", "max_waiting_scores": 1},
    )
    bench.report()
    assert bench.report(item_id="post-2")["degraded"] is True
    gate.set()


def test_the_gauges_tell_of_the_backlog(make_bench: MakeBench) -> None:
    """What waits for scores can be watched and alarmed on."""
    bench = make_bench(scorer=None)
    bench.report()
    metrics = bench.get("/metrics").text
    assert "triage_backlog_cases 1.0" in metrics
    assert 'triage_model_info{version=""} 0.0' in metrics
    assert 'triage_reports_total{degraded="true",joined="false",source="user"} 1.0' in metrics


def test_scores_alone_need_the_model(make_bench: MakeBench) -> None:
    """POST /v1/score has nothing to give without a model, and says when to come back."""
    bench = make_bench(scorer=None)
    for answer in (
        bench.post("/v1/score", {"texts": [{"text": "hello"}]}),
        bench.get("/v1/model"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (503, "/docs#model-missing")
        assert int(answer.headers["retry-after"]) > 0
    assert bench.post("/v1/reports", report_body()).status_code == 201
