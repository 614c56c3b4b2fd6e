"""What a corpus is to the product: where it comes from, what it decides, how a row is read.

A corpus labels only what it asked about. A reader therefore returns, per text, the outputs
its question decides (1 or 0); every output it leaves out is unknown.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from triage_ml.domain.taxonomy import HEADS, VIOLATION, Label
from triage_ml.errors import InvalidInput

OUTPUTS: tuple[str, ...] = (*(head.value for head in HEADS), VIOLATION)
"""Every output a row can decide, in taxonomy order, `violation` last."""

HATE = Label.HATE.value
HARASSMENT = Label.HARASSMENT.value
THREAT = Label.VIOLENT_THREAT.value
SELF_HARM = Label.SELF_HARM.value
ADULT = Label.ADULT_SEXUAL.value
EXTREMISM = Label.VIOLENT_EXTREMISM.value
SPAM = Label.DECEPTION_SPAM.value
CHILD = Label.CHILD_SAFETY.value
GORE = Label.GRAPHIC_VIOLENCE.value
PROFANITY = Label.PROFANITY.value

SHIPPABLE_TIERS = frozenset({"open", "unstated"})
"""Licence tiers a shipped model may learn from; `non-commercial` is for research only."""

MAX_CHARACTERS = 2_000
"""Longer texts are cut: 128 tokens end well before."""

csv.field_size_limit(10_000_000)

Labels = Mapping[str, int]
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One text of a corpus and what the corpus decides of it."""

    text: str
    labels: Labels
    held_out: bool = False  # the publisher's own test or development split
    language: str | None = None  # only where the corpus holds several
    spans: Spans | None = None  # characters [start, end) raters marked; None: nobody was asked
    severity: Mapping[str, int] = field(default_factory=dict)  # ordinal 0-4, per present label
    group: str = ""  # author or thread; rows of one group share a split
    weight: float = 1.0  # how much its labels are worth, 0 to 1: for those that people decided


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus, as data. `read` yields its rows from the corpus folder.

    `assumes_absent` names outputs nobody asked about, which are so rare in the corpus that its
    rows serve as weak negatives in training; they never count in calibration or evaluation.
    `weak` says that the labels come from a word list, a forum or an account rather than from
    raters of the text: they train with lower weight and are never measured.
    """

    name: str
    language: str
    licence_tier: str
    licence: str
    citation: str
    read: Callable[[Path], Iterator[Row]]
    assumes_absent: tuple[str, ...] = ()
    weak: bool = False
    written: bool = False  # for the project: synthetic, never measured on


def no_violation(**also: int) -> dict[str, int]:
    """Say that raters who looked for abuse of any kind found none."""
    return {HATE: 0, HARASSMENT: 0, VIOLATION: 0} | also


def read_table(
    path: Path,
    columns: tuple[str, ...],
    *,
    delimiter: str = ",",
    header: bool = True,
    quoted: bool = True,
    encoding: str = "utf-8-sig",
) -> Iterator[dict[str, str]]:
    """Yield rows of a delimited file as {column: cell}.

    Without a header line, `columns` names the cells in order.
    Raises: InvalidInput, naming the file and the column.
    """
    require_file(path)
    with path.open(encoding=encoding, newline="") as file:
        rows = csv.reader(
            file, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
        names = require_columns(path, next(rows, []), columns) if header else list(columns)
        for cells in rows:
            if len(cells) >= len(names):
                yield dict(zip(names, cells, strict=False))
            elif not header and cells:
                raise InvalidInput(str(path), f"line {rows.line_num} has {len(cells)} columns")


def read_sheet(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield rows of a workbook's first sheet as {column: cell}. Raises: InvalidInput."""
    from openpyxl import load_workbook

    require_file(path)
    book = load_workbook(path, read_only=True, data_only=True)
    rows = book.worksheets[0].iter_rows(values_only=True)
    names = require_columns(path, [str(cell or "") for cell in next(rows, ())], columns)
    for cells in rows:
        yield {n: "" if c is None else str(c) for n, c in zip(names, cells, strict=False)}
    book.close()


def require_file(path: Path) -> None:
    if not path.is_file():
        raise InvalidInput(str(path), "no such file in the data folder")


def require_columns(path: Path, found: list[str], wanted: tuple[str, ...]) -> list[str]:
    missing = [column for column in wanted if column not in found]
    if missing:
        raise InvalidInput(f"{path}: {missing[0]}", "no such column")
    return found
