"""Working folders as a finished experiment leaves them."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.release.store import open_client
from triage_ml.testing.artifacts import tiny_artifact

LANGUAGES = ("de", "en", "es", "ko", "tr")


def new_store(root: Path) -> Path:
    """Make a registry store at MLflow's newest schema, which takes seconds; give its file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's migrations warn of their dependencies' future
        open_client(None, root)
    return root / "mlflow.db"


def cell(language: str, output: str, auc: float = 0.9, **other: Any) -> dict[str, Any]:
    interval = {"value": auc, "low": auc - 0.02, "high": auc + 0.02}
    numbers = {"n_positive": 400, "n_negative": 600, "calibration_error": 0.02}
    return {"language": language, "output": output, "auc": interval, **numbers, **other}


def good_reports(auc: float = 0.9, n_passed: int = 80) -> dict[str, Any]:
    """Give reports that pass every gate at the defaults."""
    outputs = ("hate", "violation")
    group = {"subgroup_auc": 0.8, "bpsn_auc": 0.8, "bnsp_auc": 0.8}
    return {
        "evaluate": {"cells": [cell(x, output, auc) for x in LANGUAGES for output in outputs]},
        "export": {"auc_loss": dict.fromkeys(LANGUAGES, 0.001)},
        "bias": {x: {"women": {**group, "n_positive": 90, "n_negative": 90}} for x in LANGUAGES},
        "behaviour": {
            "languages": {x: {"passed": n_passed, "total": 100} for x in LANGUAGES},
            "functionalities": {},
        },
    }


def finish(
    folder: Path, model_version: str = "tiny-1", reports: Mapping[str, Any] | None = None
) -> Path:
    """Write reports and a tiny artifact that was measured by them."""
    reports = reports or good_reports()
    folder.mkdir(parents=True, exist_ok=True)
    for step, report in reports.items():
        (folder / f"{step}.json").write_text(json.dumps(report), "utf-8")
    cells = reports.get("evaluate", good_reports()["evaluate"])["cells"]
    quality: dict[str, dict[str, Any]] = {}
    for row in cells:
        quality.setdefault(row["language"], {})[row["output"]] = {
            "n_positive": row["n_positive"],
            "n_negative": row["n_negative"],
            "auc": row["auc"]["value"],
        }
    fields = {"model_version": model_version, "quality": quality}
    artifact = tiny_artifact(folder / "artifact", fields)
    stamps = dict.fromkeys(reports, artifact.manifest.files["model.onnx"])
    (folder / "stamps.json").write_text(json.dumps(stamps), "utf-8")
    return folder
