"""A step's batch: who is disguised, which corpus it is from, what the losses see."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from torch import Tensor

from tests.training.rows import rows
from training.config import Experiment
from training.learning.batches import Rows
from training.learning.encoder import tiny_encoder
from training.learning.model import Outputs, TriageModel, predict_logits
from training.learning.objective import Objective, number_sources

CPU = torch.device("cpu")
SETTINGS = Experiment("test", seed=1, text_prefix="", augment_share=0.5)
ASLEEP = [1, 1, 1]  # tokens that no text of the batch has
TEXTS = [
    f"the library in the {name} opens at nine" for name in ("town", "valley") for _ in range(16)
]


class Listener:
    """A model that keeps what it was asked and has no opinion."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.sources: list[int] = []

    def __call__(self, ids: Tensor, mask: Tensor) -> Outputs:
        self.seen = [row[: int(n)].tolist() for row, n in zip(ids, mask.sum(1), strict=True)]
        n, width = ids.shape
        return Outputs(torch.zeros(n, 2), torch.zeros(n, 2, 4), torch.zeros(n, width))

    def source_bias(self, sources: Tensor) -> Tensor:
        self.sources = sources.tolist()
        return torch.zeros(len(sources), 2)


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


def disguised(settings: Experiment, step: int, marked: tuple[int, ...] = ()) -> list[list[int]]:
    """Give the tokens the model sees at a step."""
    listener = Listener()
    objective = Objective.of(batch(marked), settings, by_letter())
    objective.loss(listener, batch(marked), step, CPU)  # type: ignore[arg-type]
    return listener.seen


def test_seed_and_step_decide_the_disguises() -> None:
    """Whatever was drawn before, the same step of the same seed sees the same texts."""
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
    for step in range(5):
        for tokens in disguised(settings, step):
            assert tokens[:3] == [ord(letter) for letter in "q: "]
            assert 0xAD not in tokens


def test_without_a_tokenizer_nothing_is_disguised() -> None:
    """Rows made of tokens alone can be trained on."""
    listener = Listener()
    Objective.of(batch(), SETTINGS, None).loss(listener, batch(), 1, CPU)  # type: ignore[arg-type]
    assert listener.seen == [ASLEEP] * len(TEXTS)


def test_each_row_is_told_by_its_corpus() -> None:
    """Corpora are numbered by name, whatever the order of the rows."""
    listener = Listener()
    objective = Objective.of(batch(), SETTINGS, None)
    objective.loss(listener, batch(), 1, CPU)  # type: ignore[arg-type]
    assert number_sources(batch()) == {"a": 0, "b": 1}
    assert listener.sources == [1, 0] * (len(TEXTS) // 2)


def test_the_bias_of_corpora_is_in_training_alone() -> None:
    """It moves the loss; what the model says of a text knows no corpus."""
    torch.set_num_threads(1)
    model = TriageModel(tiny_encoder(10, seed=1), 2, dropout=0.0, n_sources=2)
    objective = Objective.of(batch(), replace(SETTINGS, augment_share=0.0), None)
    ids = torch.tensor([[1, 5, 2]])
    said = predict_logits(model, ids, torch.ones_like(ids))
    loss = objective.loss(model, batch(), 1, CPU).item()
    torch.nn.init.constant_(model.source_bias.weight, 5.0)
    assert torch.equal(predict_logits(model, ids, torch.ones_like(ids)), said)
    assert objective.loss(model, batch(), 1, CPU).item() < loss - 0.5  # every label is 1


@pytest.mark.parametrize("weight", ["severity_weight", "rationale_weight"])
def test_the_other_losses_have_their_weights(weight: str) -> None:
    """An undecided model pays ln 2 for each loss, times its weight."""
    settings = replace(SETTINGS, augment_share=0.0, severity_weight=0.0, rationale_weight=0.0)
    severities = np.full((len(TEXTS), 2), 4, np.int8)
    known = replace(batch((0, 1)), severities=severities)
    for factor in (0.0, 0.5):
        objective = Objective.of(known, replace(settings, **{weight: factor}), None)
        loss = objective.loss(Listener(), known, 1, CPU)  # type: ignore[arg-type]
        assert loss.item() == pytest.approx((1 + factor) * np.log(2))
