"""Rates of automated means, and that their intervals hold where the truth is known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.means import RATES, SAMPLES, Scenario, least_coverage, measure
from triage_ml.domain.beta import beta_below
from triage_ml.domain.interval import clopper_pearson
from triage_ml.domain.means import (
    Draws,
    Part,
    Received,
    Sums,
    Unknown,
    rates_of,
    rates_received,
)


def draws(hit: int, alarm: int, miss: int, quiet: int, weight: float = 1.0) -> Draws:
    return Draws(*(Sums(n, n * weight, n * weight**2) for n in (hit, alarm, miss, quiet)))


@pytest.mark.parametrize(
    ("successes", "n", "interval"),
    [  # Source: R's binom.test
        (0, 50, (0.0, 0.0711217)),
        (50, 50, (0.9288783, 1.0)),
        (3, 10, (0.0667395, 0.6524529)),
        (1, 200, (0.0001266, 0.0275412)),
        (0, 0, (0.0, 1.0)),
    ],
)
def test_the_exact_interval(successes: int, n: int, interval: tuple[float, float]) -> None:
    assert clopper_pearson(successes, n) == pytest.approx(interval, abs=1e-6)


def test_more_successes_than_trials_are_no_share() -> None:
    with pytest.raises(ValueError, match="no share"):
        clopper_pearson(3, 2)


@given(st.floats(0, 1), st.floats(1, 1e5))
def test_an_interval_leaves_a_fortieth_at_each_side(share: float, n: float) -> None:
    """Also where an effective number of trials is no whole one."""
    x = share * n
    low, high = clopper_pearson(x, n)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1
    if 0.5 < x < n - 0.5:
        assert beta_below(low, x, n - x + 1) == pytest.approx(0.025, abs=1e-6)
        assert beta_below(high, x + 1, n - x) == pytest.approx(0.975, abs=1e-6)


def test_rates_are_shares_of_the_four_outcomes() -> None:
    rates = rates_of(draws(6, 2, 4, 88))
    values = [getattr(rates, name).value for name in RATES]
    assert values == pytest.approx([0.1, 0.75, 0.6, 2 / 90, 0.06])
    assert rates.specificity.value == pytest.approx(88 / 90)
    assert rates.specificity.low == pytest.approx(1 - rates.false_positive_rate.high)
    assert rates.recall.n == 10


def test_equal_weights_change_nothing() -> None:
    """Only how weights differ does."""
    plain, weighted = rates_of(draws(6, 2, 4, 88)), rates_of(draws(6, 2, 4, 88, weight=50.0))
    for name in RATES:
        one, other = getattr(plain, name), getattr(weighted, name)
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_what_is_not_known_says_why() -> None:
    """Nothing drawn, nothing found, nothing true: none of them is a number."""
    nothing = rates_of(Draws())
    assert {getattr(nothing, name).unknown for name in RATES} == {Unknown.NO_DRAWS}
    quiet = rates_of(draws(0, 0, 0, 9))
    assert quiet.precision.unknown is Unknown.NONE_FOUND
    assert quiet.recall.unknown is Unknown.NONE_TRUE
    assert (quiet.recall.low, quiet.recall.high) == (0.0, 1.0)
    assert rates_of(draws(1, 0, 1, 0)).false_positive_rate.unknown is Unknown.ALL_TRUE
    assert quiet.prevalence.value == 0.0
    assert quiet.prevalence.high > 0.3  # nine cases exclude little


def test_a_rare_draw_of_great_weight_counts_for_few() -> None:
    rates = rates_of(Draws(missed=Sums(1, 1000.0, 1e6), neither=Sums(99, 99.0, 99.0)))
    assert rates.prevalence.value == pytest.approx(1000 / 1099)
    assert rates.prevalence.n_effective < 1.3
    assert rates.prevalence.low < 0.05


def test_unequal_weights_make_recall_careful() -> None:
    """What is found was drawn from few, and what is missed would weigh a hundred times as much."""
    found = Draws(found_true=Sums(3, 3.0, 3.0), neither=Sums(40, 4000.0, 4e5))
    recall = rates_of(found).recall
    assert recall.value == 1.0
    assert recall.low < 0.01


def test_decided_cases_are_counted() -> None:
    """Where nothing waits there is no doubt."""
    found = Part(n=4, n_true=3, known=3.0, known_true=2.5, waiting=1.0, true=Sums(1, 1.0, 1.0))
    rest = Part(n=6, n_true=1, known=6.0, known_true=1.0)
    rates = rates_received(Received(found, rest))
    assert [getattr(rates, name).value for name in RATES] == pytest.approx(
        [0.4, 0.75, 0.75, 1 / 6, 0.2]
    )
    assert all(getattr(rates, name).low == getattr(rates, name).high for name in RATES)


def test_draws_stand_for_what_waits() -> None:
    """Half is decided; of the four draws for the other half one is true."""
    part = Part(100, 30, 46, 50.0, 30.0, 50.0, Sums(1, 12.5, 156.25), Sums(3, 37.5, 468.75))
    rate = rates_received(Received(rest=part)).prevalence
    assert rate.value == pytest.approx(0.3 + 0.5 * 0.25)
    assert rate.low >= 0.30
    assert rate.high <= 0.76


def test_without_a_draw_the_decided_still_bound_the_share() -> None:
    part = Part(n=100, n_true=30, n_undecided=20, known=50.0, known_true=25.0, waiting=50.0)
    rate = rates_received(Received(rest=part)).prevalence
    assert (rate.value, rate.unknown) == (None, Unknown.NO_DRAWS)
    assert (rate.low, rate.high) == pytest.approx((0.30, 0.50))


def test_no_case_no_rate() -> None:
    rates = rates_received(Received())
    assert {getattr(rates, name).unknown for name in RATES} == {Unknown.NO_DRAWS}


def test_intervals_hold_where_the_truth_is_known() -> None:
    """In 150 worlds with a backlog and an order that knows the harm; the plain share does not.

    `python -m benchmarks.means` does it in 1,000 worlds of eleven kinds.
    """
    scores = measure(Scenario(1_000, 0.05), 150, seed=2026)
    for sample in SAMPLES:
        for rate in RATES:
            score = scores[sample, rate]
            assert score.coverage >= least_coverage(score.n), (sample, rate, score)
    for sample, rate in (("waiting", "prevalence"), ("received", "prevalence")):
        score = scores[sample, rate]
        assert score.naive_coverage < 0.2, (sample, rate)
        assert abs(score.bias) < abs(score.naive_bias) / 4
        assert not math.isnan(score.bias)
