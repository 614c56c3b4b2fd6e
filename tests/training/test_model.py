"""What the model gives: shapes, ranges, and nothing that padding could change."""

import numpy as np
import pytest
import torch
from torch import Tensor

from training.learning.encoder import PAD_ID, tiny_encoder
from training.learning.model import N_SEVERITY_STEPS, Outputs, Served, TriageModel
from training.learning.ngrams import NgramBranch

N_OUTPUTS = 3
IDS = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 2, PAD_ID, PAD_ID]])
MASK = (IDS != PAD_ID).long()
NGRAMS = torch.tensor([[1, 2, 3], [4, 0, 0]])
NO_NGRAMS = NgramBranch.empty(4, N_OUTPUTS)


@pytest.fixture(scope="module")
def model() -> TriageModel:
    torch.set_num_threads(1)
    return TriageModel(tiny_encoder(20, seed=1), N_OUTPUTS).eval()


def said(model: TriageModel, ids: Tensor, mask: Tensor) -> Outputs:
    with torch.inference_mode():
        return model(ids, mask)  # type: ignore[no-any-return]


def test_gives_three_things_in_one_pass(model: TriageModel) -> None:
    """A logit per output, the steps of its severity, a score per token."""
    found = said(model, IDS, MASK)
    assert found.logits.shape == (2, N_OUTPUTS)
    assert found.severity.shape == (2, N_OUTPUTS, N_SEVERITY_STEPS)
    assert found.marks.shape == IDS.shape


def test_a_severity_over_a_step_is_over_the_ones_before(model: TriageModel) -> None:
    """The steps are in order, so a grade is never more likely than a lower one."""
    assert (said(model, IDS, MASK).severity.diff(dim=-1) < 0).all()


def test_what_is_served_are_numbers_to_show(model: TriageModel) -> None:
    """Logits as they are, severities from 0 to 4, marks as probabilities."""
    with torch.inference_mode():
        logits, severity, marks = Served(model, NO_NGRAMS)(IDS, MASK, NGRAMS)
    assert torch.equal(logits, said(model, IDS, MASK).logits)
    assert severity.shape == (2, N_OUTPUTS)
    assert ((severity > 0) & (severity < N_SEVERITY_STEPS)).all()
    assert ((marks > 0) & (marks < 1)).all()


def test_ngrams_are_mixed_into_the_logits(model: TriageModel) -> None:
    """Rows of the table are summed, padding apart, over the root of their number, and mixed."""
    table = np.arange(17 * N_OUTPUTS).reshape(17, N_OUTPUTS).astype(np.int8)
    table[0] = 0
    scales = np.array([0.5, 1.0, 2.0], np.float32)
    mixture = np.array([[1.0, 0.0, 0.5], [1.0, 2.0, 0.0], [0.0, 3.0, 0.0]], np.float32)
    with torch.inference_mode():
        found = Served(model, NgramBranch(table, scales, mixture))(IDS, MASK, NGRAMS)[0].numpy()
    own = said(model, IDS, MASK).logits.numpy()
    spelled = np.stack([table[1:4].sum(0) * scales / 3**0.5, table[4] * scales])
    expected = own * mixture[0] + spelled * mixture[1] + mixture[2]
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("score", "severity"), [(30.0, 4.0), (-30.0, 0.0), (0.0, 2.0)])
def test_severity_is_served_in_grades(score: float, severity: float) -> None:
    """Over every step it is 4, under all of them 0; in their middle it is 2."""
    model = TriageModel(tiny_encoder(20, seed=1), N_OUTPUTS).eval()
    torch.nn.init.zeros_(model.severity_head.weight)
    torch.nn.init.constant_(model.severity_head.bias, score)
    with torch.inference_mode():
        found = Served(model, NO_NGRAMS)(IDS, MASK, NGRAMS)[1]
    assert found.numpy() == pytest.approx(np.full((2, N_OUTPUTS), severity), abs=1e-4)


def test_padding_changes_nothing(model: TriageModel) -> None:
    """A text says the same alone and beside a longer one."""
    together, alone = said(model, IDS, MASK), said(model, IDS[1:, :3], MASK[1:, :3])
    assert torch.allclose(together.logits[1:], alone.logits, atol=1e-5)
    assert torch.allclose(together.severity[1:], alone.severity, atol=1e-5)
    assert torch.allclose(together.marks[1:, :3], alone.marks, atol=1e-5)


def test_the_heads_learn_and_frozen_embeddings_do_not() -> None:
    """Gradients reach every head from its own output; word embeddings only when asked."""
    for train_embeddings in (False, True):
        model = TriageModel(tiny_encoder(20, seed=1), 2, train_embeddings=train_embeddings)
        found = model(IDS, MASK)
        (found.logits.sum() + found.severity.sum() + found.marks.sum()).backward()
        heads = (model.head, model.severity_head, model.rationale_head)
        assert all(head.weight.grad is not None for head in heads)
        embeddings = model.encoder.embeddings.word_embeddings.weight
        assert (embeddings.grad is not None) == train_embeddings
