"""The sentence encoder's floor: what it learns, which rows it learns from, where it gives up."""

import numpy as np
import pytest

from training.measuring.baseline import MIN_ROWS, Texts
from training.measuring.sentence_baseline import choose_rows, encode_sentences, fit_baseline

KINDS = ("The train to the coast leaves at noon", "Add butter and flour to the bowl")


def texts(n: int) -> Texts:
    """Two subjects in turn; the second output is decided nowhere."""
    labels = np.array([[i % 2, -1] for i in range(n)], np.int8)
    written = [f"{KINDS[i % 2]}, number {i}" for i in range(n)]
    return Texts(written, labels, np.array(["en"] * n))


def test_embeds_meaning_across_languages() -> None:
    """A sentence is nearer to its translation than to another sentence."""
    english, german, other = encode_sentences(
        [KINDS[0], "Der Zug zur Küste fährt um zwölf", KINDS[1]]
    )
    assert english @ german > english @ other
    assert np.linalg.norm(english) == pytest.approx(1.0, abs=1e-3)


def test_learns_a_subject_and_leaves_the_rest_open() -> None:
    """Separable rows are separated; an output nobody decided has no score."""
    scores = fit_baseline(texts(60), texts(20)).scores(texts(10).texts)
    assert ((scores[:, 0] > 0) == (np.arange(10) % 2 == 1)).all()
    assert np.isnan(scores[:, 1]).all()


def test_too_few_rows_teach_nothing() -> None:
    """Under the least rows per side every score is missing, and nothing is embedded."""
    model = fit_baseline(
        texts(2 * MIN_ROWS - 2), texts(4), encode=lambda _: pytest.fail("embedded")
    )
    assert np.isnan(model.scores(["Noon"])).all()


def test_draws_rare_labels_first() -> None:
    """Rare positives are nearly all drawn; undecided rows never; the same rows every time."""
    labels = np.zeros((1_000, 1), np.int8)
    labels[:50], labels[900:] = 1, -1
    chosen = choose_rows(labels, 200, seed=0)
    assert (chosen < 50).sum() > 35
    assert chosen.max() < 900
    assert chosen.tolist() == choose_rows(labels, 200, seed=0).tolist()
    assert len(choose_rows(labels, 5_000, seed=0)) == 900
