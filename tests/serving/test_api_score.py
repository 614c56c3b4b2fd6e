"""POST /v1/score and GET /v1/model."""

from threading import Event

import pytest

from tests.serving.bench import KEYWORDS, Bench
from tests.serving.conftest import MakeBench
from triage_ml.errors import ScoringFailed
from triage_ml.testing import StubScorer


def test_texts_are_scored_in_order_and_not_stored(bench: Bench) -> None:
    """256 texts come back in their order, the same one is scored once, and no case is opened."""
    texts = [{"text": "what a loser" if n % 2 else f"good day {n % 4}"} for n in range(256)]
    body = bench.post("/v1/score", {"texts": texts}, scope="ml").json()
    likely = [row["labels"]["harassment"]["probability"] > 0.5 for row in body["scores"]]
    assert likely == [bool(n % 2) for n in range(256)]
    assert body["model_version"] == "stub-1"
    assert sum(bench.scorer.calls) == 3
    assert bench.n_stored() == 0
    metrics = bench.get("/metrics").text
    assert 'triage_texts_total{how="scored"} 3.0' in metrics


def test_a_hint_decides_the_language_of_a_doubtful_text(bench: Bench) -> None:
    """A hint per text reaches the detector."""
    texts = [{"text": "ok", "language_hint": "tr"}, {"text": "ok"}]
    scores = bench.post("/v1/score", {"texts": texts}).json()["scores"]
    assert [row["language"]["code"] for row in scores] == ["tr", "en"]


@pytest.mark.parametrize(
    ("texts", "status", "field"),
    [
        ([], 422, "texts"),
        ([{"text": "x"}] * 257, 413, "texts"),
        ([{"text": "x"}, {"text": " "}], 422, "texts[1].text"),
        ([{"text": "x" * 100_001}], 413, "texts[0].text"),
        ([{"text": "a\0b"}], 422, "texts[0].text"),
        ([{"text": "a", "language_hint": "xx"}], 422, "texts[0].language_hint"),
    ],
)
def test_bad_texts_are_named_by_their_place(
    bench: Bench, texts: list[object], status: int, field: str
) -> None:
    """A long list says which of its texts is wrong."""
    answer = bench.post("/v1/score", {"texts": texts})
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] == field


def test_a_failing_model_is_a_problem(make_bench: MakeBench) -> None:
    """Without a case to queue there is nothing to fall back to: 503."""
    bench = make_bench(scorer=StubScorer(failure=ScoringFailed("the session broke")))
    answer = bench.post("/v1/score", {"texts": [{"text": "x"}]})
    assert (answer.status_code, answer.json()["type"]) == (503, "/docs#scoring-failed")


def test_a_busy_model_is_overloaded(make_bench: MakeBench) -> None:
    """When the places before the model are taken, scoring is asked to come back: 429."""
    gate = Event()
    bench = make_bench(
        scorer=StubScorer(KEYWORDS, gate=gate),
        settings={"score_deadline": "20ms", "max_waiting_scores": 1},
    )
    bench.report()
    answer = bench.post("/v1/score", {"texts": [{"text": "x"}]})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    gate.set()


def test_the_model_says_what_it_can_and_cannot_do(bench: Bench) -> None:
    """Version, labels in output order, a support cell per language and label, and the card."""
    model = bench.get("/v1/model", scope="ml").json()
    assert model["version"] == "stub-1"
    assert model["labels"][0] == "hate"
    assert model["support"]["ko"]["hate"] == "measured"
    assert model["support"]["ko"]["civic_misinfo"] == "unsupported"
    assert model["card"].startswith("A stub")
