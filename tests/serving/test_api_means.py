"""`GET /v1/automated-means`: what a transparency report is made from."""

from typing import Any

import pytest

from serving.schemas.means import EXAMPLE, MeansOut
from tests.serving.bench import Bench

PATH = "/v1/automated-means"


def rows(answer: Any, language: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(
        row["indicators"] for row in answer.json()["languages"] if row["language"] == language
    )
    return found


def test_every_language_has_an_answer_and_a_reason(bench: Bench) -> None:
    """Nothing was drawn, so nothing is known; a cell is never left out."""
    answer = bench.get(f"{PATH}?window=30", scope="ml")
    assert answer.status_code == 200
    assert [row["language"] for row in answer.json()["languages"]] == [
        "all", "en", "de", "tr", "es", "ko",
    ]  # fmt: skip
    assert {row["eu_official"] for row in answer.json()["languages"][1:4]} == {True, False}
    for row in rows(answer, "ko"):
        assert row["error_rate"] == {
            "value": None, "low": 0, "high": 1, "n": 0, "n_effective": 0, "unknown": "no_draws",
        }  # fmt: skip
    assert {row["sample"] for row in rows(answer, "ko")} == {"received", "waiting", "blind"}


def test_restricted_labels_need_the_scope(bench: Bench) -> None:
    """Admin alone does not imply it."""
    bench.add_key("safe", "ml", "restricted")
    for scope, seen in (("ml", False), ("admin", False), ("safe", True)):
        answer = bench.get(PATH, scope=scope)
        assert answer.json()["holds_restricted"] is seen
        assert ("child_safety" in {row["label"] for row in rows(answer, "en")}) is seen


@pytest.mark.parametrize("window", ["7", "-1", "many"])
def test_another_window_is_refused(bench: Bench, window: str) -> None:
    answer = bench.get(f"{PATH}?window={window}", scope="ml")
    assert answer.status_code == 422
    assert "window" in answer.text


def test_the_example_is_an_answer() -> None:
    assert MeansOut.model_validate(EXAMPLE).model_dump(mode="json") == EXAMPLE
