"""Take a model's weights over into one with another vocabulary and other outputs."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from training.learning.encoder import NO_BASE_ID
from training.learning.model import WORD_EMBEDDINGS, TriageModel

_Key = TypeVar("_Key", int, str)
_PER_OUTPUT = ("head.weight", "head.bias", "severity_head.weight", "severity_head.bias")
_NOT_TAKEN = ("source_bias.weight",)  # other corpora, other numbers


def transplant(
    model: TriageModel,
    state: Mapping[str, Tensor],
    *,
    base_ids: Sequence[int],
    other_base_ids: Sequence[int],
    outputs: Sequence[str],
    other_outputs: Sequence[str],
) -> None:
    """Copy what both models have: encoder weights, embeddings of shared tokens, shared outputs.

    `base_ids` are a vocabulary's ids in the base vocabulary, by which tokens are matched.
    Raises: ValueError when the encoders differ.
    """
    own = model.state_dict()
    missing = {name for name in own if name.startswith("encoder.")} - state.keys()
    if missing - {WORD_EMBEDDINGS}:
        raise ValueError(f"{min(missing)} is not in the other model")
    tokens = _pairs(base_ids, other_base_ids, but=NO_BASE_ID)
    heads = _pairs(outputs, other_outputs)
    for name, value in state.items():
        if name in _NOT_TAKEN:
            continue
        if name == WORD_EMBEDDINGS:
            _copy_rows(own[name], value, tokens)
        elif name in _PER_OUTPUT:
            _copy_rows(own[name], value, heads)
        elif name not in own or own[name].shape != value.shape:
            raise ValueError(f"{name} is of another encoder")
        else:
            own[name].copy_(value)


def _pairs(
    own: Sequence[_Key], other: Sequence[_Key], but: _Key | None = None
) -> list[tuple[int, int]]:
    places = {key: i for i, key in enumerate(other) if key != but}
    return [(i, places[key]) for i, key in enumerate(own) if key in places]


@torch.no_grad()
def _copy_rows(own: Tensor, other: Tensor, pairs: Sequence[tuple[int, int]]) -> None:
    if pairs:
        to, source = zip(*pairs, strict=True)
        own[list(to)] = other[list(source)].to(own.dtype)
