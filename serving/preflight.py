"""Look before starting: one clear line each for what would go wrong later."""

import os
import shutil
import socket
from pathlib import Path

from triage_ml.errors import SetupFailed

MIN_FREE_BYTES = 300 * 2**20
"""An empty embedded database with its write-ahead log takes about 60 MB; leave room to work."""


def check_port(host: str, port: int) -> None:
    """Raises: SetupFailed when another program listens there, or the port may not be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server itself will: a port that only lingers after a stop is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise SetupFailed(
                f"cannot listen on {host}:{port}: {reason}; choose another with TRIAGE_PORT"
            ) from error


def check_folder(folder: Path) -> None:
    """Make the data folder. Raises: SetupFailed when it cannot be written or the disk is full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SetupFailed(
            f"cannot write to the data folder {folder}: {error.strerror}; "
            "choose another with TRIAGE_DATA_DIR"
        ) from error
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise SetupFailed(
            f"only {free // 2**20} MB free on the disk of {folder}, "
            f"{MIN_FREE_BYTES // 2**20} MB are needed"
        )
