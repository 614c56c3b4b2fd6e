"""POST /v1/reports: receipts, joining, idempotency."""

from tests.serving.bench import Bench, report_body


def test_a_report_is_answered_with_where_it_stands_and_why(bench: Bench) -> None:
    """The receipt names language, scores, tier, index with terms, queue, clock and versions."""
    answer = bench.post("/v1/reports", report_body(), scope="intake")
    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt["queue"] == "std-en-safety"
    assert receipt["language"] == {"code": "en", "confidence": 1.0, "detected": None}
    assert receipt["labels"]["harassment"]["probability"] == 0.9
    assert receipt["labels"]["harassment"]["support"] == "measured"
    assert receipt["tier"] == "T3"
    assert receipt["index"]["value"] > 0
    assert {"harm.harassment", "reach", "reporter", "context", "age"} <= {
        term["name"] for term in receipt["terms"]
    }
    assert (receipt["model_version"], receipt["degraded"]) == ("stub-1", False)
    assert receipt["policy_version"] == bench.service.policy.version
