"""A whole experiment on a hand-made data folder, with a tiny random encoder (conftest.py)."""

from pathlib import Path

import mlflow
import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

from training.__main__ import main, run_experiment
from training.config import EXPERIMENTS, Experiment, load_experiment
from triage_ml.domain.taxonomy import Label
from triage_ml.domain.text import normalise
from triage_ml.errors import ArtifactInvalid, InvalidInput
from triage_ml.inference.artifact import Artifact, load_artifact
from triage_ml.inference.ngrams import ngrams
from triage_ml.inference.onnx import OnnxScorer


def test_gives_an_artifact_that_loads_and_scores(artifact: Artifact) -> None:
    """What the experiment writes is what serving needs: logits for every output."""
    manifest = load_artifact(artifact.folder).manifest
    assert manifest.outputs == ("hate", "harassment", "profanity", "violation")
    tokenizer = Tokenizer.from_file(str(artifact.tokenizer_path))
    ids = np.array([tokenizer.encode(manifest.text_prefix + "Guten Tag").ids])
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    inputs["ngrams"] = ngrams("Guten Tag", manifest.ngram_bits)[None]
    session = onnxruntime.InferenceSession(artifact.model_path)
    logits = session.run(["logits"], inputs)[0]
    assert logits.shape == (1, 4)
    assert logits.dtype == np.float32


def test_the_scorer_feeds_the_model_its_n_grams(artifact: Artifact) -> None:
    """What serving says of a text is what the graph says of its tokens and its own n-grams."""
    manifest = artifact.manifest
    scorer = OnnxScorer(artifact, dict.fromkeys(Label, 2.0))
    batched = OnnxScorer(artifact, dict.fromkeys(Label, 2.0), max_batch_tokens=512)
    tokenizer = Tokenizer.from_file(str(artifact.tokenizer_path))
    session = onnxruntime.InferenceSession(artifact.model_path)
    texts = ["Guten Tag", "Du  Idiot, GEH weg!", "hola a todos"]
    together = [reading.logits for reading in batched.read(texts)]
    for text, beside in zip(texts, together, strict=True):
        clean = normalise(text).text
        ids = np.array([tokenizer.encode(manifest.text_prefix + clean).ids])
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        own, none = (
            session.run(["logits"], inputs | {"ngrams": found[None]})[0][0]
            for found in (ngrams(clean, manifest.ngram_bits), np.zeros(1, np.int64))
        )
        assert scorer.read([text])[0].logits == pytest.approx(own, abs=1e-6)
        assert beside == pytest.approx(own, abs=1e-5)
        assert np.abs(own - none).max() > 0.1


def test_measures_only_what_was_held_out(artifact: Artifact) -> None:
    """Cells with held-out rows are measured and carry the floor; the others are unsupported."""
    manifest = artifact.manifest
    assert manifest.support["de"]["harassment"] == "measured"
    assert manifest.support["ko"]["harassment"] == "unsupported"
    assert manifest.support["de"]["self_harm"] == "unsupported"
    cell = manifest.quality["de"]["violation"]
    assert cell.baseline_auc is not None
    assert cell.auc_low is not None
    assert cell.auc_high is not None


def test_card_states_misses_sources_and_numbers(artifact: Artifact) -> None:
    """The card names the outputs the model lacks, every source, and the version."""
    card = artifact.card()
    assert "No output for violent_threat" in card
    assert all(source["name"] in card for source in artifact.manifest.sources)
    assert artifact.manifest.model_version in card


def test_refuses_an_artifact_with_a_flipped_byte(artifact: Artifact, tmp_path: Path) -> None:
    """One changed byte of the model, and nothing loads."""
    for path in artifact.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    model = bytearray(artifact.model_path.read_bytes())
    model[len(model) // 2] ^= 1
    (tmp_path / "model.onnx").write_bytes(model)
    with pytest.raises(ArtifactInvalid, match=r"model\.onnx does not match"):
        load_artifact(tmp_path)


def test_records_settings_numbers_and_files(artifact: Artifact, place: Path) -> None:
    """The run in MLflow holds the settings, the snapshot, the code, the cells and the files."""
    experiment = load_experiment(str(place / "small.toml"))
    run_id = (place / "out" / f"run_id.{experiment.fingerprint}").read_text("ascii")
    run = mlflow.MlflowClient(f"sqlite:///{place.resolve()}/out/mlflow.db").get_run(run_id)
    assert run.data.params["n_steps"] == "30"
    assert run.data.tags["snapshot"] == artifact.manifest.snapshot
    assert run.data.tags["code"]
    assert 0 <= run.data.metrics["dev/de/violation/auc"] <= 1
    files = place / "out" / "mlartifacts"
    assert list(files.rglob("manifest.json"))
    assert list(files.rglob("card.md"))


def test_a_second_run_trains_nothing_again(artifact: Artifact, place: Path) -> None:
    """Steps that are done are not repeated, and the model stays the same file."""
    before = (place / "out" / "checkpoint.pt").stat().st_mtime_ns
    again = run_experiment(str(place / "small.toml"), place / "data", place / "out", store="none")
    assert (place / "out" / "checkpoint.pt").stat().st_mtime_ns == before
    assert again.manifest.files["model.onnx"] == artifact.manifest.files["model.onnx"]


def test_refuses_a_missing_data_folder_before_any_work(place: Path, tmp_path: Path) -> None:
    """A wrong data folder leaves no working folder behind."""
    with pytest.raises(InvalidInput, match="data"):
        run_experiment(str(place / "small.toml"), tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_refuses_an_unknown_experiment(tmp_path: Path) -> None:
    """An unknown name is answered with the known ones."""
    with pytest.raises(InvalidInput, match="quick"):
        load_experiment("slow")


def test_refuses_an_unknown_setting(tmp_path: Path) -> None:
    """A misspelled setting is named rather than ignored."""
    (tmp_path / "x.toml").write_text("batchsize = 3\n", "utf-8")
    with pytest.raises(InvalidInput, match="batchsize"):
        load_experiment(str(tmp_path / "x.toml"))


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("batch_size = 0", "batch_size: .* greater than or equal to 1"),
        ("batch_size = 1.5", "batch_size: .* valid integer"),
        ("n_steps = -3", "n_steps: .* greater than or equal to 0"),
        ("ngram_bits = 30", "ngram_bits: .* less than or equal to 24"),
        ("augment_share = 1.5", "augment_share: .* less than or equal to 1"),
        ("learning_rate = -1.0", "learning_rate: .* greater than or equal to 0"),
        ("language_shares = 3", "language_shares: .* valid dictionary"),
        ("[language_shares]\nko = -1", "language_shares.ko: .* greater than 0"),
    ],
)
def test_refuses_a_number_no_run_can_have(tmp_path: Path, line: str, named: str) -> None:
    """The setting is named before any work begins."""
    (tmp_path / "x.toml").write_text(line, "utf-8")
    with pytest.raises(InvalidInput, match=named):
        load_experiment(str(tmp_path / "x.toml"))


def test_a_finished_training_of_other_settings_is_refused(
    artifact: Artifact, place: Path, tmp_path: Path
) -> None:
    """A second run under changed settings does not pass the old model off as its own."""
    changed = tmp_path / "small.toml"
    changed.write_text("seed = 77\n" + (place / "small.toml").read_text("utf-8"), "utf-8")
    with pytest.raises(InvalidInput, match="trained with other settings"):
        run_experiment(str(changed), place / "data", place / "out", store="none")


@pytest.mark.parametrize("name", sorted(path.stem for path in EXPERIMENTS.glob("*.toml")))
def test_the_shipped_experiments_are_valid(name: str) -> None:
    """Each loads, names every language's share, and continues one that is there."""
    experiment = load_experiment(name)
    assert isinstance(experiment, Experiment)
    assert set(experiment.language_shares) == {"en", "de", "tr", "es", "ko"}
    assert not experiment.start_from or load_experiment(experiment.start_from)


def test_command_line_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A wrong folder gives one line and exit status 2, no traceback."""
    monkeypatch.setattr(
        "sys.argv", ["training", "export", "--out", str(tmp_path), "--experiment", "slow"]
    )
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
