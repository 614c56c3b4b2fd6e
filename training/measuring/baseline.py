"""The floor: character n-grams with logistic regression, one model per language and output.

It chooses its regularisation on the calibrate split, as a fair rival would.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from training.corpora.snapshot import columns
from training.corpora.sources import OUTPUTS
from training.metrics import auc

STRENGTHS = (1.0, 8.0)
ROWS_PER_LANGUAGE = 50_000
"""Training rows a language's floor learns from, at most; liblinear takes minutes for more."""
MIN_ROWS = 20
"""Positives and negatives in training under which no baseline is fitted."""
MAX_FEATURES = 300_000

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Matrix = Any  # scipy.sparse, which ships no types, or an array
Candidates = Callable[[], Sequence[LogisticRegression]]


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of one split with the labels (N, L + 1) of the model's outputs."""

    texts: list[str]
    labels: npt.NDArray[np.int8]
    languages: npt.NDArray[np.str_]

    @classmethod
    def of(cls, part: Dataset, outputs: tuple[str, ...]) -> "Texts":
        chosen = [OUTPUTS.index(output) for output in outputs]
        found = columns(part, "text", "labels", "language")
        labels = np.asarray(found["labels"], np.int8).reshape(len(part), len(OUTPUTS))[:, chosen]
        return cls(found["text"], labels, np.asarray(found["language"], np.str_))

    def only(self, language: str) -> "Texts":
        return self.take(np.flatnonzero(self.languages == language))

    def take(self, rows: npt.NDArray[np.intp]) -> "Texts":
        texts = [self.texts[i] for i in rows.tolist()]
        return Texts(texts, self.labels[rows], self.languages[rows])


@dataclass(frozen=True, slots=True)
class CharacterBaseline:
    """One model per output that could be learned, for texts of one language."""

    vectors: TfidfVectorizer
    models: Mapping[int, LogisticRegression]
    n_outputs: int

    def scores(self, texts: list[str]) -> Floats:
        """Score texts (N, L + 1); NaN where an output could not be learned."""
        found = np.full((len(texts), self.n_outputs), np.nan)
        if texts and self.models:
            unseen = self.vectors.transform(texts)
            for column, model in self.models.items():
                found[:, column] = model.decision_function(unseen)
        return found


def fit_baseline(
    train: Texts, calibrate: Texts, n_rows: int = ROWS_PER_LANGUAGE, seed: int = 0
) -> CharacterBaseline:
    """Fit on one language's rows, at most so many, drawn by chance."""
    if len(train.texts) > n_rows:
        train = train.take(np.random.default_rng(seed).permutation(len(train.texts))[:n_rows])
    vectors = TfidfVectorizer(
        analyzer="char",
        ngram_range=(2, 5),
        min_df=3,
        max_features=MAX_FEATURES,
        sublinear_tf=True,
        dtype=np.float32,
    )
    models: dict[int, LogisticRegression] = {}
    if any(is_learnable(column) for column in train.labels.T):
        seen, held = vectors.fit_transform(train.texts), vectors.transform(calibrate.texts)
        models = fit_outputs(seen, train.labels, held, calibrate.labels, _candidates)
    return CharacterBaseline(vectors, models, train.labels.shape[1])


def fit_outputs(
    seen: Matrix, labels: Labels, held: Matrix, held_labels: Labels, candidates: Candidates
) -> dict[int, LogisticRegression]:
    """Fit the outputs (N, L + 1) that can be learned, each by the candidate that ranks best.

    The calibrate rows `held` decide; where they cannot, the first candidate is taken.
    """
    return {
        column: _best(seen, labels[:, column], held, held_labels[:, column], candidates())
        for column in range(labels.shape[1])
        if is_learnable(labels[:, column])
    }


def _candidates() -> list[LogisticRegression]:
    return [LogisticRegression(C=c, solver="liblinear", class_weight="balanced") for c in STRENGTHS]


def is_learnable(truth: npt.NDArray[np.int8]) -> bool:
    return min(int((truth == 1).sum()), int((truth == 0).sum())) >= MIN_ROWS


def _best(
    seen: Matrix,
    truth: npt.NDArray[np.int8],
    held: Matrix,
    held_truth: npt.NDArray[np.int8],
    candidates: Sequence[LogisticRegression],
) -> LogisticRegression:
    learned = np.flatnonzero(truth >= 0)
    models = [model.fit(seen[learned], truth[learned]) for model in candidates]
    known = np.flatnonzero(held_truth >= 0)
    decided = held_truth[known] == 1
    if decided.all() or not decided.any():
        return models[0]
    return max(models, key=lambda model: auc(decided, model.decision_function(held[known])))
