"""What is exported says what was trained."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from tests.training.rows import rows
from training.config import Experiment
from training.learning.encoder import tiny_encoder
from training.learning.export import (
    FP32_LIMIT,
    ONNX_OUTPUTS,
    Floats,
    ParityLost,
    check_parity,
    export_fp32,
    feed,
    onnx_logits,
    open_session,
)
from training.learning.model import Served, TriageModel
from training.learning.ngrams import NgramBranch
from training.learning.quantise import quantise

LIMITS = Experiment("test", max_tokens=64, max_int8_difference=0.05)
TOKENS = [
    [0, *np.random.default_rng(i).integers(4, 200, 3 + i % 40).tolist(), 2] for i in range(40)
]
N_BITS = 6
ROWS = rows(
    [[1, 0, -1]] * len(TOKENS),
    ["en"] * len(TOKENS),
    ["a"] * len(TOKENS),
    texts=[" ".join(f"w{token}" for token in tokens) for tokens in TOKENS],
    tokens=TOKENS,
)


@pytest.fixture(scope="module")
def model() -> TriageModel:
    torch.set_num_threads(1)
    return TriageModel(tiny_encoder(200, seed=1), 3).eval()


@pytest.fixture(scope="module")
def branch() -> NgramBranch:
    """Give a branch with an opinion on every n-gram, and a mixture that shows it."""
    table = np.random.default_rng(3).integers(-90, 90, (2**N_BITS + 1, 3)).astype(np.int8)
    table[0] = 0
    mixture = np.array([[1.0, 0.7, 1.0], [0.5, 1.0, 0.0], [0.0, -1.0, 0.0]], np.float32)
    return NgramBranch(table, np.full(3, 0.01, np.float32), mixture)


@pytest.fixture(scope="module")
def folder(
    model: TriageModel, branch: NgramBranch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("onnx")
    export_fp32(model, branch, folder / "fp32.onnx")
    shape = model.encoder.config
    small = folder / "int8.onnx"
    quantise(folder / "fp32.onnx", small, shape.num_attention_heads, shape.hidden_size)
    return folder


def logits(path: Path) -> Floats:
    return onnx_logits(open_session(path, 1), ROWS, 64, N_BITS)


def test_export_agrees_with_torch_and_int8(
    model: TriageModel, branch: NgramBranch, folder: Path
) -> None:
    """fp32 agrees to a thousandth of a logit, int8 to a few hundredths of a probability."""
    plain, small = logits(folder / "fp32.onnx"), logits(folder / "int8.onnx")
    parity = check_parity(model, branch, plain, small, ROWS, LIMITS)
    assert parity.fp32_logit_max < FP32_LIMIT
    assert parity.int8_probability_max < 0.05
    assert parity.n_rows == len(TOKENS)


def test_severities_and_marks_agree_with_torch(
    model: TriageModel, branch: NgramBranch, folder: Path
) -> None:
    """All three outputs are exported under their names, and say what the model says."""
    session = open_session(folder / "fp32.onnx", 1)
    inputs = feed(ROWS.take(np.arange(16)), 64, N_BITS)
    with torch.inference_mode():
        expected = Served(model, branch)(*inputs)
    found = session.run(None, inputs.arrays())
    assert tuple(node.name for node in session.get_outputs()) == ONNX_OUTPUTS
    for one, other in zip(found, expected, strict=True):
        assert one.shape == tuple(other.shape)
        assert np.abs(one - other.numpy())[: len(one)].max() < FP32_LIMIT


def test_int8_has_the_same_outputs(folder: Path) -> None:
    """Names, order and shapes survive quantisation; severities stay close."""
    inputs = feed(ROWS.take(np.arange(4)), 64, N_BITS).arrays()
    plain, small = (
        open_session(folder / f"{name}.onnx", 1).run(list(ONNX_OUTPUTS), inputs)
        for name in ("fp32", "int8")
    )
    assert [part.shape for part in plain] == [part.shape for part in small]
    assert np.abs(plain[1] - small[1]).max() < 0.1


def test_int8_is_smaller(folder: Path) -> None:
    """Weights take a byte each."""
    assert (folder / "int8.onnx").stat().st_size < (folder / "fp32.onnx").stat().st_size


def test_refuses_a_small_model_that_says_something_else(
    model: TriageModel, branch: NgramBranch, folder: Path
) -> None:
    """A file that is not the trained model is never published."""
    plain = logits(folder / "fp32.onnx")
    with pytest.raises(ParityLost, match="int8"):
        check_parity(model, branch, plain, plain + 1, ROWS, LIMITS)
    with pytest.raises(ParityLost, match="fp32"):
        check_parity(model, branch, plain + 0.01, plain, ROWS, LIMITS)


def test_refuses_a_graph_without_attention(folder: Path, tmp_path: Path) -> None:
    """What was quantised once, or is no encoder, is not taken for done."""
    with pytest.raises(ValueError, match="no attention of 4 heads"):
        quantise(folder / "int8.onnx", tmp_path / "again.onnx", 4, 64)
    assert not (tmp_path / "again.onnx").exists()


def test_a_row_of_zeros_stays_finite(folder: Path, tmp_path: Path) -> None:
    """A token without any activation has no scale to be divided by."""
    graph = onnx.load(folder / "int8.onnx")
    for tensor in graph.graph.initializer:
        if "LayerNorm" in tensor.name:
            zeros = np.zeros_like(numpy_helper.to_array(tensor))
            tensor.CopyFrom(numpy_helper.from_array(zeros, tensor.name))
    onnx.save(graph, tmp_path / "zeros.onnx")
    assert np.isfinite(logits(tmp_path / "zeros.onnx")).all()


@pytest.mark.parametrize("name", ["fp32", "int8"])
def test_a_text_scores_the_same_alone_and_beside_longer_ones(folder: Path, name: str) -> None:
    """Padding and neighbours change nothing, in 8 bits too; rows come back in their order."""
    session = open_session(folder / f"{name}.onnx", 1)
    together = onnx_logits(session, ROWS, 64, N_BITS)
    rows = (ROWS.take(np.array([i])) for i in range(len(TOKENS)))
    alone = np.concatenate([onnx_logits(session, row, 64, N_BITS) for row in rows])
    assert np.abs(together - alone).max() < 1e-4
