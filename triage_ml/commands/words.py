"""How commands speak: lines and tables on standard output, notes and problems beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console
from rich.table import Table

from triage_ml.errors import TriageError

FAILED = 1
DIFFERENT = 1
"""Exit status where two things that were held against each other are not the same, as of diff."""

REFUSED = 2
"""Exit status of what `triage model` and `triage retrain` do not do."""

PIPE_WIDTH = 240  # columns

out = Console(soft_wrap=True)
notes = Console(stderr=True, soft_wrap=True)


def say(line: str) -> None:
    out.print(line, highlight=False, markup=False)


def note(line: str) -> None:
    notes.print(f"triage: {line}", highlight=False, markup=False)


def complain(line: str, status: int = FAILED) -> NoReturn:
    """Say what is wrong in one line, and end."""
    notes.print(f"triage: {line}", style="red", highlight=False, markup=False)
    raise SystemExit(status)


@contextmanager
def refusing() -> Iterator[None]:
    """Make a known problem one line and the exit status `REFUSED`."""
    try:
        yield
    except TriageError as error:
        complain(str(error), REFUSED)


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal; a file or pipe takes whole lines."""
    console = out if out.is_terminal else Console(width=PIPE_WIDTH)
    console.print(table, soft_wrap=False)
