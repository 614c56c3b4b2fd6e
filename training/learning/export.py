"""Export to ONNX, quantise to int8, and check that nothing was lost on the way.

Export goes through TorchScript: int8 made from it runs faster than from a dynamo graph.
"""

import copy
import logging
import re
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor

from training.learning.batches import pad
from training.learning.encoder import PAD_ID
from training.learning.model import Served, TriageModel, predict_logits
from training.metrics import sigmoid
from triage_ml.errors import TriageError

OPSET = 17
FP32_LIMIT = 1e-3
"""Largest difference of a logit between torch and fp32 ONNX."""
ONNX_OUTPUTS = ("logits", "severity", "marks")
PREDICT_BATCH = 16
# Activations inside these feed-forward outputs have outliers that 8 bits cannot hold.
# Measured on 383 texts, 2026-11-22: keeping the first 8 of 12 layers' outputs in fp32 lowers the
# mean difference of a probability from 0.0089 to 0.0037 (all 12: 0.0036) for 14 MB more.
KEPT_LAYERS = 8
_FEED_FORWARD_OUTPUT = re.compile(r"/encoder/layer\.(\d+)/output/dense/MatMul")
TORCH_ROWS = 64

Floats = npt.NDArray[np.float32]


class ParityLost(TriageError):
    """The exported model does not say what the trained one says."""


class Limits(Protocol):
    """What parity is judged by; an `Experiment` is one."""

    @property
    def max_tokens(self) -> int: ...
    @property
    def max_int8_difference(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the exported models are from each other on real rows."""

    fp32_logit_max: float
    int8_probability_max: float
    int8_probability_p99: float
    int8_probability_mean: float
    n_rows: int


def export_fp32(model: TriageModel, path: Path) -> None:
    """Write input_ids, attention_mask (B, T) int64 -> logits, severity (B, L + 1), marks (B, T)."""
    served = Served(copy.deepcopy(model).cpu().float()).eval()
    example = _example()
    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "batch", 1: "tokens"} for name in (*names, "marks")}
    axes |= {"logits": {0: "batch"}, "severity": {0: "batch"}}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the legacy exporter announces its age at every call
        torch.onnx.export(
            served,
            example,
            str(path),
            input_names=names,
            output_names=list(ONNX_OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def quantise(fp32: Path, int8: Path) -> None:
    """Store matrices and embeddings in 8 bits; activations are quantised at run time.

    The feed-forward outputs of the first layers stay in fp32.
    """
    graph = onnx.load(fp32)
    del graph.graph.value_info[:]  # stale shapes make the quantiser refuse the graph
    logging.getLogger().addFilter(_not_about_preprocessing)
    try:
        quantize_dynamic(
            graph,
            int8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Gather", "Gemm"],
            nodes_to_exclude=_kept_in_fp32(node.name for node in graph.graph.node),
        )
    finally:
        logging.getLogger().removeFilter(_not_about_preprocessing)


def open_session(path: Path, n_threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def time_single_text(path: Path, n_tokens: int = 32, n_runs: int = 200) -> float:
    """Give the median time of one text on one thread, in milliseconds."""
    session = open_session(path, 1)
    ids = np.random.default_rng(0).integers(4, 500, (1, n_tokens))
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    times = []
    for _ in range(n_runs):
        began = time.perf_counter()
        session.run(["logits"], feed)
        times.append(time.perf_counter() - began)
    return round(1e3 * float(np.median(times)), 2)


def onnx_logits(
    session: onnxruntime.InferenceSession, tokens: Sequence[Sequence[int]], max_tokens: int
) -> Floats:
    """Score rows in order, batched by length.  # (N, L + 1) float32"""
    order = np.argsort([len(t) for t in tokens], kind="stable")
    parts: list[Floats] = []
    for at in range(0, len(order), PREDICT_BATCH):
        chosen = [tokens[i] for i in order[at : at + PREDICT_BATCH]]
        ids, mask = pad(chosen, max_tokens)
        feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
        parts.append(session.run(["logits"], feed)[0])
    sorted_logits = np.concatenate(parts)
    logits = np.empty_like(sorted_logits)
    logits[order] = sorted_logits
    return logits


def check_parity(
    model: TriageModel,
    plain: Floats,
    small: Floats,
    tokens: Sequence[Sequence[int]],
    limits: Limits,
) -> Parity:
    """Compare logits of fp32 and int8 on rows, and torch on the first of them.

    Raises: ParityLost over a limit.
    """
    few = tokens[:TORCH_ROWS]
    trained = predict_logits(model.cpu().float(), *pad(few, limits.max_tokens)).numpy()
    difference = np.abs(sigmoid(plain) - sigmoid(small))
    parity = Parity(
        fp32_logit_max=float(np.abs(trained - plain[: len(few)]).max()),
        int8_probability_max=float(difference.max()),
        int8_probability_p99=float(np.quantile(difference, 0.99)),
        int8_probability_mean=float(difference.mean()),
        n_rows=len(tokens),
    )
    if parity.fp32_logit_max > FP32_LIMIT:
        raise ParityLost(f"fp32 logits differ by {parity.fp32_logit_max:.2g}")
    if parity.int8_probability_p99 > limits.max_int8_difference:
        raise ParityLost(f"int8 probabilities differ by {parity.int8_probability_p99:.2g}")
    return parity


def _example() -> tuple[Tensor, Tensor]:
    """Give a padded example, so that the traced mask is a real one."""
    ids = torch.full((2, 9), PAD_ID, dtype=torch.int64)
    ids[0, :9], ids[1, :6] = 4, 5
    return ids, (ids != PAD_ID).long()


def _kept_in_fp32(names: Iterable[str]) -> list[str]:
    matches = (_FEED_FORWARD_OUTPUT.search(name) for name in names)
    return [m.string for m in matches if m and int(m[1]) < KEPT_LAYERS]


def _not_about_preprocessing(record: logging.LogRecord) -> bool:
    return "pre-processing" not in record.getMessage()
