"""Label review: wrong labels are found, shares are right, and no text is told."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from training.corpora.label_noise import MIN_ROWS, Labelled, review_cell, review_labels

N = 4 * MIN_ROWS
KINDS = ("Trams run until midnight", "Fold the egg whites in gently")


def kitchen(wrong: tuple[int, ...]) -> Labelled:
    """Recipes are positive, trams negative, save where the label is `wrong`."""
    labels = np.array([[i % 2, -1] for i in range(N)], np.int8)
    labels[list(wrong), 0] ^= 1
    texts = [f"{KINDS[i % 2]}, note {i}" for i in range(N)]
    return Labelled([f"k{i}" for i in range(N)], texts, np.array(["notes"] * N), labels)


def test_finds_wrong_labels_by_key() -> None:
    """Flipped labels are doubted first; outputs nobody decided are not reviewed."""
    (cell,) = review_labels(kitchen((4, 7)), ("cooking", "other"))
    assert set(cell.keys[:2]) == {"k4", "k7"}
    assert (cell.source, cell.output, cell.n_rows) == ("notes", "cooking", N)
    assert cell.doubtful_share == pytest.approx(cell.n_doubtful / N)
    assert cell.n_doubtful < 10


def test_tells_no_text() -> None:
    """What is reported holds keys and numbers alone."""
    (cell,) = review_labels(kitchen((4,)), ("cooking", "other"))
    told = json.dumps(asdict(cell))
    assert not any(kind in told for kind in KINDS)


def test_takes_a_models_own_probabilities() -> None:
    """Probabilities of a model that did not see the rows are used as they are."""
    rows = kitchen(())
    sure = np.where(rows.labels == 1, 0.9, 0.1)
    sure[3] = 0.05
    (cell,) = review_labels(rows, ("cooking", "other"), sure)
    assert cell.keys == ("k3",)
    assert cell.doubtful_negative == 0.0
    assert cell.doubtful_positive == pytest.approx(1 / cell.n_positive)


def test_few_rows_are_not_reviewed() -> None:
    """A source with too few rows of a kind, or cut to too few, has no cell."""
    assert not list(review_labels(kitchen(()), ("cooking", "other"), max_rows=MIN_ROWS))


def test_clean_labels_raise_no_doubt() -> None:
    """Where the model agrees with every label nothing is doubtful."""
    truth = np.arange(N) % 2 == 0
    cell = review_cell("notes", "cooking", [""] * N, truth, np.where(truth, 0.9, 0.1))
    assert (cell.n_doubtful, cell.keys) == (0, ())
