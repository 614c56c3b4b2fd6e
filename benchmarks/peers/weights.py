"""The shipped model's weights as a Hugging Face BertForSequenceClassification folder.

    python -m benchmarks.peers.weights TARGET_FOLDER [--check]

Read from the served ONNX file: its 8-bit matrices times their scales, so a fresh clone has what it
needs and the peers hold the very weights that our service does, in fp32. The head is ours; our
model averages the tokens where this class reads the first one through a dense layer (here the
identity), so scores differ and the work is the same. `--check` compares hidden states with
the served file: its mark per token needs no pooling.
"""

import argparse
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from triage_ml.inference.artifact import SHIPPED, Artifact, load_artifact

Floats = npt.NDArray[np.float32]

_PRODUCTS = {"MatMul", "MatMulInteger", "MatMulIntegerToFloat", "Gemm"}
_IN_LAYER = re.compile(
    r"layer\.(\d+)/(attention/self|attention/output/dense|intermediate/dense|output/dense)[/_]"
)
_PART = re.compile(r"[/_](query|key|value)[/_]")
_ENCODER = "model.encoder."
MAX_MARK_DIFFERENCE = 0.05
"""Mean difference of a mark, fp32 on these weights against the served file: 8-bit activations."""


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


def rationale_weights(graph: Graph) -> tuple[Floats, Floats]:
    """Give the matrix (H, 1) and bias of the marks per token."""
    matrix = next(m for name, m in graph.products() if name.startswith("/model/rationale_head/"))
    return matrix, graph.tensor("model.rationale_head.bias")


def write_model(artifact: Artifact, target: Path) -> None:
    """Write config, weights and tokenizer, whole or not at all."""
    from safetensors.numpy import save_file

    graph = Graph(artifact.model_path)
    encoder = encoder_weights(graph)
    width = encoder["embeddings.LayerNorm.weight"].shape[0]
    matrix, bias = head_weights(graph)
    weights = {f"bert.{name}": value for name, value in encoder.items()}
    weights |= {
        "bert.pooler.dense.weight": np.eye(width, dtype=np.float32),
        "bert.pooler.dense.bias": np.zeros(width, np.float32),
        "classifier.weight": matrix,
        "classifier.bias": bias,
    }
    draft = target.with_name(target.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save_file(
        {k: np.ascontiguousarray(v) for k, v in weights.items()},
        str(draft / "model.safetensors"),
        metadata={"format": "pt"},
    )
    _write_json(draft / "config.json", _config(artifact, encoder))
    shutil.copyfile(artifact.tokenizer_path, draft / "tokenizer.json")
    _write_json(draft / "tokenizer_config.json", _tokenizer_config(artifact))
    special = {f"{name}_token": token for name, token in _SPECIAL.items()}
    _write_json(draft / "special_tokens_map.json", special)
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)


_SPECIAL = {"bos": "<s>", "eos": "</s>", "sep": "</s>", "cls": "<s>", "unk": "<unk>"} | {
    "pad": "<pad>"
}


def _config(artifact: Artifact, encoder: dict[str, Floats]) -> dict[str, Any]:
    words = encoder["embeddings.word_embeddings.weight"]
    n_layers = 1 + max(int(n.split(".")[2]) for n in encoder if n.startswith("encoder.layer."))
    names = artifact.manifest.outputs
    return {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "vocab_size": len(words),
        "hidden_size": words.shape[1],
        "num_hidden_layers": n_layers,
        "num_attention_heads": 12,  # of multilingual-e5-small, whatever its depth
        "intermediate_size": encoder["encoder.layer.0.intermediate.dense.bias"].shape[0],
        "max_position_embeddings": len(encoder["embeddings.position_embeddings.weight"]),
        "type_vocab_size": len(encoder["embeddings.token_type_embeddings.weight"]),
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": artifact.manifest.pad_id,
        "problem_type": "multi_label_classification",
        "id2label": {str(i): name for i, name in enumerate(names)},
        "label2id": {name: i for i, name in enumerate(names)},
        "torch_dtype": "float32",
    }


def _tokenizer_config(artifact: Artifact) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": artifact.manifest.max_tokens,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        **{f"{name}_token": token for name, token in _SPECIAL.items()},
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", "utf-8")


def mark_difference(artifact: Artifact, folder: Path) -> float:
    """Give the mean difference of a mark between these weights in fp32 and the served file."""
    import torch
    from transformers import AutoModelForSequenceClassification

    from triage_ml.domain.taxonomy import Language
    from triage_ml.inference.onnx import OnnxScorer
    from triage_ml.inference.windows import Framer

    texts = ["You are a pathetic loser.", "Ich weiß, wo du wohnst.", "Hoy hace buen tiempo."]
    severities = dict.fromkeys(artifact.manifest.labels, 1.0)
    scorer = OnnxScorer(artifact, severities)
    assert scorer.score(texts, [Language.UND] * 3)
    from benchmarks.load.mix import plain_tokenizer

    manifest = artifact.manifest
    framer = Framer(
        plain_tokenizer(artifact.tokenizer_path),
        manifest.text_prefix,
        manifest.max_tokens,
        manifest.window_overlap,
    )
    model: Any = AutoModelForSequenceClassification.from_pretrained(str(folder)).eval()
    matrix, bias = rationale_weights(Graph(artifact.model_path))
    differences = []
    for text, reading in zip(texts, scorer.read(texts), strict=True):
        (window,) = framer.windows([text])
        ids = torch.tensor([window.ids])
        with torch.inference_mode():
            states = model.bert(ids).last_hidden_state[0].numpy()  # (T, H)
        marks = 1 / (1 + np.exp(-(states @ matrix + bias)[:, 0]))
        differences.append(np.abs(marks - reading.parts[0][1].marks[: len(marks)]).mean())
    return float(np.mean(differences))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the shipped weights for the peers.")
    parser.add_argument("target", type=Path)
    parser.add_argument("--model", type=Path, default=SHIPPED, help="artifact folder")
    parser.add_argument("--check", action="store_true", help="compare with the served file")
    options = parser.parse_args()
    artifact = load_artifact(options.model)
    write_model(artifact, options.target)
    if options.check:
        difference = mark_difference(artifact, options.target)
        print(f"mean difference of a mark: {difference:.4f}")
        if difference > MAX_MARK_DIFFERENCE:
            raise SystemExit("these are not the weights of the served file")


if __name__ == "__main__":
    main()
