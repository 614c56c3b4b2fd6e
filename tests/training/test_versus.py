"""Champion and challenger on the same rows: a regression is found, noise is not one."""

from typing import Any

import numpy as np
import pytest

from tests.training.finished import good_reports
from tests.training.rows import rows
from training.learning.batches import Rows
from training.measuring.versus import MEASURES, Side, compare_rows
from training.metrics import auc, average_precision
from training.release.against import holm
from training.release.gates import check_gates, load_limits
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
from triage_ml.inference.artifact import DECISIONS

OUTPUTS = ("harassment", "violation")
LANGUAGES = tuple(language.value for language in SUPPORTED_LANGUAGES)
N = 480  # rows of a language
ROUNDS = 200
COUNTS = {x: {"passed": 80, "total": 100} for x in LANGUAGES}


def measured_rows() -> Rows:
    """Give rows of five languages, a sixth of them decisions; every third is positive."""
    languages = [x for x in LANGUAGES for _ in range(N)]
    labels = [[int(i % 3 == 0)] * 2 for i in range(len(languages))]
    sources = [DECISIONS if i % 6 < 1 or i % 6 == 4 else "a" for i in range(len(languages))]
    return rows(labels, languages, sources)


def side(seen: Rows, noise: float, seed: int = 0, worse_in: str = "", by: float = 4.0) -> Side:
    """Give scores that follow the truth with noise, and more of it in one language."""
    random = np.random.default_rng(seed)
    spread = np.where(seen.languages == worse_in, by, noise)[:, None]
    logits = 2.0 * seen.labels - 1 + spread * random.normal(size=seen.labels.shape)
    return Side(1 / (1 + np.exp(-logits)), np.full(logits.shape, 0.5))


def report(champion: Side, challenger: Side, seen: Rows) -> dict[str, Any]:
    found = compare_rows(seen, champion, challenger, OUTPUTS, ROUNDS)
    return {
        **found,
        "functional": {"champion": COUNTS, "challenger": COUNTS},
        "measured": [[language, "harassment"] for language in LANGUAGES],
        "champion": {"model_version": "a", "manifest": "x"},
    }


def failed(versus: dict[str, Any]) -> dict[str, str]:
    gates = check_gates({**good_reports(), "versus": versus}, load_limits(), good_reports())
    return {gate.name: str(gate) for gate in gates if not gate.passed}


def test_numbers_are_those_of_the_plain_measures() -> None:
    """Area, average precision and recall of each side are what they are alone."""
    seen = measured_rows()
    one, other = side(seen, 1.0, 1), side(seen, 1.5, 2)
    cells = compare_rows(seen, one, other, OUTPUTS, 5)["cells"]
    cell = next(c for c in cells if (c["part"], c["output"]) == ("public", "violation"))
    chosen = (seen.languages == cell["language"]) & (seen.sources == "a")
    truth, scores = seen.labels[chosen, 1] == 1, other.probabilities[chosen, 1]
    found = cell["measures"]
    assert found["auc"]["challenger"] == pytest.approx(auc(truth, scores))
    precision = average_precision(truth, scores)
    assert found["average_precision"]["challenger"] == pytest.approx(precision)
    assert found["recall"]["challenger"] == pytest.approx((scores[truth] >= 0.5).mean())


def test_tied_scores_count_half() -> None:
    """Rounded to one digit the area is still the plain one."""
    seen = measured_rows()
    rounded = side(seen, 1.0)
    coarse = Side(np.round(rounded.probabilities, 1), rounded.thresholds)
    cell = compare_rows(seen, coarse, coarse, OUTPUTS, 3)["cells"][0]
    chosen = (seen.languages == cell["language"]) & (seen.sources == "a")
    truth = seen.labels[chosen, 0] == 1
    expected = auc(truth, coarse.probabilities[chosen, 0])
    assert cell["measures"]["auc"]["champion"] == pytest.approx(expected)


def test_the_same_model_differs_nowhere() -> None:
    """Every difference and its interval is zero, and every gate passes."""
    seen = measured_rows()
    same = side(seen, 1.0)
    versus = report(same, same, seen)
    pairs = [cell["measures"][name]["difference"] for cell in versus["cells"] for name in MEASURES]
    assert all(p["low"] == p["value"] == p["high"] == 0 for p in pairs)
    assert failed(versus) == {}


def test_decisions_and_public_rows_are_compared_apart() -> None:
    """In both parts, each language and output."""
    seen = measured_rows()
    versus = report(side(seen, 1.0), side(seen, 1.0, 1), seen)
    assert len(versus["cells"]) == 2 * len(LANGUAGES) * len(OUTPUTS)
    assert {cell["part"] for cell in versus["cells"]} == {"public", DECISIONS}


def test_a_language_that_got_worse_is_refused_and_named() -> None:
    """One of five is ruined: its gate, its label and forgetting fail, the others pass."""
    seen = measured_rows()
    versus = report(side(seen, 1.0), side(seen, 1.0, worse_in="tr"), seen)
    found = failed(versus)
    assert "tr against the champion" in found
    assert "tr harassment" in found["labels against the champion"]
    assert not any(f"{x} against the champion" in found for x in LANGUAGES if x != "tr")
    assert versus["worst_language"]["language"] == "tr"


def test_noise_alone_is_seldom_refused() -> None:
    """Of models that differ by chance alone, few fail a gate; without Holm a label often would."""
    seen = measured_rows()
    refused = [failed(report(side(seen, 1.0, i), side(seen, 1.0, 50 + i), seen)) for i in range(12)]
    assert sum("labels against the champion" in found for found in refused) <= 2
    assert sum("forgetting, mean of the languages" in found for found in refused) <= 2


def test_a_language_that_was_not_compared_is_refused() -> None:
    """What was not measured never passes."""
    seen = measured_rows()
    versus = report(side(seen, 1.0), side(seen, 1.0), seen)
    versus["cells"] = [c for c in versus["cells"] if c["language"] != "ko"]
    assert failed(versus)["ko against the champion"].endswith("ko is not measured")


@pytest.mark.parametrize("versus", [{}, {"cells": []}, {"cells": None}, {"cells": [{}]}])
def test_a_comparison_without_its_numbers_is_refused(versus: dict[str, Any]) -> None:
    """It never counts as passed."""
    assert any("champion" in name for name in failed(versus))


def test_a_worse_functional_suite_is_refused() -> None:
    """By more than two points, on the same cases."""
    seen = measured_rows()
    versus = report(side(seen, 1.0), side(seen, 1.0), seen)
    fewer = {x: {"passed": 77, "total": 100} for x in LANGUAGES}
    versus["functional"]["challenger"] = fewer
    assert list(failed(versus)) == ["functional against the champion"]


def test_holm_adjusts_for_the_number_compared() -> None:
    """The smallest counts as often as there are tests, and order is kept."""
    assert holm([(0.01, "a"), (0.02, "b"), (0.9, "c")]) == [(0.03, "a"), (0.04, "b"), (0.9, "c")]
    assert holm([]) == []
