"""What steps leave in the working folder for each other: reports, rows, calibration."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from datasets import Dataset
from rich.console import Console

from training.config import Experiment, Workspace, load_experiment
from training.corpora.snapshot import columns, load_snapshot
from training.corpora.splits import DEV, TRAIN
from training.learning import prepare
from training.learning.batches import Rows
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import DECISIONS, Calibration, file_hash, load_artifact

STAMPS = "stamps.json"
console = Console(stderr=True)


def write_report(space: Workspace, step: str, report: Any) -> None:
    """Write a step's report, whole or not at all."""
    _replace(space.report(step), report)
    if space.onnx_int8.is_file():
        stamps = read_stamps(space.root) | {step: file_hash(space.onnx_int8)}
        _replace(space.root / STAMPS, stamps)


def read_stamps(folder: Path) -> dict[str, str]:
    """Give, per step, the hash of the exported model its report speaks of."""
    path = folder / STAMPS
    stamps: dict[str, str] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return stamps


def _replace(path: Path, value: Any) -> None:
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(value, indent=1, ensure_ascii=False), "utf-8")
    draft.replace(path)


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
    """Give the model's outputs: the labels with enough training rows, and `violation`.

    A model that continues a served one has the outputs of that one.
    """
    if experiment.from_artifact:
        return load_artifact(space.champion).manifest.outputs
    snapshot, _ = load_snapshot(space.snapshot)
    return prepare.choose_outputs(snapshot, experiment.min_positives)


def part_of(experiment: Experiment, space: Workspace, split: str) -> Dataset:
    """Select the rows of a split; of a measured one, at most so many per public corpus.

    Rows lie in the order of their hashes, so the first ones are a random sample. What an earlier
    run has learned from is not measured, whatever its split is now.
    """
    snapshot, _ = load_snapshot(space.snapshot)
    learned = learned_before(experiment, space) if split != TRAIN else frozenset()
    seen: Counter[str] = Counter()
    chosen = []
    found = columns(snapshot, "split", "sources", "key")
    rows = zip(found["split"], found["sources"], found["key"], strict=True)
    for i, (own, sources, key) in enumerate(rows):
        if own == split and key not in learned:
            seen[sources[0]] += 1
            whole = split == TRAIN or sources[0] == DECISIONS
            if whole or seen[sources[0]] <= experiment.measured_per_source:
                chosen.append(i)
    return snapshot.select(chosen)


def learned_before(experiment: Experiment, space: Workspace) -> frozenset[str]:
    """Give the keys of the rows that other experiments taught this one.

    Those are the one it continues, the one whose logits it learns, and all before them.
    """
    found: set[str] = set()
    read: set[Path] = set()  # runs may share one snapshot
    waiting = _teachers(experiment)
    while waiting:
        name = waiting.pop()
        other = Workspace(space.root.parent / name)
        waiting |= _teachers(load_experiment(name))
        if other.snapshot.resolve() in read:
            continue
        read.add(other.snapshot.resolve())
        snapshot, _ = load_snapshot(other.snapshot)
        rows = columns(snapshot, "key", "split")
        pairs = zip(rows["key"], rows["split"], strict=True)
        found.update(key for key, split in pairs if split == TRAIN)
    return frozenset(found)


def _teachers(experiment: Experiment) -> set[str]:
    return {experiment.start_from, experiment.distil_from, experiment.blend_with} - {""}


def digest_of(experiment: Experiment, space: Workspace) -> str:
    """Name the dev rows, so that numbers of other rows are never set beside each other."""
    keys = "".join(columns(part_of(experiment, space, DEV), "key")["key"])
    return hashlib.sha256(keys.encode()).hexdigest()[:16]


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
