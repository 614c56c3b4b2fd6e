"""The beta function and its distribution.

Written out because scipy, which has them, is 37 MB that a server does not need.
"""

from math import exp, lgamma, log, log1p

_TINY = 1e-300
_MAX_TERMS = 5_000
"""Parameters of a million take some 500."""

_CLOSE = 1e-13


def log_beta(a: float, b: float) -> float:
    """Give the logarithm of the beta function, for a and b over 0."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def beta_below(x: float, a: float, b: float) -> float:
    """Give the regularised incomplete beta function: 0 up to x = 0, and 1 from x = 1 on.

    Source: DLMF 8.17.22, the continued fraction, by Lentz's method.
    """
    if not 0 < x < 1:
        return 0.0 if x <= 0 else 1.0
    front = exp(a * log(x) + b * log1p(-x) - log_beta(a, b))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            found *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return found


def _off_zero(value: float) -> float:
    """Keep a denominator away from zero."""
    return value if abs(value) > _TINY else _TINY
