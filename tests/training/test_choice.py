"""Thresholds are the lowest that keep the promise, and are judged on other rows."""

import numpy as np
import pytest

from training.measuring.choice import (
    NEVER,
    Effect,
    curve,
    effect,
    for_budget,
    for_precision,
    precision_at,
)

PROBABILITIES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
TRUTH = np.array([1, 1, 0, 1, 0, 0], np.bool_)


def test_an_effect_counts_rows_from_the_threshold_on():
    """The threshold itself is flagged."""
    found = effect(TRUTH, PROBABILITIES, 0.7)
    assert found == Effect(
        0.7, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(1 / 3), 0.5
    )


def test_nothing_flagged_has_no_precision():
    """And neither recall nor alarms."""
    found = effect(TRUTH, PROBABILITIES, NEVER)
    assert np.isnan(found.precision)
    assert (found.recall, found.false_alarms, found.flagged) == (0, 0, 0)


@pytest.mark.parametrize(("wanted", "cut"), [(1.0, 0.8), (0.75, 0.6), (0.5, 0.4)])
def test_the_lowest_threshold_of_a_precision(wanted, cut):
    """A dip on the way does not end the search."""
    assert for_precision(wanted)(TRUTH, PROBABILITIES) == cut


def test_a_precision_out_of_reach_flags_nothing():
    """Rather than something worse than promised."""
    assert for_precision(0.5)(~np.ones(6, np.bool_), PROBABILITIES) == NEVER


def test_ties_are_flagged_together():
    """The rows of one probability are never parted."""
    ties = np.full(6, 0.5)
    assert for_precision(0.6)(TRUTH, ties) == NEVER
    assert for_precision(0.5)(TRUTH, ties) == 0.5
    assert for_budget(0.5)(TRUTH, ties) == NEVER


@pytest.mark.parametrize(("share", "cut"), [(0.5, 0.7), (0.4, 0.8), (1.0, 0.4), (0.1, NEVER)])
def test_a_budget_is_never_exceeded(share, cut):
    """And used as far as it goes."""
    assert for_budget(share)(TRUTH, PROBABILITIES) == cut


def test_precision_falls_where_fewer_texts_have_the_label():
    """By the rule of Bayes."""
    found = Effect(0.5, 0.8, recall=0.8, false_alarms=0.2, flagged=0.5)
    assert precision_at(found, 0.5) == pytest.approx(0.8)
    assert precision_at(found, 0.02) == pytest.approx(0.016 / (0.016 + 0.196))
    assert np.isnan(precision_at(Effect(NEVER, 0, 0, 0, 0), 0.5))


def test_a_curve_has_a_row_per_threshold():
    """Recall only falls as the threshold rises."""
    assert curve(TRUTH, PROBABILITIES).recall.is_monotonic_decreasing
