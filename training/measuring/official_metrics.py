"""Metrics of shared tasks, thresholds chosen on other rows, and bootstrap intervals."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.metrics import Interval, auc, interval, resample

N_THRESHOLD_ROUNDS = 50
SPAN_THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
MAX_GAP = 1
"""Letters between two marked words that are still one span: a space, as raters mark it."""

Floats = npt.NDArray[np.float64]
AnyFloats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
Mark = tuple[int, int, float]
"""Letters [start, end) of a text and the probability that they are marked."""


class Counts(NamedTuple):
    """Rows by truth and answer, each an array of one shape or a number."""

    hits: Floats
    alarms: Floats
    misses: Floats
    rejections: Floats


CountsF1 = Callable[[Counts], Floats]
Measure = Callable[[Floats], float]
"""Give a number for rows weighted by how often each was drawn."""


def positive_f1(counts: Counts) -> Floats:
    """Give F1 of the positive class."""
    return _f1(counts.hits, counts.alarms, counts.misses)


def macro_f1(counts: Counts) -> Floats:
    """Give the mean of both classes' F1, as scikit-learn does.

    Some tasks take the F1 of mean precision and mean recall, which is never lower.
    Source: Opitz, Burst 2019, Macro F1 and Macro F1.
    """
    negative = _f1(counts.rejections, counts.misses, counts.alarms)
    return (positive_f1(counts) + negative) / 2


def count(truth: Bools, flagged: Bools, weights: Floats | None = None) -> Counts:
    place = 2 * truth.astype(np.intp) + flagged
    cells = np.bincount(place, weights, 4).astype(np.float64)
    return Counts(hits=cells[3], alarms=cells[1], misses=cells[2], rejections=cells[0])


def choose_threshold(f1: CountsF1, truth: Bools, scores: AnyFloats, seed: int = 0) -> float:
    """Give the median over resamples of the threshold with the best F1.

    One sample's best threshold jumps with a few rows; the median of many does not.
    """
    order = np.argsort(-scores, kind="stable")
    truth, scores = truth[order], scores[order]
    cuts = np.flatnonzero(np.append(np.diff(scores) != 0, True))  # last flagged row
    below = np.append(scores, scores[-1])[cuts + 1]
    thresholds = (scores[cuts] + below) / 2
    best = []
    for weights in resample(len(truth), N_THRESHOLD_ROUNDS, seed):
        hits, alarms = (np.cumsum(weights * side) for side in (truth, ~truth))
        counts = Counts(hits, alarms, hits[-1] - hits, alarms[-1] - alarms)
        best.append(thresholds[np.argmax(f1(counts)[cuts])])
    return float(np.median(best))


def bootstrap(measure: Measure, n_rows: int, n_rounds: int) -> Interval:
    """Give `measure` of all rows, and its 95 % interval; the same resamples at every call."""
    values = [measure(weights) for weights in resample(n_rows, n_rounds)]
    return interval(float(measure(np.ones(n_rows))), values)


def f1_measure(f1: CountsF1, truth: Bools, flagged: Bools) -> Measure:
    return lambda weights: float(f1(count(truth, flagged, weights)))


def auc_measure(truth: Bools, scores: AnyFloats) -> Measure:
    return lambda weights: auc(truth, scores, weights)


def mean_measure(values: Floats) -> Measure:
    return lambda weights: float(np.average(values, weights=weights))


def span_f1(found: frozenset[int], marked: frozenset[int]) -> float:
    """Give F1 over the letters of one post; where nothing is marked, 1 for finding nothing.

    Source: Pavlopoulos et al. 2021, SemEval-2021 Task 5, evaluation script.
    """
    if not marked:
        return float(not found)
    return 2 * len(found & marked) / (len(found) + len(marked))


def marked_letters(
    marks: Sequence[Mark], threshold: float, starts: Sequence[int]
) -> frozenset[int]:
    """Give the original's letters under marks over the threshold, close ones joined."""
    letters: set[int] = set()
    behind = -1
    for start, end, _ in sorted(mark for mark in marks if mark[2] >= threshold):
        first = behind if 0 <= start - behind <= MAX_GAP and behind >= 0 else start
        letters.update(range(starts[first], starts[end]))
        behind = max(behind, end)
    return frozenset(letters)


def _f1(hits: Floats, alarms: Floats, misses: Floats) -> Floats:
    total = 2 * hits + alarms + misses
    found: Floats = np.where(total > 0, 2 * hits / np.maximum(total, 1), 0.0)
    return found
