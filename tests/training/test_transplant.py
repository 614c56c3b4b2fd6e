"""What two models share is copied; what one lacks stays fresh."""

import pytest
import torch
from torch import Tensor

from training.learning.encoder import NO_BASE_ID, tiny_encoder
from training.learning.model import WORD_EMBEDDINGS, TriageModel
from training.learning.transplant import transplant

OWN = {"base_ids": (0, 10, 11, 12, NO_BASE_ID), "outputs": ("hate", "self_harm", "violation")}
OTHER = {"other_base_ids": (0, 12, NO_BASE_ID, 10), "other_outputs": ("violation", "hate")}


def clones(model: TriageModel) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.fixture
def own() -> TriageModel:
    return TriageModel(tiny_encoder(5, seed=1), 3, n_sources=4)


@pytest.fixture
def other() -> dict[str, Tensor]:
    model = TriageModel(tiny_encoder(4, seed=2), 2, n_sources=9)
    torch.nn.init.constant_(model.source_bias.weight, 7.0)
    return clones(model)


def test_shared_tokens_are_copied(own: TriageModel, other: dict[str, Tensor]) -> None:
    """Matched by their place in the base; bytes, which have none, never are."""
    before = own.encoder.embeddings.word_embeddings.weight.detach().clone()
    transplant(own, other, **OWN, **OTHER)
    after, given = own.encoder.embeddings.word_embeddings.weight, other[WORD_EMBEDDINGS]
    for mine, theirs in ((0, 0), (1, 3), (3, 1)):
        assert torch.equal(after[mine], given[theirs])
    assert torch.equal(after[[2, 4]], before[[2, 4]])


@pytest.mark.parametrize("head", ["head", "severity_head"])
def test_shared_outputs_are_copied(head: str, own: TriageModel, other: dict[str, Tensor]) -> None:
    """An output goes to its name's place; one the other lacks stays fresh."""
    before = clones(own)
    transplant(own, other, **OWN, **OTHER)
    for part in (f"{head}.weight", f"{head}.bias"):
        after = own.state_dict()[part]
        assert torch.equal(after[[0, 2]], other[part][[1, 0]])
        assert torch.equal(after[1], before[part][1])


def test_the_encoder_is_copied_and_the_corpora_are_not(
    own: TriageModel, other: dict[str, Tensor]
) -> None:
    """Every other weight is the other model's; its corpora had other numbers."""
    transplant(own, other, **OWN, **OTHER)
    after = own.state_dict()
    per_row = (WORD_EMBEDDINGS, "head.", "severity_head.", "source_bias.")
    for name in other:
        if not name.startswith(per_row):
            assert torch.equal(after[name], other[name]), name
    assert after["source_bias.weight"].abs().sum() == 0


def test_a_model_without_word_embeddings_leaves_the_bases(
    own: TriageModel, other: dict[str, Tensor]
) -> None:
    """Where they were frozen they are not stored, and stay what they are."""
    before = own.encoder.embeddings.word_embeddings.weight.detach().clone()
    del other[WORD_EMBEDDINGS]
    transplant(own, other, **OWN, **OTHER)
    assert torch.equal(own.encoder.embeddings.word_embeddings.weight, before)


def test_another_encoder_is_refused(own: TriageModel, other: dict[str, Tensor]) -> None:
    """A matrix of another size, or a layer this one does not have."""
    name = "encoder.encoder.layer.1.output.dense.weight"
    for changed in (
        {name: other[name][:, :-1]},
        {name.replace("layer.1", "layer.3"): other[name]},
    ):
        with pytest.raises(ValueError, match="another encoder"):
            transplant(own, other | changed, **OWN, **OTHER)


def test_a_model_with_fewer_layers_is_refused(own: TriageModel, other: dict[str, Tensor]) -> None:
    """The layers it lacks would stay the base's, without a word."""
    thin = {name: value for name, value in other.items() if ".layer.2." not in name}
    with pytest.raises(ValueError, match="is not in the other model"):
        transplant(own, thin, **OWN, **OTHER)
