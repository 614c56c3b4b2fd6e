"""Measuring goes through the scorer that serves, before there is a card."""

from pathlib import Path

import numpy as np
import pytest

from training.config import Experiment, Workspace, load_experiment
from training.measuring.draft import draft_scorer, manifest_frame, measured_fields, score_texts
from training.reports import read_report
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.inference.artifact import POOLED, Artifact, Calibration
from triage_ml.inference.onnx import OnnxScorer
from triage_ml.testing.artifacts import tiny_artifact

OUTPUTS = ("hate", "violation")


def test_before_calibration_a_probability_is_the_raw_one() -> None:
    """The frame leaves logits as they are and shows everything from one half on."""
    frame = manifest_frame(Experiment("small", text_prefix="ask: "), OUTPUTS, {})
    fit = Calibration(**frame["calibration"]["hate"][POOLED])
    assert fit.probability(0.7) == pytest.approx(1 / (1 + np.exp(-0.7)))
    assert frame["thresholds"] == {output: {POOLED: 0.5} for output in OUTPUTS}
    assert (frame["labels"], frame["text_prefix"]) == (["hate"], "ask: ")


def test_what_was_measured_replaces_the_frames_values() -> None:
    """Calibration, bounds, thresholds and severities come from the calibrate report."""
    report = {
        "calibration": {"hate": {}},
        "upper_shift": {"hate": {POOLED: 3.0}},
        "thresholds": {"hate": {POOLED: 0.7}},
        "severity_labels": ["hate"],
        "something_else": 1,
    }
    measured = measured_fields({"calibrate": report})
    frame = manifest_frame(Experiment("small"), OUTPUTS, measured)
    assert "something_else" not in frame
    assert {name: frame[name] for name in measured} == measured
    assert frame["severity_labels"] == ["hate"]


def test_texts_are_read_in_chunks_and_stay_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are read at once, row i belongs to text i."""
    scorer = OnnxScorer(tiny_artifact(tmp_path), dict.fromkeys(Label, 2.0))
    texts = ["w1", "hate", "w2 w3", "harassment", "violent_threat"]
    whole = score_texts(scorer, texts)
    monkeypatch.setattr("training.measuring.draft.CHUNK", 2)
    parts = score_texts(scorer, texts)
    assert np.array_equal(whole[0], parts[0])
    assert np.array_equal(whole[1], parts[1])
    assert whole[0].shape == whole[1].shape == (5, 4)
    assert whole[0].argmax(1).tolist()[1] == 0


def test_the_draft_says_what_the_finished_artifact_says(artifact: Artifact, place: Path) -> None:
    """What was measured is what is served: the same scores from the draft and the artifact."""
    experiment, space = load_experiment(str(place / "small.toml")), Workspace(place / "out")
    measured = measured_fields({"calibrate": read_report(space, "calibrate")})
    draft = draft_scorer(experiment, space, artifact.manifest.outputs, measured)
    served = OnnxScorer(artifact, dict.fromkeys(Label, 2.0))
    texts, languages = ["Guten Tag, ihr alle", "Hola"], [Language.DE, Language.ES]
    for one, other in zip(
        draft.score(texts, languages), served.score(texts, languages), strict=True
    ):
        assert one.p_violation == other.p_violation
        assert {k: v.probability for k, v in one.labels.items()} == {
            k: v.probability for k, v in other.labels.items()
        }
