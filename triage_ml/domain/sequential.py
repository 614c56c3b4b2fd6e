"""Tests that may be looked at after every observation: by betting against what is allowed.

Who bets a share of a fortune on each observation cannot win in the long run while the mean is
within its limit: with a chance of at least 1 - a the fortune never grows 1/a-fold, however often
one looks. All that is needed are counts. Source: Waudby-Smith and Ramdas (2024), Estimating means
of bounded random variables by betting; Ville (1939) for the bound.
"""

from math import exp, inf, log, log1p

from triage_ml.domain.beta import log_beta

STAKES = tuple(0.004 * 1.26**step for step in range(24))
"""Shares of the largest stake, 0.004 to 0.81, each with a 24th of the fortune: small ones find a
slight excess in many observations, large ones a gross one in few.
"""


def evidence(up: int, same: int, down: int, limit: float) -> float:
    """Give the logarithm of the fortune after observations of +1, 0 and -1 against mean <= limit.

    Raises: ValueError for a limit outside of [0, 1) or negative counts.
    """
    if not 0 <= limit < 1 or min(up, same, down) < 0:
        raise ValueError("a limit lies in [0, 1), and counts are not negative")
    return _mixed(up, same, down, limit, 1 / (1 + limit))


def share_evidence(hits: int, n: int, limit: float) -> float:
    """Give the logarithm of the fortune after `hits` of `n` against a share <= limit.

    Raises: ValueError unless 0 < limit < 1 and 0 <= hits <= n.
    """
    if not (0 < limit < 1 and 0 <= hits <= n):
        raise ValueError(f"{hits} of {n} against {limit} is no share")
    return _mixed(hits, n - hits, 0, limit, 1 / limit)


def _mixed(up: int, same: int, down: int, limit: float, most: float) -> float:
    logs = []
    for part in STAKES:
        stake = part * most
        won = up * log1p(stake * (1 - limit)) + same * log1p(-stake * limit)
        logs.append(won + (down * log1p(-stake * (1 + limit)) if down else 0.0))
    top = max(logs)
    return top + log(sum(exp(value - top) for value in logs) / len(logs))


def share_bounds(hits: int, n: int, chance: float) -> tuple[float, float]:
    """Give bounds of a share that hold at all times together but for `chance`.

    Source: Robbins (1970), the mixture of binomials by Beta(1/2, 1/2).
    """
    if n == 0:
        return 0.0, 1.0
    allowed = log(1 / chance)
    best = hits / n
    return _edge(hits, n, allowed, best, 0.0), _edge(hits, n, allowed, best, 1.0)


def _edge(hits: int, n: int, allowed: float, inside: float, outside: float) -> float:
    """Halve the way from a share that is within the bounds to the end of the scale."""
    if _against(hits, n, outside) <= allowed:
        return outside
    for _ in range(40):
        middle = (inside + outside) / 2
        if _against(hits, n, middle) <= allowed:
            inside = middle
        else:
            outside = middle
    return inside


def _against(hits: int, n: int, share: float) -> float:
    mixed = log_beta(hits + 0.5, n - hits + 0.5) - log_beta(0.5, 0.5)
    if (share <= 0 and hits) or (share >= 1 and hits < n):
        return inf
    likely = hits * log(share) if hits else 0.0
    return mixed - likely - ((n - hits) * log1p(-share) if hits < n else 0.0)
