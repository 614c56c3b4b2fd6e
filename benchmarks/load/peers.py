"""The peers: an environment each, pinned, and the settings that are tried."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.load.targets import ROOT, PeerService

HERE = ROOT / "benchmarks" / "peers"
PLACE = ROOT / "var" / "peers"
MODEL = PLACE / "model"
PIP_SECONDS = 1800


class PeerMissing(Exception):
    """A peer that cannot be installed or prepared; the message says why."""


@dataclass(frozen=True)
class Setting:
    """One way to run a peer: what it is called, its command, its environment, and where it runs."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    folder: Path = ROOT


@dataclass(frozen=True)
class Peer:
    """A peer. `prepare` makes what its settings need, once per model."""

    name: str
    about: str
    path: str
    wrap: dict[str, Any]
    settings: Callable[[Path, Path], list[Setting]]  # python, artifact folder
    packages: tuple[str, ...]
    prepare: Callable[[Path], None] = lambda _python: None

    @property
    def requirements(self) -> Path:
        return HERE / f"{self.name}.txt"

    def make(self) -> Path:
        """Make the environment and what else is needed; give its Python. Raises: PeerMissing."""
        python = _environment(self.name, self.requirements)
        self.prepare(python)
        return python

    def versions(self, python: Path) -> dict[str, str]:
        """Give the installed versions of what matters."""
        code = "import importlib.metadata as m, sys; print(*(m.version(n) for n in sys.argv[1:]))"
        found = _run([str(python), "-c", code, *self.packages], 60).split()
        return dict(zip(self.packages, found, strict=True))

    def service(self, setting: Setting, prefix: str) -> PeerService:
        # What these libraries would fetch from elsewhere is here: they must not ask.
        quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}
        return PeerService(
            name=f"{self.name} {setting.name}",
            command=setting.command,
            path=self.path,
            wrap=self.wrap,
            env={**quiet, "TOKENIZERS_PARALLELISM": "false", **setting.env},
            prefix=prefix,
            folder=setting.folder,
        )


def _environment(name: str, requirements: Path) -> Path:
    folder = PLACE / name
    python, done = folder / "bin" / "python", folder / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if done.is_file() and done.read_text() == wanted:
        return python
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(folder)], 120)
    _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)], PIP_SECONDS)
    done.write_text(wanted)
    return python


def _run(command: list[str], seconds: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, cwd=ROOT)
    except subprocess.TimeoutExpired as error:
        raise PeerMissing(f"{command[0]} took over {seconds:g} s") from error
    if done.returncode:
        raise PeerMissing(done.stderr.strip()[-600:])
    return done.stdout


def _plain(python: Path, _artifact: Path) -> list[Setting]:
    command: tuple[str, ...] = (str(python), "-m", "uvicorn", "plain:app", "--app-dir", str(HERE))
    command += ("--port", "{port}", "--log-level", "warning")
    return [Setting("as written", command, {"PEER_MODEL": str(MODEL)})]


def _save_mlflow(python: Path) -> None:
    _convert(python, "log_mlflow.py", PLACE / "mlflow-model", 300)


def _convert(python: Path, script: str, target: Path, seconds: int) -> None:
    """Have a script write the model in a peer's form, unless that is newer than the model."""
    if target.is_dir() and target.stat().st_mtime > MODEL.stat().st_mtime:
        return
    shutil.rmtree(target, ignore_errors=True)
    _run([str(python), str(HERE / script), str(MODEL), str(target)], seconds)


def _mlflow(python: Path, _artifact: Path) -> list[Setting]:
    command: tuple[str, ...] = (
        str(python),
        "-m",
        "mlflow",
        "models",
        "serve",
        "--env-manager",
        "local",
    )
    command += ("--model-uri", str(PLACE / "mlflow-model"), "--port", "{port}")
    env = {"PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin"}
    return [
        Setting("1 worker", (*command, "--workers", "1"), env),
        # Two workers of two threads each would take turns on two cores.
        Setting("2 workers", (*command, "--workers", "2"), env | {"OMP_NUM_THREADS": "1"}),
    ]


def _export_onnx(python: Path) -> None:
    _convert(python, "export_onnx.py", PLACE / "model-onnx", 600)


def _infinity(python: Path, _artifact: Path) -> list[Setting]:
    program = str(python.parent / "infinity_emb")
    settings = []
    for engine, folder in (("torch", MODEL), ("optimum", PLACE / "model-onnx")):
        for batch in (8, 32):
            command: tuple[str, ...] = (program, "v2", "--model-id", ".")
            command += ("--served-model-name", "m")
            command += ("--engine", engine, "--device", "cpu", "--batch-size", str(batch))
            command += ("--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning")
            command += ("--no-model-warmup", "--no-bettertransformer", "--no-compile")
            # Its ONNX engine finds a local file only from inside its folder.
            settings.append(Setting(f"{engine} batch {batch}", command, {}, folder))
    return settings


def _litserve(python: Path, artifact: Path) -> list[Setting]:
    env = {"PEER_ARTIFACT": str(artifact), "PYTHONPATH": str(ROOT)}
    tried = (
        # batch, seconds a batch waits, workers, threads of the runtime in each
        (1, 0.0, 1, 2),
        (1, 0.0, 2, 1),
        (4, 0.005, 2, 1),
        (8, 0.01, 1, 2),
        (8, 0.01, 2, 1),
        (16, 0.02, 2, 1),
    )
    return [
        Setting(
            f"batch {batch}, {1000 * wait:g} ms, {workers} x {threads} threads",
            (
                str(python),
                str(HERE / "lit.py"),
                "{port}",
                *map(str, (batch, wait, workers, threads)),
            ),
            env,
        )
        for batch, wait, workers, threads in tried
    ]


PEERS = (
    Peer(
        "plain",
        "FastAPI + transformers pipeline (torch, fp32)",
        "/score",
        {"text": "TEXT"},
        _plain,
        ("fastapi", "uvicorn", "transformers", "torch"),
    ),
    Peer(
        "mlflow",
        "mlflow models serve, transformers flavour (torch, fp32)",
        "/invocations",
        {"inputs": ["TEXT"]},
        _mlflow,
        ("mlflow", "transformers", "torch"),
        _save_mlflow,
    ),
    Peer(
        "infinity",
        "infinity-emb classification",
        "/classify",
        {"model": "m", "input": ["TEXT"], "raw_scores": False},
        _infinity,
        ("infinity-emb", "transformers", "torch", "optimum", "onnxruntime"),
        _export_onnx,
    ),
    Peer(
        "litserve",
        "LitServe over ONNX Runtime, our int8 file",
        "/predict",
        {"text": "TEXT"},
        _litserve,
        ("litserve", "onnxruntime", "tokenizers"),
    ),
)
