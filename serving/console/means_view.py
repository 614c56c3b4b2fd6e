"""The page of automated means: what is asked, its charts, and the rows of its files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from serving.console.address import one_of, query_of
from serving.console.charts import Chart, Interval, interval_chart
from serving.console.i18n import Voice, lazy
from serving.console.sheets import Cell
from triage_ml.domain.means import MeansSample, Rate, Rates, Unknown
from triage_ml.domain.taxonomy import Language
from triage_ml.workflow.means import ANY, WINDOWS, MeansReport, MeansRow

_l = lazy
URL = "/console/means"

RATES = {
    "error_rate": _l("Error rate"),
    "precision": _l("Precision: right among what the model found"),
    "recall": _l("Recall: found among what people found"),
    "false_positive_rate": _l("False positive rate: found among what was none"),
    "prevalence": _l("Prevalence: what people found among all"),
}

SAMPLES = {
    MeansSample.RECEIVED: _l("All cases received"),
    MeansSample.WAITING: _l("Cases that waited, drawn at random"),
    MeansSample.BLIND: _l("Decisions without hints"),
}

REASONS = {
    Unknown.NO_DRAWS: _l("chance has drawn no case yet that was decided"),
    Unknown.NONE_FOUND: _l("the model found none"),
    Unknown.NONE_TRUE: _l("people found none"),
    Unknown.ALL_TRUE: _l("all were violations"),
    Unknown.NOT_SCORED: _l("the model does not look for it"),
}

COLUMNS = (
    "sample", "language", "label", "model_version", "n_cases", "n_open", "n_decided", "n_true",
    "rate", "value", "low", "high", "n", "n_effective", "unknown",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MeansQuestion:
    """What a page shows; with a language its labels, else all languages for a label."""

    days: int = 90
    sample: MeansSample = MeansSample.RECEIVED
    language: str = ""
    label: str = ANY
    model_version: str = ""

    def query(self) -> str:
        """Write the question as the query of an address; it reads back as the same one."""
        fields = {
            "days": "" if self.days == 90 else str(self.days),
            "sample": "" if self.sample is MeansSample.RECEIVED else self.sample.value,
            "language": self.language,
            "label": self.label,
            "version": self.model_version,
        }
        return query_of(fields)


def question_of(given: Mapping[str, str]) -> MeansQuestion:
    """Read a question from an address. Raises: InvalidInput."""
    return MeansQuestion(
        one_of(given, "days", WINDOWS, 90),
        one_of(given, "sample", MeansSample, MeansSample.RECEIVED),
        one_of(given, "language", Language, ""),
        given.get("label", ""),
        given.get("version", ""),
    )


def rows_shown(report: MeansReport, asked: MeansQuestion) -> list[MeansRow]:
    """Give the rows of the charts, and of the table under each."""
    return [
        row
        for row in rows_of_sample(report, asked)
        if (
            row.language == asked.language
            if asked.language
            else row.label == asked.label and (row.language is not Language.UND or row.n_cases)
        )
    ]


def rows_of_sample(report: MeansReport, asked: MeansQuestion) -> list[MeansRow]:
    """Give every row of the sample and the version that are asked for."""
    version = asked.model_version or None
    return [r for r in report.rows if r.sample is asked.sample and r.model_version == version]


def charts_of_means(report: MeansReport, asked: MeansQuestion, voice: Voice) -> list[Chart]:
    """Lay out a chart for each rate, with its table."""
    rows = rows_shown(report, asked)
    return [_chart(rows, asked, voice, rate) for rate in RATES]


def _chart(rows: Sequence[MeansRow], asked: MeansQuestion, voice: Voice, name: str) -> Chart:
    found = [
        _interval(_name(row, asked, voice), rate_of(row.rates, name), _href(row, asked))
        for row in rows
    ]
    return interval_chart(
        voice, name, voice.gettext(RATES[name]), "intervals", (_l("Decided"),), found
    )


def _interval(name: str, rate: Rate, href: str) -> Interval:
    """Without a value there are still bounds, unless they are of all that is possible."""
    open_ended = rate.value is None and (rate.low, rate.high) == (0.0, 1.0)
    low, high = (None, None) if open_ended else (rate.low, rate.high)
    return Interval(name, (rate.n,), rate.value, low, high, href)


def labels_unknown(rows: Iterable[MeansRow]) -> dict[Language | None, list[str]]:
    """Give the labels of each language that has cases, but of them not one rate."""
    found: dict[Language | None, list[str]] = {}
    for row in rows:
        if row.n_cases and not has_value(row):
            found.setdefault(row.language, []).append(row.label)
    return found


def has_value(row: MeansRow) -> bool:
    """Say whether any rate is known."""
    return any(rate_of(row.rates, name).value is not None for name in RATES)


def rate_of(rates: Rates, name: str) -> Rate:
    """Give a rate by its name in `RATES`."""
    rate: Rate = getattr(rates, name)
    return rate


def _name(row: MeansRow, asked: MeansQuestion, voice: Voice) -> str:
    if asked.language:
        return voice.label_or_any(row.label)
    return voice.language_or_all(row.language)


def _href(row: MeansRow, asked: MeansQuestion) -> str:
    """Lead from a language to its labels, and from a label to its languages."""
    if asked.language:
        return f"{URL}?{replace(asked, language='', label=row.label).query()}"
    language = row.language.value if row.language else ""
    return f"{URL}?{replace(asked, language=language, label=ANY).query()}"


def sheet_of_means(report: MeansReport) -> list[list[Cell]]:
    """Give every rate of every row for a file, by `COLUMNS`."""
    return [
        [
            row.sample.value,
            row.language.value if row.language else "all",
            row.label or "any",
            row.model_version or "all",
            row.n_cases,
            row.n_open,
            row.n_decided,
            row.n_true,
            name,
            rate.value,
            rate.low,
            rate.high,
            rate.n,
            rate.n_effective,
            rate.unknown.value if rate.unknown else None,
        ]
        for row in report.rows
        for name in RATES
        for rate in (rate_of(row.rates, name),)
    ]
