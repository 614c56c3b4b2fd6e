"""Platt scaling per output and language, with a pooled one for the rest.

Classes keep their shares: a calibrated probability speaks of a text like those of the
corpora that decide the output, and the card says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage_ml.inference.artifact import POOLED, Calibration

MIN_ROWS = 40
"""Positives and negatives a language needs for a calibration of its own."""
MIN_SHIFT = 1.0
"""Least upward shift, in calibrated logits, where a cell is not measured."""
RIDGE = 1e-3
MAX_ROUNDS = 50

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Raw logits of rows whose truth is decided for one output, in one language."""

    logits: Floats
    truth: Bools

    @property
    def is_enough(self) -> bool:
        return min(int(self.truth.sum()), int((~self.truth).sum())) >= MIN_ROWS


def fit_platt(logits: Floats, truth: Bools) -> Calibration:
    """Fit slope and intercept by Newton's method on Platt's smoothed targets.

    Source: Platt 1999; Lin, Lin, Weng 2007, A Note on Platt's Probabilistic Outputs.
    """
    n_positive, n_negative = int(truth.sum()), int((~truth).sum())
    high, low = (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2)
    targets = np.where(truth, high, low)
    inputs = np.stack([logits, np.ones_like(logits)], axis=1).astype(np.float64)  # (N, 2)
    weights = np.array([1.0, 0.0])
    for _ in range(MAX_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(inputs @ weights, -40, 40)))
        gradient = inputs.T @ (p - targets) + RIDGE * (weights - [1.0, 0.0])
        curvature = (inputs.T * (p * (1 - p))) @ inputs + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return Calibration(slope=max(float(weights[0]), 0.0), intercept=float(weights[1]))


def calibrate_output(evidence: Mapping[str, Evidence]) -> dict[str, Calibration]:
    """Fit one output: languages with enough rows, and the pooled fit over all rows."""
    pooled = Evidence(
        np.concatenate([rows.logits for rows in evidence.values()]),
        np.concatenate([rows.truth for rows in evidence.values()]),
    )
    fits = {
        language: fit_platt(rows.logits, rows.truth)
        for language, rows in evidence.items()
        if rows.is_enough
    }
    return fits | {POOLED: fit_platt(pooled.logits, pooled.truth)}


def upper_shift(fits: Mapping[str, Calibration], evidence: Mapping[str, Evidence]) -> float:
    """Say how far a language's calibration was seen to lie from the pooled one.

    The largest difference of calibrated logits at the median positive logit, at least
    MIN_SHIFT: what an unmeasured language may plausibly be off by.
    """
    positives = np.concatenate([rows.logits[rows.truth] for rows in evidence.values()])
    if not len(positives):
        return MIN_SHIFT
    at = float(np.median(positives))
    pooled = fits[POOLED]
    middle = pooled.slope * at + pooled.intercept
    gaps = [abs(fit.slope * at + fit.intercept - middle) for fit in fits.values()]
    return round(max([MIN_SHIFT, *gaps]), 3)
