"""An interval of a share that never covers too seldom, also at few trials and at none or all."""

from functools import lru_cache
from math import exp, expm1, log, log1p

from triage_ml.domain.beta import beta_below, log_beta

ALPHA = 0.05
"""What an interval of 95 % may miss."""

_TINY = 1e-300
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
        density = exp((a - 1) * log(x) + (b - 1) * log1p(-x) - log_beta(a, b))
        better = x - off / density if density > _TINY else low
        if not low < better < high:
            better = (low + high) / 2
        if abs(better - x) < _CLOSE * x:
            return better
        x = better
    return x
