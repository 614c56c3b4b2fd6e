"""Calibration of a batch of logits, the same arithmetic as `Calibration.probability`."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from triage_ml.domain.taxonomy import Language, Support
from triage_ml.inference.artifact import Manifest

Floats = npt.NDArray[np.float64]

MAX_LOGIT = 40.0
"""Calibrated logits are kept within ± this, where float64 still tells p from 0 and 1 - p from 0."""


class Calibrator:
    """Slopes, intercepts, shifts and thresholds of a manifest as arrays, one row per language."""

    def __init__(self, manifest: Manifest) -> None:
        self._row = {language: row for row, language in enumerate(Language)}
        table = [
            [manifest.calibration_of(output, language) for output in manifest.outputs]
            for language in Language
        ]
        self._slopes = np.array([[c.slope for c in row] for row in table])  # (languages, L + 1)
        self._slopes_below = np.array([[c.slope_below for c in row] for row in table])
        self._intercepts = np.array([[c.intercept for c in row] for row in table])
        shifts = [[manifest.upper_shift_of(o, x) for o in manifest.outputs] for x in Language]
        thresholds = [[manifest.threshold_of(o, x) for o in manifest.outputs] for x in Language]
        matrix = manifest.support_matrix
        measured = [
            [matrix.of(language, label) is Support.MEASURED for label in manifest.labels] + [True]
            for language in Language
        ]
        self._shifts = np.where(np.array(measured), 0.0, np.maximum(np.array(shifts), 0.0))
        self._thresholds = np.array(thresholds)

    def probabilities(self, logits: Floats, languages: Sequence[Language]) -> tuple[Floats, Floats]:
        """Give probabilities and their upper bounds, both (B, L + 1).

        The bound of a measured cell, and of `violation`, is the probability itself.
        """
        rows = [self._row[language] for language in languages]
        above = self._slopes[rows] * -np.logaddexp(0.0, -logits)
        below = self._slopes_below[rows] * np.logaddexp(0.0, logits)
        z = above + below + self._intercepts[rows]
        return _sigmoid(z), _sigmoid(z + self._shifts[rows])

    def thresholds(self, language: Language) -> Floats:
        """Give the probabilities from which outputs are shown as found.  # (L + 1,)"""
        found: Floats = self._thresholds[self._row[language]]
        return found


def _sigmoid(z: Floats) -> Floats:
    bounded = np.clip(z, -MAX_LOGIT, MAX_LOGIT)
    p: Floats = 1.0 / (1.0 + np.exp(-bounded))
    return p
