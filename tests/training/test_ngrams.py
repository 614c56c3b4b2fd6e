"""The n-gram branch learns spellings, and is mixed by what it adds."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.rows import rows
from training.learning.batches import Rows
from training.learning.ngrams import MIN_MIXED, NgramBranch, count, fit_ngrams, mix
from training.metrics import auc

N_BITS = 14


def spoken(n: int, seed: int) -> Rows:
    """Give texts that are positive where a word holds "zork"; a second output is never decided."""
    random = np.random.default_rng(seed)
    words = ["apple", "river", "stone", "window", "garden", "paper"]
    truth = random.random(n) < 0.4
    texts = []
    for positive in truth.tolist():
        chosen = random.choice(words, 5).tolist()
        if positive:
            chosen[int(random.integers(5))] = f"{random.choice(words)}zork"
        texts.append(" ".join(chosen))
    labels = [[int(x), -1] for x in truth]
    return rows(labels, ["en"] * n, ["a"] * n, texts=texts)


@pytest.fixture(scope="module")
def branch() -> NgramBranch:
    return fit_ngrams(spoken(400, 1), N_BITS, seed=1)


def test_learns_a_spelling(branch: NgramBranch) -> None:
    """Words it never saw are told by the letters they share with words it did."""
    held = spoken(200, 2)
    assert auc(held.labels[:, 0] == 1, branch.scores(held.texts)[:, 0]) > 0.99
    known, unknown = branch.scores(["a purplezork sky", "a purple sky"])[:, 0]
    assert known > unknown


def test_an_output_nobody_decided_weighs_nothing(branch: NgramBranch) -> None:
    """No n-gram speaks for what was never asked."""
    assert not branch.scores(spoken(20, 3).texts)[:, 1].any()


def test_weak_labels_teach_less() -> None:
    """A row says the same about its n-grams, but with less weight."""
    plain = spoken(400, 1)
    mixed = spoken(400, 1)
    wrong = np.arange(200)
    mixed.labels[wrong, 0] = 1 - mixed.labels[wrong, 0]
    trusted = fit_ngrams(mixed, N_BITS, seed=1)
    mixed.weak[wrong] = True
    doubted = fit_ngrams(mixed, N_BITS, seed=1)
    truth = plain.labels[:, 0] == 1
    one, other = (auc(truth, b.scores(plain.texts)[:, 0]) for b in (doubted, trusted))
    assert one > other


def test_counts_are_of_length_one() -> None:
    """A long text weighs as much as a short one."""
    lengths = np.sqrt(count(["a", "a longer text than that"], N_BITS).power(2).sum(1))
    assert np.asarray(lengths).ravel() == pytest.approx([1.0, 1.0])


def test_mixing_follows_who_is_right(branch: NgramBranch) -> None:
    """Beside an encoder that guesses the n-grams count most; beside one that knows, little."""
    held = spoken(600, 4)
    truth = held.labels[:, 0] == 1
    noise = np.random.default_rng(0).normal(size=(600, 2))
    blind = mix(branch, noise, held).mixture[:, 0]
    spread = branch.scores(held.texts)[:, 0].std()
    assert blind[1] * spread > 3 * blind[0] * noise[:, 0].std()
    hints = noise + 3 * truth[:, None]
    seeing = mix(branch, hints, held).mixture[:, 0]
    assert seeing[0] > blind[0]


def test_a_branch_that_counts_backwards_is_left_out(branch: NgramBranch) -> None:
    """The encoder's logits stay as they are."""
    held = spoken(600, 4)
    opposite = NgramBranch(branch.table, -branch.scales, branch.mixture)
    mixed = mix(opposite, np.random.default_rng(0).normal(size=(600, 2)), held)
    assert mixed.mixture[:, 0].tolist() == [1.0, 0.0, 0.0]


def test_a_rare_output_takes_the_usual_mixture(branch: NgramBranch) -> None:
    """Too few held-out rows say nothing: it takes the weights of the others, and no shift."""
    held = spoken(600, 4)
    held.labels[: MIN_MIXED // 2, 1] = 1
    mixed = mix(branch, np.random.default_rng(0).normal(size=(600, 2)), held).mixture
    assert mixed[:2, 1].tolist() == mixed[:2, 0].tolist()
    assert mixed[2, 1] == 0.0


def test_is_kept_in_a_file(branch: NgramBranch, tmp_path: Path) -> None:
    """What is loaded scores as what was saved; no pickle."""
    branch.save(tmp_path / "ngrams.npz")
    again = NgramBranch.load(tmp_path / "ngrams.npz")
    assert again.n_bits == N_BITS
    assert np.array_equal(again.scores(["zork"]), branch.scores(["zork"]))


def test_an_empty_branch_changes_nothing() -> None:
    """Its mixture is the encoder alone."""
    empty = NgramBranch.empty(4, 2)
    assert empty.n_bits == 4
    assert empty.mixture.tolist() == [[1, 1], [0, 0], [0, 0]]
    assert not empty.scores(["any text"]).any()
