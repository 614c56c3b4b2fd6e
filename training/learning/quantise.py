"""From the exported fp32 graph to the served one: fused, its matrices in 8 bits.

Activations are quantised at run time with a scale per token, weights with a scale per output
channel (token-wise quantisation: Yao et al. 2022, ZeroQuant). A scale per tensor, as
`onnxruntime.quantization.quantize_dynamic` makes it, lets the neighbours in a batch move a score,
and a few outlying tokens take the range of all others. Measured in docs/decisions/0012.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model

Floats = npt.NDArray[np.float32]

MICROSOFT = "com.microsoft"
INT8_MAX = 127.0
MIDDLE = 128
"""Zero point of the unsigned activations: the processor's instruction takes u8 times s8."""
ON_A_STEP = 1e-3
"""Of a step: what floats lose on the way from 8 bits and back."""
LARGE_TABLE = 4_096
"""Rows from which an embedding table is stored in 8 bits."""


def quantise(
    fp32: Path, int8: Path, n_heads: int, width: int, chance: np.random.Generator | None = None
) -> None:
    """Write the served graph of an fp32 encoder with `n_heads` heads and `width` hidden units.

    With `chance` a weight between two steps goes to either, the nearer one more often. Weights that
    came from a served model lie on its steps, and a short training moves them by less than half of
    one: rounded to the nearest, all that was learned would be lost (ADR 0029).
    Raises: ValueError when no attention was found to fuse.
    """
    model = _fused(fp32, n_heads, width)
    if not any(node.op_type == "Attention" for node in model.graph.node):
        raise ValueError(f"{fp32} holds no attention of {n_heads} heads")
    _Rewriting(model, n_heads, chance).run()
    onnx.checker.check_model(model)
    onnx.save(model, str(int8))


def _fused(fp32: Path, n_heads: int, width: int) -> ModelProto:
    """Join what makes up attention and GELU.

    Residual sums stay apart from their layer norm: the runtime's joined kernel takes four times
    the time of both.
    """
    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False
    options.enable_skip_layer_norm = False
    options.enable_bias_skip_layer_norm = False
    found = optimize_model(
        str(fp32),
        "bert",
        num_heads=n_heads,
        hidden_size=width,
        opt_level=0,
        optimization_options=options,
    )
    model: ModelProto = found.model
    return model


class _Rewriting:
    """One pass over a fused graph; each input is quantised once, for all that read it."""

    def __init__(
        self, model: ModelProto, n_heads: int, chance: np.random.Generator | None = None
    ) -> None:
        self._model = model
        self._chance = chance
        self._n_heads = n_heads
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._quantised: dict[str, tuple[str, str]] = {}
        self._nodes: list[NodeProto] = []
        self._one = self._store("quantised_one", np.float32(1))
        self._step = self._store("quantised_step", np.float32(1 / INT8_MAX))
        self._middle = self._store("quantised_middle", np.uint8(MIDDLE))
        self._mask = ""

    def run(self) -> None:
        graph = self._model.graph
        for node in list(graph.node):
            self._take(node)
        used = {name for node in self._nodes for name in node.input}
        del graph.node[:]
        graph.node.extend(self._nodes)
        del graph.initializer[:]
        graph.initializer.extend(tensor for name, tensor in self._stored.items() if name in used)
        del graph.value_info[:]  # shapes of what is no longer there
        if all(opset.domain != MICROSOFT for opset in self._model.opset_import):
            self._model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))

    def _take(self, node: NodeProto) -> None:
        weights = self._weights(node)
        if node.op_type == "MatMul" and weights is not None:
            self._product(node.input[0], weights, node.output[0])
        elif node.op_type == "Attention" and weights is not None:
            self._attention(node, weights)
        elif node.op_type == "Gather" and weights is not None and len(weights) >= LARGE_TABLE:
            self._table(node, weights)
        else:
            self._nodes.append(node)

    def _weights(self, node: NodeProto) -> Floats | None:
        """Give the stored fp32 matrix a node works with, if it has one."""
        place = 0 if node.op_type == "Gather" else 1
        tensor = self._stored.get(node.input[place]) if len(node.input) > place else None
        if tensor is None or tensor.data_type != TensorProto.FLOAT or len(tensor.dims) != 2:
            return None
        return numpy_helper.to_array(tensor)

    def _product(self, inputs: str, weights: Floats, output: str) -> None:
        """inputs (B, T, K) @ weights (K, N), in whole numbers, then times both scales."""
        whole, scale = self._rows(inputs)
        small, steps = in_8_bits(weights, 0, self._chance)
        names = (self._store(f"{output}_weights", small), self._store(f"{output}_steps", steps))
        self._add(
            "MatMulIntegerToFloat",
            [whole, names[0], self._one, names[1], self._middle],
            f"{output}_unscaled",
            MICROSOFT,
        )
        self._add("Mul", [f"{output}_unscaled", scale], output)

    def _rows(self, inputs: str) -> tuple[str, str]:
        """Quantise each row of (B, T, K); give it and its scales (B, T, 1).

        A row of zeros has no inverse scale, but its scale of 0 makes its product 0.
        """
        if inputs not in self._quantised:
            own = f"{inputs}_quantised"
            self._add("Abs", [inputs], f"{own}_abs")
            self._add("ReduceMax", [f"{own}_abs"], f"{own}_max", axes=[-1], keepdims=1)
            self._add("Mul", [f"{own}_max", self._step], f"{own}_scale")
            self._add("Reciprocal", [f"{own}_scale"], f"{own}_inverse")
            self._add("Mul", [inputs, f"{own}_inverse"], f"{own}_scaled")
            self._add("QuantizeLinear", [f"{own}_scaled", self._one, self._middle], own)
            self._quantised[inputs] = (own, f"{own}_scale")
        return self._quantised[inputs]

    def _attention(self, node: NodeProto, weights: Floats) -> None:
        """Attention with its three products in 8 bits; its inner ones stay in fp32."""
        own = node.output[0]
        parts = [f"{own}_{part}" for part in ("query", "key", "value")]
        for part, matrix in zip(parts, np.split(weights, 3, axis=1), strict=True):
            self._product(node.input[0], matrix, part)
        if not self._mask:
            self._mask = "attention_mask_int32"
            self._add("Cast", ["attention_mask"], self._mask, to=TensorProto.INT32)
        self._add(
            "MultiHeadAttention",
            [*parts, node.input[2], self._mask],
            own,
            MICROSOFT,
            num_heads=self._n_heads,
        )

    def _table(self, node: NodeProto, weights: Floats) -> None:
        """An embedding table with a scale per row."""
        own = node.output[0]
        small, steps = in_8_bits(weights, 1, self._chance)
        for name, part in (("rows", small), ("steps", steps[:, None])):
            self._add(
                "Gather", [self._store(f"{own}_{name}_table", part), node.input[1]], f"{own}_{name}"
            )
        self._add("Cast", [f"{own}_rows"], f"{own}_float", to=TensorProto.FLOAT)
        self._add("Mul", [f"{own}_float", f"{own}_steps"], own)

    def _add(
        self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any
    ) -> None:
        node = helper.make_node(kind, inputs, [output], output, domain=domain, **attributes)
        self._nodes.append(node)

    def _store(self, name: str, values: object) -> str:
        self._stored[name] = numpy_helper.from_array(np.asarray(values), name)
        return name


def in_8_bits(
    weights: Floats, axis: int, chance: np.random.Generator | None
) -> tuple[npt.NDArray[np.int8], Floats]:
    """Round a matrix to whole steps of its own size along `axis`; 0 stays 0.

    By chance, the mean of a weight is kept, and one that lies on a step stays there.
    Source: Gupta et al. 2015, Deep learning with limited numerical precision.
    """
    steps = (np.abs(weights).max(axis) / INT8_MAX).astype(np.float32)
    steps[steps == 0] = 1
    exact = weights / np.expand_dims(steps, axis)
    nearest = np.round(exact)
    whole = nearest
    if chance is not None:
        drawn = np.floor(exact + chance.random(exact.shape, np.float32))
        whole = np.where(np.abs(exact - nearest) < ON_A_STEP, nearest, drawn)
    return np.clip(whole, -INT8_MAX, INT8_MAX).astype(np.int8), steps
