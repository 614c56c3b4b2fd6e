"""Numbers of the console as files to keep."""

from collections.abc import Iterable, Sequence

from starlette.responses import Response

from serving.console.sheets import Cell, write_csv, write_xlsx

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Answer with a CSV file; its name gets the ending."""
    return _file(write_csv(columns, rows), CSV, f"{name}.csv")


def xlsx_file(
    name: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    about: Sequence[tuple[str, str]],
) -> Response:
    """Answer with a workbook; `about` says what it is of."""
    return _file(write_xlsx(columns, rows, about), XLSX, f"{name}.xlsx")


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers, media_type=media_type)
