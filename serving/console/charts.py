"""Charts of trends: one layout for the picture, the table under it and the files.

A picture is drawn by a script from `Chart.as_json`; the table holds the same numbers, and works
without one.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from babel.numbers import format_decimal

from serving.console.i18n import Voice, lazy, locale_of
from serving.console.trend_words import (
    URL,
    day_name,
    part_text,
    prevalence_name,
    query_of,
    share_text,
)
from triage_ml.ports.trends import Measure, Split
from triage_ml.workflow.answers import PrevalenceRow, Question, Series
from triage_ml.workflow.trends import Overview

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
    time, `intervals` of shares side by side. `series` are {name, part, values}; a click on one
    adds `part_name=part` to the row's address. `marks` are {at, text}.
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
    unit: str = "count"

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "title": self.title,
            "kind": self.kind,
            "unit": self.unit,
            "names": [row.name for row in self.rows],
            "hrefs": [row.href for row in self.rows],
            "series": self.series,
            "part_name": self.part_name,
            "marks": self.marks,
            "lines": self.lines,
        }


def charts_of(found: Overview, voice: Voice) -> tuple[Chart, ...]:
    """Lay out the charts of a page, in order."""
    return (
        _counts(found, voice, Measure.REPORTS, found.reports, _l("Reports")),
        _counts(found, voice, Measure.VIOLATIONS, found.violations, _l("Violations found")),
        _shares(found, voice),
        _prevalence(found, voice),
    )


def _cases_href(asked: Question, period: date, measure: Measure) -> str:
    last = period + timedelta(days=6) if asked.weekly else period
    return f"{URL}/cases?" + query_of(
        asked,
        **{
            "from": max(period, asked.since).isoformat(),
            "to": min(last, asked.until).isoformat(),
            "step": "",
            "split": "",
            "measure": measure.value,
        },
    )


def _counts(found: Overview, voice: Voice, measure: Measure, series: Series, title: str) -> Chart:
    asked = found.question
    names = [part_text(voice, asked.split, part) for part in series.parts]
    rows = tuple(
        ChartRow(
            day_name(voice, period),
            tuple(_number(voice, n) for n in (sum(counts), *counts)),
            _cases_href(asked, period, measure),
        )
        for period, counts in zip(found.periods, series.rows, strict=True)
    )
    columns = [
        {"name": name, "part": part, "values": [counts[at] for counts in series.rows]}
        for at, (name, part) in enumerate(zip(names, series.parts, strict=True))
    ]
    reported = measure is Measure.REPORTS
    return Chart(
        key=measure.value,
        title=voice.gettext(title),
        kind="stack",
        columns=(voice.gettext(_l("Total")), *names),
        rows=rows,
        series=tuple(columns),
        part_name="" if asked.split is Split.NONE else asked.split.value,
        marks=_spike_marks(found, voice) if reported else (),
        lines=_change_lines(found, voice) if reported else (),
    )


def _spike_marks(found: Overview, voice: Voice) -> tuple[dict[str, Any], ...]:
    if found.question.weekly:
        return ()
    text = voice.gettext(_l("Spike"))
    days = {spike.day for spike in found.spikes if not spike.part}
    return tuple({"at": found.periods.index(day), "text": text} for day in sorted(days))


def _change_lines(found: Overview, voice: Voice) -> tuple[dict[str, Any], ...]:
    if found.question.weekly:
        return ()
    text = voice.gettext(_l("New level"))
    return tuple({"at": found.periods.index(row.day), "text": text} for row in found.changes)


def _shares(found: Overview, voice: Voice) -> Chart:
    asked = found.question
    rows: list[ChartRow] = []
    values: list[list[float | None] | None] = []
    for period, share in zip(found.periods, found.shares, strict=True):
        low, high = share.interval if share.n_decisions else (None, None)
        cells = (
            _number(voice, share.n_decisions),
            _number(voice, share.n_found),
            *(share_text(voice, value) for value in (share.value, low, high)),
        )
        href = _cases_href(asked, period, asked.found)
        rows.append(ChartRow(day_name(voice, period), cells, href))
        values.append(None if share.value is None else [low, share.value, high])
    title = voice.gettext(_l("Share of decisions that found a violation"))
    return Chart(
        key="shares",
        title=title,
        kind="band",
        columns=(
            voice.gettext(_l("Decisions")),
            voice.gettext(_l("Violations found")),
            *_interval_columns(voice),
        ),
        rows=tuple(rows),
        series=({"name": title, "part": "", "values": values},),
        unit="share",
    )


def _prevalence(found: Overview, voice: Voice) -> Chart:
    rows: list[ChartRow] = []
    values: list[list[float | None] | None] = []
    for row in found.prevalence:
        estimate = row.found
        low, high = (estimate.low, estimate.high) if estimate else (None, None)
        share = estimate.share if estimate else None
        cells = (
            _number(voice, row.n_drawn),
            _number(voice, estimate.n_decided if estimate else 0),
            _number(voice, estimate.n_found if estimate else 0),
            *(share_text(voice, value) for value in (share, low, high)),
        )
        href = _sample_href(found.question, row)
        rows.append(ChartRow(prevalence_name(voice, row), cells, href))
        values.append(None if estimate is None else [low, share, high])
    title = voice.gettext(_l("Prevalence, from cases drawn at random"))
    return Chart(
        key="prevalence",
        title=title,
        kind="intervals",
        columns=(
            voice.gettext(_l("Drawn")),
            voice.gettext(_l("Decided")),
            voice.gettext(_l("Violations found")),
            *_interval_columns(voice),
        ),
        rows=tuple(rows),
        series=({"name": title, "part": "", "values": values},),
        unit="share",
    )


def _sample_href(asked: Question, row: PrevalenceRow) -> str:
    language = row.language.value if row.language else asked.language
    changes = {"language": language, "label": row.label, "split": "", "step": ""}
    return f"{URL}/cases?" + query_of(asked, **changes, measure=Measure.SAMPLE.value)


def _interval_columns(voice: Voice) -> tuple[str, str, str]:
    return (
        voice.gettext(_l("Share")),
        voice.gettext(_l("Lower bound")),
        voice.gettext(_l("Upper bound")),
    )


def _number(voice: Voice, n: float) -> str:
    return str(format_decimal(n, locale=locale_of(voice.language)))
