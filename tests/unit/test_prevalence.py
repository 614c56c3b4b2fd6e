"""The share of violations, from cases that chance drew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.prevalence import WeightedSample, estimate
from triage_ml.domain.stats import wilson


def sample_of(draws) -> WeightedSample:
    """Sum up draws of (weight, found)."""
    total = WeightedSample()
    for weight, found in draws:
        found_part = (1, weight, weight**2) if found else (0, 0.0, 0.0)
        total += WeightedSample(1, 1, weight, weight**2, *found_part)
    return total


def test_equal_weights_are_a_plain_share():
    """With Wilson's interval of that share."""
    found = estimate(sample_of([(50.0, True)] * 3 + [(50.0, False)] * 7))
    assert found.share == pytest.approx(0.3)
    assert found.n_effective == pytest.approx(9, rel=0.2)
    low, high = wilson(3, 10)
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.03)


def test_rare_draws_weigh_more():
    """A draw at a tenth of the chance stands for ten times as many cases."""
    assert estimate(sample_of([(100.0, True), (10.0, False)])).share == pytest.approx(100 / 110)


def test_nothing_found_is_not_certainly_nothing():
    """The interval of no violation among twenty goes up to a sixth."""
    found = estimate(sample_of([(7.0, False)] * 20))
    assert (found.share, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.161, abs=0.001)


def test_without_decisions_there_is_no_estimate():
    assert estimate(WeightedSample(n_drawn=5)) is None


def test_the_interval_covers_the_truth():
    """In nine of ten samples at least, with weights that hang together with violations."""
    chance = np.random.default_rng(3)
    n_covered, n_samples, truth = 0, 400, None
    chances = np.where(np.arange(20_000) % 4 == 0, 0.002, 0.02)
    violates = chance.random(20_000) < np.where(chances < 0.01, 0.5, 0.1)
    truth = violates.mean()
    for _ in range(n_samples):
        drawn = np.flatnonzero(chance.random(20_000) < chances)
        found = estimate(sample_of((1 / chances[i], bool(violates[i])) for i in drawn))
        n_covered += found.low <= truth <= found.high
    assert n_covered / n_samples >= 0.9


@given(st.lists(st.tuples(st.floats(1, 1e6), st.booleans()), min_size=1, max_size=50))
def test_a_share_lies_in_its_interval(draws):
    found = estimate(sample_of(draws))
    assert 0 <= found.low <= found.share + 1e-9
    assert found.share - 1e-9 <= found.high <= 1
    assert found.n_effective <= len(draws) + 1e-6


@given(st.integers(0, 50), st.integers(0, 50))
def test_wilson_holds_the_share(successes, more):
    n = successes + more
    low, high = wilson(successes, n)
    assert 0 <= low <= high <= 1
    assert n == 0 or low - 1e-12 <= successes / n <= high + 1e-12
