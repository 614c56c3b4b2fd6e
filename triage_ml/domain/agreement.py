"""Krippendorff's alpha: how far verdicts agree beyond chance, and how sure that is.

Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_UNITS = 10
"""Under so many units nothing is said: an interval over fewer would cover nearly everything."""

N_RESAMPLES = 500
ENOUGH_DEFINED = 0.9
"""Share of the resamples that must have an alpha: without any variation there is none."""

_SEED = 20_111_018
_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha over `n` units that were judged twice or more, with its 95 % interval.

    1 is full agreement, 0 that of chance; None where the units are too few or all alike.
    """

    n: int
    alpha: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def too_few(self) -> bool:
        return self.n < MIN_UNITS


def measure(units: Sequence[Sequence[int]], *, ordinal: bool = False) -> Agreement:
    """Measure the agreement on units, each the values it was given; one value says nothing.

    Units are drawn again as whole ones, because the verdicts on one are not independent.
    """
    paired = [unit for unit in units if len(unit) > 1]
    if len(paired) < MIN_UNITS:
        return Agreement(len(paired))
    parts, weights = _parts(paired)
    found = _alphas(weights[None, :], parts, ordinal)[0]
    if np.isnan(found):
        return Agreement(len(paired))
    # Units with the same values are alike, so drawing units is drawing how many of each kind.
    draws = np.random.default_rng(_SEED).multinomial(
        len(paired), weights / weights.sum(), size=N_RESAMPLES
    )
    resampled = _alphas(draws.astype(np.float64), parts, ordinal)
    defined = resampled[~np.isnan(resampled)]
    if len(defined) < ENOUGH_DEFINED * N_RESAMPLES:
        return Agreement(len(paired), float(found))
    low, high = np.percentile(defined, (2.5, 97.5))
    return Agreement(len(paired), float(found), float(low), float(high))


def alpha(units: Sequence[Sequence[int]], *, ordinal: bool = False) -> float | None:
    """Give alpha for nominal or ordinal values; None where all values are alike."""
    paired = [unit for unit in units if len(unit) > 1]
    if not paired:
        return None
    parts, weights = _parts(paired)
    found = _alphas(weights[None, :], parts, ordinal)[0]
    return None if np.isnan(found) else float(found)


def _parts(paired: Sequence[Sequence[int]]) -> tuple[_Matrix, _Matrix]:
    """Give the coincidences of each kind of unit, K × V × V, and how many there are of it."""
    values = sorted({value for unit in paired for value in unit})
    place = {value: number for number, value in enumerate(values)}
    kinds = Counter(tuple(sorted(unit)) for unit in paired)
    parts = np.zeros((len(kinds), len(values), len(values)))
    for part, kind in zip(parts, kinds, strict=True):
        counts = np.zeros(len(values))
        for value in kind:
            counts[place[value]] += 1
        # Pairs of two verdicts on the unit; one with itself is no pair.
        part[:] = (np.outer(counts, counts) - np.diag(counts)) / (len(kind) - 1)
    return parts, np.array(list(kinds.values()), dtype=np.float64)


def _alphas(weights: _Matrix, parts: _Matrix, ordinal: bool) -> _Matrix:
    """Give alpha for each row of weights, S × K; not a number where nothing varies."""
    observed = np.einsum("sk,kab->sab", weights, parts)  # (S, V, V), the coincidence matrices
    totals = observed.sum(axis=2)  # (S, V)
    n = totals.sum(axis=1)
    distance = _ordinal(totals) if ordinal else 1 - np.eye(parts.shape[1])[None]
    disagreed = (observed * distance).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * distance).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - (n - 1) * disagreed / expected, np.nan)


def _ordinal(totals: _Matrix) -> _Matrix:
    """Give squared ordinal distances, S × V × V: how far the middle ranks of two values lie."""
    ranks = totals.cumsum(axis=1) - totals / 2
    return np.square(ranks[:, :, None] - ranks[:, None, :])
