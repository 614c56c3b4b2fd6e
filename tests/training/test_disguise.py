"""Who is disguised, and how a disguised text is cut."""

from dataclasses import replace

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from tests.training.rows import rows
from training.config import Experiment
from training.learning.batches import Rows
from training.learning.disguise import disguiser

SETTINGS = Experiment("test", seed=1, text_prefix="", augment_share=0.5)
ASLEEP = [1, 1, 1]  # tokens that no disguised text has
TEXTS = [
    f"the library in the {name} opens at nine" for name in ("town", "valley") for _ in range(16)
]


def by_letter() -> Tokenizer:
    """Give each letter its place in Unicode, plus what padding and marks need."""
    letters = {chr(i): i for i in range(2, 0x250)}
    tokenizer = Tokenizer(models.WordLevel({**letters, "<unk>": 0}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return tokenizer


def batch(marked: tuple[int, ...] = ()) -> Rows:
    n = len(TEXTS)
    marks = [[0, 1, 0] if i in marked else [] for i in range(n)]
    columns = {"texts": TEXTS, "tokens": [ASLEEP] * n, "marks": marks}
    return rows([[1, 1]] * n, ["en"] * n, ["b", "a"] * (n // 2), **columns)


def disguised(settings: Experiment, pool: int, marked: tuple[int, ...] = ()) -> list[list[int]]:
    """Give the tokens of a pool's rows."""
    return [list(t) for t in disguiser(settings, by_letter())(batch(marked), pool).tokens]


def test_seed_and_pool_decide_the_disguises() -> None:
    """Whatever was drawn before, the same pool of the same seed gives the same texts."""
    first = disguised(SETTINGS, 3)
    torch.rand(5)
    np.random.default_rng(0).random(5)
    assert disguised(SETTINGS, 3) == first
    assert disguised(SETTINGS, 4) != first
    assert disguised(replace(SETTINGS, seed=2), 3) != first


def test_about_the_wanted_share_is_disguised() -> None:
    """All, none, or some of the rows; the others keep their tokens."""
    for share, low, high in ((0.0, 0, 0), (0.5, 6, 26), (1.0, 32, 32)):
        found = disguised(replace(SETTINGS, augment_share=share), 1)
        assert low <= sum(tokens != ASLEEP for tokens in found) <= high


def test_rows_with_marked_words_are_never_disguised() -> None:
    """A mark belongs to a token of the text as it was written."""
    marked = tuple(range(0, len(TEXTS), 3))
    found = disguised(replace(SETTINGS, augment_share=1.0), 1, marked)
    assert [i for i, tokens in enumerate(found) if tokens == ASLEEP] == list(marked)


def test_a_disguise_is_normalised_and_prefixed() -> None:
    """The disguised text is cut as served: no invisible sign is left, the prefix is there."""
    settings = replace(SETTINGS, augment_share=1.0, text_prefix="q: ")
    for pool in range(5):
        for tokens in disguised(settings, pool):
            assert tokens[:3] == [ord(letter) for letter in "q: "]
            assert 0xAD not in tokens
