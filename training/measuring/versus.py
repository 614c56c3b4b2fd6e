"""Champion and challenger on the same rows, both as served: which is better where, and how surely.

Each difference is challenger less champion, with a 95 % interval from resampling the rows for
both at once: what makes a row hard is hard for both, so the interval is of the difference alone.
Public rows are those of the development split, decisions those held out of training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.learning.batches import Rows
from training.measuring.evaluate import MIN_CELL_ROWS, rows_of_cell
from training.metrics import CALIBRATION_BINS, Interval
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION
from triage_ml.inference.artifact import DECISIONS

PUBLIC = "public"
MEASURES = ("auc", "average_precision", "recall", "calibration_error")
"""Of the last, more is worse. Recall is at the probability from which a label is shown."""

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Side:
    """What one model says of the rows, as served."""

    probabilities: Floats  # (N, L + 1), calibrated
    thresholds: Floats  # (N, L + 1), of each row's language


@dataclass(frozen=True, slots=True)
class Pair:
    """One measure of both models and their difference."""

    champion: float
    challenger: float
    difference: Interval
    error: float  # standard deviation of the difference over the resamples


@dataclass(frozen=True, slots=True)
class Versus:
    """One output in one language on one part of the rows."""

    part: str
    language: str
    output: str
    n_positive: int
    n_negative: int
    measures: dict[str, Pair]


def compare_rows(
    rows: Rows, champion: Side, challenger: Side, outputs: Sequence[str], n_rounds: int
) -> dict[str, Any]:
    """Compare on every cell with rows of both kinds; give what `versus.json` holds of it."""
    cells, falls = [], []
    for part in (PUBLIC, DECISIONS):
        inside = np.flatnonzero((rows.sources == DECISIONS) == (part == DECISIONS))
        if not len(inside):
            continue
        one, other = (
            Side(x.probabilities[inside], x.thresholds[inside]) for x in (champion, challenger)
        )
        for cell, drawn in _cells(part, rows.take(inside), one, other, outputs, n_rounds):
            cells.append(cell)
            if part == PUBLIC and cell.output == VIOLATION:
                falls.append(drawn)
    return {
        "cells": [asdict(cell) for cell in cells],
        "forgetting": _mean_of_languages(cells, falls),
        "worst_language": _worst_language(cells),
        "n_rounds": n_rounds,
    }


def _cells(
    part: str, rows: Rows, champion: Side, challenger: Side, outputs: Sequence[str], n_rounds: int
) -> Iterator[tuple[Versus, Floats]]:
    """Give each cell, and the resampled differences of its AUC."""
    for language in SUPPORTED_LANGUAGES:
        for column, output in enumerate(outputs):
            chosen = rows_of_cell(rows, column, language.value)
            truth = rows.labels[chosen, column] == 1
            if min(truth.sum(), (~truth).sum()) < MIN_CELL_ROWS:
                continue
            drawn = _resample(truth, n_rounds, seed=column)
            found = [
                _measure(
                    truth,
                    side.probabilities[chosen, column],
                    side.thresholds[chosen, column],
                    drawn,
                )
                for side in (champion, challenger)
            ]
            pairs = {name: _pair(found[0][name], found[1][name]) for name in MEASURES}
            counts = int(truth.sum()), int((~truth).sum())
            cell = Versus(part, language.value, output, *counts, pairs)
            yield cell, (found[1]["auc"] - found[0]["auc"])[1:]


def _resample(truth: Bools, n_rounds: int, seed: int) -> Floats:
    """Give how often each row counts: once, and then in each round.  # (rounds + 1, N)

    Positives and negatives are drawn apart, so that every round has both.
    """
    random = np.random.default_rng(seed)
    drawn = np.ones((n_rounds + 1, len(truth)), np.float32)
    for side in (truth, ~truth):
        places = np.flatnonzero(side)
        for i in range(1, n_rounds + 1):
            drawn[i, places] = np.bincount(
                random.integers(0, len(places), len(places)), minlength=len(places)
            )
    return drawn


def _measure(truth: Bools, scores: Floats, thresholds: Floats, drawn: Floats) -> dict[str, Floats]:
    """Give every measure for the rows as they are, and for each round.  # (rounds + 1,) each"""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(drawn[:, order] * truth[order], axis=1, dtype=np.float64)[:, ends]
    alarms = np.cumsum(drawn[:, order] * ~truth[order], axis=1, dtype=np.float64)[:, ends]
    found, wrong = (np.diff(x, axis=1, prepend=0.0) for x in (hits, alarms))
    n_hits, n_alarms = hits[:, -1:], alarms[:, -1:]
    ranked = (wrong * (hits - found / 2)).sum(1) / (n_hits * n_alarms)[:, 0]
    precision = hits / np.maximum(hits + alarms, 1e-9)
    flagged = truth & (scores >= thresholds)
    return {
        "auc": ranked,
        "average_precision": (found * precision).sum(1) / n_hits[:, 0],
        "recall": drawn @ flagged.astype(np.float32) / n_hits[:, 0],
        "calibration_error": _calibration(truth, scores, order, drawn),
    }


def _calibration(
    truth: Bools, scores: Floats, order: npt.NDArray[np.intp], drawn: Floats
) -> Floats:
    """Give the expected calibration error over bins of equal mass, the same in every round."""
    gaps = truth.astype(np.float32) - scores
    parts = [part for part in np.array_split(order, CALIBRATION_BINS) if len(part)]
    total = sum(np.abs(drawn[:, part] @ gaps[part]) for part in parts)
    found: Floats = total / drawn.sum(1)
    return found


def _pair(champion: Floats, challenger: Floats) -> Pair:
    differences = challenger - champion
    low, high = np.quantile(differences[1:], [0.025, 0.975])
    interval = Interval(float(differences[0]), float(low), float(high))
    return Pair(float(champion[0]), float(challenger[0]), interval, float(differences[1:].std()))


def _mean_of_languages(cells: Sequence[Versus], falls: Sequence[Floats]) -> dict[str, float] | None:
    """Give the mean difference of the AUC of `violation` over the languages, public rows."""
    if not falls:
        return None
    chosen = [c for c in cells if c.part == PUBLIC and c.output == VIOLATION]
    low, high = np.quantile(np.mean(falls, axis=0), [0.025, 0.975])
    value = float(np.mean([c.measures["auc"].difference.value for c in chosen]))
    return {"value": value, "low": float(low), "high": float(high)}


def _worst_language(cells: Sequence[Versus]) -> dict[str, Any] | None:
    """Name the language that ranks worst with the challenger, and its difference."""
    chosen = [c for c in cells if c.part == PUBLIC and c.output == VIOLATION]
    if not chosen:
        return None
    worst = min(chosen, key=lambda cell: cell.measures["auc"].challenger)
    return {"language": worst.language, **asdict(worst.measures["auc"])}
