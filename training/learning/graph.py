"""The weights of a served model, read back from its ONNX file.

An artifact keeps no fp32 checkpoint. Its 8-bit matrices times their scales are the weights it
serves with; biases, norms and heads are stored in fp32. Works on fused graphs with a scale per
token (quantise.py) and on the plain ones before them.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Floats = npt.NDArray[np.float32]

_PRODUCTS = {"MatMul", "MatMulInteger", "MatMulIntegerToFloat", "Gemm"}
_IN_LAYER = re.compile(
    r"layer\.(\d+)/(attention/self|attention/output/dense|intermediate/dense|output/dense)[/_]"
)
_PART = re.compile(r"[/_](query|key|value)[/_]")
_ENCODER = "model.encoder."


class Graph:
    """The stored tensors of a served file, and which matrix stands where."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(str(path)).graph
        self.nodes = list(graph.node)
        self.stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}

    def tensor(self, name: str) -> Floats:
        """Give a stored tensor as floats, whether it is kept so or in 8 bits."""
        if name in self.stored:
            return np.asarray(self.stored[name], np.float32)
        whole = self.stored[f"{name}_quantized"].astype(np.float32)
        zero = self.stored[f"{name}_zero_point"].astype(np.float32)
        return np.asarray((whole - zero) * self.stored[f"{name}_scale"], np.float32)

    def word_embeddings(self) -> Floats:
        rows = [n for n in self.stored if n.endswith("word_embeddings/Gather_output_0_rows_table")]
        if not rows:
            return self.tensor(f"{_ENCODER}embeddings.word_embeddings.weight")
        steps = self.stored[rows[0].replace("_rows_", "_steps_")]
        return np.asarray(self.stored[rows[0]].astype(np.float32) * steps, np.float32)

    def products(self) -> Iterator[tuple[str, Floats]]:
        """Give each product's output name and its matrix (in, out)."""
        for node in self.nodes:
            if node.op_type not in _PRODUCTS or node.input[1] not in self.stored:
                continue
            matrix = self.stored[node.input[1]]
            if matrix.ndim == 2:
                yield node.output[0], self._floats(node, matrix)

    def _floats(self, node: Any, matrix: npt.NDArray[Any]) -> Floats:
        whole = matrix.astype(np.float32)
        if node.op_type == "MatMulIntegerToFloat":
            return np.asarray(whole * self.stored[node.input[3]], np.float32)
        if node.op_type == "MatMulInteger":
            zero = self.stored[node.input[3]].astype(np.float32) if len(node.input) > 3 else 0
            scale = self.stored[node.input[1].removesuffix("_quantized") + "_scale"]
            return np.asarray((whole - zero) * scale, np.float32)
        if any(a.name == "transB" and a.i for a in node.attribute):
            return whole.T
        return whole

    def number(self, kind: str, attribute: str) -> float:
        """Give an attribute of the first node of a kind. Raises: KeyError when there is none."""
        for node in self.nodes:
            for found in node.attribute:
                if node.op_type == kind and found.name == attribute:
                    return float(found.f or found.i)
        raise KeyError(f"{kind}.{attribute}")

    def attention_biases(self) -> dict[int, Floats]:
        """Give the joined biases of query, key and value per layer, where they are joined."""
        found = {}
        for node in self.nodes:
            place = _IN_LAYER.search(node.output[0])
            if node.op_type == "MultiHeadAttention" and place:
                found[int(place[1])] = self.tensor(node.input[3])
        return found


def encoder_weights(graph: Graph) -> dict[str, Floats]:
    """Give the encoder's weights by the names of Hugging Face's BertModel."""
    found = {"embeddings.word_embeddings.weight": graph.word_embeddings()}
    for name in ("position_embeddings", "token_type_embeddings"):
        found[f"embeddings.{name}.weight"] = graph.tensor(f"{_ENCODER}embeddings.{name}.weight")
    for name in graph.stored:
        if name.startswith(_ENCODER) and name.endswith((".bias", "LayerNorm.weight")):
            found[name.removeprefix(_ENCODER)] = graph.tensor(name)
    for output, matrix in graph.products():
        place = _IN_LAYER.search(output)
        if place is None:
            continue
        part = _PART.search(output[place.start(2) :]) if place[2] == "attention/self" else None
        where = place[2].replace("/", ".") + (f".{part[1]}" if part else "")
        found[f"encoder.layer.{place[1]}.{where}.weight"] = np.ascontiguousarray(matrix.T)
    for layer, biases in graph.attention_biases().items():
        for name, bias in zip(("query", "key", "value"), np.split(biases, 3), strict=True):
            found[f"encoder.layer.{layer}.attention.self.{name}.bias"] = bias
    return found


def head_weights(graph: Graph) -> tuple[Floats, Floats]:
    """Give the head's matrix (L + 1, H) and its biases."""
    matrix = next(m for name, m in graph.products() if name.startswith("/model/head/"))
    return np.ascontiguousarray(matrix.T), graph.tensor("model.head.bias")


def severity_weights(graph: Graph) -> tuple[Floats, Floats, Floats]:
    """Give the severity head's matrix (L + 1, H), its biases, and the steps between grades."""
    matrix = next(m for name, m in graph.products() if name.startswith("/model/severity_head/"))
    steps = graph.tensor("model.severity_steps")
    return np.ascontiguousarray(matrix.T), graph.tensor("model.severity_head.bias"), steps


def rationale_weights(graph: Graph) -> tuple[Floats, Floats]:
    """Give the matrix (H, 1) and bias of the marks per token."""
    matrix = next(m for name, m in graph.products() if name.startswith("/model/rationale_head/"))
    return matrix, graph.tensor("model.rationale_head.bias")
