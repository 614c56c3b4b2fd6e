"""A training that is killed goes on as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.training.corpora import write_abuse_corpus
from training import steps
from training.config import Workspace, load_experiment
from training.tracking import NullTracker

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 250
TICK_SECONDS = 0.01
SETTINGS = """
base = "tiny"
sources = ["de_germeval2018", "es_meoffendes"]
min_positives = 20
batch_size = 8
n_steps = 80
warmup_steps = 5
learning_rate = 1e-3
head_learning_rate = 1e-2
embedding_learning_rate = 1e-3
augment_share = 0.3
average_decay = 0.9
checkpoint_every = 8
n_threads = 1
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the settings and a working folder that was never trained in."""
    folder = tmp_path_factory.mktemp("killed")
    write_abuse_corpus(folder / "data", 40)
    (folder / "small.toml").write_text(SETTINGS, "utf-8")
    experiment = load_experiment(str(folder / "small.toml"))
    space = Workspace(folder / "whole")
    space.root.mkdir()
    steps.make_snapshot(experiment, space, folder / "data", NullTracker())
    steps.prepare_base(experiment, space)
    shutil.copytree(space.root, folder / "killed")
    return folder


def start(folder: Path, out: str) -> "subprocess.Popen[bytes]":
    """Start training in a process of its own."""
    command = [sys.executable, "-m", "training", "train", "--mlflow", "none"]
    command += ["--experiment", str(folder / "small.toml"), "--out", str(folder / out)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


def kill_at_first_checkpoint(process: "subprocess.Popen[bytes]", checkpoint: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not checkpoint.is_file():
        assert time.monotonic() < deadline, "no checkpoint"
        try:
            process.wait(TICK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"training ended with {process.returncode} before a checkpoint")
    process.kill()
    assert process.wait(DEADLINE_SECONDS) == -signal.SIGKILL


def weights(space: Workspace) -> dict[str, bytes]:
    stored = torch.load(space.model, "cpu", weights_only=True)
    return {name: value.numpy().tobytes() for name, value in stored.items()}


@pytest.mark.timeout(600)  # three processes import torch, on a machine that may be busy
def test_killed_and_started_again_gives_the_same_model(prepared: Path) -> None:
    """After kill -9 the same command ends with the weights of a run nobody stopped, bit by bit."""
    whole, killed = Workspace(prepared / "whole"), Workspace(prepared / "killed")
    process = start(prepared, "killed")
    try:
        kill_at_first_checkpoint(process, killed.checkpoint)
    finally:
        process.kill()
    stopped = torch.load(killed.checkpoint, "cpu", weights_only=True)
    assert 0 < stopped["step"] < stopped["n_steps"]
    assert not killed.model.exists()
    runs = [start(prepared, "killed"), start(prepared, "whole")]
    assert [run.wait(DEADLINE_SECONDS) for run in runs] == [0, 0]
    assert weights(killed) == weights(whole)
