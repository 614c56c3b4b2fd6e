"""A served artifact becomes a trainable model that says the same."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tokenizers import Tokenizer

from training.learning.export import export_fp32, open_session
from training.learning.from_artifact import Rebuilt, rebuild
from training.learning.model import Served
from training.learning.quantise import in_8_bits, quantise
from triage_ml.domain.taxonomy import Label
from triage_ml.domain.text import normalise
from triage_ml.errors import ArtifactInvalid
from triage_ml.inference.artifact import SHIPPED, Artifact, load_artifact
from triage_ml.inference.ngrams import ngram_rows
from triage_ml.inference.onnx import OnnxScorer
from triage_ml.testing.artifacts import tiny_artifact

TEXTS = (
    "You are a useless person and everyone knows it",
    "The library opens at nine.",
    "Du bist ein nutzloser Mensch und alle wissen es.",
    "Die Bücherei öffnet um neun.",
    "Sen işe yaramaz birisin, bunu herkes biliyor.",
    "Kütüphane saat dokuzda açılıyor.",
    "Eres una persona inútil y todos lo saben.",
    "La biblioteca abre a las nueve.",
    "너는 쓸모없는 사람이고 모두가 그것을 알아.",
    "도서관은 아홉 시에 엽니다.",
)
MAX_LOGIT_DIFFERENCE = 0.15
"""Measured on the shipped model: 0.078 at most, 0.005 of a probability; 8-bit activations."""

Floats = npt.NDArray[np.float32]


def served(rebuilt: Rebuilt, artifact: Artifact, text: str) -> tuple[Floats, Floats]:
    """Give logits and severities by the rebuilt model in fp32."""
    manifest = artifact.manifest
    clean = normalise(text).text
    tokenizer = Tokenizer.from_file(str(artifact.tokenizer_path))
    ids = torch.tensor([tokenizer.encode(manifest.text_prefix + clean).ids])
    ngrams = torch.from_numpy(ngram_rows([clean], manifest.ngram_bits))
    with torch.inference_mode():
        model = Served(rebuilt.model, rebuilt.branch).eval()
        logits, severity, _ = model(ids, torch.ones_like(ids), ngrams)
    return logits[0].numpy(), severity[0].numpy()


def differences(artifact: Artifact) -> tuple[float, float]:
    rebuilt = rebuild(artifact)
    rebuilt.model.eval()
    scorer = OnnxScorer(artifact, dict.fromkeys(Label, 2.0))
    pairs = [
        (served(rebuilt, artifact, text), reading)
        for text, reading in zip(TEXTS, scorer.read(TEXTS), strict=True)
    ]
    return (
        max(float(np.abs(own[0] - reading.logits).max()) for own, reading in pairs),
        max(float(np.abs(own[1] - reading.severity).max()) for own, reading in pairs),
    )


def test_the_shipped_model_is_rebuilt_in_five_languages() -> None:
    """Both branches, the heads and the mixture: what is left is 8-bit activations."""
    logit, severity = differences(load_artifact(SHIPPED))
    assert logit < MAX_LOGIT_DIFFERENCE
    assert severity < 0.05


def test_any_exported_model_is_rebuilt(artifact: Artifact) -> None:
    """Its number of layers and heads is read off the file."""
    logit, _ = differences(artifact)
    assert logit < MAX_LOGIT_DIFFERENCE
    assert rebuild(artifact).model.encoder.config.num_attention_heads == 2


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    """A model of keywords has no encoder to continue."""
    with pytest.raises(ArtifactInvalid, match="cannot be continued"):
        rebuild(tiny_artifact(tmp_path))


def test_a_corrupt_artifact_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    """Its checksum is looked at before its weights."""
    for path in artifact.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ArtifactInvalid, match="checksum"):
        load_artifact(tmp_path)


def test_what_is_exported_again_untrained_is_the_same_model(
    artifact: Artifact, tmp_path: Path
) -> None:
    """Its weights lie on the steps of 8 bits, and rounding by chance leaves them there."""
    rebuilt = rebuild(artifact)
    export_fp32(rebuilt.model.eval(), rebuilt.branch, tmp_path / "fp32.onnx")
    chance = np.random.default_rng(1)
    quantise(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", 2, 32, chance)
    ids = np.array([[0, 7, 9, 11, 2]])
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "ngrams": ids + 1}
    again, before = (
        open_session(path, 1).run(["logits"], inputs)[0]
        for path in (tmp_path / "int8.onnx", artifact.model_path)
    )
    assert np.abs(again - before).max() < 1e-4


def test_a_small_change_survives_eight_bits_by_chance() -> None:
    """A tenth of a step is lost to the nearest step, and kept in the mean by chance."""
    champion = np.random.default_rng(2).integers(-126, 126, (4_000, 4)).astype(np.float32)
    champion[0] = 127.0
    moved = champion + 0.1
    moved[0] = 127.0
    nearest, steps = in_8_bits(moved, 0, None)
    drawn, _ = in_8_bits(moved, 0, np.random.default_rng(1))
    assert (nearest * steps - champion).mean() == pytest.approx(0.0, abs=1e-6)
    assert (drawn * steps - champion).mean() == pytest.approx(0.1, abs=0.02)
