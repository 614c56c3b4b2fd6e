"""The n-gram branch learns a new term and keeps the rest."""

import numpy as np

from tests.training.rows import rows
from training.learning.ngrams import NgramBranch
from training.learning.ngrams_continued import continue_ngrams
from triage_ml.inference.ngrams import ngrams

N_BITS = 14
PLAIN = ("the shop opens late", "we walked along the river", "rain is coming again", "a quiet day")


def champion() -> NgramBranch:
    table = np.random.default_rng(1).integers(-40, 40, (2**N_BITS + 1, 1)).astype(np.int8)
    table[0] = 0
    mixture = np.array([[1.0], [1.0], [0.0]], np.float32)
    return NgramBranch(table, np.full(1, 0.01, np.float32), mixture)


def continued(branch: NgramBranch, pull: float) -> NgramBranch:
    texts = [f"{PLAIN[i % 4]} {'zorvak' if i % 2 else 'friend'} {i % 7}" for i in range(120)]
    seen = rows([[i % 2] for i in range(120)], ["en"] * 120, ["a"] * 120, texts=texts)
    return continue_ngrams(branch, seen, np.ones(120), 0.4, pull)


def test_a_new_term_is_learned_from_dozens_of_rows() -> None:
    """A sentence never seen scores high with it, and low without."""
    branch = continued(champion(), 0.1)
    with_term, without = branch.scores(["look at that zorvak there", "look at that friend there"])
    before = champion().scores(["look at that zorvak there", "look at that friend there"])
    assert with_term[0] - without[0] > before[0, 0] - before[1, 0] + 1.5


def test_what_no_row_speaks_of_stays_bit_by_bit() -> None:
    """Buckets of other n-grams keep their weight, and so do the steps they are stored in."""
    before, after = champion(), continued(champion(), 1.0)
    assert (after.scales >= before.scales).all()
    spoken = {int(b) for i in range(7) for text in PLAIN for b in ngrams(f"{text} {i}", N_BITS)}
    far = [b for b in ngrams("xylophone quartz juggling", N_BITS).tolist() if b not in spoken]
    moved = np.abs(after.table[far] * after.scales - before.table[far] * before.scales)
    assert np.median(moved) <= after.scales[0] / 2


def test_a_strong_pull_leaves_the_champion() -> None:
    """With a pull beyond measure nothing moves."""
    assert (continued(champion(), 1e9).table == champion().table).all()


def test_an_output_with_too_few_rows_is_left_alone() -> None:
    """Ten rows of one kind say nothing."""
    few = rows([[1]] * 10, ["en"] * 10, ["a"] * 10)
    after = continue_ngrams(champion(), few, np.ones(10), 0.4, 1.0)
    assert (after.table == champion().table).all()
