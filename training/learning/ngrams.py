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
from triage_ml.errors import InvalidInput
from triage_ml.inference.ngrams import ngrams

MAX_LETTERS = 1_000
"""A long text's beginning says what it is; e-mails would otherwise weigh most."""
EPOCHS = 6
REGULARISATION = 2e-7
"""Of 2e-7 and 1e-6 the one that ranks the calibrate rows of more languages better."""
MIN_ROWS = 20
"""Positives and negatives in training under which an output has no n-grams."""
MIN_MIXED = 50
"""Positives and negatives among the calibrate rows under which an output is weighed like all."""
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

    def save(self, path: Path, made_from: str) -> None:
        """Write the branch, whole or not at all; `made_from` names what decided it."""
        draft = path.with_suffix(".part.npz")
        np.savez(draft, made_from=made_from, table=self.table, scales=self.scales)
        draft.replace(path)

    @classmethod
    def load(cls, path: Path, made_from: str) -> "NgramBranch":
        """Read a branch, not mixed as yet. Raises: InvalidInput when it was made otherwise."""
        if not path.is_file():
            raise InvalidInput(str(path), "run `python -m training ngrams` first")
        with np.load(path) as stored:
            if str(stored["made_from"]) != made_from:
                raise InvalidInput(
                    str(path), "of other rows or settings; run `python -m training ngrams` again"
                )
            table, scales = stored["table"], stored["scales"]
        empty = cls.empty((len(table) - 1).bit_length() - 1, table.shape[1])
        return cls(table, scales, empty.mixture)


def count(texts: Sequence[str], n_bits: int) -> Matrix:
    """Give the texts' n-grams as a sparse matrix (N, 2^bits) of rows of length one.

    350,000 texts have 140 million n-grams: 1.7 GB at the end, and half as much again on the way.
    """
    found = [(ngrams(text, n_bits) - 1).astype(np.int32) for text in texts]
    lengths = np.array([len(row) for row in found])
    columns = np.concatenate(found)
    del found
    values = np.repeat(lengths**-0.5, lengths).astype(np.float32)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return scipy.sparse.csr_matrix((values, columns, ends), (len(lengths), 2**n_bits))


def fit_ngrams(rows: Rows, n_bits: int, weak_weight: float, seed: int) -> NgramBranch:
    """Learn a weight per bucket and output from training rows, unmixed as yet.

    Unknown labels teach nothing, weak ones count `weak_weight`; assumed absences are left to the
    encoder.
    """
    seen = count([normalise(text[:MAX_LETTERS]).text for text in rows.texts], n_bits)
    n_outputs = rows.labels.shape[1]
    weights = np.zeros((2**n_bits, n_outputs), np.float32)
    for column in range(n_outputs):
        known = np.flatnonzero(rows.labels[:, column] >= 0)
        truth = rows.labels[known, column]
        if min((truth == 1).sum(), (truth == 0).sum()) >= MIN_ROWS:
            trust = np.where(rows.weak[known, column], weak_weight, 1.0)
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

    One that would count backwards is left out. An output with too few such rows is weighed like
    all outputs together, without a shift.
    """
    spelled = branch.scores([normalise(text).text for text in rows.texts])
    both = np.stack([logits, spelled], axis=2)  # (N, L + 1, 2)
    truth = rows.labels == 1  # (N, L + 1)
    mixture = np.array(branch.mixture)
    mixture[:2] = np.array(_weigh(both[rows.firm], truth[rows.firm]))[:2, None]
    for column in range(logits.shape[1]):
        known = rows.firm[:, column]
        if _is_enough(truth[known, column]):
            mixture[:, column] = _weigh(both[known, column], truth[known, column])
    return replace(branch, mixture=mixture)


def _is_enough(truth: npt.NDArray[np.bool_]) -> bool:
    return bool(min(truth.sum(), (~truth).sum()) >= MIN_MIXED)


def _weigh(both: Floats, truth: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Fit weights of both columns (N, 2) and the rest, or of the one that counts forwards."""
    if truth.all() or not truth.any():
        return 1.0, 0.0, 0.0
    weights = np.zeros(2)
    forwards = np.array([True, True])
    for _ in range(2):
        fitted = LogisticRegression(C=100.0).fit(both[:, forwards], truth)
        weights[forwards] = fitted.coef_[0]
        if (weights >= 0).all():
            return float(weights[0]), float(weights[1]), float(fitted.intercept_[0])
        forwards = weights > 0
        weights[~forwards] = 0.0
        if not forwards.any():
            break
    return 1.0, 0.0, 0.0
