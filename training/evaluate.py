"""Held-out quality of every language × output cell, with the floor on the same rows.

A cell counts the rows of sources that decide both sides of its output in its language: a
source of positives only would reward telling corpora apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.batches import Rows
from training.calibrate import Evidence
from training.metrics import (
    Interval,
    auc,
    average_precision,
    bootstrap_auc,
    bootstrap_gain,
    calibration_error,
    sigmoid,
)
from triage_ml.domain.taxonomy import (
    SUPPORTED_LANGUAGES,
    VIOLATION,
    Label,
    Language,
    Support,
    SupportMatrix,
)
from triage_ml.inference.artifact import POOLED, Calibration

MIN_CELL_ROWS = 10
"""Positives and negatives under which no number is given at all."""

Floats = npt.NDArray[np.floating]
Fits = Mapping[str, Mapping[str, Calibration]]


@dataclass(frozen=True, slots=True)
class Cell:
    """Quality of one output in one language."""

    language: str
    output: str
    n_positive: int
    n_negative: int
    sources: tuple[str, ...]
    auc: Interval
    average_precision: float
    calibration_error: float
    recall: float  # at probability 0.5
    precision: float
    baseline: Interval | None
    gain: Interval | None  # AUC over the baseline, on the same resampled rows


def rows_of_cell(rows: Rows, column: int, language: str) -> npt.NDArray[np.intp]:
    """Find the decided rows of the sources that decide both sides."""
    decided = (rows.languages == language) & (rows.labels[:, column] >= 0)
    keep = np.zeros(len(rows), np.bool_)
    for source in np.unique(rows.sources[decided]):
        inside = decided & (rows.sources == source)
        if len(np.unique(rows.labels[inside, column])) == 2:
            keep |= inside
    return np.flatnonzero(keep)


def gather_evidence(rows: Rows, logits: Floats, column: int) -> dict[str, Evidence]:
    """Collect, per language, what one output can be calibrated on."""
    found: dict[str, Evidence] = {}
    for language in SUPPORTED_LANGUAGES:
        chosen = rows_of_cell(rows, column, language.value)
        truth = rows.labels[chosen, column] == 1
        found[language.value] = Evidence(logits[chosen, column], truth)
    return found


def calibrated(logits: Floats, languages: npt.NDArray[np.str_], fits: Fits) -> Floats:
    """Turn raw logits into probabilities, each row by its language.  # (N, L + 1)"""
    probabilities = np.empty_like(logits)
    for column, rows in enumerate(fits.values()):
        for language in np.unique(languages):
            fit = rows.get(str(language), rows[POOLED])
            inside = languages == language
            logit = fit.slope * logits[inside, column] + fit.intercept
            probabilities[inside, column] = sigmoid(logit)
    return probabilities


def measure(
    rows: Rows,
    probabilities: Floats,
    baseline: Floats,
    outputs: tuple[str, ...],
    n_rounds: int,
) -> Iterator[Cell]:
    """Measure every cell that has rows on both sides."""
    for language in SUPPORTED_LANGUAGES:
        for column, output in enumerate(outputs):
            chosen = rows_of_cell(rows, column, language.value)
            truth = rows.labels[chosen, column] == 1
            if min(truth.sum(), (~truth).sum()) < MIN_CELL_ROWS:
                continue
            scores, floor = probabilities[chosen, column], baseline[chosen, column]
            known = not np.isnan(floor).any()
            flagged = scores >= 0.5
            hits = int((flagged & truth).sum())
            yield Cell(
                language=language.value,
                output=output,
                n_positive=int(truth.sum()),
                n_negative=int((~truth).sum()),
                sources=tuple(str(s) for s in np.unique(rows.sources[chosen])),
                auc=bootstrap_auc(truth, scores, n_rounds),
                average_precision=average_precision(truth, scores),
                calibration_error=calibration_error(truth, scores),
                recall=hits / int(truth.sum()),
                precision=hits / max(1, int(flagged.sum())),
                baseline=bootstrap_auc(truth, floor, n_rounds) if known else None,
                gain=bootstrap_gain(truth, scores, floor, n_rounds) if known else None,
            )


def by_source(
    rows: Rows, probabilities: Floats, baseline: Floats, outputs: tuple[str, ...]
) -> dict[str, dict[str, float | None]]:
    """Measure `violation` inside each corpus, where telling corpora apart cannot help.

    Macro-F1 is at probability 0.5, to set beside published results.
    """
    column = outputs.index(VIOLATION)
    found: dict[str, dict[str, float | None]] = {}
    for source in np.unique(rows.sources):
        inside = (rows.sources == source) & (rows.labels[:, column] >= 0)
        truth = rows.labels[inside, column] == 1
        if min(truth.sum(), (~truth).sum()) < MIN_CELL_ROWS:
            continue
        scores, floor = probabilities[inside, column], baseline[inside, column]
        found[str(source)] = {
            "auc": auc(truth, scores),
            "baseline_auc": None if np.isnan(floor).any() else auc(truth, floor),
            "macro_f1": _macro_f1(truth, scores >= 0.5),
        }
    return found


def alarm_rates(
    rows: Rows, probabilities: Floats, outputs: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """Give the share of plainly benign rows (every output absent) over 0.5, per language."""
    benign = (rows.labels == 0).all(1)
    rates: dict[str, dict[str, float]] = {}
    for language in np.unique(rows.languages[benign]):
        inside = benign & (rows.languages == language)
        shares = (probabilities[inside] >= 0.5).mean(0)
        rates[str(language)] = dict(zip(outputs, shares.tolist(), strict=True))
    return rates


def support(cells: list[Cell], min_rows: int) -> SupportMatrix:
    """Call a cell measured where enough real rows of both kinds were held out."""
    return SupportMatrix(
        {
            (Language(cell.language), Label(cell.output)): Support.MEASURED
            for cell in cells
            if cell.output != VIOLATION and min(cell.n_positive, cell.n_negative) >= min_rows
        }
    )


def quality(cells: list[Cell]) -> dict[str, dict[str, dict[str, Any]]]:
    """Arrange cells as the artifact's manifest wants them."""
    nested: dict[str, dict[str, dict[str, Any]]] = {}
    for cell in cells:
        nested.setdefault(cell.language, {})[cell.output] = {
            "n_positive": cell.n_positive,
            "n_negative": cell.n_negative,
            "auc": round(cell.auc.value, 4),
            "auc_low": round(cell.auc.low, 4),
            "auc_high": round(cell.auc.high, 4),
            "average_precision": round(cell.average_precision, 4),
            "calibration_error": round(cell.calibration_error, 4),
            "baseline_auc": round(cell.baseline.value, 4) if cell.baseline else None,
        }
    return nested


def _macro_f1(truth: npt.NDArray[np.bool_], flagged: npt.NDArray[np.bool_]) -> float:
    scores = []
    for side in (True, False):
        hits = int(((truth == side) & (flagged == side)).sum())
        total = int((truth == side).sum() + (flagged == side).sum())
        scores.append(2 * hits / total if total else 0.0)
    return sum(scores) / 2
