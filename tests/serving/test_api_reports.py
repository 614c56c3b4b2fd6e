"""POST /v1/reports: receipts, joining, idempotency."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.serving.bench import KEYWORDS, Bench, report_body
from tests.serving.conftest import MakeBench
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
from triage_ml.testing import StubScorer


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


def test_each_term_of_the_index_is_a_sentence(bench: Bench) -> None:
    """Nobody has to know the formula to read why a case stands where it does."""
    for term in bench.report()["terms"]:
        assert term["why"].endswith(".")
        assert len(term["why"].split()) > 5


def test_every_field_of_a_report_arrives_in_the_case(bench: Bench) -> None:
    """Context, hint, views, profile, jurisdiction and deadline are stored as they were sent."""
    deadline = (bench.clock.now() + timedelta(hours=40)).isoformat()
    context = [{"relation": "parent", "text": "Nice talk."}]
    receipt = bench.report(
        item_language_hint="de",
        item_context=context,
        item_views_per_hour=250.0,
        item_high_profile=True,
        report_source="legal",
        report_jurisdiction="DE",
        report_legal_deadline=deadline,
    )
    case = bench.get(f"/v1/cases/{receipt['case_id']}").json()
    assert case["item"]["context"] == context
    assert case["item"]["language_hint"] == "de"
    assert (case["item"]["views_per_hour"], case["item"]["high_profile"]) == (250.0, True)
    assert case["reports"][0]["jurisdiction"] == "DE"
    assert receipt["clock"] == "the report's legal deadline"


def test_a_second_report_joins_the_open_case_and_moves_it(bench: Bench) -> None:
    """One case per item; what the second report adds re-prioritises it."""
    first = bench.report()
    second = bench.report(
        report_reporter_ref="reporter-2", report_source="trusted_flagger", item_high_profile=True
    )
    assert second["case_id"] == first["case_id"]
    assert (first["joined"], second["joined"]) == (False, True)
    assert second["tier"] < first["tier"]
    assert bench.get(f"/v1/cases/{first['case_id']}").json()["n_reports"] == 2


def test_the_same_key_and_body_answer_the_same_again(bench: Bench) -> None:
    """A repeated request stores nothing and gives the first receipt, whatever its formatting."""
    headers = {"Idempotency-Key": "notice-1"}
    first = bench.post("/v1/reports", report_body(), headers=headers)
    bench.clock.advance(timedelta(hours=1))
    spaced = json.dumps({**report_body(), "item": {"high_profile": False, **report_body()["item"]}})
    again = bench.post("/v1/reports", content=spaced, headers=headers)
    assert again.status_code == first.status_code == 201
    assert again.json() == first.json()
    assert bench.n_stored() == 1
    counted = 'triage_reports_total{degraded="false",joined="false",source="user"} 1.0'
    assert counted in bench.get("/metrics").text


def test_the_same_key_with_another_body_is_a_conflict(bench: Bench) -> None:
    """An Idempotency-Key stands for one body; another one is refused and not stored."""
    headers = {"Idempotency-Key": "notice-1"}
    bench.post("/v1/reports", report_body(), headers=headers)
    answer = bench.post("/v1/reports", report_body("post-2"), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/docs#idempotency-mismatch")
    assert bench.n_stored() == 1


def test_an_idempotency_key_belongs_to_its_caller(bench: Bench) -> None:
    """Two callers may use the same key for different reports."""
    headers = {"Idempotency-Key": "notice-1"}
    bench.post("/v1/reports", report_body(), headers=headers, scope="intake")
    answer = bench.post("/v1/reports", report_body("post-2"), headers=headers, scope="admin")
    assert answer.status_code == 201


def test_a_report_may_leave_its_reason_open(make_bench: MakeBench) -> None:
    """Without scores and without a named reason the case still stands somewhere, and says why."""
    bench = make_bench(scorer=None)
    receipt = bench.report(report_reason="other")
    assert (receipt["state"], receipt["degraded"]) == ("queued", True)
    harm = next(term for term in receipt["terms"] if term["name"] == "harm")
    assert harm["value"] > 0
    assert "label is not named" in harm["why"]


@pytest.mark.parametrize("language", SUPPORTED_LANGUAGES)
def test_each_language_has_its_own_queue(bench: Bench, language: Language) -> None:
    """The same words go to reviewers of their language."""
    receipt = bench.report(item_language_hint=language)
    assert receipt["queue"] == f"std-{language}-safety"


def test_a_violation_without_a_named_label_weighs(make_bench: MakeBench) -> None:
    """When the model sees a violation and no label stands out, the sentence says so."""

    class Vague(StubScorer):
        def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[LabelScores]:
            return [replace(row, p_violation=0.9) for row in super().score(texts, languages)]

    receipt = make_bench(scorer=Vague()).report(report_reason="other", text="hm")
    harm = next(term for term in receipt["terms"] if term["name"] == "harm")
    assert "label is not named" in harm["why"]


def test_long_text_says_how_many_windows_it_took(make_bench: MakeBench) -> None:
    """Nothing is cut: the receipt tells that the text was read in several windows."""

    class Windowed(StubScorer):
        def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[LabelScores]:
            return [replace(row, n_windows=3) for row in super().score(texts, languages)]

    bench = make_bench(scorer=Windowed(KEYWORDS))
    receipt = bench.report(text="word " * 19_999 + "loser")
    assert receipt["n_windows"] == 3
    assert receipt["labels"]["harassment"]["probability"] == 0.9


def test_a_text_of_exactly_the_limit_is_taken(bench: Bench) -> None:
    """100,000 characters pass, also when each takes four bytes and is escaped."""
    text = "\U0001f600a" * 50_000
    assert bench.report(text=text)["degraded"] is False
