"""Numbers with the uncertainty they have."""

from math import sqrt

Z_95 = 1.96
"""Standard normal quantile of a two-sided interval of 95 %."""


def wilson(successes: float, n: float, z: float = Z_95) -> tuple[float, float]:
    """Give the interval of a share, within 0 and 1; all of it where nothing was counted.

    `n` may be an effective number of trials. Source: Wilson (1927), the score interval.
    Raises: ValueError unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - spread) / whole
    high = 1.0 if successes == n else (centre + spread) / whole
    return low, high
