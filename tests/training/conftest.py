"""One tiny experiment, finished once for every test that reads it."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.corpora import write_abuse_corpus
from training.__main__ import run_experiment
from triage_ml.inference.artifact import Artifact

SETTINGS = """
base = "tiny"
sources = ["de_germeval2018", "es_meoffendes", "multi_sib200_benign"]
min_positives = 20
calibrate_percent = 25
dev_percent = 25
batch_size = 16
n_steps = 30
warmup_steps = 5
learning_rate = 1e-3
head_learning_rate = 1e-2
n_threads = 1
measured_rows = 10
n_bootstrap = 20
max_int8_difference = 0.5
max_auc_loss = 0.5
"""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experiment")
    write_abuse_corpus(folder / "data", 60)
    (folder / "small.toml").write_text(SETTINGS, "utf-8")
    return folder


@pytest.fixture(scope="session")
def artifact(place: Path) -> Iterator[Artifact]:
    with warnings.catch_warnings():
        # MLflow and its migrations warn of their own dependencies' future, not of our use.
        warnings.simplefilter("ignore")
        yield run_experiment(str(place / "small.toml"), place / "data", place / "out")
