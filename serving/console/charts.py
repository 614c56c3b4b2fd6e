"""Charts: one layout for the picture and the table under it.

A picture is drawn by a script from `Chart.as_json`; the table holds the same numbers, and works
without one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from serving.console.i18n import Voice, lazy

_l = lazy


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row of the table: its name, its numbers as they are read, the way to its cases."""

    name: str
    cells: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in words of one language.

    `kind` says how it is drawn: `stack` of counts, `band` of a share with its interval over
    time, `intervals` of shares side by side, `limit` for lines and the one they must not pass.
    `series` are {name, part, values}; a click on one adds `part_name=part` to the row's address.
    `marks` are {at, text}.
    """

    key: str
    title: str
    kind: str
    columns: tuple[str, ...]
    rows: tuple[ChartRow, ...]
    series: tuple[dict[str, Any], ...]
    part_name: str = ""
    marks: tuple[dict[str, Any], ...] = ()
    lines: tuple[dict[str, Any], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to draw: no series, or none with a value."""
        return all(value is None for one in self.series for value in one["values"])

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "title": self.title,
            "kind": self.kind,
            "names": [row.name for row in self.rows],
            "hrefs": [row.href for row in self.rows],
            "series": self.series,
            "part_name": self.part_name,
            "marks": self.marks,
            "lines": self.lines,
        }


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with its interval, and the counts that tell it; it is drawn if it has a value."""

    name: str
    counts: tuple[int, ...]
    value: float | None
    low: float | None
    high: float | None
    href: str

    def row(self, voice: Voice) -> ChartRow:
        counts = (voice.number(n) for n in self.counts)
        shares = (voice.share(share) for share in (self.value, self.low, self.high))
        return ChartRow(self.name, (*counts, *shares), self.href)

    @property
    def drawn(self) -> list[float | None] | None:
        return None if self.value is None else [self.low, self.value, self.high]


def interval_chart(
    voice: Voice, key: str, title: str, kind: str, counts: Sequence[str], found: Sequence[Interval]
) -> Chart:
    """Lay out shares with their intervals; `counts` name the columns before them."""
    columns = (*counts, _l("Share"), _l("Lower bound"), _l("Upper bound"))
    return Chart(
        key=key,
        title=title,
        kind=kind,
        columns=tuple(voice.gettext(name) for name in columns),
        rows=tuple(one.row(voice) for one in found),
        series=({"name": title, "part": "", "values": [one.drawn for one in found]},),
    )


def charts_answer(charts: Iterable[Chart]) -> JSONResponse:
    """Give charts to the script that draws them; no one between keeps them."""
    found = [chart.as_json() for chart in charts]
    return JSONResponse({"charts": found}, headers={"Cache-Control": "no-store"})
