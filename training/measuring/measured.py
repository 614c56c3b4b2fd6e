"""A finished experiment read back: rows of a split, and what its int8 model said of them.

Probabilities, bounds and thresholds are the artifact's, by the arithmetic that serves them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset

from training.config import Experiment, Workspace, load_experiment
from training.corpora.snapshot import load_snapshot
from training.learning.batches import Rows
from training.learning.prepare import load_tokenizer, tokenise
from training.metrics import sigmoid
from training.reports import part_of
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import Artifact, load_artifact
from triage_ml.inference.calibrate import Calibrator

ROOT = Path(__file__).parents[2]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Finished:
    """An experiment's working folder with every step done."""

    experiment: Experiment
    space: Workspace
    artifact: Artifact
    snapshot: Dataset
    summary: dict[str, Any]

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.artifact.manifest.outputs


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows of a split and what the served model says of them, row by row."""

    keys: tuple[str, ...]
    rows: Rows
    outputs: tuple[str, ...]
    logits: Floats  # (N, L + 1)
    probabilities: Floats  # (N, L + 1), calibrated
    upper: Floats  # (N, L + 1)
    thresholds: Floats  # (N, L + 1), of each row's language

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def uncalibrated(self) -> Floats:
        return sigmoid(self.logits)

    @property
    def flagged(self) -> Bools:
        """Where an output is shown as found.  # (N, L + 1)"""
        return self.probabilities >= self.thresholds

    @property
    def lengths(self) -> npt.NDArray[np.intp]:
        """Tokens of each row, with the prefix and both end marks.  # (N,)"""
        return np.array([len(tokens) for tokens in self.rows.tokens], np.intp)


def find_workspace(place: str) -> Workspace:
    """Find a working folder; a relative place is one in the checkout. Raises: InvalidInput."""
    root = ROOT / place
    if not root.is_dir():
        raise InvalidInput(str(place), "no such working folder; name one in TRIAGE_WORKSPACE")
    return Workspace(root)


def open_finished(place: str, experiment: str) -> Finished:
    """Open a finished experiment, named or a file. Raises: InvalidInput, ArtifactInvalid."""
    space = find_workspace(place)
    snapshot, summary = load_snapshot(space.snapshot)
    artifact = load_artifact(space.artifact)
    if artifact.manifest.snapshot != summary["hash"]:
        raise InvalidInput(str(space.artifact), "is of another snapshot")
    return Finished(load_experiment(experiment), space, artifact, snapshot, summary)


def load_rows(finished: Finished, split: str) -> tuple[tuple[str, ...], Rows]:
    """Give the keys of a split and its rows, in the order in which they were scored."""
    part = part_of(finished.experiment, finished.space, split)
    tokenizer = load_tokenizer(finished.space)
    prefix = finished.experiment.text_prefix
    return tuple(part["key"]), tokenise(part, tokenizer, finished.outputs, prefix)


def load_logits(space: Workspace, split: str) -> Floats:
    """Read the logits of a split. Raises: InvalidInput when it was not scored."""
    if not space.logits.is_file():
        raise InvalidInput(str(space.logits), "run `python -m training calibrate` first")
    with np.load(space.logits) as stored:
        if split not in stored:
            raise InvalidInput(str(space.logits), f"no logits of {split}")
        found: Floats = stored[split]
    return found


def load_scored(finished: Finished, split: str) -> Scored:
    """Read a split with its scores. Raises: InvalidInput where they do not fit together."""
    keys, rows = load_rows(finished, split)
    logits = load_logits(finished.space, split)
    if logits.shape != rows.labels.shape:
        raise InvalidInput(
            str(finished.space.logits),
            f"holds {logits.shape} logits for {rows.labels.shape} labels; of other settings?",
        )
    calibrator = Calibrator(finished.artifact.manifest)
    languages = [Language(name) for name in rows.languages.tolist()]
    values, upper = calibrator.probabilities(logits.astype(np.float64), languages)
    thresholds = np.stack([calibrator.thresholds(language) for language in languages])
    return Scored(keys, rows, finished.outputs, logits, values, upper, thresholds)
