"""Cells, floors and support on numbers whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.training.rows import rows
from training.measuring.evaluate import (
    MIN_CASES,
    MIN_MEASURED_AUC,
    Cell,
    alarm_rates,
    by_source,
    calibrated,
    gather_evidence,
    measure,
    quality,
    rows_of_cell,
    support,
)
from training.metrics import Interval, auc, bootstrap_auc, bootstrap_gain, sigmoid
from triage_ml.domain.taxonomy import Label, Language, Support
from triage_ml.inference.artifact import POOLED, Calibration, CellQuality

HALF = {"hate": {POOLED: 0.5}}
GOOD = {"present": MIN_CASES, "found": MIN_CASES, "absent": 40, "alarms": 1}


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def measured(output: str = "hate", low: float = 0.8, n: int = 100) -> Cell:
    """Give a Korean cell whose interval begins at `low`."""
    table = rows([[i % 2] for i in range(2 * n)], ["ko"] * 2 * n, ["a"] * 2 * n)
    [cell] = measure(table, table.labels.astype(float), {}, ("hate",), 2, HALF)
    return replace(cell, output=output, auc=Interval(0.9, low, 0.95))


def test_auc_agrees_with_scikit_learn(random: np.random.Generator) -> None:
    """Ties included."""
    truth = random.random(300) < 0.3
    scores = np.round(random.random(300) + truth, 1)
    assert auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))


def test_interval_holds_the_value_and_narrows_with_rows(random: np.random.Generator) -> None:
    """A bootstrap interval surrounds the value; more rows make it smaller."""
    found = {}
    for n in (200, 5_000):
        logits = random.normal(0, 2, n)
        found[n] = bootstrap_auc(random.random(n) < sigmoid(logits), logits, 200)
        assert found[n].low < found[n].value < found[n].high
    assert found[5_000].high - found[5_000].low < found[200].high - found[200].low


def test_gain_over_itself_is_nothing(random: np.random.Generator) -> None:
    """A model beats itself by exactly zero."""
    scores, truth = random.random(300), random.random(300) < 0.5
    gain = bootstrap_gain(truth, scores, scores, 50)
    assert gain.low == gain.value == gain.high == 0.0


def test_a_cell_leaves_out_one_sided_sources() -> None:
    """A corpus of positives only does not measure an output."""
    table = rows([[1], [0], [1], [-1]], ["en"] * 4, ["both", "both", "one", "both"])
    assert rows_of_cell(table, 0, "en").tolist() == [0, 1]


@pytest.mark.parametrize(
    ("n_positive", "counts"), [(1, False), (2, True), (950, True), (951, False)]
)
def test_strays_of_another_corpus_do_not_make_a_side(n_positive: int, counts: bool) -> None:
    """One positive in a thousand, or one negative in twenty, came with a shared text."""
    table = rows([[int(i < n_positive)] for i in range(1_000)], ["en"] * 1_000, ["a"] * 1_000)
    assert bool(len(rows_of_cell(table, 0, "en"))) == counts


def test_a_cell_counts_what_raters_decided() -> None:
    """A weak source's label is not a measurement, nor is a row of another language."""
    weak = np.array([[False], [False], [True], [False]])
    table = rows([[1], [0], [1], [0]], ["en", "en", "en", "de"], ["a"] * 4, weak=weak)
    assert rows_of_cell(table, 0, "en").tolist() == [0, 1]


def test_written_rows_count_only_where_there_is_nothing_else() -> None:
    """One real corpus of both sides, and the examples of the project step back."""
    labels = [[1, 1], [0, 0], [1, -1], [0, -1]]
    table = rows(labels, ["tr"] * 4, ["written_tr"] * 2 + ["a"] * 2)
    assert rows_of_cell(table, 0, "tr").tolist() == [2, 3]
    assert rows_of_cell(table, 1, "tr").tolist() == [0, 1]


def test_gathers_logits_and_truths_of_every_language() -> None:
    """A language without rows is there, with nothing to calibrate on."""
    table = rows([[1], [0], [1]], ["en", "en", "de"], ["a"] * 3)
    found = gather_evidence(table, np.array([[2.0], [-2.0], [1.0]]), 0, table)
    assert set(found) == {"en", "de", "tr", "es", "ko"}
    assert found["en"].logits.tolist() == [2.0, -2.0]
    assert found["en"].truth.tolist() == [True, False]
    assert len(found["de"].logits) == 0


def test_measures_a_cell_beside_the_floors(random: np.random.Generator) -> None:
    """A perfect model on random floors: AUC 1, a gain over each, and the rows counted."""
    truth = np.arange(200) % 2
    table = rows([[t] for t in truth], ["ko"] * 200, ["a"] * 200)
    scores = np.where(truth == 1, 0.9, 0.1)[:, None]
    floors = {"n-grams": random.random((200, 1)), "sentences": random.random((200, 1))}
    [cell] = measure(table, scores, floors, ("hate",), 50, HALF)
    assert (cell.language, cell.n_positive, cell.auc.value) == ("ko", 100, 1.0)
    assert set(cell.baselines) == set(cell.gains) == set(floors)
    assert min(gain.low for gain in cell.gains.values()) > 0
    best = max(floor.value for floor in cell.baselines.values())
    row = CellQuality(**quality([cell])["ko"]["hate"])
    assert row.baseline_auc == pytest.approx(best, abs=1e-4)


def test_recall_and_precision_are_at_the_cells_own_threshold() -> None:
    """The language's threshold where there is one, else the pooled one."""
    truth = np.arange(40) % 2
    labels = [[t] for t in truth] * 2
    table = rows(labels, ["ko"] * 40 + ["tr"] * 40, ["a"] * 80)
    scores = np.where(np.tile(truth, 2) == 1, 0.6, 0.3)[:, None]
    chosen = {"hate": {"ko": 0.2, POOLED: 0.7}}
    found = {c.language: c for c in measure(table, scores, {}, ("hate",), 5, chosen)}
    assert (found["ko"].threshold, found["ko"].recall, found["ko"].precision) == (0.2, 1.0, 0.5)
    assert (found["tr"].threshold, found["tr"].recall, found["tr"].precision) == (0.7, 0.0, 0.0)


def test_a_floor_that_could_not_be_fitted_is_left_out(random: np.random.Generator) -> None:
    """Where a floor has no scores nothing is compared with it."""
    table = rows([[i % 2] for i in range(40)], ["ko"] * 40, ["a"] * 40)
    floors = {"n-grams": np.full((40, 1), np.nan)}
    [cell] = measure(table, random.random((40, 1)), floors, ("hate",), 20, HALF)
    assert cell.baselines == cell.gains == {}
    assert quality([cell])["ko"]["hate"]["baseline_auc"] is None


def test_measured_takes_rows_and_a_ranking() -> None:
    """Enough rows of both kinds, and an interval above the least AUC; `violation` is no label."""

    def of(cell: Cell, min_rows: int = 50) -> Support:
        return support([cell], min_rows, {}).of(Language.KO, Label.HATE)

    assert of(measured()) is Support.MEASURED
    assert of(measured(), min_rows=101) is Support.UNSUPPORTED
    assert of(measured(low=MIN_MEASURED_AUC)) is Support.MEASURED
    assert of(measured(low=MIN_MEASURED_AUC - 0.001)) is Support.UNSUPPORTED
    assert of(measured("violation")) is Support.UNSUPPORTED


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, Support.FUNCTIONAL),
        ({"present": MIN_CASES - 1, "found": MIN_CASES - 1}, Support.UNSUPPORTED),
        ({"absent": MIN_CASES - 1, "alarms": 0}, Support.UNSUPPORTED),
        ({"found": MIN_CASES // 2}, Support.FUNCTIONAL),
        ({"found": MIN_CASES // 2 - 1}, Support.UNSUPPORTED),
        ({"alarms": 4}, Support.FUNCTIONAL),
        ({"alarms": 5}, Support.UNSUPPORTED),
    ],
)
def test_functional_takes_cases_found_and_few_alarms(
    counts: dict[str, int], expected: Support
) -> None:
    """Eight cases of either kind, half of them found, one alarm in ten."""
    found = support([], 50, {"tr": {"child_safety": GOOD | counts}})
    assert found.of(Language.TR, Label.CHILD_SAFETY) is expected


def test_a_measurement_outranks_functional_cases() -> None:
    """A measured cell stays measured; one that ranks badly is at most functional."""
    cases = {"ko": {"hate": GOOD}}
    for low, expected in ((0.8, Support.MEASURED), (0.5, Support.FUNCTIONAL)):
        assert support([measured(low=low)], 50, cases).of(Language.KO, Label.HATE) is expected


def test_calibrates_each_row_by_its_language() -> None:
    """A language with its own fit uses it, any other the pooled one."""
    fits = {"hate": {"en": Calibration.platt(1, 1), POOLED: Calibration.platt(1, 0)}}
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
    """Per source, for `violation` alone; a source of one side, or of weak labels, gives nothing."""
    labels = [[-1, i % 2] for i in range(80)] + [[-1, 1]]
    weak = np.zeros((81, 2), np.bool_)
    weak[40:80] = True
    table = rows(labels, ["en"] * 81, ["a"] * 40 + ["weak"] * 40 + ["b"], weak=weak)
    scores = np.where(table.labels[:, 1:] == 1, 0.9, 0.1).repeat(2, axis=1)
    floors = {"n-grams": 1 - scores, "sentences": np.full((81, 2), np.nan)}
    assert by_source(table, scores, floors, ("hate", "violation")) == {
        "a": {"auc": 1.0, "baselines": {"n-grams": 0.0}, "macro_f1": 1.0}
    }


def test_calibration_weighs_corpora_as_they_are_measured() -> None:
    """A corpus that is a tenth of the calibrate rows and half of the measured ones counts more."""
    few = rows([[1], [0]] * 10, ["en"] * 20, ["big"] * 18 + ["small"] * 2)
    dev = rows([[1], [0]] * 10, ["en"] * 20, ["big"] * 10 + ["small"] * 10)
    found = gather_evidence(few, np.zeros((20, 1)), 0, dev)["en"].counts
    assert found[-1] == pytest.approx(5.0)
    assert found[0] == pytest.approx(5 / 9)
