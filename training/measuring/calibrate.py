"""Calibration per output and language, thresholds, and bounds for what is not measured.

Classes keep their shares: a calibrated probability speaks of a text like those of the
corpora that decide the output, and the card says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from triage_ml.inference.artifact import POOLED, Calibration

MIN_ROWS = 40
"""Positives and negatives a language needs for a calibration of its own."""
MIN_SHIFT = 1.0
"""Least upward shift, in calibrated logits, where a cell is not measured."""
MAX_SHIFT = 3.0
"""Largest shift: a further one would raise every text of a language, and order nothing."""
MISS_RATE = 0.1
"""Share of true positives whose upper bound may stay under one half."""
NO_THRESHOLD = 0.9
"""Threshold where there are no rows of both kinds to choose one on."""
MIN_THRESHOLD = 0.1
"""Nothing less likely is shown as found, however well an output tells its corpora apart."""
PREVALENCE = 0.2
"""Share of positives at which a threshold's precision is judged: corpora are richer in them."""
MIN_FLAGGED = 20
RIDGE = 1e-3

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Raw logits of rows whose truth is decided for one output, in one language.

    `weights` say how much each row counts in a fit, 1 where there are none.
    """

    logits: Floats
    truth: Bools
    weights: Floats | None = None

    @property
    def counts(self) -> Floats:
        return np.ones(len(self.truth)) if self.weights is None else self.weights

    @property
    def is_enough(self) -> bool:
        return min(int(self.truth.sum()), int((~self.truth).sum())) >= MIN_ROWS


def fit_beta(logits: Floats, truth: Bools, weights: Floats | None = None) -> Calibration:
    """Fit a beta calibration by maximum likelihood on Platt's smoothed targets.

    A small ridge pulls it towards leaving the logits as they are.
    Source: Kull, Silva Filho, Flach 2017; Platt 1999 for the targets.
    """
    n_positive, n_negative = int(truth.sum()), int((~truth).sum())
    high, low = (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2)
    targets = np.where(truth, high, low)
    inputs = _features(logits)  # (N, 3)
    counts = np.ones(len(truth)) if weights is None else weights / weights.mean()
    start = np.array([1.0, 1.0, 0.0])

    def loss(slopes: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        z = inputs @ slopes
        value = counts * (np.logaddexp(0, z) - targets * z)
        gradient = inputs.T @ (counts * (1 / (1 + np.exp(-np.clip(z, -40, 40))) - targets))
        away = slopes - start
        return float(value.sum() + RIDGE * away @ away), gradient + 2 * RIDGE * away

    found = minimize(loss, start, jac=True, bounds=((0, None), (0, None), (None, None))).x
    slope, slope_below, intercept = (float(value) for value in found)
    return Calibration(slope=slope, slope_below=slope_below, intercept=intercept)


def calibrated_logits(fit: Calibration, logits: Floats) -> Floats:
    weights = np.array([fit.slope, fit.slope_below, fit.intercept])
    found: Floats = _features(logits) @ weights
    return found


def calibrate_output(evidence: Mapping[str, Evidence]) -> dict[str, Calibration]:
    """Fit one output: languages with enough rows, and the pooled fit over all rows."""
    pooled = pool(evidence)
    fits = {
        language: fit_beta(rows.logits, rows.truth, rows.weights)
        for language, rows in evidence.items()
        if rows.is_enough
    }
    return fits | {POOLED: fit_beta(pooled.logits, pooled.truth, pooled.weights)}


def pool(evidence: Mapping[str, Evidence]) -> Evidence:
    """Put the rows of all languages together."""
    return Evidence(
        np.concatenate([rows.logits for rows in evidence.values()]),
        np.concatenate([rows.truth for rows in evidence.values()]),
        np.concatenate([rows.counts for rows in evidence.values()]),
    )


def upper_shifts(
    fits: Mapping[str, Calibration], evidence: Mapping[str, Evidence]
) -> dict[str, float]:
    """Bound each language from above in the manner of class-conditional split conformal prediction.

    Shifted so far, about MISS_RATE of a language's true positives stay under one half; not
    exactly, because the calibration was fitted on the same rows and the shift is kept between
    MIN_SHIFT and MAX_SHIFT. A language without positives takes the largest shift seen anywhere.
    Source: Vovk et al. 2005, Algorithmic Learning in a Random World.
    """
    shifts = {
        language: _shift(
            calibrated_logits(fits.get(language, fits[POOLED]), rows.logits[rows.truth])
        )
        for language, rows in evidence.items()
        if rows.truth.sum() * MISS_RATE >= 1
    }
    return shifts | {POOLED: max([MIN_SHIFT, *shifts.values()])}


def conformal_quantile(scores: Floats, miss_rate: float) -> float:
    """Give the score that a new one of the same kind stays under with chance <= `miss_rate`."""
    place = int(np.floor(miss_rate * (len(scores) + 1)))
    return float(np.sort(scores)[place - 1]) if place else -np.inf


def _shift(logits: Floats) -> float:
    low = conformal_quantile(logits, MISS_RATE)
    return round(float(np.clip(-low, MIN_SHIFT, MAX_SHIFT)), 3)


def thresholds(
    fits: Mapping[str, Calibration], evidence: Mapping[str, Evidence], precision: float
) -> dict[str, float]:
    """Choose the lowest probability that reaches the precision, per language and pooled.

    Where none does, the best F1 decides, and the card gives the precision that is left.
    """
    rows = {language: evidence[language] for language in fits if language != POOLED}
    rows[POOLED] = pool(evidence)
    return {
        language: _threshold(calibrated_logits(fits[language], part.logits), part.truth, precision)
        for language, part in rows.items()
    }


def _threshold(logits: Floats, truth: Bools, precision: float) -> float:
    """Count false alarms as if at most PREVALENCE of the texts were positive.

    Where no cut reaches the precision, the one with the best F1 is taken: a weak hint that says
    how weak it is serves a reviewer better than none, above all for threats.
    """
    if not truth.any() or truth.all():
        return NO_THRESHOLD
    order = np.argsort(-logits, kind="stable")
    found, cuts = truth[order], logits[order]
    weight = max(1.0, truth.sum() / (~truth).sum() * (1 - PREVALENCE) / PREVALENCE)
    hits, alarms = np.cumsum(found), weight * np.cumsum(~found)
    last_of_ties = np.append(cuts[1:] != cuts[:-1], True)
    enough = np.arange(1, len(cuts) + 1) >= min(MIN_FLAGGED, truth.sum() / 2)
    usable = last_of_ties & enough
    good = np.flatnonzero(usable & (hits / (hits + alarms) >= precision))
    f1 = np.where(usable, 2 * hits / (hits + alarms + truth.sum()), 0.0)
    at = good[-1] if len(good) else f1.argmax()
    return max(MIN_THRESHOLD, round(float(1 / (1 + np.exp(-cuts[at]))), 4))


def _features(logits: Floats) -> npt.NDArray[np.float64]:
    """Give ln p, -ln(1 - p) and 1 of the raw probability.  # (N, 3)"""
    x = logits.astype(np.float64)
    return np.stack([-np.logaddexp(0, -x), np.logaddexp(0, x), np.ones_like(x)], axis=1)
