"""The n-gram branch: a linear model of every output on hashed character n-grams.

It is what the floor is, for all languages in one table, and learns from every training row in
minutes. Mixed with the encoder's logits it ranks better than either: it knows the spellings, the
encoder the sentence. Weighing two models on rows neither has seen is stacking (Wolpert 1992).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.linear_model import LogisticRegression, SGDClassifier

from training.learning.batches import Rows
from triage_ml.domain.text import normalise
from triage_ml.inference.ngrams import ngrams

MAX_LETTERS = 1_000
"""A long text's beginning says what it is; e-mails would otherwise weigh most."""
EPOCHS = 6
REGULARISATION = 2e-7
"""Of 2e-7 and 1e-6 the one that ranks the calibrate rows of more languages better."""
MIN_ROWS = 20
"""Positives and negatives in training under which an output has no n-grams."""
MIN_MIXED = 100
"""Positives and negatives among the calibrate rows under which the usual mixture is taken."""
WEAK_WEIGHT = 0.4
INT8_MAX = 127

Floats = npt.NDArray[np.floating]
Matrix = Any  # scipy.sparse, which ships no types


@dataclass(frozen=True, slots=True)
class NgramBranch:
    """Weights per bucket, and how they are mixed with the encoder's logits.

    A text's score is the sum of its buckets' rows times `scales`, over the root of their number.
    """

    table: npt.NDArray[np.int8]  # (2^bits + 1, L + 1), row 0 is padding
    scales: npt.NDArray[np.float32]  # (L + 1,)
    mixture: npt.NDArray[np.float32]  # (3, L + 1): of the encoder, of the n-grams, the rest

    @property
    def n_bits(self) -> int:
        return (len(self.table) - 1).bit_length() - 1

    @classmethod
    def empty(cls, n_bits: int, n_outputs: int) -> "NgramBranch":
        """Give a branch that leaves the encoder's logits as they are."""
        table = np.zeros((2**n_bits + 1, n_outputs), np.int8)
        ones, zeros = np.ones(n_outputs, np.float32), np.zeros(n_outputs, np.float32)
        return cls(table, ones, np.stack([ones, zeros, zeros]))

    def scores(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score normalised texts.  # (N, L + 1) float32"""
        weights = self.table[1:].astype(np.float32) * self.scales
        found: npt.NDArray[np.float32] = count(texts, self.n_bits) @ weights
        return found

    def save(self, path: Path) -> None:
        np.savez(path, table=self.table, scales=self.scales, mixture=self.mixture)

    @classmethod
    def load(cls, path: Path) -> "NgramBranch":
        stored = np.load(path)
        return cls(stored["table"], stored["scales"], stored["mixture"])


def count(texts: Sequence[str], n_bits: int) -> Matrix:
    """Give the texts' n-grams as a sparse matrix (N, 2^bits) of rows of length one."""
    found = [ngrams(text, n_bits) - 1 for text in texts]
    ends = np.cumsum([0, *(len(row) for row in found)])
    values = [np.full(len(row), len(row) ** -0.5, np.float32) for row in found]
    shape = (len(found), 2**n_bits)
    return scipy.sparse.csr_matrix(
        (np.concatenate(values), np.concatenate(found).astype(np.int32), ends), shape
    )


def fit_ngrams(rows: Rows, n_bits: int, seed: int) -> NgramBranch:
    """Learn a weight per bucket and output from training rows, unmixed as yet.

    Unknown labels teach nothing, weak ones less; assumed absences are left to the encoder.
    """
    seen = count([normalise(text[:MAX_LETTERS]).text for text in rows.texts], n_bits)
    n_outputs = rows.labels.shape[1]
    weights = np.zeros((2**n_bits, n_outputs), np.float32)
    for column in range(n_outputs):
        known = np.flatnonzero(rows.labels[:, column] >= 0)
        truth = rows.labels[known, column]
        if min((truth == 1).sum(), (truth == 0).sum()) >= MIN_ROWS:
            trust = np.where(rows.weak[known, column], WEAK_WEIGHT, 1.0)
            model = SGDClassifier(
                loss="log_loss",
                alpha=REGULARISATION,
                average=True,
                max_iter=EPOCHS,
                tol=None,
                random_state=seed,
            )
            weights[:, column] = model.fit(seen[known], truth, sample_weight=trust).coef_[0]
    scales = np.maximum(np.abs(weights).max(0), 1e-9) / INT8_MAX
    table = np.zeros((2**n_bits + 1, n_outputs), np.int8)
    table[1:] = np.round(weights / scales)
    return replace(NgramBranch.empty(n_bits, n_outputs), table=table, scales=scales)


def mix(branch: NgramBranch, logits: Floats, rows: Rows) -> NgramBranch:
    """Weigh the encoder's logits and the n-grams' on rows that neither has learned from.

    An output with too few such rows takes the median of what the others take; a branch that
    would count backwards is left out.
    """
    spelled = branch.scores([normalise(text).text for text in rows.texts])
    mixture = np.array(NgramBranch.empty(branch.n_bits, logits.shape[1]).mixture)
    rare = []
    for column in range(logits.shape[1]):
        known = np.flatnonzero(rows.firm[:, column])
        truth = rows.labels[known, column] == 1
        if min(truth.sum(), (~truth).sum()) < MIN_MIXED:
            rare.append(column)
            continue
        both = np.stack([logits[known, column], spelled[known, column]], axis=1)
        fitted = LogisticRegression(C=100.0).fit(both, truth)
        if (fitted.coef_[0] > 0).all():
            mixture[:, column] = (*fitted.coef_[0], fitted.intercept_[0])
    usual = [c for c in range(logits.shape[1]) if c not in rare]
    if usual and rare:
        mixture[:, rare] = np.median(mixture[:, usual], axis=1, keepdims=True)
        mixture[2, rare] = 0.0
    return replace(branch, mixture=mixture)
