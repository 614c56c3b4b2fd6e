"""A real but tiny artifact, so that tests run the true code path of a model.

It knows the words of `WORDS`; a label's own name in a text makes that label and `violation`
likely, severe, and marked as the reason. Needs the `onnx` package of the training extra.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from triage_ml.domain.taxonomy import VIOLATION, Label, Language, Support, SupportMatrix
from triage_ml.domain.text import NORMALISER_VERSION
from triage_ml.inference.artifact import (
    CARD,
    MODEL,
    POOLED,
    TOKENIZER,
    Artifact,
    Calibration,
    write_artifact,
)

LABELS = (Label.HATE, Label.HARASSMENT, Label.VIOLENT_THREAT)
PREFIX = "query: "
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
N_PLAIN_WORDS = 200
WORDS = ("query:", *(label.value for label in LABELS), *(f"w{i}" for i in range(N_PLAIN_WORDS)))
"""What the tiny tokenizer knows: the prefix, the labels' names, and w0, w1, … w199."""

KEYWORD_LOGIT = 4.0
REST_LOGIT = -4.0

Floats = npt.NDArray[np.float32]


def tiny_artifact(
    folder: Path,
    manifest: Mapping[str, Any] | None = None,
    *,
    rest_logit: float = REST_LOGIT,
    n_outputs: int = len(LABELS) + 1,
) -> Artifact:
    """Write a tiny artifact into `folder` and load it; `manifest` replaces single fields.

    `rest_logit` is the logit without a keyword (NaN makes a broken model); `n_outputs` the
    number of logit columns, right by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer().save(str(folder / TOKENIZER))
    _save_model(folder / MODEL, rest_logit, n_outputs)
    (folder / CARD).write_text("# Tiny\n\nA model of keywords for tests.\n", encoding="utf-8")
    return write_artifact(folder, {**tiny_manifest(), **(manifest or {})})


def tiny_manifest() -> dict[str, Any]:
    """Give the manifest's fields: English measured, German hate functional, else unsupported."""
    support = SupportMatrix(
        {(Language.EN, label): Support.MEASURED for label in LABELS}
        | {(Language.DE, Label.HATE): Support.FUNCTIONAL}
    )
    outputs = (*(label.value for label in LABELS), VIOLATION)
    english = Calibration.platt(1.0, 0.0).model_dump()
    pooled = Calibration.platt(0.8, -0.5).model_dump()
    cell = {"n_positive": 100, "n_negative": 400, "auc": 0.9, "auc_low": 0.88, "auc_high": 0.92}
    return {
        "model_version": "tiny-1",
        "created_at": "2026-01-01T00:00:00Z",
        "normaliser_version": NORMALISER_VERSION,
        "base_model": "none",
        "snapshot": "none",
        "text_prefix": PREFIX,
        "max_tokens": 16,
        "window_overlap": 4,
        "pad_id": SPECIAL.index("<pad>"),
        "ngram_bits": 8,
        "labels": [label.value for label in LABELS],
        "support": support.as_nested(),
        "calibration": {output: {"en": english, POOLED: pooled} for output in outputs},
        "upper_shift": {output: {POOLED: 1.0} for output in outputs},
        "thresholds": {output: {POOLED: 0.5} for output in outputs},
        "threshold_precision": 0.8,
        "severity_labels": [Label.VIOLENT_THREAT.value],
        "mark_threshold": 0.5,
        "quality": {"en": dict.fromkeys(outputs, cell)},
        "sources": [],
    }


def _tokenizer() -> Tokenizer:
    """Cut at spaces and frame with <s> … </s>, as XLM-R does."""
    vocabulary = {word: i for i, word in enumerate(SPECIAL)}
    vocabulary |= {f"▁{word}": i for i, word in enumerate(WORDS, start=len(SPECIAL))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _save_model(path: Path, rest_logit: float, n_outputs: int) -> None:
    """Write an ONNX graph: embed, project, add the mask, take the highest token per output."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    embeddings, projection = _weights(rest_logit, n_outputs)
    weights: dict[str, npt.NDArray[Any]] = {
        "embeddings": embeddings,  # (V, H)
        "projection": projection,  # (H, L + 1)
        "one": np.array(1.0, np.float32),
        "far": np.array(1e4, np.float32),
        "worst": np.array(4.0, np.float32),
        "token_axis": np.array([1], np.int64),
        "last_axis": np.array([2], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["states"]),  # (B, T, H)
        helper.make_node("MatMul", ["states", "projection"], ["scores"]),  # (B, T, L + 1)
        helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["seen", "one"], ["absent"]),
        helper.make_node("Mul", ["absent", "far"], ["penalty"]),
        helper.make_node("Unsqueeze", ["penalty", "last_axis"], ["penalties"]),  # (B, T, 1)
        helper.make_node("Add", ["scores", "penalties"], ["masked"]),
        helper.make_node("ReduceMax", ["masked", "token_axis"], ["logits"], keepdims=0),
        helper.make_node("Sigmoid", ["logits"], ["chance"]),
        helper.make_node("Mul", ["chance", "worst"], ["severity"]),
        helper.make_node("ReduceMax", ["masked", "last_axis"], ["token_scores"], keepdims=0),
        helper.make_node("Sigmoid", ["token_scores"], ["marks"]),  # (B, T)
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", width])
        for name, width in (
            ("input_ids", "tokens"),
            ("attention_mask", "tokens"),
            ("ngrams", "ngrams"),
        )
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
        for name, width in (("logits", n_outputs), ("severity", n_outputs), ("marks", "tokens"))
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    save(model, str(path))


def _weights(rest_logit: float, n_outputs: int) -> tuple[Floats, Floats]:
    """Give embeddings (V, H) and projection (H, L + 1): one dimension per kind of word."""
    embeddings = np.zeros((len(SPECIAL) + len(WORDS), len(LABELS) + 1), np.float32)
    embeddings[:, 0] = 1.0
    projection = np.full((len(LABELS) + 1, n_outputs), REST_LOGIT, np.float32)
    projection[0] = rest_logit
    for kind, label in enumerate(LABELS, start=1):
        token = len(SPECIAL) + WORDS.index(label.value)
        embeddings[token] = np.eye(len(LABELS) + 1, dtype=np.float32)[kind]
        projection[kind, [kind - 1, n_outputs - 1]] = KEYWORD_LOGIT
    return embeddings, projection
