"""A step's loss: which corpus a row is from, what the losses see."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training.rows import rows
from training.config import Experiment
from training.learning.batches import Rows
from training.learning.encoder import tiny_encoder
from training.learning.model import Outputs, TriageModel, predict_logits
from training.learning.objective import Objective, number_sources

CPU = torch.device("cpu")
SETTINGS = Experiment("test", seed=1)
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


def batch(marked: tuple[int, ...] = ()) -> Rows:
    n = len(TEXTS)
    marks = [[0, 1, 0] if i in marked else [] for i in range(n)]
    columns = {"texts": TEXTS, "tokens": [ASLEEP] * n, "marks": marks}
    return rows([[1, 1]] * n, ["en"] * n, ["b", "a"] * (n // 2), **columns)


def test_each_row_is_told_by_its_corpus() -> None:
    """Corpora are numbered by name, whatever the order of the rows."""
    listener = Listener()
    objective = Objective.of(batch(), SETTINGS)
    objective.loss(listener, batch(), CPU)  # type: ignore[arg-type]
    assert number_sources(batch()) == {"a": 0, "b": 1}
    assert listener.sources == [1, 0] * (len(TEXTS) // 2)


def test_the_bias_of_corpora_is_in_training_alone() -> None:
    """It moves the loss; what the model says of a text knows no corpus."""
    torch.set_num_threads(1)
    model = TriageModel(tiny_encoder(10, seed=1), 2, dropout=0.0, n_sources=2)
    objective = Objective.of(batch(), SETTINGS)
    ids = torch.tensor([[1, 5, 2]])
    said = predict_logits(model, ids, torch.ones_like(ids))
    loss = objective.loss(model, batch(), CPU).item()
    torch.nn.init.constant_(model.source_bias.weight, 5.0)
    assert torch.equal(predict_logits(model, ids, torch.ones_like(ids)), said)
    assert objective.loss(model, batch(), CPU).item() < loss - 0.5  # every label is 1


@pytest.mark.parametrize("weight", ["severity_weight", "rationale_weight"])
def test_the_other_losses_have_their_weights(weight: str) -> None:
    """An undecided model pays ln 2 for each loss, times its weight."""
    settings = replace(SETTINGS, severity_weight=0.0, rationale_weight=0.0)
    severities = np.full((len(TEXTS), 2), 4, np.int8)
    known = replace(batch((0, 1)), severities=severities)
    for factor in (0.0, 0.5):
        objective = Objective.of(known, replace(settings, **{weight: factor}))
        loss = objective.loss(Listener(), known, CPU)  # type: ignore[arg-type]
        assert loss.item() == pytest.approx((1 + factor) * np.log(2))


def test_a_teacher_is_followed_where_nobody_decided() -> None:
    """Its probabilities speak of unknown labels too; its weight is taken from the labels."""
    torch.set_num_threads(1)
    settings = replace(SETTINGS, severity_weight=0.0, rationale_weight=0.0)
    unknown = replace(batch(), labels=np.full((len(TEXTS), 2), -1, np.int8))
    teacher, pupil = (TriageModel(tiny_encoder(10, seed=i), 2, dropout=0.0) for i in (1, 2))
    for model in (teacher, pupil):
        model.source_bias = torch.nn.Embedding(2, 2)
        torch.nn.init.zeros_(model.source_bias.weight)
    torch.nn.init.constant_(teacher.head.bias, 3.0)
    assert Objective.of(unknown, settings).loss(pupil, unknown, CPU).item() == 0.0
    taught = Objective.of(unknown, settings, teacher)
    before = taught.loss(pupil, unknown, CPU)
    before.backward()  # type: ignore[no-untyped-call]
    assert teacher.head.bias.grad is None
    assert (pupil.head.bias.grad < 0).all()  # type: ignore[operator]
    torch.nn.init.constant_(pupil.head.bias, 3.0)
    assert taught.loss(pupil, unknown, CPU).item() < before.item()
