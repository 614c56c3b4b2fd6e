"""The server of our own: it starts, is shared, survives a kill, and says what is wrong."""

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import psycopg
import pytest

from triage_ml.errors import SetupFailed
from triage_ml.storage import machine
from triage_ml.storage.embedded import DEAD_PID, EmbeddedServer

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
SOMEBODY = {"user": 65534, "group": 65534}

CHILD = """
import sys
from pathlib import Path
import psycopg
from triage_ml.storage.embedded import EmbeddedServer

server = EmbeddedServer(Path(sys.argv[1]))
with psycopg.connect(server.start()) as connection:
    connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
print("committed", flush=True)
sys.stdin.read()
"""


def start_child(folder: Path) -> subprocess.Popen:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"committed\n"
    return child


def end_child(child: subprocess.Popen, how: int) -> None:
    child.send_signal(how)
    child.communicate()


def answer(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT answer FROM kept").fetchone()[0]


def server_pid(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])


def test_a_killed_process_leaves_its_server_to_the_next(short_tmp_path):
    """After kill -9 the next start takes over the running server; what was committed is there."""
    end_child(start_child(short_tmp_path), signal.SIGKILL)
    pid = server_pid(short_tmp_path)
    with EmbeddedServer(short_tmp_path) as server:
        assert answer(server.url) == 42
        assert server_pid(short_tmp_path) == pid
    assert not (short_tmp_path / "data" / "postmaster.pid").exists()


def test_a_killed_server_recovers_at_the_next_start(short_tmp_path):
    """After a crash of everything the data is recovered, also past a stale pid file."""
    child = start_child(short_tmp_path)
    os.kill(server_pid(short_tmp_path), signal.SIGKILL)
    end_child(child, signal.SIGKILL)
    pid_file = short_tmp_path / "data" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))  # the number is ours by now
    with EmbeddedServer(short_tmp_path) as server:
        assert answer(server.url) == 42


def test_a_server_that_is_still_starting_is_waited_for(short_tmp_path, monkeypatch):
    """As after a kill during recovery: there is a process, but no answer yet."""
    child = start_child(short_tmp_path)
    server = EmbeddedServer(short_tmp_path)
    answers = iter([False, False, True])
    monkeypatch.setattr(server, "_answers", lambda: next(answers))
    with server:
        assert list(answers) == []
    end_child(child, signal.SIGINT)


def test_ctrl_c_stops_the_server_after_its_process(short_tmp_path):
    """An interrupt ends the process, which stops its server in an orderly way."""
    end_child(start_child(short_tmp_path), signal.SIGINT)
    assert not (short_tmp_path / "data" / "postmaster.pid").exists()
    assert "shut down" in (short_tmp_path / "server.log").read_text()


def test_processes_share_one_server(short_tmp_path):
    """Whoever leaves last stops it."""
    child = start_child(short_tmp_path)
    server = EmbeddedServer(short_tmp_path)
    server.start()
    pid = server_pid(short_tmp_path)
    end_child(child, signal.SIGINT)
    assert server_pid(short_tmp_path) == pid
    assert answer(server.url) == 42
    server.stop()
    server.stop()
    assert not (short_tmp_path / "data" / "postmaster.pid").exists()


def test_a_long_folder_name_gets_a_short_socket(short_tmp_path, monkeypatch):
    """A socket's name may take 107 bytes; a folder's may be longer, and hold any sign."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(short_tmp_path))
    folder = short_tmp_path / ("a folder é " + "x" * 100)
    with EmbeddedServer(folder) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_folder_with_something_else_is_left_alone(short_tmp_path):
    """Foreign files are not overwritten."""
    (short_tmp_path / "data").mkdir()
    (short_tmp_path / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(SetupFailed, match="something else"):
        EmbeddedServer(short_tmp_path).start()
    assert (short_tmp_path / "data" / "thesis.txt").exists()


def test_data_of_another_version_is_named(short_tmp_path):
    """The message says both versions and what to do."""
    (short_tmp_path / "data").mkdir()
    (short_tmp_path / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(SetupFailed, match=r"PostgreSQL 16, this version runs 18: dump"):
        EmbeddedServer(short_tmp_path).start()


def test_a_file_in_place_of_the_folder_is_refused(short_tmp_path):
    """In one line, like every setup failure."""
    place = short_tmp_path / "file"
    place.write_text("")
    with pytest.raises(SetupFailed) as caught:
        EmbeddedServer(place).start()
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_named(short_tmp_path, monkeypatch):
    """Before anything is written."""
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(SetupFailed, match="no space left"):
        EmbeddedServer(short_tmp_path).start()
    assert not (short_tmp_path / "data").exists()


def test_a_broken_cluster_says_why(short_tmp_path):
    """The server's own word stands in the message."""
    (short_tmp_path / "data").mkdir()
    (short_tmp_path / "data" / "PG_VERSION").write_text("18\n")
    with pytest.raises(SetupFailed, match="pg_ctl failed"):
        EmbeddedServer(short_tmp_path).start()


def test_without_the_wheel_the_setting_is_named(short_tmp_path, monkeypatch):
    """Who has no wheel for the platform uses an external server."""
    monkeypatch.setattr(machine.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupFailed, match="TRIAGE_DATABASE_URL"):
        EmbeddedServer(short_tmp_path).start()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "denied"), "not writable"),
        (OSError(errno.ENOSPC, "full"), "no space left"),
        (OSError(errno.EIO, "I/O error"), "I/O error"),
    ],
)
def test_what_the_machine_refuses_is_said_in_one_line(short_tmp_path, monkeypatch, error, words):
    """Permission, space, anything else."""

    def refuse(self, **options):
        raise error

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SetupFailed, match=words):
        EmbeddedServer(short_tmp_path).start()


def test_a_folder_of_another_user_is_refused(short_tmp_path, monkeypatch):
    """PostgreSQL would refuse it too, less clearly."""
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(SetupFailed, match="belongs to another user"):
        EmbeddedServer(short_tmp_path).start()


def test_a_cluster_of_another_user_is_refused(short_tmp_path, monkeypatch):
    """Its files cannot even be looked at."""
    (short_tmp_path / "data").mkdir()

    def refuse(self):
        raise PermissionError

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(SetupFailed, match="belongs to another user"):
        EmbeddedServer(short_tmp_path).start()


def test_a_disk_that_is_full_later_is_named(short_tmp_path):
    """The reason stands in the server's log."""
    (short_tmp_path / "data").mkdir()
    (short_tmp_path / "data" / "PG_VERSION").write_text("18\n")
    (short_tmp_path / "server.log").write_text("FATAL: could not write: No space left on device\n")
    with pytest.raises(SetupFailed, match="no space left"):
        EmbeddedServer(short_tmp_path).start()


def test_a_server_that_does_not_answer_is_a_setup_failure(short_tmp_path, monkeypatch):
    """It started, and is gone when its database is to be made."""
    server = EmbeddedServer(short_tmp_path)
    for step in ("_make_cluster", "_ensure_running"):
        monkeypatch.setattr(server, step, lambda: None)
    with pytest.raises(SetupFailed, match="does not answer"):
        server.start()


def test_waiting_ends_when_the_process_does(short_tmp_path):
    """There is nobody to wait for."""
    assert EmbeddedServer(short_tmp_path)._wait_for_answer() is False


@pytest.mark.parametrize("number", [1, os.getpid(), DEAD_PID])
def test_a_process_of_another_user_is_known_by_its_command(short_tmp_path, monkeypatch, number):
    """A number that now is somebody else's does not hold up the start."""
    (short_tmp_path / "pid").write_text(f"{number}\n")

    def refuse(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert EmbeddedServer(short_tmp_path)._is_ours(short_tmp_path / "pid") is False


def test_where_nothing_tells_a_living_process_may_be_the_server(short_tmp_path, monkeypatch):
    """Without /proc its locks are left alone."""
    (short_tmp_path / "pid").write_text(f"{os.getpid()}\n")
    monkeypatch.setattr(machine, "PROCESSES", short_tmp_path / "proc")
    assert EmbeddedServer(short_tmp_path)._is_ours(short_tmp_path / "pid") is True


def test_root_gets_an_account_for_the_server(monkeypatch):
    """PostgreSQL does not run as root, so a user is made once."""
    made = []
    entry = namedtuple("entry", "pw_uid pw_gid")(77, 78)

    def find(name):
        if not made:
            raise KeyError(name)
        return entry

    monkeypatch.setattr(machine.pwd, "getpwnam", find)
    monkeypatch.setattr(machine.subprocess, "run", lambda words, **options: made.append(words))
    assert machine.account_for_root(0, 0) == {"user": 77, "group": 78, "extra_groups": []}
    assert made == [["useradd", "--system", "--no-create-home", "pgserver"]]


def test_without_an_account_root_is_told_what_to_do(monkeypatch):
    """Where users cannot be made, the service runs as an ordinary one."""

    def fail(*words, **options):
        raise KeyError

    monkeypatch.setattr(machine.pwd, "getpwnam", fail)
    monkeypatch.setattr(machine.subprocess, "run", fail)
    with pytest.raises(SetupFailed, match="ordinary user"):
        machine.account_for_root(0, 0)


@as_root
def test_folders_above_are_opened_for_passing_only(short_tmp_path):
    """The server's account may pass root's own folders, not list them."""
    inner = short_tmp_path / "inner" / "data"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    machine.let_through(inner, SOMEBODY)
    assert inner.parent.stat().st_mode & 0o777 == 0o701


@as_root
def test_a_home_of_another_user_stays_closed(short_tmp_path):
    """Nothing is opened on the way to it, and the message names it."""
    home = short_tmp_path / "root" / "home"
    (home / "data").mkdir(parents=True)
    home.chmod(0o700)
    os.chown(home, 4242, 4242)
    home.parent.chmod(0o700)
    with pytest.raises(SetupFailed, match=f"{home} .*TRIAGE_DATA_DIR"):
        EmbeddedServer(home / "new" / "postgres").start()
    assert home.stat().st_mode & 0o777 == 0o700
    assert home.parent.stat().st_mode & 0o777 == 0o700
    assert not (home / "new").exists()


@as_root
def test_the_owner_of_a_closed_folder_passes_it(short_tmp_path):
    """Where the server runs as that user, nothing need be opened."""
    home = short_tmp_path / "home"
    (home / "data").mkdir(parents=True)
    home.chmod(0o700)
    os.chown(home, *SOMEBODY.values())
    short_tmp_path.chmod(0o711)
    machine.let_through(home / "data", SOMEBODY)
    assert home.stat().st_mode & 0o777 == 0o700


@as_root
def test_root_leaves_an_ordinary_installation_usable(short_tmp_path):
    """The programs run as the owner of the cluster, and every file stays that user's."""
    folder = short_tmp_path / "postgres"
    folder.mkdir()
    os.chown(folder, *SOMEBODY.values())
    for _ in range(2):  # it makes the cluster, and it finds one
        with EmbeddedServer(folder) as server, psycopg.connect(server.url):
            assert {path.stat().st_uid for path in folder.iterdir()} == {SOMEBODY["user"]}
        assert folder.stat().st_uid == SOMEBODY["user"]


@as_root
def test_root_makes_no_lock_through_a_link(short_tmp_path):
    """In a folder of another user the name could lead anywhere."""
    (short_tmp_path / "users.lock").symlink_to(short_tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        machine.open_lock(short_tmp_path / "users.lock", SOMEBODY)
    assert not (short_tmp_path / "elsewhere").exists()


def lead_elsewhere(short: Path, target: Path) -> None:
    target.mkdir(mode=0o700)
    short.symlink_to(target)


def stand_open(short: Path, target: Path) -> None:
    short.mkdir()
    short.chmod(0o777)


def be_anothers(short: Path, target: Path) -> None:
    short.mkdir(mode=0o700)
    os.chown(short, 4242, 4242)


@pytest.mark.parametrize(
    "prepare", [lead_elsewhere, stand_open, pytest.param(be_anothers, marks=as_root)]
)
def test_a_socket_folder_that_another_user_prepared_is_refused(
    short_tmp_path, monkeypatch, prepare
):
    """Its name can be computed, and who owns it could answer in the server's place."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(short_tmp_path))
    folder = short_tmp_path / ("x" * 100)
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    target = short_tmp_path / "target"
    prepare(short_tmp_path / f"triage-{digest}", target)
    with pytest.raises(SetupFailed, match=f"triage-{digest}"):
        EmbeddedServer(folder).start()
    assert not target.exists() or target.stat().st_uid == os.geteuid()


def test_a_program_that_fails_before_there_is_a_log_is_heard(short_tmp_path):
    """Its last line says more than the name of a file that does not exist."""
    server = EmbeddedServer(short_tmp_path)
    assert server._why("loading\ninitdb: no such library\n\n") == "initdb: no such library"
    assert server._why() == "nothing was said"
    (short_tmp_path / "server.log").write_text("LOG: hello\n")
    assert server._why("loading\n") == f"see {short_tmp_path / 'server.log'}"
