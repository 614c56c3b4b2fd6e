"""Held-out quality of every language × output cell, with the floor on the same rows.

A cell counts the rows of sources that decide both sides of its output in its language: a
source of positives only would reward telling corpora apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.learning.batches import Rows
from training.measuring.calibrate import Evidence, calibrated_logits
from training.metrics import (
    Interval,
    auc,
    average_precision,
    bootstrap_auc,
    bootstrap_gain,
    calibration_by_chance,
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

WRITTEN = "written_"
MIN_MEASURED_AUC = 0.65
"""Lower end of the AUC's interval from which a cell with real rows counts as measured."""
MIN_CASES = 8
MIN_FOUND = 0.5
MAX_ALARMS = 0.1
"""A cell is functional with so many cases of either kind, found and falsely alarmed so often."""
MIN_POSITIVE_SHARE = 0.002
MIN_NEGATIVE_SHARE = 0.05
"""Of a source that decides both sides: fewer are strays that another corpus brought along."""
MIN_CELL_ROWS = 10
"""Positives and negatives under which no number is given at all."""

Floats = npt.NDArray[np.floating]
Fits = Mapping[str, Mapping[str, Calibration]]
Thresholds = Mapping[str, Mapping[str, float]]


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
    threshold: float  # probability from which the output is shown as found
    recall: float  # at the threshold
    precision: float
    baselines: Mapping[str, Interval]  # AUC of each floor that could be learned
    gains: Mapping[str, Interval]  # AUC over each floor, on the same resampled rows
    calibration_by_chance: float = 0.0  # error that so many rows show also if nothing is off


def rows_of_cell(rows: Rows, column: int, language: str) -> npt.NDArray[np.intp]:
    """Find the rows that raters decided, of the sources that decide both sides.

    Examples written for the project count only where there is nothing else.
    """
    decided = (rows.languages == language) & rows.firm[:, column]
    written = np.char.startswith(rows.sources, WRITTEN)
    for part in (decided & ~written, decided & written):
        found = _of_two_sided_sources(rows, column, part)
        if len(found):
            return found
    return np.zeros(0, np.intp)


def _of_two_sided_sources(
    rows: Rows, column: int, decided: npt.NDArray[np.bool_]
) -> npt.NDArray[np.intp]:
    keep = np.zeros(len(rows), np.bool_)
    for source in np.unique(rows.sources[decided]):
        inside = decided & (rows.sources == source)
        positive = (rows.labels[inside, column] == 1).mean()
        if positive >= MIN_POSITIVE_SHARE and 1 - positive >= MIN_NEGATIVE_SHARE:
            keep |= inside
    return np.flatnonzero(keep)


def gather_evidence(rows: Rows, logits: Floats, column: int, dev: Rows) -> dict[str, Evidence]:
    """Collect, per language, what one output can be calibrated on.

    Rows count so that corpora have the shares they have among the dev rows, of which nothing but
    the corpus is looked at: publishers hold out more of some corpora than of others.
    """
    found: dict[str, Evidence] = {}
    for language in SUPPORTED_LANGUAGES:
        chosen = rows_of_cell(rows, column, language.value)
        truth = rows.labels[chosen, column] == 1
        measured = dev.sources[rows_of_cell(dev, column, language.value)]
        weights = _share_weights(rows.sources[chosen], measured)
        found[language.value] = Evidence(logits[chosen, column], truth, weights)
    return found


def _share_weights(
    sources: npt.NDArray[np.str_], wanted: npt.NDArray[np.str_]
) -> npt.NDArray[np.float64]:
    """Weigh rows so that sources have the shares of `wanted`, tenfold up or down at most."""
    names, counts = np.unique(wanted, return_counts=True)
    shares = dict(zip(names.tolist(), (counts / max(1, len(wanted))).tolist(), strict=True))
    weights = np.ones(len(sources))
    for name in np.unique(sources) if shares else ():
        inside = sources == name
        weights[inside] = np.clip(shares.get(str(name), 0.0) / inside.mean(), 0.1, 10.0)
    return weights


def calibrated(logits: Floats, languages: npt.NDArray[np.str_], fits: Fits) -> Floats:
    """Turn raw logits into probabilities, each row by its language.  # (N, L + 1)"""
    probabilities = np.empty_like(logits)
    for column, rows in enumerate(fits.values()):
        for language in np.unique(languages):
            fit = rows.get(str(language), rows[POOLED])
            inside = languages == language
            probabilities[inside, column] = sigmoid(calibrated_logits(fit, logits[inside, column]))
    return probabilities


def measure(
    rows: Rows,
    probabilities: Floats,
    floors: Mapping[str, Floats],
    outputs: tuple[str, ...],
    n_rounds: int,
    thresholds: Thresholds,
) -> Iterator[Cell]:
    """Measure every cell that has rows on both sides."""
    for language in SUPPORTED_LANGUAGES:
        for column, output in enumerate(outputs):
            chosen = rows_of_cell(rows, column, language.value)
            truth = rows.labels[chosen, column] == 1
            if min(truth.sum(), (~truth).sum()) < MIN_CELL_ROWS:
                continue
            scores = probabilities[chosen, column]
            beside = _known_floors(floors, chosen, column)
            threshold = thresholds[output].get(language.value, thresholds[output][POOLED])
            flagged = scores >= threshold
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
                calibration_by_chance=calibration_by_chance(scores),
                threshold=threshold,
                recall=hits / int(truth.sum()),
                precision=hits / max(1, int(flagged.sum())),
                baselines={n: bootstrap_auc(truth, f, n_rounds) for n, f in beside.items()},
                gains={n: bootstrap_gain(truth, scores, f, n_rounds) for n, f in beside.items()},
            )


def _known_floors(
    floors: Mapping[str, Floats], rows: npt.NDArray[np.intp], column: int
) -> dict[str, Floats]:
    found = {name: scores[rows, column] for name, scores in floors.items()}
    return {name: scores for name, scores in found.items() if not np.isnan(scores).any()}


def by_source(
    rows: Rows, probabilities: Floats, floors: Mapping[str, Floats], outputs: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Measure `violation` inside each corpus, where telling corpora apart cannot help.

    Macro-F1 is at probability 0.5, to set beside published results.
    """
    column = outputs.index(VIOLATION)
    found: dict[str, dict[str, Any]] = {}
    for source in np.unique(rows.sources):
        inside = np.flatnonzero((rows.sources == source) & rows.firm[:, column])
        truth = rows.labels[inside, column] == 1
        if min(truth.sum(), (~truth).sum()) < MIN_CELL_ROWS:
            continue
        scores = probabilities[inside, column]
        beside = _known_floors(floors, inside, column)
        found[str(source)] = {
            "auc": auc(truth, scores),
            "baselines": {name: auc(truth, floor) for name, floor in beside.items()},
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


def support(
    cells: list[Cell], min_rows: int, functional: Mapping[str, Mapping[str, Mapping[str, int]]]
) -> SupportMatrix:
    """Call a cell measured where enough real rows of both kinds were held out and it ranks them.

    A cell is functional where the model finds the functional cases of its label and leaves
    benign ones alone; `functional` holds their counts as {language: {label: counts}}. A cell
    with real rows that ranks badly is not measured: priority must not lower a case by it.
    """
    found = {
        (Language(language), Label(label)): Support.FUNCTIONAL
        for language, labels in functional.items()
        for label, counts in labels.items()
        if _passes(counts)
    }
    for cell in cells:
        enough = min(cell.n_positive, cell.n_negative) >= min_rows
        if cell.output != VIOLATION and enough and cell.auc.low >= MIN_MEASURED_AUC:
            found[Language(cell.language), Label(cell.output)] = Support.MEASURED
    return SupportMatrix(found)


def _passes(counts: Mapping[str, int]) -> bool:
    enough = min(counts["present"], counts["absent"]) >= MIN_CASES
    finds = counts["found"] >= MIN_FOUND * counts["present"]
    return enough and finds and counts["alarms"] <= MAX_ALARMS * counts["absent"]


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
            "baseline_auc": round(max(b.value for b in cell.baselines.values()), 4)
            if cell.baselines
            else None,
        }
    return nested


def _macro_f1(truth: npt.NDArray[np.bool_], flagged: npt.NDArray[np.bool_]) -> float:
    scores = []
    for side in (True, False):
        hits = int(((truth == side) & (flagged == side)).sum())
        total = int((truth == side).sum() + (flagged == side).sum())
        scores.append(2 * hits / total if total else 0.0)
    return sum(scores) / 2
