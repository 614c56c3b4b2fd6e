"""The numbers of the labelling simulation, on values that can be checked by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")  # of the extra `training`, as the pool is

from benchmarks.labelling.learn import Inputs, fit, predict
from benchmarks.labelling.report import _ends, _reached, auc, average_precision

TRUTH = np.array([True, False, True, False])
SCORES = np.array([0.9, 0.8, 0.7, 0.1])


def test_average_precision_and_auc_are_those_of_the_book():
    even = np.ones(4)
    assert average_precision(TRUTH, SCORES, even) == pytest.approx((1 + 2 / 3) / 2)
    assert auc(TRUTH, SCORES, even) == pytest.approx(3 / 4)


def test_a_row_drawn_twice_counts_twice():
    twice = np.array([0, 1, 1, 2, 3])
    weights = np.array([1.0, 2.0, 1.0, 1.0])
    expected = average_precision(TRUTH[twice], SCORES[twice], np.ones(5))
    assert average_precision(TRUTH, SCORES, weights) == pytest.approx(expected)


def test_labels_needed_are_read_between_rounds_and_endless_where_never_reached():
    curve = np.array([0.1, 0.2, 0.15, 0.4])
    assert _reached(curve, 0.15) == pytest.approx(0.5)
    assert _reached(curve, 0.3) == pytest.approx(2.5)
    assert _reached(curve, 0.5) == float("inf")
    assert _ends([1.0] * 97 + [float("inf")] * 3) == (1.0, float("inf"))


def test_a_head_without_labels_is_the_shipped_model_and_learns_only_from_known_truth():
    start = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    truth = np.array([[1, -1], [1, -1], [0, -1]], np.int8)
    given = Inputs(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), start, truth)
    rows = np.arange(3)
    none = np.zeros((2, 2))
    assert predict(given, none, rows)[:, 0] == pytest.approx([0.5] * 3)
    weights = fit(given, rows, decay=0.1)
    learned = predict(given, weights, rows)
    assert learned[0, 0] > 0.8 > 0.2 > learned[2, 0]
    assert weights[:, 1] == pytest.approx([0, 0])


def test_the_committed_results_hold_numbers_and_no_text():
    found = json.loads(Path("docs/labelling/results.json").read_text("utf-8"))
    assert {"random", "mixed"} < found["average_precision"].keys()
    assert all(len(cell) < 16 for cell in found["cells"])
