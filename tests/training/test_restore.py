"""One experiment goes on from another, or learns from it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.corpora import write_abuse_corpus
from training import steps
from training.config import Workspace, load_experiment
from training.learning.restore import fresh_model, model_to_train, read_weights, teacher_of
from training.reports import outputs_of
from training.tracking import NullTracker
from triage_ml.errors import InvalidInput

FIRST = """
base = "tiny"
sources = ["de_germeval2018", "es_meoffendes"]
min_positives = 20
batch_size = 8
n_steps = 6
warmup_steps = 2
embedding_learning_rate = 1e-3
n_threads = 1
"""
SECOND = FIRST.replace("embedding_learning_rate = 1e-3", "embedding_learning_rate = 0.0") + (
    'start_from = "first"\ndistil_from = "first"\nn_layers = 2\n'
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with `first` trained and `second` prepared."""
    settings = tmp_path / "experiments"
    settings.mkdir()
    monkeypatch.setattr("training.config.EXPERIMENTS", settings)
    for name, text in (("first", FIRST), ("second", SECOND)):
        (settings / f"{name}.toml").write_text(text, "utf-8")
    write_abuse_corpus(tmp_path / "data", 40)
    first = Workspace(tmp_path / "first")
    first.root.mkdir()
    experiment = load_experiment("first")
    steps.make_snapshot(experiment, first, tmp_path / "data", NullTracker())
    steps.prepare_base(experiment, first)
    shutil.copytree(first.root, tmp_path / "second")
    steps.train_model(experiment, first, NullTracker())
    return tmp_path


def test_a_pupil_goes_on_from_another_model_and_keeps_its_embeddings(root: Path) -> None:
    """Embeddings that learn nothing more are still those of the model it began with."""
    space, experiment = Workspace(root / "second"), load_experiment("second")
    steps.train_model(experiment, space, NullTracker())
    name = "encoder.embeddings.word_embeddings.weight"
    own, other = read_weights(space), read_weights(Workspace(root / "first"))
    assert torch.equal(own[name], other[name])
    assert not torch.equal(own["head.weight"], other["head.weight"])
    model = fresh_model(experiment, space, len(own["head.bias"]), len(own["source_bias.weight"]))
    model.load_trained_state(own)
    assert len(model.encoder.encoder.layer) == 2


def test_a_thinned_model_goes_on_in_its_own_layers(root: Path) -> None:
    """Another one that goes on from the pupil begins with its two layers, not with the base's."""
    space, experiment = Workspace(root / "second"), load_experiment("second")
    steps.train_model(experiment, space, NullTracker())
    third = replace(experiment, name="third", start_from="second", distil_from="")
    shutil.copytree(root / "second", root / "third")
    (root / "third" / "checkpoint.pt").unlink()
    outputs = outputs_of(third, space)
    model = model_to_train(third, Workspace(root / "third"), outputs).state_dict()
    for name, value in read_weights(space).items():
        if name.startswith("encoder."):
            assert torch.equal(model[name], value), name


def test_a_resumed_pupil_goes_on_as_if_never_stopped(root: Path) -> None:
    """Building its teacher draws no number that its training would have drawn."""
    experiment = load_experiment("second")
    shutil.copytree(root / "second", root / "stopped")
    for name, stops in (("second", (None,)), ("stopped", (3, None))):
        for stop in stops:
            steps.train_model(experiment, Workspace(root / name), NullTracker(), stop)
    one, other = (read_weights(Workspace(root / name)) for name in ("second", "stopped"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_teacher_that_is_not_trained_is_named(root: Path) -> None:
    """Rather than a file that is not there."""
    (root / "first" / "train.json").unlink()
    with pytest.raises(InvalidInput, match="distil_from: first is not trained"):
        teacher_of(load_experiment("second"), Workspace(root / "second"), ())


def test_a_teacher_of_other_tokens_is_refused(root: Path) -> None:
    """Its logits would be about other words."""
    space, experiment = Workspace(root / "second"), load_experiment("second")
    outputs = outputs_of(experiment, space)
    assert teacher_of(experiment, space, outputs) is not None
    assert teacher_of(load_experiment("first"), space, outputs) is None
    ids = json.loads((space.base / "base_ids.json").read_text("ascii"))
    (space.base / "base_ids.json").write_text(json.dumps(ids[:-1]), "ascii")
    with pytest.raises(InvalidInput, match="distil_from: first has other tokens"):
        teacher_of(experiment, space, outputs)


def test_a_blend_is_the_average_of_two_models(root: Path) -> None:
    """Every weight lies between those of the two, at the share asked for; nothing is trained."""
    second = replace(load_experiment("second"), n_layers=0, distil_from="")
    steps.train_model(second, Workspace(root / "second"), NullTracker())
    text = FIRST + 'start_from = "first"\nblend_with = "second"\nblend_share = 0.25\n'
    (root / "experiments" / "blend.toml").write_text(text, "utf-8")
    (root / "experiments" / "second.toml").write_text(FIRST, "utf-8")
    shutil.copytree(root / "first", root / "blend", ignore=shutil.ignore_patterns("*.pt", "train*"))
    blend, space = load_experiment("blend"), Workspace(root / "blend")
    steps.train_model(blend, space, NullTracker())
    own, one, other = (read_weights(Workspace(root / x)) for x in ("blend", "first", "second"))
    for name in ("head.weight", "encoder.encoder.layer.1.output.dense.weight"):
        assert torch.allclose(own[name], 0.75 * one[name] + 0.25 * other[name], atol=1e-6)
        assert not torch.equal(one[name], other[name])
    assert steps.is_trained(blend, space)
