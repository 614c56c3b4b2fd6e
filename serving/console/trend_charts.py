"""The charts of trends."""

from datetime import date, timedelta
from typing import Any

from serving.console.charts import Chart, ChartRow, Interval, interval_chart
from serving.console.i18n import Voice, lazy
from serving.console.trend_words import URL, part_text, prevalence_name, question_query
from triage_ml.ports.trends import Measure, Split
from triage_ml.workflow.answers import PrevalenceRow, Question, Series
from triage_ml.workflow.trends import Overview

_l = lazy


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
    return f"{URL}/cases?" + question_query(
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
            voice.day_name(period),
            tuple(voice.number(n) for n in (sum(counts), *counts)),
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
    rows: list[Interval] = []
    for period, share in zip(found.periods, found.shares, strict=True):
        low, high = share.interval if share.n_decisions else (None, None)
        counts = (share.n_decisions, share.n_found)
        href = _cases_href(asked, period, asked.found)
        rows.append(Interval(voice.day_name(period), counts, share.value, low, high, href))
    title = voice.gettext(_l("Share of decisions that found a violation"))
    names = (_l("Decisions"), _l("Violations found"))
    return interval_chart(voice, "shares", title, "band", names, rows)


def _prevalence(found: Overview, voice: Voice) -> Chart:
    rows = [_estimate(found.question, row, voice) for row in found.prevalence]
    title = voice.gettext(_l("Prevalence, from cases drawn at random"))
    names = (_l("Drawn"), _l("Decided"), _l("Violations found"))
    return interval_chart(voice, "prevalence", title, "intervals", names, rows)


def _estimate(asked: Question, row: PrevalenceRow, voice: Voice) -> Interval:
    name, href = prevalence_name(voice, row), _sample_href(asked, row)
    if row.found is None:
        return Interval(name, (row.n_drawn, 0, 0), None, None, None, href)
    counts = (row.n_drawn, row.found.n_decided, row.found.n_found)
    return Interval(name, counts, row.found.share, row.found.low, row.found.high, href)


def _sample_href(asked: Question, row: PrevalenceRow) -> str:
    language = row.language.value if row.language else asked.language
    changes = {"language": language, "label": row.label, "split": "", "step": ""}
    return f"{URL}/cases?" + question_query(asked, **changes, measure=Measure.SAMPLE.value)
