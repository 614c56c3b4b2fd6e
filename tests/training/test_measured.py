"""A finished experiment is read back as its steps measured it."""

from dataclasses import replace

import numpy as np
import pytest

from training.config import Workspace
from training.learning.prepare import load_tokenizer
from training.measuring.evaluate import rows_of_cell
from training.measuring.measured import (
    find_workspace,
    load_logits,
    load_scored,
    open_finished,
)
from training.measuring.tables import count_labels, count_origins, describe_rows
from training.metrics import auc
from training.release.records import read_reports
from triage_ml.domain.taxonomy import VIOLATION
from triage_ml.errors import InvalidInput


@pytest.fixture(scope="module")
def finished(artifact, place):
    return open_finished(str(artifact.folder.parent), str(place / "small.toml"))


@pytest.fixture(scope="module")
def dev(finished):
    return load_scored(finished, "dev")


def test_rows_and_scores_belong_together(finished, dev):
    """Measured anew, a cell has the AUC of the report."""
    cells = read_reports(finished.space.root)["evaluate"]["cells"]
    cell = next(c for c in cells if (c["language"], c["output"]) == ("de", VIOLATION))
    rows = rows_of_cell(dev.rows, len(dev.outputs) - 1, "de")
    truth = dev.rows.labels[rows, -1] == 1
    assert auc(truth, dev.probabilities[rows, -1]) == pytest.approx(cell["auc"]["value"])


def test_probabilities_are_bounded_from_above(dev):
    """No bound is under its probability; thresholds are the shipped ones."""
    assert (dev.upper >= dev.probabilities).all()
    assert dev.thresholds.shape == dev.flagged.shape == dev.uncalibrated.shape
    assert len(dev) == len(set(dev.keys)) == len(dev.lengths)


def test_describes_every_example(finished):
    """No text is among what is told."""
    rows = describe_rows(finished.snapshot, load_tokenizer(finished.space))
    assert len(rows) == finished.summary["n_examples"]
    assert (rows.n_tokens > 0).all()
    assert not rows.written.any()
    assert "text" not in rows
    origins = count_origins(finished.snapshot)
    kinds = origins[["rater", "weak", "assumed", "unknown"]]
    assert set(kinds.sum(axis=1)) == set(rows.language.value_counts())
    decided = np.asarray(finished.snapshot.with_format("numpy")["labels"]) >= 0
    assert kinds.rater.sum() == decided.sum() <= count_labels(finished.summary).n.sum()


def test_refuses_scores_of_other_rows(finished):
    """Settings that were changed since would put rows beside scores of others."""
    fewer = replace(finished.experiment, measured_per_source=10)
    with pytest.raises(InvalidInput, match="of other settings"):
        load_scored(replace(finished, experiment=fewer), "dev")


def test_refuses_what_is_not_there(finished, tmp_path):
    """The folder, the scores, or the split."""
    with pytest.raises(InvalidInput, match="TRIAGE_WORKSPACE"):
        find_workspace(str(tmp_path / "nowhere"))
    with pytest.raises(InvalidInput, match="calibrate"):
        load_logits(Workspace(tmp_path), "dev")
    with pytest.raises(InvalidInput, match="no logits of train"):
        load_logits(finished.space, "train")
