"""Servers as real processes: started, waited for, weighed, stopped."""

import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

STOP_SECONDS = 20.0


class StartFailed(Exception):
    """A server ended or was not ready in time; the end of its log says why."""


class ServerProcess:
    """A server in a process group of its own, its output in a log file."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        self._command = list(command)
        self._env = {**os.environ, **env}
        self._folder = folder
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, is_ready: Callable[[], bool], patience_seconds: float = 180.0) -> float:
        """Start and wait until ready; give the seconds that took. Raises: StartFailed."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while time.monotonic() - begun < patience_seconds:
            if self._process.poll() is not None:
                raise StartFailed(self.last_words())
            if is_ready():
                return time.monotonic() - begun
            time.sleep(0.02)
        self.stop()
        raise StartFailed(f"not ready within {patience_seconds:g} s: {self.last_words()}")

    def stop(self) -> None:
        """Ask it to end, then end what is left of its group."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def last_words(self, n: int = 600) -> str:
        return self.log.read_text("utf-8", "replace")[-n:]


def memory_bytes(roots: Sequence[int]) -> int:
    """Weigh processes and all that descend from them, shared pages split fairly (PSS)."""
    return sum(_pss(pid) for pid in family(roots))


def family(roots: Sequence[int]) -> set[int]:
    """Give the processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                stat = (folder / "stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, [])
    return found


def cpu_busy_share(seconds: float = 1.0) -> float:
    """Measure the share of all cores that is in use now, by whomever."""
    before = _cpu_times()
    time.sleep(seconds)
    after = _cpu_times()
    total = sum(after) - sum(before)
    idle = sum(after[3:5]) - sum(before[3:5])
    return 1 - idle / total if total else 0.0


def describe_machine() -> dict[str, Any]:
    """Say what numbers were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "processor": next(names, platform.machine()),
        "n_cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _cpu_times() -> list[int]:
    first = Path("/proc/stat").read_text().splitlines()[0]
    return [int(value) for value in first.split()[1:9]]


def _pss(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
