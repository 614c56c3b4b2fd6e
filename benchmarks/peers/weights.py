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
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from training.learning.graph import (
    Floats,
    Graph,
    encoder_weights,
    head_weights,
    rationale_weights,
)
from triage_ml.inference.artifact import SHIPPED, Artifact, load_artifact

MAX_MARK_DIFFERENCE = 0.05
"""Mean difference of a mark, fp32 on these weights against the served file: 8-bit activations."""


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
