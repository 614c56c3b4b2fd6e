"""Models that must not last: made of a good one, each bad in one way that can be named."""

import shutil
from pathlib import Path
from typing import Any

from triage_ml.domain.taxonomy import Label
from triage_ml.inference.artifact import MODEL, Artifact, load_artifact, write_artifact

ALARMING = 4.0
"""Added to the calibrated logit of a label: 2 % becomes more than half."""


def alarmist(good: Path, folder: Path, label: Label = Label.VIOLENT_THREAT) -> Artifact:
    """Copy a model, so that it takes much for `label`: whole, verified, and wrong."""
    manifest = _copied(good, folder)
    louder = {
        language: {**row, "intercept": row["intercept"] + ALARMING}
        for language, row in manifest["calibration"][label.value].items()
    }
    manifest["calibration"] = {**manifest["calibration"], label.value: louder}
    return write_artifact(folder, {**manifest, "model_version": "alarmist"})


def careless_settings(settings: str) -> str:
    """Give settings of a training that forgets: far too fast, and nothing holds what was known.

    What it measures is reduced, for the harm is large.
    """
    changes = {
        "keep_weight = 4.0": "keep_weight = 0.0",
        "learning_rate = 1e-5": "learning_rate = 3e-2",
        "head_learning_rate = 5e-5": "head_learning_rate = 1e-1",
        "n_steps = 150": "n_steps = 20",
        "measured_per_source = 200": "measured_per_source = 80",
        "robustness_rows = 12": "robustness_rows = 2",
        "n_bootstrap = 300": "n_bootstrap = 100",
        "parity_rows = 500": "parity_rows = 100",
    }
    lines = settings.splitlines()
    for line, other in changes.items():
        lines[lines.index(line)] = other
    return "\n".join(lines) + "\n"


def damaged(good: Path, folder: Path) -> Path:
    """Copy a model, one byte of its weights being another one; it does not verify any more."""
    shutil.copytree(good, folder)
    weights = bytearray((folder / MODEL).read_bytes())
    weights[len(weights) // 2] ^= 1
    (folder / MODEL).write_bytes(bytes(weights))
    return folder


def _copied(good: Path, folder: Path) -> dict[str, Any]:
    shutil.copytree(good, folder)
    manifest = load_artifact(folder).manifest.model_dump(mode="json", exclude={"files"})
    return dict(manifest)
