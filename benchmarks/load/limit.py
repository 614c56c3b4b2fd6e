"""What the processor allows: the model's multiplications against a measured 8-bit product.

A multiply-accumulate (MAC) is one multiplication and one addition. Counted are the products with
stored matrices and the two products inside each attention; norms, activations, softmax and
the quantisation of activations come on top, so the limit cannot be reached.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

PRODUCTS = ("MatMul", "MatMulInteger", "MatMulIntegerToFloat", "Gemm")
ATTENTIONS = ("Attention", "MultiHeadAttention", "Softmax")
SHAPES = ((256, 384, 384), (256, 384, 1536), (256, 1536, 384), (512, 384, 1536), (1024, 1024, 1024))
"""(rows, inner, columns): the model's own products on a batch, and a large square one."""
MIN_ELEMENTS = 8_000
"""Smaller stored matrices are heads: they run once a text or add nothing that counts."""


@dataclass(frozen=True)
class Work:
    """MACs of the encoder: so many per token, and per pair of tokens of a window."""

    per_token: int
    per_pair: int

    def macs(self, lengths: Sequence[int]) -> int:
        """Count the MACs of windows of these lengths, without padding."""
        return sum(self.per_token * n + self.per_pair * n * n for n in lengths)


def count_work(path: Path) -> Work:
    """Read the work off a served graph."""
    graph = onnx.load(str(path)).graph
    stored = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    matrices = [
        stored[node.input[1]]
        for node in graph.node
        if node.op_type in PRODUCTS and len(stored.get(node.input[1], [])) == 2
    ]
    large = [dims for dims in matrices if dims[0] * dims[1] >= MIN_ELEMENTS]
    width = min(min(dims) for dims in large)
    n_layers = sum(node.op_type in ATTENTIONS for node in graph.node)
    return Work(sum(a * b for a, b in large), 2 * n_layers * width)


def peak_macs(n_runs: int, seconds: float = 0.5) -> dict[str, Any]:
    """Measure MACs a second of `n_runs` products side by side, per shape, 8-bit and fp32."""
    found = []
    for shape in SHAPES:
        for kind in ("int8", "fp32"):
            rate = _rate(_session(shape, kind), _input(shape, kind), shape, n_runs, seconds)
            found.append({"shape": list(shape), "kind": kind, "gmacs": round(rate / 1e9, 1)})
    best = {
        kind: max(row["gmacs"] for row in found if row["kind"] == kind) for kind in ("int8", "fp32")
    }
    return {"best": best, "tried": found}


def _rate(
    session: Any, feed: dict[str, Any], shape: Sequence[int], n: int, seconds: float
) -> float:
    macs = shape[0] * shape[1] * shape[2]

    def many(until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            session.run(None, feed)
            done += 1
        return done

    with ThreadPoolExecutor(n) as pool:
        list(pool.map(many, [time.perf_counter() + 0.1] * n))  # warm-up
        begun = time.perf_counter()
        done = sum(pool.map(many, [begun + seconds] * n))
        return macs * done / (time.perf_counter() - begun)


def _session(shape: Sequence[int], kind: str) -> Any:
    _, inner, columns = shape
    draw = np.random.default_rng(0)
    if kind == "int8":
        weights: Any = draw.integers(-127, 128, (inner, columns), np.int8)
        given, made, op = TensorProto.UINT8, TensorProto.INT32, "MatMulInteger"
    else:
        weights = draw.random((inner, columns), np.float32)
        given, made, op = TensorProto.FLOAT, TensorProto.FLOAT, "MatMul"
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "weights"], ["y"])],
        kind,
        [helper.make_tensor_value_info("x", given, [None, inner])],
        [helper.make_tensor_value_info("y", made, [None, columns])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _input(shape: Sequence[int], kind: str) -> dict[str, Any]:
    draw = np.random.default_rng(1)
    size = shape[0], shape[1]
    if kind == "int8":
        return {"x": draw.integers(0, 256, size, np.uint8)}
    return {"x": draw.random(size, np.float32)}
