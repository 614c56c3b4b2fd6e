"""Pictures of the weekly report, drawn by Altair without a browser or a network.

Altair and vl-convert are the extra `reports`: a service that only serves does without them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from triage_ml.errors import SetupFailed

WIDTH = 640
ROW = 18
"""Height of a line of text, in points."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Stacked counts: (category, part, n)."""

    categories: tuple[str, ...]
    parts: tuple[str, ...]
    values: tuple[tuple[str, str, int], ...]
    title: str = ""

    def titled(self, title: str) -> "Bars":
        return replace(self, title=title)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Shares with their intervals: (name, low, share, high)."""

    points: tuple[tuple[str, float, float, float], ...]
    title: str = ""

    def titled(self, title: str) -> "Intervals":
        return replace(self, title=title)


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of text in columns, under a title."""

    title: str
    rows: tuple[tuple[str, ...], ...]


def svg_of(block: Bars | Intervals) -> str:
    """Draw a chart as SVG. Raises: SetupFailed."""
    _, convert = _libraries()
    return str(convert.vegalite_to_svg(_finished(_drawn(block))))


def pdf_of(blocks: Sequence[Text | Bars | Intervals]) -> bytes:
    """Draw blocks one under another as a PDF of one long page. Raises: SetupFailed."""
    altair, convert = _libraries()
    page = altair.vconcat(*map(_drawn, blocks), spacing=16)
    return bytes(convert.vegalite_to_pdf(_finished(page)))


def _libraries() -> tuple[Any, Any]:
    try:
        import altair
        import vl_convert
    except ModuleNotFoundError as error:
        reason = "a report needs pip install 'triage-ml[reports]'"
        raise SetupFailed(f"{error.name} is missing; {reason}") from error
    return altair, vl_convert


def _finished(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.configure(padding=24).configure_view(strokeWidth=0).to_dict()
    return spec


def _drawn(block: Text | Bars | Intervals) -> Any:
    if isinstance(block, Bars):
        return _bars(block)
    return _intervals(block) if isinstance(block, Intervals) else _text(block)


def _bars(block: Bars) -> Any:
    alt, _ = _libraries()
    rows = [{"day": day, "part": part, "n": n} for day, part, n in block.values]
    return (
        alt.Chart(alt.Data(values=rows), title=block.title)
        .mark_bar()
        .encode(
            x=alt.X("day:N", sort=list(block.categories), title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("n:Q", title=None, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("part:N", sort=list(block.parts), title=None),
        )
        .properties(width=WIDTH - 200, height=220)
    )


def _intervals(block: Intervals) -> Any:
    alt, _ = _libraries()
    rows = [
        {"name": name, "low": low, "share": share, "high": high}
        for name, low, share, high in block.points
    ]
    data = alt.Data(values=rows)
    names = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=320))
    percent = alt.Axis(format=".0%")
    span = alt.Chart(data).mark_rule(strokeWidth=3, opacity=0.5)
    point = alt.Chart(data).mark_point(filled=True, size=60)
    return alt.layer(
        span.encode(y=names, x=alt.X("low:Q", title=None, axis=percent), x2="high:Q"),
        point.encode(y=names, x=alt.X("share:Q", title=None, axis=percent)),
        title=block.title,
    ).properties(width=WIDTH - 240, height=ROW * max(2, len(rows)))


def _text(block: Text) -> Any:
    """Write rows as marks: a row of one cell takes the whole width, others have columns."""
    alt, _ = _libraries()
    n_columns = max(len(row) for row in block.rows)
    # The first column names the row and is twice as wide as the others.
    step = WIDTH / (n_columns + 1)
    cells = [
        {"x": 0 if at == 0 else (at + 1) * step, "y": line * ROW, "text": text}
        for line, row in enumerate(block.rows)
        for at, text in enumerate(row)
    ]
    return (
        alt.Chart(alt.Data(values=cells), title=alt.Title(block.title, anchor="start"))
        .mark_text(align="left", baseline="top", fontSize=11, limit=WIDTH)
        .encode(
            x=alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH], nice=False)),
            y=alt.Y(
                "y:Q",
                axis=None,
                scale=alt.Scale(domain=[0, ROW * len(block.rows)], reverse=True, nice=False),
            ),
            text="text:N",
        )
        .properties(width=WIDTH, height=ROW * len(block.rows))
    )
