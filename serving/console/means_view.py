"""The page of automated means: what is asked, its charts, and the rows of its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from serving.console.charts import Chart, ChartRow
from serving.console.i18n import Voice, lazy
from serving.console.sheets import Cell
from serving.console.trend_words import share_text
from triage_ml.domain.means import MeansSample, Rate, Rates, Unknown
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import InvalidInput
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
        return urlencode({name: value for name, value in fields.items() if value})


def question_of(given: Mapping[str, str]) -> MeansQuestion:
    """Read a question from an address. Raises: InvalidInput."""
    days, sample = given.get("days", "") or "90", given.get("sample", "") or "received"
    if days not in map(str, WINDOWS):
        raise InvalidInput("days", f"must be one of {', '.join(map(str, WINDOWS))}")
    if sample not in list(MeansSample):
        raise InvalidInput("sample", f"must be one of {', '.join(MeansSample)}")
    language = given.get("language", "")
    if language and language not in list(Language):
        raise InvalidInput("language", f"must be one of {', '.join(Language)}")
    return MeansQuestion(
        int(days),
        MeansSample(sample),
        language,
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
    title = voice.gettext(RATES[name])
    found = [rate_of(row.rates, name) for row in rows]
    return Chart(
        key=name,
        title=title,
        kind="intervals",
        columns=tuple(
            voice.gettext(text)
            for text in (_l("Share"), _l("Lower bound"), _l("Upper bound"), _l("Decided"))
        ),
        rows=tuple(
            ChartRow(_name(row, asked, voice), _cells(rate, voice), _href(row, asked))
            for row, rate in zip(rows, found, strict=True)
        ),
        series=({"name": title, "part": "", "values": [_drawn(rate) for rate in found]},),
        unit="share",
    )


def rate_of(rates: Rates, name: str) -> Rate:
    """Give a rate by its name in `RATES`."""
    rate: Rate = getattr(rates, name)
    return rate


def _drawn(rate: Rate) -> list[float] | None:
    return None if rate.value is None else [rate.low, rate.value, rate.high]


def _cells(rate: Rate, voice: Voice) -> tuple[str, ...]:
    if rate.value is None:
        bounds = (rate.low, rate.high) if (rate.low, rate.high) != (0.0, 1.0) else (None, None)
    else:
        bounds = (rate.low, rate.high)
    shares = (share_text(voice, share) for share in (rate.value, *bounds))
    return (*shares, voice.number(rate.n))


def _name(row: MeansRow, asked: MeansQuestion, voice: Voice) -> str:
    return label_name(voice, row.label) if asked.language else language_name(voice, row.language)


def label_name(voice: Voice, label: str) -> str:
    """Name a label, or any violation."""
    return voice.label_name(label) if label else voice.gettext(_l("any violation"))


def language_name(voice: Voice, language: Language | None) -> str:
    """Name a language, or all of them."""
    return voice.language_name(language) if language else voice.gettext(_l("All languages"))


def rate_text(voice: Voice, rate: Rate) -> str:
    """Write a rate with its interval, or why there is none."""
    if rate.value is None:
        return voice.gettext(REASONS[rate.unknown or Unknown.NO_DRAWS])
    low, high = share_text(voice, rate.low), share_text(voice, rate.high)
    return f"{share_text(voice, rate.value)} ({low}\u00a0–\u00a0{high})"  # wraps before the bracket


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
