"""What steps leave in the working folder for each other: reports, rows, calibration."""

import json
from collections import Counter
from typing import Any

from datasets import Dataset
from rich.console import Console

from training.config import Experiment, Workspace
from training.corpora.snapshot import load_snapshot
from training.corpora.splits import TRAIN
from training.learning import prepare
from training.learning.batches import Rows
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import Calibration

console = Console(stderr=True)


def write_report(space: Workspace, step: str, report: Any) -> None:
    """Write a step's report, whole or not at all."""
    draft = space.report(step).with_suffix(".part")
    draft.write_text(json.dumps(report, indent=1, ensure_ascii=False), "utf-8")
    draft.replace(space.report(step))


def read_report(space: Workspace, step: str) -> dict[str, Any]:
    """Read what a step wrote. Raises: InvalidInput when it did not run."""
    path = space.report(step)
    if not path.is_file():
        raise InvalidInput(str(path), f"run `python -m training {step}` first")
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return report


def say(step: str, *facts: str, **numbers: Any) -> None:
    """Tell the user on the terminal how a step ended."""
    console.print(step, *facts, *(f"{name}={value}" for name, value in numbers.items()))


def outputs_of(experiment: Experiment, space: Workspace) -> tuple[str, ...]:
    """Give the model's outputs: the labels with enough training rows, and `violation`."""
    snapshot, _ = load_snapshot(space.snapshot)
    return prepare.choose_outputs(snapshot, experiment.min_positives)


def part_of(experiment: Experiment, space: Workspace, split: str) -> Dataset:
    """Select the rows of a split; of a measured one, at most so many per corpus.

    Rows lie in the order of their hashes, so the first ones are a random sample.
    """
    snapshot, _ = load_snapshot(space.snapshot)
    seen: Counter[str] = Counter()
    chosen = []
    most = experiment.measured_per_source
    columns = snapshot.select_columns(["split", "sources"])
    for i, row in enumerate(columns):
        if row["split"] == split:
            seen[row["sources"][0]] += 1
            if split == TRAIN or seen[row["sources"][0]] <= most:
                chosen.append(i)
    return snapshot.select(chosen)


def rows_of(experiment: Experiment, space: Workspace, split: str) -> Rows:
    """Tokenise the rows of a split."""
    part = part_of(experiment, space, split)
    outputs = outputs_of(experiment, space)
    return prepare.tokenise(part, prepare.load_tokenizer(space), outputs, experiment.text_prefix)


def read_calibration(space: Workspace) -> dict[str, dict[str, Calibration]]:
    stored = read_report(space, "calibrate")["calibration"]
    return {
        output: {name: Calibration(**fit) for name, fit in fits.items()}
        for output, fits in stored.items()
    }
