import json
from pathlib import Path
from typing import Any

import pytest

from triage_ml.domain.taxonomy import Language
from triage_ml.errors import ArtifactInvalid
from triage_ml.inference.artifact import MANIFEST, MODEL, TOKENIZER, load_artifact
from triage_ml.testing.artifacts import tiny_artifact


def edit(folder: Path, **fields: Any) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_written_artifact_loads(folder: Path) -> None:
    """What was written is what is loaded, card included."""
    artifact = load_artifact(folder)
    assert artifact.manifest.model_version == "tiny-1"
    assert artifact.manifest.outputs == ("hate", "harassment", "violent_threat", "violation")
    assert artifact.card().startswith("# Tiny")


@pytest.mark.parametrize("name", [MODEL, TOKENIZER, "card.md"])
def test_one_flipped_byte_is_refused(folder: Path, name: str) -> None:
    """A file that changed by one bit does not match its checksum."""
    raw = bytearray((folder / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / name).write_bytes(raw)
    with pytest.raises(ArtifactInvalid, match=f"{name} does not match its checksum"):
        load_artifact(folder)


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    """The error names the file that is not there."""
    (folder / name).unlink()
    with pytest.raises(ArtifactInvalid, match=f"{name} is missing"):
        load_artifact(folder)


def test_a_file_outside_the_folder_is_refused(folder: Path) -> None:
    """A manifest cannot point at files elsewhere."""
    files = json.loads((folder / MANIFEST).read_text())["files"]
    edit(folder, files=files | {"../card.md": "0" * 64})
    with pytest.raises(ArtifactInvalid, match="is missing"):
        load_artifact(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    """An empty folder is no artifact."""
    with pytest.raises(ArtifactInvalid, match="no readable manifest"):
        load_artifact(tmp_path)


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe\x00"])
def test_a_manifest_that_is_not_json_is_refused(folder: Path, raw: bytes) -> None:
    """A cut or binary manifest is named as such."""
    (folder / MANIFEST).write_bytes(raw)
    with pytest.raises(ArtifactInvalid, match="is not JSON"):
        load_artifact(folder)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"format": 1}, "format 1 is not 4"),
        ({"normaliser_version": "0"}, "made with normaliser 0"),
        ({"labels": ["harassment", "hate"]}, "taxonomy order"),
        ({"window_overlap": 8}, "under half of max_tokens"),
        ({"support": {"en": {"no_label": "measured"}}}, "not a valid Label"),
        ({"calibration": {}}, "no pooled calibration for hate"),
        ({"upper_shift": {}}, "no pooled upper_shift for hate"),
        ({"thresholds": {}}, "no pooled thresholds for hate"),
        ({"thresholds": {"hate": {"*": 80}}}, "thresholds.hate"),
        ({"severity_labels": ["self_harm"]}, "severity_labels holds self_harm"),
        ({"threshold_precision": 1.0}, "threshold_precision"),
        ({"files": {}}, "files lacks card.md, model.onnx, tokenizer.json"),
        ({"max_tokens": 4}, "max_tokens"),
        ({"surprise": 1}, "surprise"),
        ({"learned_until": "2026-11-20T12:00:00"}, "learned_until: Input should have timezone"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    folder: Path, fields: dict[str, Any], reason: str
) -> None:
    """The first wrong field is named."""
    edit(folder, **fields)
    with pytest.raises(ArtifactInvalid, match=reason):
        load_artifact(folder)


def test_a_wrong_field_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """A folder whose manifest would be wrong gets none."""
    with pytest.raises(ArtifactInvalid, match="labels"):
        tiny_artifact(tmp_path, {"labels": []})
    assert not (tmp_path / MANIFEST).exists()


def test_a_language_without_a_calibration_uses_the_pooled_one(folder: Path) -> None:
    """English has its own; UND and the rest share the pooled one."""
    manifest = load_artifact(folder).manifest
    pooled = manifest.calibration_of("hate", Language.UND)
    assert manifest.calibration_of("hate", Language.TR) == pooled
    assert manifest.calibration_of("hate", Language.EN) != pooled


def test_the_calibration_of_a_huge_logit_stays_finite(folder: Path) -> None:
    """Probabilities come close to 0 and 1 and never overflow."""
    calibration = load_artifact(folder).manifest.calibration_of("hate", Language.EN)
    assert 0 < calibration.probability(-1e9) < 1e-12
    assert calibration.probability(1e9, shift=5.0) > 1 - 1e-12
