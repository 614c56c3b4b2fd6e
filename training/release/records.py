"""What a registered version records, and what a working folder must hold to become one."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.release.gates import REPORTS, VERSUS, Gate
from triage_ml.errors import ArtifactInvalid, InvalidInput
from triage_ml.inference.artifact import MANIFEST, MODEL, Artifact

CARD_FACTS = "card"
"""What a card is written from; versions from before it was kept have none."""
AUC_DIGITS = 3  # of those in a manifest, to be the same as a report's


@dataclass(frozen=True, slots=True)
class Version:
    """A registered model; its tags are `model_version`, `snapshot`, `code`, `gates` and others."""

    number: int
    created_at: datetime
    run_id: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def model_version(self) -> str:
        return self.tags["model_version"]


def version_of(stored: Any, aliases: Mapping[str, str]) -> Version:
    """Read MLflow's model version; `aliases` are those of the registered model."""
    return Version(
        number=int(stored.version),
        created_at=datetime.fromtimestamp(stored.creation_timestamp / 1000, UTC),
        run_id=stored.run_id,
        aliases=tuple(sorted(k for k, number in aliases.items() if number == str(stored.version))),
        tags=dict(stored.tags),
    )


def fingerprint(artifact: Artifact) -> str:
    """Hash the manifest, which holds the checksums of every other file."""
    return hashlib.sha256((artifact.folder / MANIFEST).read_bytes()).hexdigest()


def tags_of(artifact: Artifact, judged: tuple[Gate, ...]) -> dict[str, str]:
    manifest = artifact.manifest
    return {
        "model_version": manifest.model_version,
        "snapshot": manifest.snapshot,
        "manifest": fingerprint(artifact),
        "gates": json.dumps({gate.name: [gate.value, gate.limit] for gate in judged}),
    }


def training_code(folder: Path, client: Any) -> dict[str, str]:
    """Name the training run of a working folder and the code it ran."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    notes = sorted(folder.glob("run_id.*"), key=lambda path: path.stat().st_mtime)
    if not notes:
        return {"code": "unknown"}
    run_id = notes[-1].read_text("ascii")
    own = folder / "mlflow.db"
    store = MlflowClient(f"sqlite:///{own.resolve()}") if own.is_file() else client
    try:
        code = store.get_run(run_id).data.tags.get("code", "unknown")
    except MlflowException:
        code = "unknown"
    return {"code": code, "training_run": run_id}


def read_reports(folder: Path) -> dict[str, Any]:
    """Read the reports that are there, by step. Raises: InvalidInput for one that is no JSON."""
    found = {}
    for step in (*REPORTS, VERSUS, CARD_FACTS):
        path = folder / f"{step}.json"
        if not path.is_file():
            continue
        try:
            found[step] = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise InvalidInput(str(path), "is not JSON") from error
    return found


def adopted_reports(artifact: Artifact) -> dict[str, Any]:
    """Give the numbers an artifact states of itself in the form of an evaluation."""
    cells = [
        {
            "language": language,
            "output": output,
            "n_positive": cell.n_positive,
            "n_negative": cell.n_negative,
            "auc": {"value": cell.auc, "low": cell.auc_low, "high": cell.auc_high},
            "calibration_error": cell.calibration_error,
        }
        for language, row in artifact.manifest.quality.items()
        for output, cell in row.items()
        if None not in (cell.auc, cell.auc_low, cell.auc_high)
    ]
    return {"evaluate": {"cells": cells, "stated_by": "the artifact's manifest, not measured here"}}


def require_same_model(artifact: Artifact, evaluate: Mapping[str, Any]) -> None:
    """Refuse an artifact that was written before the reports. Raises: ArtifactInvalid."""
    for cell in evaluate["cells"]:
        rows = artifact.manifest.quality.get(cell["language"], {})
        said = rows[cell["output"]].auc if cell["output"] in rows else None
        if said is None or round(abs(said - cell["auc"]["value"]), AUC_DIGITS):
            where = f"{cell['language']} {cell['output']}"
            raise ArtifactInvalid(
                str(artifact.folder),
                f"evaluate.json is of another model ({where}); run `python -m training card`",
            )


def require_own_reports(artifact: Artifact, stamps: Mapping[str, str]) -> None:
    """Refuse reports that speak of another exported model. Raises: ArtifactInvalid."""
    own = artifact.manifest.files[MODEL]
    for step in (*REPORTS, VERSUS):
        if stamps.get(step, own if step == VERSUS else None) != own:
            raise ArtifactInvalid(
                str(artifact.folder),
                f"{step}.json is of another model; run `python -m training {step}`, then card",
            )
