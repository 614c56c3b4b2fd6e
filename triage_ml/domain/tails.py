"""Tails of distributions, small enough to be wrong nowhere that matters."""

from math import erfc, sqrt
from statistics import NormalDist

from triage_ml.domain.beta import beta_below

_TINY = 1e-300


def f_tail(value: float, d1: float, d2: float) -> float:
    """Give the chance that an F of `d1` and `d2` degrees of freedom is above `value`."""
    if value <= 0:
        return 1.0
    return beta_below(d2 / (d2 + d1 * value), d2 / 2, d1 / 2)


def z_of(p_value: float) -> float:
    """Give how many standard deviations a two-sided p-value stands for; at most about 37."""
    return -NormalDist().inv_cdf(max(min(p_value, 1.0), _TINY) / 2)


def z_tail(z: float) -> float:
    """Give the two-sided p-value of a standard normal."""
    return erfc(abs(z) / sqrt(2))
