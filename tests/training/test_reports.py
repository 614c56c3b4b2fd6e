"""What steps leave for each other says of which model, and of which rows, it speaks."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.corpora import write_abuse_corpus
from training.config import Experiment, Workspace, load_experiment
from training.corpora.snapshot import build_snapshot
from training.corpora.splits import CALIBRATE, DEV, TRAIN
from training.measuring.steps import evaluate_model
from training.reports import (
    digest_of,
    file_hash,
    learned_before,
    part_of,
    read_report,
    read_stamps,
    write_report,
)
from training.tracking import NullTracker
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import Artifact

SETTINGS = Experiment(
    "small",
    base="tiny",
    sources=("de_germeval2018", "es_meoffendes"),
    dev_percent=25,
    calibrate_percent=25,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two working folders side by side, whose splits differ; `small` continues `first`."""
    root = tmp_path_factory.mktemp("reports")
    write_abuse_corpus(root / "data", 30)
    build_snapshot(root / "data", root / "small" / "snapshot", SETTINGS)
    few = replace(SETTINGS, calibrate_percent=5, dev_percent=5)
    build_snapshot(root / "data", root / "first" / "snapshot", few)
    return root


@pytest.fixture
def continued(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Experiment, Workspace]:
    monkeypatch.setattr("training.reports.load_experiment", Experiment)
    return replace(SETTINGS, start_from="first"), Workspace(root / "small")


def test_what_an_earlier_run_learned_is_not_measured(
    root: Path, continued: tuple[Experiment, Workspace]
) -> None:
    """Rows that trained the run this one continues leave the measured splits."""
    before = set(part_of(SETTINGS, Workspace(root / "first"), TRAIN)["key"])
    assert learned_before(*continued) == before
    for split in (CALIBRATE, DEV):
        left = set(part_of(*continued, split)["key"])
        whole = set(part_of(SETTINGS, continued[1], split)["key"])
        assert left == whole - before
        assert left < whole


def test_training_rows_stay_whoever_learned_them(
    continued: tuple[Experiment, Workspace],
) -> None:
    """To learn again from the same rows is no harm."""
    own = set(part_of(SETTINGS, continued[1], TRAIN)["key"])
    assert set(part_of(*continued, TRAIN)["key"]) == own


def test_a_measured_split_takes_so_many_rows_of_a_corpus(root: Path) -> None:
    """The first of each; training takes all of them."""
    space, few = Workspace(root / "small"), replace(SETTINGS, measured_per_source=3)
    counts = np.unique([s[0] for s in part_of(few, space, DEV)["sources"]], return_counts=True)
    assert dict(zip(*counts, strict=True)) == {"de_germeval2018": 3, "es_meoffendes": 3}
    assert len(part_of(few, space, TRAIN)) == len(part_of(SETTINGS, space, TRAIN))
    assert digest_of(few, space) != digest_of(SETTINGS, space)


def test_a_report_is_stamped_with_the_model_it_speaks_of(tmp_path: Path) -> None:
    """Each step with the model that was there when it ran; before there is one, with none."""
    space = Workspace(tmp_path)
    write_report(space, "prepare", {"n_tokens": 3})
    assert read_stamps(tmp_path) == {}
    stamps = {}
    for step in ("evaluate", "bias"):
        space.onnx_int8.write_text(step, "utf-8")
        write_report(space, step, {})
        stamps[step] = file_hash(space.onnx_int8)
    assert read_stamps(tmp_path) == stamps
    assert read_report(space, "prepare") == {"n_tokens": 3}


def test_a_step_that_did_not_run_is_named(tmp_path: Path) -> None:
    """The message says which command writes the report."""
    with pytest.raises(InvalidInput, match="`python -m training bias` first"):
        read_report(Workspace(tmp_path), "bias")


def test_scores_of_other_rows_are_not_evaluated(
    artifact: Artifact, place: Path, tmp_path: Path
) -> None:
    """Where the dev rows changed since they were scored, nothing is set beside anything."""
    shutil.copytree(artifact.folder.parent, tmp_path / "out", dirs_exist_ok=True)
    few = replace(load_experiment(str(place / "small.toml")), measured_per_source=5)
    with pytest.raises(InvalidInput, match="other rows were scored"):
        evaluate_model(few, Workspace(tmp_path / "out"), NullTracker())
