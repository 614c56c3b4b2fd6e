"""Severity is measured where raters graded, and used where it was learned."""

from dataclasses import replace

import numpy as np

from tests.training.rows import rows
from training.learning.batches import Rows
from training.measuring.severity import (
    MIN_CORRELATION,
    MIN_ROWS,
    SeverityCell,
    learned_labels,
    measure_severity,
)

OUTPUTS = ("hate", "violation")
N = 2 * MIN_ROWS


def graded(n: int = N) -> Rows:
    """Grade hate from 0 to 4 in the first `n` rows, violation in none."""
    severities = np.full((N, 2), -1, np.int8)
    severities[:n, 0] = np.arange(n) % 5
    return rows([[1, 1]] * N, ["en"] * N, ["a"] * N, severities=severities)


def test_a_perfect_order_is_learned() -> None:
    """The rank correlation is 1, and grades are nearer than the median."""
    found = np.tile(np.arange(N) % 5 * 0.8, (2, 1)).T
    [cell] = measure_severity(graded(), found, OUTPUTS)
    assert (cell.output, cell.n_rows, cell.correlation) == ("hate", N, 1.0)
    assert cell.error < cell.error_of_median
    assert learned_labels([cell]) == ["hate"]


def test_always_the_same_order_backwards_is_not_learned() -> None:
    """A severity that sinks with the grade is never used."""
    found = np.tile(4.0 - np.arange(N) % 5, (2, 1)).T
    [cell] = measure_severity(graded(), found, OUTPUTS)
    assert cell.correlation == -1.0
    assert learned_labels([cell]) == []


def test_telling_corpora_apart_is_not_severity() -> None:
    """One corpus grades high and one low; inside each the model knows nothing."""
    table = graded()
    half = np.arange(N) < N // 2
    table.severities[:, 0] = np.where(half, 3, 0) + np.arange(N) % 2
    two = replace(table, sources=np.where(half, "a", "b"))
    found = np.tile(np.where(half, 3.5, 0.5) + np.arange(N) // 2 % 2 * 0.1, (2, 1)).T
    [cell] = measure_severity(two, found, OUTPUTS)
    assert abs(cell.correlation) < 0.1
    assert learned_labels([cell]) == []


def test_written_examples_are_not_graded_by_raters() -> None:
    """What the project wrote is no measurement of severity."""
    written = replace(graded(), sources=np.array(["written_en"] * N))
    assert list(measure_severity(written, np.zeros((N, 2)), OUTPUTS)) == []


def test_few_grades_or_one_are_no_measurement() -> None:
    """Too few graded rows, or a single grade, give no cell."""
    found = np.zeros((N, 2))
    assert list(measure_severity(graded(MIN_ROWS - 1), found, OUTPUTS)) == []
    same = graded()
    same.severities[:, 0] = 2
    assert list(measure_severity(same, found, OUTPUTS)) == []


def test_both_the_order_and_the_size_must_be_better() -> None:
    """A weak correlation, or an error no smaller than the median's, leaves the policy's value."""
    good = SeverityCell("hate", N, MIN_CORRELATION, 0.8, 0.9)
    weak = SeverityCell("harassment", N, MIN_CORRELATION - 0.01, 0.8, 0.9)
    far = SeverityCell("violent_threat", N, 0.9, 0.9, 0.9)
    assert learned_labels([good, weak, far]) == ["hate"]
