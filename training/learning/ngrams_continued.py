"""The champion's n-gram branch, moved as far as new rows want it and no further.

Fitted anew on a small set of rows the branch would forget the spellings of all others. Here each
weight starts at the champion's and is pulled back to it: a new term, of which the champion has no
opinion, is learned from some dozens of rows, and what no row speaks of stays bit by bit.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from training.learning.batches import Rows
from training.learning.ngrams import INT8_MAX, MAX_LETTERS, MIN_ROWS, Matrix, NgramBranch, count
from triage_ml.domain.text import normalise

MAX_STEPS = 60

Floats = npt.NDArray[np.float64]


def continue_ngrams(
    branch: NgramBranch, rows: Rows, weights: Floats, weak_weight: float, pull: float
) -> NgramBranch:
    """Update the branch with rows that count `weights`, a weak label `weak_weight` of that.

    Minimises the weighted log loss of the branch, plus `pull` / 2 times the squared distance from
    the champion's weights; an intercept of its own is dropped, as mixing finds one.
    """
    seen = count([normalise(text[:MAX_LETTERS]).text for text in rows.texts], branch.n_bits)
    table = branch.table[1:].astype(np.float32) * branch.scales  # (2^bits, L + 1)
    for column in range(table.shape[1]):
        known = np.flatnonzero(rows.labels[:, column] >= 0)
        truth = rows.labels[known, column] == 1
        if min(truth.sum(), (~truth).sum()) >= MIN_ROWS:
            trust = np.where(rows.weak[known, column], weak_weight, 1.0) * weights[known]
            buckets, moved = _move(seen[known], table[:, column], truth, trust, pull)
            table[buckets, column] += moved
    return _stored(branch, table)


def _move(
    seen: Matrix,
    start: npt.NDArray[np.float32],
    truth: npt.NDArray[np.bool_],
    trust: Floats,
    pull: float,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Give the buckets that occur, and how far each is moved."""
    already = np.asarray(seen @ start, np.float64)
    buckets = np.unique(seen.indices)
    inputs = seen[:, buckets].tocsr()
    flipped = inputs.T.tocsr()

    def loss(values: Floats) -> tuple[float, Floats]:
        moved = values[:-1]
        z = already + inputs @ moved + values[-1]
        value = trust @ (np.logaddexp(0, z) - truth * z) + pull / 2 * moved @ moved
        wrong = trust * (1 / (1 + np.exp(-np.clip(z, -40, 40))) - truth)
        return float(value), np.append(flipped @ wrong + pull * moved, wrong.sum())

    found = minimize(
        loss,
        np.zeros(len(buckets) + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_STEPS},
    ).x
    return buckets, found[:-1].astype(np.float32)


def _stored(branch: NgramBranch, table: npt.NDArray[np.float32]) -> NgramBranch:
    """Round to whole steps; a step grows only where a weight would not fit, so nothing drifts."""
    scales = np.maximum(branch.scales, np.abs(table).max(0) / INT8_MAX).astype(np.float32)
    small = np.zeros_like(branch.table)
    small[1:] = np.clip(np.round(table / scales), -INT8_MAX, INT8_MAX)
    return replace(branch, table=small, scales=scales)
