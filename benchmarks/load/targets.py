"""What is put under load: our service and the peers, each told how to ask it."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from benchmarks.load.processes import ServerProcess, memory_bytes

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
LOGS = ROOT / "var" / "load" / "logs"


@dataclass(frozen=True)
class Call:
    """How texts are put to a server: one text a request."""

    path: str
    headers: dict[str, str] = field(default_factory=dict)


class Target(Protocol):
    """A server that can be started, asked and weighed. Leaving the `with` stops it."""

    name: str
    port: int
    ready_seconds: float

    @property
    def call(self) -> Call: ...
    def body(self, text: str, number: int) -> str: ...
    def memory(self) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def ask(target: Target, text: str, number: int = 0, key: str = "") -> tuple[int, bytes]:
    """Put one text to a server over a connection of its own."""
    connection = http.client.HTTPConnection(HOST, target.port, timeout=30)
    try:
        return ask_on(connection, target, text, number, key)
    finally:
        connection.close()


def ask_on(
    connection: http.client.HTTPConnection, target: Target, text: str, number: int, key: str = ""
) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json", **target.call.headers}
    if key:
        headers["Idempotency-Key"] = key
    connection.request("POST", target.call.path, target.body(text, number).encode(), headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


class OurService:
    """`triage serve` with its settings as they come, an embedded database and a folder of its own.

    `kind` is "score" (POST /v1/score, one text) or "reports" (POST /v1/reports, distinct items).
    """

    def __init__(self, kind: str, env: dict[str, str] | None = None) -> None:
        self.name = f"triage-ml {kind}"
        self.kind = kind
        self.port = free_port()
        self.ready_seconds = self.again_seconds = 0.0
        self._stack = ExitStack()
        self._key = ""
        self._extra = env or {}
        self.folder = Path()

    def __enter__(self) -> Self:
        self.folder = Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-load-"))
        )
        self.folder.chmod(0o755)  # the embedded database may run as another user
        self._env = {
            "TRIAGE_DATA_DIR": str(self.folder),
            "TRIAGE_PORT": str(self.port),
            "TRIAGE_LOG_LEVEL": "warning",
            **self._extra,
        }
        command = [sys.executable, "-m", "triage_ml.cli", "serve"]
        self._process = ServerProcess(command, self._env, ROOT, LOGS / "triage.log")
        self._stack.callback(self._process.stop)
        try:
            self.ready_seconds = self._process.start(self._is_ready)
            self._key = self._make_key()
        except BaseException:
            self._stack.close()
            raise
        return self

    def restart(self) -> None:
        """Stop and start on the same folder; `again_seconds` is what that start took."""
        self._process.stop()
        self.again_seconds = self._process.start(self._is_ready)

    def stop(self) -> None:
        """Stop the server, the folder stays until the `with` ends."""
        self._process.stop()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def call(self) -> Call:
        path = "/v1/score" if self.kind == "score" else "/v1/reports"
        return Call(path, {"Authorization": f"Bearer {self._key}"})

    @property
    def database_folder(self) -> Path:
        return self.folder / "postgres"

    def body(self, text: str, number: int) -> str:
        if self.kind == "score":
            return json.dumps({"texts": [{"text": text}]}, ensure_ascii=False)
        item = {
            "id": f"item-{number}",
            "text": text,
            "surface": "comment",
            "author_ref": f"author-{number % 3000}",
        }
        report = {"reporter_ref": f"reporter-{number % 2000}", "source": "user"}
        return json.dumps({"item": item, "report": report}, ensure_ascii=False)

    def memory(self) -> int:
        return memory_bytes([self._process.pid, *self._database()])

    def memory_parts(self) -> dict[str, int]:
        """Give bytes (PSS) of the service and of the database beside it."""
        database = memory_bytes(self._database())
        return {"service": self.memory() - database, "database": database}

    def _database(self) -> list[int]:
        pid_file = self.database_folder / "data" / "postmaster.pid"
        with suppress(OSError, ValueError, IndexError):
            return [int(pid_file.read_text().split()[0])]
        return []

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _make_key(self) -> str:
        command = [sys.executable, "-m", "triage_ml.cli", "keys", "create", "load"]
        env = {**os.environ, **self._env}
        made = subprocess.check_output([*command, "--scope=intake"], env=env, text=True, cwd=ROOT)
        return made.strip()


@dataclass
class PeerService:
    """A peer: a command in an environment of its own, and the shape of its requests.

    `command` may hold {port}. `wrap` holds the text under the one key or list it names. `prefix` is
    put before each text, since the model was trained with it and only our service adds it.
    """

    name: str
    command: Sequence[str]
    path: str
    wrap: dict[str, Any]
    env: dict[str, str]
    prefix: str
    folder: Path = ROOT
    port: int = 0
    ready_seconds: float = 0.0

    def __enter__(self) -> Self:
        self.port = free_port()
        command = [part.format(port=self.port) for part in self.command]
        log = LOGS / f"{self.name.replace(' ', '_').replace('/', '_')}.log"
        self._process = ServerProcess(command, self.env, self.folder, log)
        try:
            self.ready_seconds = self._process.start(self._is_ready)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.stop()

    @property
    def call(self) -> Call:
        return Call(self.path)

    def body(self, text: str, _number: int) -> str:
        return json.dumps(_filled(self.wrap, self.prefix + text), ensure_ascii=False)

    def memory(self) -> int:
        return memory_bytes([self._process.pid])

    def _is_ready(self) -> bool:
        """Ready is who answers a text."""
        try:
            return ask(self, "a first text")[0] == 200
        except (OSError, http.client.HTTPException):
            return False


def _filled(shape: Any, text: str) -> Any:
    if shape == "TEXT":
        return text
    if isinstance(shape, dict):
        return {key: _filled(value, text) for key, value in shape.items()}
    if isinstance(shape, list):
        return [_filled(value, text) for value in shape]
    return shape


def wait_until_idle(target: Target, patience_seconds: float = 30.0) -> None:
    """Wait until a text is answered quickly again: what an overload left behind is done."""
    begun = time.monotonic()
    quick = 0
    number = 2_000_000_000 + int(begun * 1000)
    while quick < 3 and time.monotonic() - begun < patience_seconds:
        number += 1
        asked = time.monotonic()
        with suppress(OSError, http.client.HTTPException):
            status, _ = ask(target, f"is it quiet now {number}", number)
            quick = quick + 1 if status < 300 and time.monotonic() - asked < 0.15 else 0
        if not quick:
            time.sleep(0.1)
