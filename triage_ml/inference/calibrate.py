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
    """Slopes, intercepts and shifts of a manifest as arrays, one row per language."""

    def __init__(self, manifest: Manifest) -> None:
        self._row = {language: row for row, language in enumerate(Language)}
        table = [
            [manifest.calibration_of(output, language) for output in manifest.outputs]
            for language in Language
        ]
        self._slopes = np.array([[c.slope for c in row] for row in table])  # (languages, L + 1)
        self._intercepts = np.array([[c.intercept for c in row] for row in table])
        shifts = np.array([manifest.upper_shift[output] for output in manifest.outputs])
        matrix = manifest.support_matrix
        measured = [
            [matrix.of(language, label) is Support.MEASURED for label in manifest.labels] + [True]
            for language in Language
        ]
        self._shifts = np.where(np.array(measured), 0.0, np.maximum(shifts, 0.0))

    def probabilities(self, logits: Floats, languages: Sequence[Language]) -> tuple[Floats, Floats]:
        """Give probabilities and their upper bounds, both (B, L + 1).

        The bound of a measured cell, and of `violation`, is the probability itself.
        """
        rows = [self._row[language] for language in languages]
        z = self._slopes[rows] * logits + self._intercepts[rows]
        return _sigmoid(z), _sigmoid(z + self._shifts[rows])


def _sigmoid(z: Floats) -> Floats:
    bounded = np.clip(z, -MAX_LOGIT, MAX_LOGIT)
    p: Floats = 1.0 / (1.0 + np.exp(-bounded))
    return p
