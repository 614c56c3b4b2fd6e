"""The n-gram branch learns spellings, and is mixed by what it adds."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.rows import rows
from training.learning.batches import Rows
from training.learning.ngrams import MIN_MIXED, NgramBranch, count, fit_ngrams, mix
from training.metrics import auc
from triage_ml.errors import InvalidInput

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
    return fit_ngrams(spoken(400, 1), N_BITS, 0.4, seed=1)


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
    trusted = fit_ngrams(mixed, N_BITS, 0.4, seed=1)
    mixed.weak[wrong] = True
    doubted = fit_ngrams(mixed, N_BITS, 0.4, seed=1)
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


@pytest.mark.parametrize("sign", [1, -1])
def test_who_counts_backwards_is_left_out(branch: NgramBranch, sign: int) -> None:
    """The other one is weighed alone."""
    held = spoken(600, 4)
    truth = held.labels[:, 0] == 1
    noise = np.random.default_rng(0).normal(size=(600, 2))
    told = NgramBranch(branch.table, sign * branch.scales, branch.mixture)
    mixture = mix(told, noise - sign * 2 * truth[:, None] + (sign < 0), held).mixture[:, 0]
    of_encoder, of_ngrams, _ = mixture.tolist()
    assert (of_encoder == 0.0, of_ngrams == 0.0) == (sign > 0, sign < 0)
    assert max(of_encoder, of_ngrams) > 0


def test_where_both_count_backwards_the_encoder_stays(branch: NgramBranch) -> None:
    """Nothing is learned from such rows: the logits are as they were."""
    held = spoken(600, 4)
    truth = held.labels[:, 0] == 1
    told = NgramBranch(branch.table, -branch.scales, branch.mixture)
    noise = np.random.default_rng(0).normal(size=(600, 2))
    mixed = mix(told, noise - 2 * truth[:, None], held)
    assert mixed.mixture[:, 0].tolist() == [1.0, 0.0, 0.0]


def test_a_rare_output_is_weighed_like_all(branch: NgramBranch) -> None:
    """Too few held-out rows say nothing of their own: the weights of all rows, and no shift."""
    held = spoken(600, 4)
    held.labels[:MIN_MIXED, 1] = held.labels[:MIN_MIXED, 0]
    hints = np.random.default_rng(0).normal(size=(600, 1)) + held.labels[:, :1]
    mixed = mix(branch, np.repeat(hints, 2, axis=1), held).mixture
    assert (mixed[:2, 1] > 0).all()
    assert mixed[:2, 1].tolist() != mixed[:2, 0].tolist()
    assert mixed[2, 1] == 0.0
    assert mixed[2, 0] != 0.0


def test_rows_of_one_kind_weigh_nothing(branch: NgramBranch) -> None:
    """There is nothing to tell apart: the encoder stays as it was."""
    held = spoken(60, 4)
    held.labels[:, 0] = 1
    mixed = mix(branch, np.random.default_rng(0).normal(size=(60, 2)), held).mixture
    assert mixed.tolist() == [[1, 1], [0, 0], [0, 0]]


def test_is_kept_in_a_file(branch: NgramBranch, tmp_path: Path) -> None:
    """What is loaded scores as what was saved; no pickle, and nothing half-written beside it."""
    branch.save(tmp_path / "ngrams.npz", "these rows")
    again = NgramBranch.load(tmp_path / "ngrams.npz", "these rows")
    assert again.n_bits == N_BITS
    assert np.array_equal(again.scores(["zork"]), branch.scores(["zork"]))
    assert [path.name for path in tmp_path.iterdir()] == ["ngrams.npz"]


def test_a_branch_of_other_rows_is_refused(branch: NgramBranch, tmp_path: Path) -> None:
    """Other rows, outputs or buckets: its numbers would mean something else."""
    branch.save(tmp_path / "ngrams.npz", "these rows")
    with pytest.raises(InvalidInput, match="of other rows or settings"):
        NgramBranch.load(tmp_path / "ngrams.npz", "those rows")
    with pytest.raises(InvalidInput, match="run `python -m training ngrams` first"):
        NgramBranch.load(tmp_path / "none.npz", "these rows")


def test_an_empty_branch_changes_nothing() -> None:
    """Its mixture is the encoder alone."""
    empty = NgramBranch.empty(4, 2)
    assert empty.n_bits == 4
    assert empty.mixture.tolist() == [[1, 1], [0, 0], [0, 0]]
    assert not empty.scores(["any text"]).any()
