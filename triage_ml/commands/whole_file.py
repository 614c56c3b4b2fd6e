"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from triage_ml.errors import SetupFailed


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its place at the end: an interrupted run leaves no half one behind.

    Raises: SetupFailed where it cannot be written.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")  # two runs may write the same file
    try:
        with draft.open("wb") as sink:
            yield sink
        draft.replace(path)
    except OSError as error:
        raise SetupFailed(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Raises: SetupFailed where it cannot be written."""
    with whole_file(path) as sink:
        sink.write(content)
