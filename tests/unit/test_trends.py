"""Spikes and new levels in counts per day."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.trends import MIN_SEGMENT, WINDOW_DAYS, find_changes, find_spikes

RATES = (0.5, 3, 20, 200, 2_000)


def poisson(rate: float, n_days: int, seed: int = 1) -> list[int]:
    return [int(n) for n in np.random.default_rng(seed).poisson(rate, n_days)]


@pytest.mark.parametrize("rate", RATES)
def test_steady_reports_have_hardly_a_spike(rate):
    """At most one day in a hundred is called a spike when nothing happened."""
    n_days = 3_000
    assert len(find_spikes(poisson(rate, n_days))) <= n_days / 100


@pytest.mark.parametrize("rate", [30, 200, 2_000])
def test_tripled_reports_are_a_spike(rate):
    """On nearly every day on which it happens."""
    found = 0
    for seed in range(50):
        counts = poisson(rate, WINDOW_DAYS + 1, seed)
        counts[-1] = 3 * rate
        found += [spike.index for spike in find_spikes(counts)] == [WINDOW_DAYS]
    assert found >= 48


def test_a_busy_day_of_every_week_is_no_spike():
    """What comes each Sunday is usual on a Sunday, and the same on a Monday is not."""
    week = [40, 40, 40, 40, 40, 40, 160]
    usual = [n + wobble for n, wobble in zip(week * 5, poisson(3, 35), strict=True)]
    assert find_spikes(usual) == []
    monday = [*usual, 160]
    assert [spike.index for spike in find_spikes(monday)] == [35]


def test_two_after_none_are_no_spike():
    """A small number is no news, however many deviations it is away."""
    assert find_spikes([0] * WINDOW_DAYS + [4]) == []
    assert len(find_spikes([0] * WINDOW_DAYS + [6])) == 1


def test_days_without_a_month_before_them_are_not_judged():
    assert find_spikes([1] * (WINDOW_DAYS - 1) + [900]) == []
    assert find_spikes([]) == []


@given(st.lists(st.integers(0, 10_000), max_size=80), st.integers(0, 80))
def test_spikes_are_days_of_the_series(counts, first):
    """In order, not before the first that was asked for, with more than usual."""
    found = find_spikes(counts, first)
    assert [spike.index for spike in found] == sorted({spike.index for spike in found})
    for spike in found:
        assert max(first, WINDOW_DAYS) <= spike.index < len(counts)
        assert spike.n == counts[spike.index] > spike.usual >= 0


def test_steady_reports_keep_their_level():
    """In at most a few of a hundred series a change is found where there is none."""
    n_wrong = sum(bool(find_changes(poisson(20, 90, seed))) for seed in range(100))
    assert n_wrong <= 4


@pytest.mark.parametrize("after", [10, 60])
def test_a_new_level_is_found_where_it_began(after):
    """Up or down, to within five days."""
    for seed in range(10):
        counts = poisson(25, 45, seed) + poisson(after, 45, seed + 100)
        [change, *_] = find_changes(counts)
        assert abs(change.index - 45) <= 5
        assert (change.after > change.before) == (after > 25)


def test_two_new_levels_are_both_found():
    counts = poisson(20, 40) + poisson(80, 40, 2) + poisson(20, 40, 3)
    assert [round(change.index, -1) for change in find_changes(counts)] == [40, 80]


def test_the_same_series_gives_the_same_answer():
    """Chance in the test has a fixed seed: a page opened twice says the same."""
    counts = poisson(9, 60) + poisson(14, 60, 2)
    assert find_changes(counts) == find_changes(counts)


@given(st.lists(st.integers(0, 10_000), max_size=60))
def test_levels_last_a_week_at_least(counts):
    changes = find_changes(counts)
    edges = [0, *(change.index for change in changes), len(counts)]
    assert not changes or all(b - a >= MIN_SEGMENT for a, b in pairwise(edges))
