"""Calibration, metrics and cells on numbers whose answer is known."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.batches import Rows
from training.calibrate import MIN_SHIFT, Evidence, calibrate_output, fit_platt, upper_shift
from training.evaluate import (
    alarm_rates,
    by_source,
    calibrated,
    measure,
    quality,
    rows_of_cell,
    support,
)
from training.metrics import auc, bootstrap_auc, bootstrap_gain, calibration_error, sigmoid
from triage_ml.domain.taxonomy import Label, Language, Support
from triage_ml.inference.artifact import POOLED, Calibration, CellQuality

RANDOM = np.random.default_rng(0)


def draw(slope: float, intercept: float, n: int = 4_000) -> Evidence:
    """Draw logits, and truths from a known calibration."""
    logits = RANDOM.normal(0, 2, n)
    truth = RANDOM.random(n) < sigmoid(slope * logits + intercept)
    return Evidence(logits, truth)


def rows(labels: list[list[int]], languages: list[str], sources: list[str]) -> Rows:
    table = np.array(labels, np.int8)
    empty = np.zeros(table.shape, np.bool_)
    return Rows([[0, 2]] * len(table), table, empty, np.array(languages), np.array(sources))


def test_recovers_a_known_slope_and_intercept() -> None:
    """Platt scaling finds the calibration the truths were drawn from."""
    evidence = draw(0.6, -1.2)
    fit = fit_platt(evidence.logits, evidence.truth)
    assert fit.slope == pytest.approx(0.6, abs=0.06)
    assert fit.intercept == pytest.approx(-1.2, abs=0.12)


def test_calibration_lowers_the_error() -> None:
    """Calibrated probabilities are closer to the observed shares."""
    evidence = draw(0.4, 1.0)
    fit = fit_platt(evidence.logits, evidence.truth)
    before = calibration_error(evidence.truth, sigmoid(evidence.logits))
    after = calibration_error(evidence.truth, sigmoid(fit.slope * evidence.logits + fit.intercept))
    assert after < 0.03 < before


def test_scores_without_information_never_turn_around() -> None:
    """A model that ranks backwards gets slope 0, not a negative one."""
    evidence = draw(-1.0, 0.0)
    assert fit_platt(evidence.logits, evidence.truth).slope == 0.0


def test_a_language_with_few_rows_takes_the_pooled_calibration() -> None:
    """A language without enough rows of both kinds has no calibration of its own."""
    evidence = {"en": draw(1.0, 0.0), "es": Evidence(np.zeros(30), np.zeros(30, np.bool_))}
    assert set(calibrate_output(evidence)) == {"en", POOLED}


def test_upper_shift_is_the_largest_seen_distance() -> None:
    """The shift covers the language furthest from the pooled calibration, at least 1."""
    alike = {"en": draw(1.0, 0.0), "de": draw(1.0, 0.0)}
    assert upper_shift(calibrate_output(alike), alike) == MIN_SHIFT
    apart = {"en": draw(1.0, -3.0), "de": draw(1.0, 3.0)}
    assert upper_shift(calibrate_output(apart), apart) > 2.0


def test_auc_agrees_with_scikit_learn() -> None:
    """Ties included."""
    truth = RANDOM.random(300) < 0.3
    scores = np.round(RANDOM.random(300) + truth, 1)
    assert auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))


def test_interval_holds_the_value_and_narrows_with_rows() -> None:
    """A bootstrap interval surrounds the value; more rows make it smaller."""
    few, many = draw(1.0, 0.0, 200), draw(1.0, 0.0, 5_000)
    wide = bootstrap_auc(few.truth, few.logits, 200)
    narrow = bootstrap_auc(many.truth, many.logits, 200)
    assert wide.low < wide.value < wide.high
    assert narrow.high - narrow.low < wide.high - wide.low


def test_gain_over_itself_is_nothing() -> None:
    """A model beats itself by exactly zero."""
    evidence = draw(1.0, 0.0, 300)
    gain = bootstrap_gain(evidence.truth, evidence.logits, evidence.logits, 50)
    assert gain.low == gain.value == gain.high == 0.0


def test_a_cell_leaves_out_one_sided_sources() -> None:
    """A corpus of positives only does not measure an output."""
    table = rows([[1], [0], [1], [-1]], ["en"] * 4, ["both", "both", "one", "both"])
    assert rows_of_cell(table, 0, "en").tolist() == [0, 1]


def test_measures_a_cell_beside_the_floor() -> None:
    """A perfect model on a random floor: AUC 1, a gain above 0, and the rows counted."""
    truth = np.arange(200) % 2
    table = rows([[t] for t in truth], ["ko"] * 200, ["a"] * 200)
    scores = np.where(truth == 1, 0.9, 0.1)[:, None]
    cells = list(measure(table, scores, RANDOM.random((200, 1)), ("hate",), 50))
    assert [(c.language, c.n_positive, c.auc.value) for c in cells] == [("ko", 100, 1.0)]
    assert cells[0].gain is not None
    assert cells[0].gain.low > 0
    assert cells[0].recall == cells[0].precision == 1.0
    CellQuality(**quality(cells)["ko"]["hate"])
    assert support(cells, 50).of(Language.KO, Label.HATE) is Support.MEASURED
    assert support(cells, 101).of(Language.KO, Label.HATE) is Support.UNSUPPORTED


def test_a_cell_without_a_floor_has_no_gain() -> None:
    """Where the baseline could not be fitted nothing is compared."""
    truth = np.arange(40) % 2
    table = rows([[t] for t in truth], ["ko"] * 40, ["a"] * 40)
    floor = np.full((40, 1), np.nan)
    cell = next(measure(table, RANDOM.random((40, 1)), floor, ("hate",), 20))
    assert cell.baseline is cell.gain is None
    assert quality([cell])["ko"]["hate"]["baseline_auc"] is None


def test_calibrates_each_row_by_its_language() -> None:
    """A language with its own fit uses it, any other the pooled one."""
    fits = {
        "hate": {
            "en": Calibration(slope=1, intercept=1),
            POOLED: Calibration(slope=1, intercept=0),
        }
    }
    found = calibrated(np.zeros((2, 1)), np.array(["en", "tr"]), fits)
    assert found[:, 0].tolist() == [pytest.approx(sigmoid(np.float64(1))), 0.5]


def test_counts_alarms_on_benign_rows_only() -> None:
    """Only rows of which every output is absent can be false alarms."""
    table = rows([[0, 0], [0, 0], [1, -1]], ["en"] * 3, ["a"] * 3)
    scores = np.array([[0.9, 0.1], [0.1, 0.1], [0.9, 0.9]])
    assert alarm_rates(table, scores, ("hate", "violation")) == {
        "en": {"hate": 0.5, "violation": 0.0}
    }


def test_measures_inside_each_source() -> None:
    """Per source, for `violation` alone; a source of one side gives nothing."""
    truth = np.arange(40) % 2
    table = rows([[-1, t] for t in truth] + [[-1, 1]], ["en"] * 41, ["a"] * 40 + ["b"])
    scores = np.where(table.labels[:, 1:] == 1, 0.9, 0.1).repeat(2, axis=1)
    floor = np.full((41, 2), np.nan)
    assert by_source(table, scores, floor, ("hate", "violation")) == {
        "a": {"auc": 1.0, "baseline_auc": None, "macro_f1": 1.0}
    }
