"""What a run records of itself: settings, code, artifact."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from training.config import Experiment, Workspace
from training.tracking import Tracker, track
from triage_ml.inference.artifact import Artifact


def record_artifact(artifact: Artifact, tracker: Tracker) -> None:
    """Keep the artifact, its card and what it was made from in the run."""
    manifest = artifact.manifest
    tracker.tags({"model_version": manifest.model_version, "snapshot": manifest.snapshot})
    tracker.files(artifact.folder, "artifact")


@contextmanager
def recording(
    experiment: Experiment, space: Workspace, store: str | None, files: Path | None = None
) -> Iterator[Tracker]:
    """Open the run's record, and note the settings and the code once.

    `files` is where a new store keeps its files; beside the working folder if left out.
    """
    with track(experiment.name, experiment.fingerprint, store, space.root, files) as tracker:
        values = {k: v for k, v in asdict(experiment).items() if not isinstance(v, dict | tuple)}
        tracker.parameters(values)
        tracker.tags({"code": _revision()})
        yield tracker


def _revision() -> str:
    """Give the commit the code is of, `-dirty` with changes, or `unknown` outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    place = Path(__file__).parent
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
