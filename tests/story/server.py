"""The product as its users have it: `triage serve` and `triage` commands, each a process."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

READY_WITHIN = 90  # seconds: the first start makes the database


class Server:
    """A server on a data folder of its own, with the commands that work beside it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TRIAGE_")},
            "TRIAGE_DATA_DIR": str(folder / "data"),
            "TRIAGE_PORT": str(self._port),
            "TRIAGE_LOG_LEVEL": "info",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Server":
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "triage_ml.cli", "serve"],
                env=self._env,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        self._process.kill()

    def _wait(self) -> None:
        assert self._process is not None
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/readyz", trust_env=False, timeout=2).is_success:
                    return
            time.sleep(0.2)
        raise AssertionError(self.log.read_text("utf-8")[-3_000:])

    def triage(self, *words: str, status: int = 0, env: Mapping[str, str] | None = None) -> str:
        """Run a command beside the server; give what it wrote."""
        done = subprocess.run(
            [sys.executable, "-m", "triage_ml.cli", *words],
            env={**self._env, **(env or {})},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        written = done.stdout + done.stderr
        assert done.returncode == status, f"triage {' '.join(words)}: {done.returncode}\n{written}"
        return written

    def key(self, name: str, *scopes: str) -> str:
        """Make an API key and give its secret."""
        words = [word for scope in scopes for word in ("--scope", scope)]
        written = self.triage("keys", "create", name, *words)
        return next(word for word in written.split() if word.startswith("triage_"))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
