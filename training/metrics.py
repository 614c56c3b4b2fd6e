"""Numbers for one cell, with bootstrap intervals, on plain arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

CALIBRATION_BINS = 15

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def sigmoid(logits: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -40.0, 40.0)))


def auc(truth: Bools, scores: Floats, weights: Floats | None = None) -> float:
    """Give the area under the ROC curve; ties count half, rows may have weights."""
    weights = np.ones(len(scores)) if weights is None else weights
    _, place = np.unique(scores, return_inverse=True)
    return _auc_at(truth, place, weights)


def average_precision(truth: Bools, scores: Floats) -> float:
    return float(average_precision_score(truth, scores))


def calibration_error(truth: Bools, probabilities: Floats) -> float:
    """Give the expected calibration error over bins of equal mass.

    Source: Nixon et al. 2019, Measuring Calibration in Deep Learning (adaptive bins).
    """
    order = np.argsort(probabilities, kind="stable")
    parts = np.array_split(order, CALIBRATION_BINS)
    gaps = [len(p) * abs(truth[p].mean() - probabilities[p].mean()) for p in parts if len(p)]
    return float(sum(gaps) / len(truth))


def calibration_by_chance(probabilities: Floats) -> float:
    """Give the calibration error to expect of so many rows if every probability is exactly right.

    0.07 of 300 rows and 0.03 of 2,000, so a limit for the error alone would be one for the rows.
    By the normal approximation in each bin.
    """
    parts = np.array_split(np.sort(probabilities), CALIBRATION_BINS)
    spreads = [np.sqrt(2 / np.pi * np.sum(p * (1 - p))) for p in parts]
    return float(sum(spreads) / len(probabilities))


def bootstrap_auc(truth: Bools, scores: Floats, n_rounds: int, seed: int = 0) -> Interval:
    """Resample rows with replacement."""
    _, place = np.unique(scores, return_inverse=True)
    values = [_auc_at(truth, place, w) for w in resample(len(truth), n_rounds, seed)]
    return interval(_auc_at(truth, place, np.ones(len(truth))), values)


def bootstrap_gain(
    truth: Bools, scores: Floats, other: Floats, n_rounds: int, seed: int = 0
) -> Interval:
    """Give the AUC of `scores` less that of `other`, resampling both on the same rows."""
    places = [np.unique(s, return_inverse=True)[1] for s in (scores, other)]

    def gain(weights: Floats) -> float:
        first, second = (_auc_at(truth, place, weights) for place in places)
        return first - second

    values = [gain(w) for w in resample(len(truth), n_rounds, seed)]
    return interval(gain(np.ones(len(truth))), values)


def _auc_at(truth: Bools, place: npt.NDArray[np.intp], weights: Floats) -> float:
    """Count, per distinct score, the negatives below and half of those beside."""
    n_places = int(place.max()) + 1
    positive = np.bincount(place, weights * truth, n_places)
    negative = np.bincount(place, weights * ~truth, n_places)
    below = np.cumsum(negative) - negative
    total = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / total) if total else float("nan")


def resample(n_rows: int, n_rounds: int, seed: int = 0) -> list[npt.NDArray[np.float64]]:
    """Draw rows with replacement and give how often each was drawn."""
    random = np.random.default_rng(seed)
    return [
        np.bincount(random.integers(0, n_rows, n_rows), minlength=n_rows).astype(np.float64)
        for _ in range(n_rounds)
    ]


def interval(value: float, values: list[float]) -> Interval:
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Interval(value, float(low), float(high))
