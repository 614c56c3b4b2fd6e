"""Rebuild a trainable model from a served artifact, which holds no checkpoint.

So every champion can be continued, by anybody who has its artifact. What is lost is what eight
bits lost when it was exported; see tests/training/test_from_artifact.py for how much.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import BertConfig

from training.learning.encoder import PAD_ID, without_sdpa
from training.learning.graph import (
    Floats,
    Graph,
    encoder_weights,
    head_weights,
    rationale_weights,
    severity_weights,
)
from training.learning.model import TriageModel
from training.learning.ngrams import NgramBranch
from triage_ml.errors import ArtifactInvalid
from triage_ml.inference.artifact import Artifact


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Both branches of a served model, in fp32 where it learns."""

    model: TriageModel
    branch: NgramBranch


def rebuild(
    artifact: Artifact, n_sources: int = 1, dropout: float = 0.1, *, train_embeddings: bool = False
) -> Rebuilt:
    """Read both branches of a served model. Raises: ArtifactInvalid for another kind of model."""
    try:
        graph = Graph(artifact.model_path)
        return Rebuilt(
            _model(graph, n_sources, dropout, train_embeddings=train_embeddings), _branch(graph)
        )
    except (KeyError, StopIteration, ValueError, RuntimeError) as error:
        detail = f"its model cannot be continued: {type(error).__name__} {error}"
        raise ArtifactInvalid(str(artifact.folder), detail) from error


def _model(graph: Graph, n_sources: int, dropout: float, *, train_embeddings: bool) -> TriageModel:
    weights = encoder_weights(graph)
    head, bias = head_weights(graph)
    model = TriageModel(
        without_sdpa(_config(graph, weights)),
        len(bias),
        dropout,
        train_embeddings=train_embeddings,
        keep_embeddings=True,  # no base model has them
        n_sources=n_sources,
    )
    model.encoder.load_state_dict(dict(_tensors(weights)), strict=True)
    with torch.no_grad():
        severity, severity_bias, steps = severity_weights(graph)
        marks, marks_bias = rationale_weights(graph)
        for parameter, values in (
            (model.head.weight, head),
            (model.head.bias, bias),
            (model.severity_head.weight, severity),
            (model.severity_head.bias, severity_bias),
            (model.severity_steps, steps),
            (model.rationale_head.weight, marks.T),
            (model.rationale_head.bias, marks_bias),
        ):
            parameter.copy_(torch.from_numpy(np.array(values, np.float32)))
    return model


def _config(graph: Graph, weights: dict[str, Floats]) -> BertConfig:
    """Read the encoder's shape off its weights and nodes."""
    words = weights["embeddings.word_embeddings.weight"]
    layers = {int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer.")}
    return BertConfig(
        vocab_size=len(words),
        hidden_size=words.shape[1],
        num_hidden_layers=len(layers),
        num_attention_heads=int(graph.number("MultiHeadAttention", "num_heads")),
        intermediate_size=len(weights["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(weights["embeddings.position_embeddings.weight"]),
        type_vocab_size=len(weights["embeddings.token_type_embeddings.weight"]),
        layer_norm_eps=graph.number("LayerNormalization", "epsilon"),
        pad_token_id=PAD_ID,
    )


def _tensors(weights: dict[str, Floats]) -> Iterator[tuple[str, Tensor]]:
    for name, values in weights.items():
        yield name, torch.from_numpy(np.array(values, np.float32))


def _branch(graph: Graph) -> NgramBranch:
    mixture = np.stack([graph.tensor(name) for name in ("of_encoder", "of_ngrams", "rest")])
    return NgramBranch(graph.stored["table"].copy(), graph.tensor("scales").copy(), mixture)
