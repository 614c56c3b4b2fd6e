"""Rows whose label a model that has not seen them doubts, per source and output.

Confident learning by `cleanlab`: a row is doubtful when the model is as sure of the other side
as it usually is of that side's rows. Findings are shares and row keys, never texts.
Source: Northcutt, Jiang, Chuang 2021, Confident Learning.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cleanlab.filter import find_label_issues
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

N_FOLDS = 5
MIN_ROWS = 50
"""Positives and negatives of a source under which its labels are not reviewed."""
MAX_ROWS = 10_000
"""Rows of a source that are reviewed, drawn at random where it has more."""
MAX_FEATURES = 100_000
MAX_KEYS = 50
"""Doubtful rows that are named, the most doubtful first."""

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class NoiseCell:
    """How much of a source's labels for an output is doubtful; `asdict` of it is JSON."""

    source: str
    output: str
    n_rows: int
    n_positive: int
    n_doubtful: int
    doubtful_share: float
    doubtful_positive: float  # share of the positive rows
    doubtful_negative: float
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows under review, with what is decided of them."""

    keys: Sequence[str]
    texts: Sequence[str]
    sources: npt.NDArray[np.str_]
    labels: Labels  # (N, L + 1): 1, 0, -1 unknown


def review_labels(
    rows: Labelled,
    outputs: Sequence[str],
    probabilities: Floats | None = None,
    max_rows: int = MAX_ROWS,
    seed: int = 0,
) -> Iterator[NoiseCell]:
    """Review each source and output with enough rows of both kinds.

    `probabilities` (N, L + 1) are a model's that was not trained on the rows; without them
    character n-grams give their own, each fold by a model of the other folds.
    """
    random = np.random.default_rng(seed)
    for source in np.unique(rows.sources):
        for column, output in enumerate(outputs):
            chosen = np.flatnonzero((rows.sources == source) & (rows.labels[:, column] >= 0))
            chosen = np.sort(random.permutation(chosen)[:max_rows])
            truth = rows.labels[chosen, column] == 1
            if min(int(truth.sum()), int((~truth).sum())) < MIN_ROWS:
                continue
            if probabilities is None:
                found = unseen_probabilities([rows.texts[i] for i in chosen.tolist()], truth, seed)
            else:
                found = probabilities[chosen, column]
            keys = [rows.keys[i] for i in chosen.tolist()]
            yield review_cell(str(source), output, keys, truth, found)


def review_cell(
    source: str,
    output: str,
    keys: Sequence[str],
    truth: npt.NDArray[np.bool_],
    probabilities: Floats,
) -> NoiseCell:
    """Find the doubtful rows of one source and output."""
    both = np.stack([1 - probabilities, probabilities], axis=1).astype(np.float64)  # (N, 2)
    doubtful = find_label_issues(
        truth.astype(np.int64), both, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    positive = int(truth[doubtful].sum())
    n_positive = int(truth.sum())
    return NoiseCell(
        source=source,
        output=output,
        n_rows=len(truth),
        n_positive=n_positive,
        n_doubtful=len(doubtful),
        doubtful_share=len(doubtful) / len(truth),
        doubtful_positive=positive / n_positive,
        doubtful_negative=(len(doubtful) - positive) / (len(truth) - n_positive),
        keys=tuple(keys[i] for i in doubtful.tolist()[:MAX_KEYS]),
    )


def unseen_probabilities(
    texts: Sequence[str], truth: npt.NDArray[np.bool_], seed: int = 0
) -> Floats:
    """Give each row's probability by a model that learned from the other folds."""
    written = np.array(texts, dtype=object)
    found = np.zeros(len(truth))
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    for seen, unseen in folds.split(written, truth):
        model = make_pipeline(
            TfidfVectorizer(
                analyzer="char",
                ngram_range=(2, 4),
                min_df=2,
                max_features=MAX_FEATURES,
                sublinear_tf=True,
                dtype=np.float32,
            ),
            LogisticRegression(C=4.0, solver="liblinear"),
        )
        model.fit(written[seen], truth[seen])
        found[unseen] = model.predict_proba(written[unseen])[:, 1]
    return found
