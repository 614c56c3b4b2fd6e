"""`triage retrain` on a hand-made data folder: the tiny experiment's artifact is the champion."""

import hashlib
import json
import random
import shutil
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pytest
import torch
from typer.testing import CliRunner

from tests.training.decided import WINDOW, DecisionSet, decided, decisions
from training import retrain as retraining
from training.config import Workspace
from training.corpora.examples import EXCLUDE, fold_hash
from training.release.card import render_card
from training.release.changes import learned_until
from training.release.gates import GatesFailed
from training.release.publish import facts_of
from training.release.store import RegistryFailed
from training.retrain import Outcome, Request, retrain
from triage_ml.errors import ArtifactInvalid, InvalidInput
from triage_ml.inference.artifact import Artifact, load_artifact

SETTINGS = """
from_artifact = true
sources = ["de_germeval2018", "es_meoffendes", "multi_sib200_benign"]
calibrate_percent = 25
dev_percent = 25
batch_size = 8
n_steps = 12
warmup_steps = 2
trained_layers = 2
learning_rate = 1e-4
head_learning_rate = 1e-3
replay_rows = 20
ngram_pull = 0.5
n_threads = 1
measured_rows = 10
measured_per_source = 60
robustness_rows = 4
parity_rows = 40
n_bootstrap = 20
max_int8_difference = 0.5
max_auc_loss = 0.5
floors = false
official = false
checkpoint_every = 4
[source_boosts]
decisions = 4.0
"""


UNTIL = WINDOW["until"]


def sentences(n: int = 120) -> DecisionSet:
    draw = random.Random(3)
    texts = [
        " ".join("".join(draw.choices("abdefgiklmnorstu", k=6)) for _ in range(5)) for _ in range(n)
    ]
    rows = [
        decided(f"{t} {'zorvak' if i % 2 else 'haus'}", i % 2 == 1) for i, t in enumerate(texts)
    ]
    manifest = {"policy_versions": ["2026-11"], "window": WINDOW}
    return DecisionSet(decisions(rows).source, manifest)


@pytest.fixture
def asked(place: Path, artifact: Artifact, tmp_path: Path) -> Callable[..., Outcome]:
    """Give a call of the command, with single parts of what is asked replaced."""
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "manifest.json").write_text("{}", "utf-8")
    (tmp_path / "small.toml").write_text(SETTINGS, "utf-8")
    usual: dict[str, Any] = {
        "decisions": (tmp_path / "decisions",),
        "data": place / "data",
        "champion": str(artifact.folder),
        "out": tmp_path / "out",
        "experiment": str(tmp_path / "small.toml"),
        "store": "none",
        "register": False,
    }

    def call(found: DecisionSet | None = None, **parts: Any) -> Outcome:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow and its migrations warn of their own future
            request = Request(**(usual | parts))
            return retrain(request, lambda _: found or sentences(), tmp_path / "var")

    return call


def reports(folder: Path, step: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{step}.json").read_text("utf-8"))
    return found


def test_gives_a_challenger_with_the_champions_outputs(asked, artifact, tmp_path):
    """It loads, is another model, states its sources, and the champion is untouched."""
    before = {p.name: p.read_bytes() for p in artifact.folder.iterdir()}
    made = asked().artifact
    assert made.manifest.outputs == artifact.manifest.outputs
    assert made.manifest.files["tokenizer.json"] == artifact.manifest.files["tokenizer.json"]
    assert made.manifest.files["model.onnx"] != artifact.manifest.files["model.onnx"]
    assert any(source["name"] == "decisions" for source in made.manifest.sources)
    assert made.manifest.learned_until == datetime.fromisoformat(UNTIL)
    assert {p.name: p.read_bytes() for p in artifact.folder.iterdir()} == before
    assert reports(tmp_path / "out", "versus")["champion"]["model_version"] == (
        artifact.manifest.model_version
    )
    card_says_what_changed(made, artifact)
    shutil.rmtree(made.folder)  # the card is written again from what is kept
    again = render_card(facts_of(reports(tmp_path / "out", "card")))
    assert "## What changed since" in again


def test_what_the_champion_learned_from_counts_too(artifact):
    """A challenger continues it; the later end of both holds."""
    manifests = [{"window": {"until": UNTIL}}, {"window": {"until": "2026-11-02T00:00:00+00:00"}}]
    assert artifact.manifest.learned_until is None
    assert learned_until(artifact.manifest, manifests) == UNTIL
    end = datetime(2026, 12, 1, tzinfo=UTC)
    champion = artifact.manifest.model_copy(update={"learned_until": end})
    assert learned_until(champion, manifests) == end.isoformat()
    assert learned_until(artifact.manifest, []) is None
    untold = artifact.manifest.model_copy(update={"sources": ({"name": "decisions"},)})
    assert not untold.learning_known
    assert learned_until(untold, manifests) is None


def test_a_small_sample_unlearns_no_cell(asked, artifact, tmp_path):
    """Where too few rows judge a cell, it is measured as it was for the champion."""
    asked()
    stored = reports(tmp_path / "out", "card")
    stored["settings"]["measured_rows"] = 100_000
    kept = facts_of(stored).support.as_nested()
    before = artifact.manifest.support
    measured = [(x, label) for x in before for label in before[x] if before[x][label] == "measured"]
    assert measured
    assert all(kept[language][label] == "measured" for language, label in measured)


def card_says_what_changed(made: Artifact, champion: Artifact) -> None:
    card = made.card()
    assert f"What changed since {champion.manifest.model_version}" in card
    assert "60 violating" in card
    assert "No decisions in en, tr, es, ko." in card
    assert f"decided 2026-11-01T00:00:00+00:00 to {UNTIL}; under policy 2026-11" in card
    assert "Worse than the champion, beyond the interval" in card
    assert "zorvak" not in card
    assert "No floor stands beside it" in card


def test_a_stopped_run_goes_on_to_the_same_model(asked, tmp_path, monkeypatch):
    """Interrupted in training and again after export, it ends bit by bit like one never stopped."""
    asked()
    whole = torch.load(Workspace(tmp_path / "out").model, "cpu", weights_only=True)
    train = retraining.steps.train_model
    with monkeypatch.context() as patch:
        patch.setattr(retraining.steps, "train_model", lambda e, s, t: stop(train, e, s, t))
        with pytest.raises(KeyboardInterrupt):
            asked(out=tmp_path / "again")
    with monkeypatch.context() as patch:
        patch.setattr(retraining, "compare_with_champion", interrupt)
        with pytest.raises(KeyboardInterrupt):
            asked(out=tmp_path / "again")
    exported = (tmp_path / "again" / "export.json").stat().st_mtime_ns
    made = asked(out=tmp_path / "again").artifact
    assert (tmp_path / "again" / "export.json").stat().st_mtime_ns == exported
    found = torch.load(Workspace(tmp_path / "again").model, "cpu", weights_only=True)
    assert all(torch.equal(found[name], value) for name, value in whole.items())
    own = load_artifact(tmp_path / "out" / "artifact").manifest
    assert made.manifest.files["model.onnx"] == own.files["model.onnx"]


def stop(train: Callable[..., None], *given: Any) -> None:
    train(*given, stop_at=4)
    raise KeyboardInterrupt


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_challenger_that_fails_gates_is_kept_and_not_registered(asked, tmp_path):
    """Two languages of five were measured; the run in MLflow holds what was found."""
    store = f"sqlite:///{tmp_path}/runs.db"
    with pytest.raises(GatesFailed, match="not registered"):
        asked(store=store, register=True)
    assert load_artifact(tmp_path / "out" / "artifact")
    client = mlflow.MlflowClient(store)
    experiment = client.get_experiment_by_name("small")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.tags["champion"]
    assert run.data.tags["replay"]
    assert any(name.startswith("versus/public/de/violation") for name in run.data.metrics)
    assert {f.path for f in client.list_artifacts(run.info.run_id)} >= {"artifact", "decisions"}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"decisions": ()}, "--decisions: give a folder"),
        ({"decisions": (Path("/none"),)}, "--decisions: no folder"),
        ({"data": None}, "data: no public corpora; without them nothing guards"),
        ({"data": Path("/none")}, "data: no folder"),
        ({"champion": "/none"}, "--champion"),
        ({"experiment": "quick"}, "--experiment: quick does not continue"),
        ({"register": True}, "--mlflow: nothing can be registered"),
    ],
)
def test_what_is_missing_is_said_before_any_work(asked, tmp_path, parts, message):
    """One line each, and no working folder that was begun."""
    with pytest.raises(InvalidInput, match=message):
        asked(**parts)
    assert not (tmp_path / "out" / "retrain.json").exists()


@pytest.fixture
def reserving(place: Path, tmp_path: Path) -> Path:
    """A data folder that keeps one text for evaluation."""
    data = tmp_path / "data"
    shutil.copytree(place / "data", data)
    (data / EXCLUDE).write_text(fold_hash("kept for evaluation") + "\n", "ascii")
    return data


def exported_with(sha256: str | None) -> DecisionSet:
    return DecisionSet(sentences().source, {"exclude_sha256": sha256})


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (sentences(), "exclude_sha256 is null"),
        (exported_with(None), "exclude_sha256 is null"),
        (exported_with("ab" * 32), "exclude_sha256 is abababababab, not "),
    ],
)
def test_an_export_made_without_the_reserved_list_is_refused(
    asked, reserving, tmp_path, found, told
):
    """Scrubbed, a reserved text is not known again; nothing is begun."""
    with pytest.raises(InvalidInput, match=told) as refused:
        asked(found, data=reserving)
    said = str(refused.value)
    assert said.startswith(str(tmp_path / "decisions" / "manifest.json"))
    assert said.endswith(f"export again with --data {reserving}")
    assert "\n" not in said
    assert not (tmp_path / "out" / "retrain.json").exists()


def test_an_export_made_with_the_reserved_list_is_learned_from(asked, reserving, monkeypatch):
    """Where the list is empty, it does not matter what was applied."""
    monkeypatch.setattr(retraining, "_learn", interrupt)
    own = hashlib.sha256((reserving / EXCLUDE).read_bytes()).hexdigest()
    with pytest.raises(KeyboardInterrupt):
        asked(exported_with(own), data=reserving)
    (reserving / EXCLUDE).write_bytes(b"")
    with pytest.raises(KeyboardInterrupt):
        asked(exported_with(own), data=reserving)


def test_an_empty_set_of_decisions_is_refused(asked):
    """There is nothing to learn from."""
    with pytest.raises(InvalidInput, match="decisions: hold no example"):
        asked(decisions([]))


def test_a_corrupt_champion_is_refused(asked, artifact, tmp_path):
    """Nothing is trained from it."""
    shutil.copytree(artifact.folder, tmp_path / "broken")
    (tmp_path / "broken" / "model.onnx").write_bytes(b"x")
    with pytest.raises(ArtifactInvalid, match="checksum"):
        asked(champion=str(tmp_path / "broken"))
    assert not (tmp_path / "out" / "champion").exists()


def test_a_registry_that_is_away_is_one_line(asked):
    """It is asked before any work."""
    with pytest.raises(RegistryFailed, match="the MLflow store"):
        asked(store="postgresql://nobody@127.0.0.1:1/none", register=True)


def test_a_folder_begun_with_other_decisions_is_not_continued(asked, tmp_path, monkeypatch):
    """Nor is one begun from another champion."""
    monkeypatch.setattr(retraining, "_learn", interrupt)
    with pytest.raises(KeyboardInterrupt):
        asked()
    (tmp_path / "decisions" / "more.jsonl").write_text("{}", "utf-8")
    with pytest.raises(InvalidInput, match="begun with other decisions"):
        asked()


def test_the_command_says_a_problem_in_one_line(monkeypatch):
    """Exit status 2 and no traceback."""
    pytest.importorskip("training.corpora.decisions")
    from triage_ml.cli import app

    monkeypatch.delenv("TRIAGE_DATA", raising=False)
    done = CliRunner().invoke(app, ["retrain"])
    assert done.exit_code == 2
    assert "--decisions: give a folder" in done.output
