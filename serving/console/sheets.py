"""Numbers of trends as files for spreadsheets: no cell of them is ever a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO

from triage_ml.ports.trends import Measure, Split
from triage_ml.workflow.answers import PrevalenceRow
from triage_ml.workflow.trends import Overview

Cell = str | int | float | None

_PREVALENCE_COLUMNS = (
    "language", "label", "n_drawn", "n_decided", "n_found", "share", "low", "high",
)  # fmt: skip
# The wide ones count as the others where a spreadsheet speaks Korean or Japanese.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def sheet_of(found: Overview, key: str) -> tuple[Sequence[str], list[list[Cell]]]:
    """Give a chart's numbers for a file: names of columns that never change, and raw values.

    Raises: KeyError.
    """
    asked = found.question
    step = "week" if asked.weekly else "day"
    part = asked.split.value if asked.split is not Split.NONE else "part"
    if key in (Measure.REPORTS, Measure.VIOLATIONS):
        series = found.reports if key == Measure.REPORTS else found.violations
        counted: list[list[Cell]] = [
            [period.isoformat(), name, n]
            for period, counts in zip(found.periods, series.rows, strict=True)
            for name, n in zip(series.parts, counts, strict=True)
        ]
        return (step, part, "n"), counted
    if key == "shares":
        shares: list[list[Cell]] = [
            [
                period.isoformat(),
                share.n_decisions,
                share.n_found,
                share.value,
                *(share.interval if share.n_decisions else (None, None)),
            ]
            for period, share in zip(found.periods, found.shares, strict=True)
        ]
        return (step, "n_decisions", "n_found", "share", "low", "high"), shares
    if key == "prevalence":
        return _PREVALENCE_COLUMNS, [_prevalence_cells(row) for row in found.prevalence]
    raise KeyError(key)


def _prevalence_cells(row: PrevalenceRow) -> list[Cell]:
    one = row.found
    named: list[Cell] = [row.language.value if row.language else "all", row.label or "any"]
    if one is None:
        return [*named, row.n_drawn, 0, 0, None, None, None]
    return [*named, row.n_drawn, one.n_decided, one.n_found, one.share, one.low, one.high]


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write UTF-8 with a byte order mark, by which spreadsheets know it."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def write_xlsx(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], about: Sequence[tuple[str, str]]
) -> bytes:
    """Write a workbook with the sheet `data`, and `about` saying what it is of."""
    from xlsxwriter import Workbook  # here: 40 ms that only an export needs

    content = BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(content, plain) as book:
        bold = book.add_format({"bold": True})
        data = book.add_worksheet("data")
        data.freeze_panes(1, 0)
        data.write_row(0, 0, columns, bold)
        for at, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    data.write_string(at, column, cell)
                elif cell is not None:
                    data.write_number(at, column, cell)
        told = book.add_worksheet("about")
        for at, (name, value) in enumerate(about):
            told.write_string(at, 0, name, bold)
            told.write_string(at, 1, value)
    return content.getvalue()


def _safe(cell: Cell) -> Cell:
    """Mark a text that a spreadsheet would compute as a text."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_BEGINS_A_FORMULA):
        return "'" + cell
    return cell
