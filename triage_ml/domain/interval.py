"""An interval of a share that never covers too seldom, also at few trials and at none or all.

Written out because scipy, which has it, is 37 MB that a server does not need.
"""

from functools import lru_cache
from math import exp, expm1, lgamma, log, log1p

ALPHA = 0.05
"""What an interval of 95 % may miss."""

_TINY = 1e-300
_MAX_TERMS = 500
_MAX_STEPS = 100
_CLOSE = 1e-10
_NONE = 1e-12
"""So little of a success is rounding."""


@lru_cache(maxsize=8192)
def clopper_pearson(successes: float, n: float, alpha: float = ALPHA) -> tuple[float, float]:
    """Give the exact interval of a share, within 0 and 1; all of it where nothing was counted.

    `n` may be an effective number of trials, so neither needs to be whole.
    Source: Clopper and Pearson 1934; for weighted samples Korn and Graubard 1998.
    Raises: ValueError unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    if n == 0:
        return 0.0, 1.0
    failures = n - successes
    low = 0.0 if successes < _NONE else _quantile(alpha / 2, successes, failures + 1)
    high = 1.0 if failures < _NONE else _quantile(1 - alpha / 2, successes + 1, failures)
    return low, high


def _quantile(share: float, a: float, b: float) -> float:
    """Give where the beta distribution has `share` of itself below: Newton, kept in a bracket."""
    if a == 1:
        return -expm1(log1p(-share) / b)
    if b == 1:
        return exp(log(share) / a)
    low, high = 0.0, 1.0
    x = a / (a + b)
    for _ in range(_MAX_STEPS):
        off = beta_below(x, a, b) - share
        low, high = (x, high) if off < 0 else (low, x)
        density = exp((a - 1) * log(x) + (b - 1) * log1p(-x) - _log_beta(a, b))
        better = x - off / density if density > _TINY else low
        if not low < better < high:
            better = (low + high) / 2
        if abs(better - x) < _CLOSE * x:
            return better
        x = better
    return x


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def beta_below(x: float, a: float, b: float) -> float:
    """Give the regularised incomplete beta function, for x within 0 and 1.

    Source: DLMF 8.17.22, the continued fraction, by Lentz's method.
    """
    if not 0 < x < 1:
        return 0.0 if x <= 0 else 1.0
    front = exp(a * log(x) + b * log1p(-x) - _log_beta(a, b))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _MAX_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            found *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return found


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
