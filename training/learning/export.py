"""Export to ONNX, and check that nothing was lost on the way to 8 bits.

Export goes through TorchScript: int8 made from it runs faster than from a dynamo graph.
"""

import copy
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import Tensor

from training.learning.batches import Rows, pad
from training.learning.encoder import PAD_ID
from training.learning.model import Served, TriageModel, predict_logits
from training.learning.ngrams import NgramBranch
from training.metrics import sigmoid
from triage_ml.domain.text import normalise
from triage_ml.errors import TriageError
from triage_ml.inference.ngrams import PADDING, ngram_rows

OPSET = 17
FP32_LIMIT = 1e-3
"""Largest difference of a logit between torch and fp32 ONNX."""
ONNX_OUTPUTS = ("logits", "severity", "marks")
PREDICT_BATCH = 16
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


class Feed(NamedTuple):
    """What the exported model reads of some texts, all int64."""

    input_ids: Tensor  # (B, T)
    attention_mask: Tensor  # (B, T)
    ngrams: Tensor  # (B, N)

    def arrays(self) -> dict[str, npt.NDArray[np.int64]]:
        return {name: value.numpy() for name, value in self._asdict().items()}


def feed(rows: Rows, max_tokens: int, n_bits: int) -> Feed:
    """Make a batch of rows, each cut after `max_tokens`."""
    found = ngram_rows([normalise(text).text for text in rows.texts], n_bits)
    return Feed(*pad(rows.tokens, max_tokens), torch.from_numpy(found))


def export_fp32(model: TriageModel, branch: NgramBranch, path: Path) -> None:
    """Write an ONNX model: a `Feed` -> logits, severity (B, L + 1), marks (B, T)."""
    served = Served(copy.deepcopy(model).cpu().float(), branch).eval()
    example = _example()
    names = list(Feed._fields)
    axes = {name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask", "marks")}
    axes |= {"logits": {0: "batch"}, "severity": {0: "batch"}, "ngrams": {0: "batch", 1: "ngrams"}}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the legacy exporter announces its age at every call
        torch.onnx.export(
            served,
            tuple(example),
            str(path),
            input_names=names,
            output_names=list(ONNX_OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def open_session(path: Path, n_threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def time_single_text(
    path: Path, n_bits: int, n_tokens: int = 32, n_ngrams: int = 400, n_runs: int = 200
) -> float:
    """Give the median time of one text on one thread, in milliseconds."""
    session = open_session(path, 1)
    random = np.random.default_rng(0)
    ids = random.integers(4, 500, (1, n_tokens))
    inputs = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "ngrams": random.integers(1, 2**n_bits, (1, n_ngrams)),
    }
    times = []
    for _ in range(n_runs):
        began = time.perf_counter()
        session.run(["logits"], inputs)
        times.append(time.perf_counter() - began)
    return round(1e3 * float(np.median(times)), 2)


def onnx_logits(
    session: onnxruntime.InferenceSession, rows: Rows, max_tokens: int, n_bits: int
) -> Floats:
    """Score rows in order, batched by length.  # (N, L + 1) float32"""

    def score(batch: Rows) -> Floats:
        logits: Floats = session.run(["logits"], feed(batch, max_tokens, n_bits).arrays())[0]
        return logits

    return _by_length(rows, score)


def encoder_logits(model: TriageModel, rows: Rows, max_tokens: int) -> Floats:
    """Score rows in order with the encoder alone, in bf16.  # (N, L + 1) float32"""
    model.eval()

    def score(batch: Rows) -> Floats:
        with torch.autocast("cpu", torch.bfloat16):
            return predict_logits(model, *pad(batch.tokens, max_tokens)).float().numpy()

    return _by_length(rows, score)


def _by_length(rows: Rows, score: Callable[[Rows], Floats]) -> Floats:
    order = np.argsort([len(tokens) for tokens in rows.tokens], kind="stable")
    batches = (order[at : at + PREDICT_BATCH] for at in range(0, len(order), PREDICT_BATCH))
    found = np.concatenate([score(rows.take(batch)) for batch in batches])
    logits = np.empty_like(found)
    logits[order] = found
    return logits


def check_parity(
    model: TriageModel,
    branch: NgramBranch,
    plain: Floats,
    small: Floats,
    rows: Rows,
    limits: Limits,
) -> Parity:
    """Compare logits of fp32 and int8 on rows, and torch on the first of them.

    Raises: ParityLost over a limit.
    """
    few = rows.take(np.arange(min(TORCH_ROWS, len(rows))))
    with torch.inference_mode():
        served = Served(model.cpu().float(), branch).eval()
        trained = served(*feed(few, limits.max_tokens, branch.n_bits))[0].numpy()
    difference = np.abs(sigmoid(plain) - sigmoid(small))
    parity = Parity(
        fp32_logit_max=float(np.abs(trained - plain[: len(few)]).max()),
        int8_probability_max=float(difference.max()),
        int8_probability_p99=float(np.quantile(difference, 0.99)),
        int8_probability_mean=float(difference.mean()),
        n_rows=len(rows),
    )
    if parity.fp32_logit_max > FP32_LIMIT:
        raise ParityLost(f"fp32 logits differ by {parity.fp32_logit_max:.2g}")
    if parity.int8_probability_p99 > limits.max_int8_difference:
        raise ParityLost(f"int8 probabilities differ by {parity.int8_probability_p99:.2g}")
    return parity


def _example() -> Feed:
    """Give a padded example, so that the traced mask is a real one."""
    ids = torch.full((2, 9), PAD_ID, dtype=torch.int64)
    ids[0, :9], ids[1, :6] = 4, 5
    return Feed(ids, (ids != PAD_ID).long(), torch.tensor([[3, 1, 2], [2, PADDING, PADDING]]))
