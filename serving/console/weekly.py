"""The weekly report in words: one list of sections that HTML and PDF both are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from babel.dates import format_date

from serving.console.frame import environment
from serving.console.i18n import Voice, lazy, locale_of
from serving.console.trend_words import label_text, part_text, prevalence_name
from serving.console.weekly_charts import Bars, Intervals, Text, svg_of
from triage_ml.domain.prevalence import Prevalence
from triage_ml.domain.taxonomy import Language
from triage_ml.ports.trends import Split
from triage_ml.workflow.answers import Share
from triage_ml.workflow.weekly import Week

_l = lazy


@dataclass(frozen=True, slots=True)
class Table:
    """The first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a chart, a table or a text under it; what is not there is None."""

    title: str
    note: str = ""
    table: Table | None = None
    chart: Bars | Intervals | None = None


@dataclass(frozen=True, slots=True)
class WeeklyReport:
    """The report of a week in one language."""

    title: str
    subtitle: str
    language: Language
    sections: tuple[Section, ...]

    def as_html(self) -> str:
        """Give a page that needs nothing but itself. Raises: SetupFailed without Altair."""
        pictures = {
            section.title: svg_of(section.chart) for section in self.sections if section.chart
        }
        template = environment(self.language).get_template("weekly.html")
        return template.render(report=self, locale=self.language.value, pictures=pictures)


def report_of(week: Week, voice: Voice) -> WeeklyReport:
    """Say a week in the words of a language."""
    first, last = voice.day_name(week.monday), voice.day_name(week.until)
    subtitle = f"{first} – {last} (UTC)"
    if not week.whole:
        subtitle += " · " + voice.gettext(_l("the week still runs"))
    sections = (
        _headline(week, voice),
        _reports(week, voice),
        _spikes(week, voice),
        _prevalence(week, voice),
        _queues(week, voice),
        _cells(week, voice),
        _unmeasured(voice),
    )
    title = voice.gettext(_l("Weekly report %(week)s")) % {"week": week.name}
    return WeeklyReport(title, subtitle, voice.language, sections)


def _headline(week: Week, voice: Voice) -> Section:
    say = voice.gettext
    rows = [
        (say(_l("Reports")), voice.number(week.n_reports), voice.number(week.n_reports_before)),
        (
            say(_l("Decisions")),
            voice.number(week.decisions.n_decisions),
            voice.number(week.decisions_before.n_decisions),
        ),
        (
            say(_l("Share of decisions that found a violation")),
            _share(voice, week.decisions),
            _share(voice, week.decisions_before),
        ),
    ]
    estimate = week.prevalence.found if week.prevalence else None
    rows.append(
        (say(_l("Prevalence, from cases drawn at random")), _estimate(voice, estimate), "–")
    )
    columns = ("", say(_l("This week")), say(_l("The week before, as many days")))
    note = say(_l("In brackets: the interval that holds the true share with 95 in 100."))
    return Section(say(_l("In brief")), note, Table(columns, tuple(rows)))


def _reports(week: Week, voice: Voice) -> Section:
    found = week.overview
    locale = locale_of(voice.language)
    days = [str(format_date(day, "EEE d", locale=locale)) for day in found.periods]
    names = [part_text(voice, Split.LABEL, part) for part in found.reports.parts]
    values = [
        (day, name, n)
        for day, counts in zip(days, found.reports.rows, strict=True)
        for name, n in zip(names, counts, strict=True)
    ]
    title = voice.gettext(_l("Reports by day and reason"))
    return Section(title, chart=Bars(tuple(days), tuple(names), tuple(values)) if values else None)


def _spikes(week: Week, voice: Voice) -> Section:
    say = voice.gettext
    found = week.overview
    rows = [
        (
            voice.day_name(spike.day),
            part_text(voice, Split.LABEL, spike.part) if spike.part else say(_l("All")),
            voice.number(spike.n),
            voice.number(round(spike.usual, 1)),
        )
        for spike in found.spikes
    ]
    rows += [
        (
            voice.day_name(change.day),
            say(_l("New level from this day on")),
            voice.number(round(change.after, 1)),
            voice.number(round(change.before, 1)),
        )
        for change in found.changes
    ]
    columns = (say(_l("Day")), say(_l("What")), say(_l("Reports")), say(_l("Usual")))
    note = "" if rows else say(_l("No spike and no new level in these days."))
    return Section(say(_l("What stands out")), note, Table(columns, tuple(rows)) if rows else None)


def _prevalence(week: Week, voice: Voice) -> Section:
    say = voice.gettext
    shown = [(row, row.found) for row in week.overview.prevalence if row.found is not None]
    rows = [
        (
            prevalence_name(voice, row),
            voice.number(estimate.n_decided),
            _estimate(voice, estimate),
        )
        for row, estimate in shown
    ]
    points = tuple(
        (prevalence_name(voice, row), estimate.low, estimate.share, estimate.high)
        for row, estimate in shown
    )
    note = say(
        _l(
            "From cases that chance drew among those that waited. The gravest wait least, so of "
            "all that was reported a larger share are usually violations."
        )
    )
    if not rows:
        note = say(_l("No case drawn at random was decided in this week."))
    columns = (say(_l("What")), say(_l("Decided")), say(_l("Share")))
    return Section(
        say(_l("Prevalence, from cases drawn at random")),
        note,
        Table(columns, tuple(rows)) if rows else None,
        Intervals(points) if points else None,
    )


def _queues(week: Week, voice: Voice) -> Section:
    say = voice.gettext
    records = {row.queue: row for row in week.records}
    open_now = {row.name: row for row in week.queues}
    rows = []
    for name in sorted({*records, *open_now}):
        record, now = records.get(name), open_now.get(name)
        seconds = record.median_handling_seconds if record else None
        rows.append(
            (
                name,
                voice.number(record.n_decided if record else 0),
                voice.number(record.n_late if record else 0),
                "–" if seconds is None else voice.duration(seconds),
                voice.number(now.n_open if now else 0),
                voice.number(now.n_breached if now else 0),
            )
        )
    columns = (
        say(_l("Queue")),
        say(_l("Decided")),
        say(_l("Of these late")),
        say(_l("Median handling time")),
        say(_l("Open now")),
        say(_l("Past due")),
    )
    table = Table(columns, tuple(rows)) if rows else None
    return Section(say(_l("Queues")), "" if rows else say(_l("Nothing to show.")), table)


def _cells(week: Week, voice: Voice) -> Section:
    say = voice.gettext
    languages = sorted({language for language, _ in week.cells})
    labels = sorted({label for _, label in week.cells if label})
    rows = []
    for label in labels:
        cells = [week.cells.get((language, label)) for language in languages]
        texts = [
            f"{voice.number(c.n_reports)} / {voice.number(c.n_found)}" if c else "–" for c in cells
        ]
        rows.append((label_text(voice, label), *texts))
    columns = (say(_l("Label")), *(voice.language_name(language) for language in languages))
    note = say(_l("Reports by reason / violations found, by language."))
    table = Table(columns, tuple(rows)) if rows else None
    return Section(say(_l("Labels and languages")), note, table)


def _unmeasured(voice: Voice) -> Section:
    say = voice.gettext
    rows = (
        say(_l("How frequent violations are in what nobody reports.")),
        say(_l("Restricted queues and labels: they are left out of every number here.")),
        say(_l("Cases drawn at random that nobody decided: they count as drawn, not as decided.")),
        say(_l("Whether a decision was right: see the quality checks of the team.")),
    )
    table = Table(("",), tuple((row,) for row in rows))
    return Section(say(_l("What is not measured")), table=table)


def _share(voice: Voice, share: Share) -> str:
    if not share.n_decisions:
        return "–"
    return _bracketed(voice, share.value, *share.interval)


def _estimate(voice: Voice, found: Prevalence | None) -> str:
    return _bracketed(voice, found.share, found.low, found.high) if found else "–"


def _bracketed(voice: Voice, share: float | None, low: float, high: float) -> str:
    return f"{voice.share(share)} [{voice.share(low)} – {voice.share(high)}]"


def texts_of(report: WeeklyReport) -> Sequence[Text | Bars | Intervals]:
    """Lay the report out for a page of a PDF, from top to bottom."""
    blocks: list[Text | Bars | Intervals] = [Text(report.title, ((report.subtitle,),))]
    for section in report.sections:
        rows = (section.table.columns, *section.table.rows) if section.table else ()
        noted = ((section.note,),) if section.note else ()
        if section.chart is not None:
            blocks.append(section.chart.titled(section.title))
            blocks.append(Text("", (*noted, *rows)))
        else:
            blocks.append(Text(section.title, (*noted, *rows)))
    return [block for block in blocks if not isinstance(block, Text) or block.rows]
