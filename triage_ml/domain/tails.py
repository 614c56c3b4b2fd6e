"""Tails of distributions, small enough to be wrong nowhere that matters."""

from math import erfc, exp, lgamma, log, sqrt
from statistics import NormalDist

_TINY = 1e-300
_MAX_STEPS = 400


def f_tail(value: float, d1: float, d2: float) -> float:
    """Give the chance that an F of `d1` and `d2` degrees of freedom is above `value`."""
    if value <= 0:
        return 1.0
    return _beta_below(d2 / (d2 + d1 * value), d2 / 2, d1 / 2)


def z_of(p_value: float) -> float:
    """Give how many standard deviations a two-sided p-value stands for; at most about 37."""
    return -NormalDist().inv_cdf(max(min(p_value, 1.0), _TINY) / 2)


def z_tail(z: float) -> float:
    """Give the two-sided p-value of a standard normal."""
    return erfc(abs(z) / sqrt(2))


def _beta_below(x: float, a: float, b: float) -> float:
    """Give the regularised incomplete beta function.

    Source: Abramowitz and Stegun 26.5.8, the continued fraction, by Lentz's method.
    """
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x))
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(1 - x, b, a) / b
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _MAX_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            found *= c * d
        if abs(c * d - 1) < 1e-13:
            break
    return found


def _away(value: float) -> float:
    """Keep a denominator away from zero."""
    return value if abs(value) > _TINY else _TINY
