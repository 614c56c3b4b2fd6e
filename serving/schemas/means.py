"""The error rate of automated means on the wire."""

from datetime import datetime
from typing import Any

from pydantic import Field

from serving.schemas.base import Answer
from triage_ml.domain.means import MeansSample, Rate, Unknown
from triage_ml.domain.routing import LIKELY
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
from triage_ml.workflow.means import MeansReport, MeansRow

EU_OFFICIAL = frozenset({Language.EN, Language.DE, Language.ES})
"""Source: Regulation No 1 of 1958 as amended; the other languages of the product are not in it."""

CONFIDENCE = 0.95
_DIGITS = 6


class RateOut(Answer):
    """A share with its interval."""

    value: float | None = Field(description="Null where it is not known; `unknown` says why.")
    low: float = Field(description="Lower bound of the interval; 0 where nothing is known.")
    high: float = Field(description="Upper bound of the interval; 1 where nothing is known.")
    n: int = Field(description="Decisions it rests on.")
    n_effective: float = Field(description="Decisions of equal weight that would say as much.")
    unknown: Unknown | None = None

    @classmethod
    def of(cls, rate: Rate) -> "RateOut":
        return cls(
            value=None if rate.value is None else round(rate.value, _DIGITS),
            low=round(rate.low, _DIGITS),
            high=round(rate.high, _DIGITS),
            n=rate.n,
            n_effective=round(rate.n_effective, 2),
            unknown=rate.unknown,
        )


class IndicatorsOut(Answer):
    """What is known of one label; `any` is any violation."""

    sample: MeansSample = Field(
        description="Of which cases: `received` all that came, `waiting` those that waited in "
        "queues, `blind` those that reviewers came to, as they decide without hints."
    )
    label: str
    model_version: str | None = Field(description="Null: all versions of these days.")
    n_cases: int = Field(description="Received, or drawn by chance.")
    n_open: int = Field(description="Of these, cases whose outcome nothing tells yet.")
    n_decided: int
    n_true: int = Field(description="Decisions that found the label with severity S1 or more.")
    accuracy: RateOut = Field(description="One less the error rate.")
    error_rate: RateOut = Field(description="Of all cases, those where model and people differ.")
    precision: RateOut = Field(description="Of what the model found, what people found too.")
    recall: RateOut = Field(description="Of what people found, what the model found too.")
    false_positive_rate: RateOut = Field(description="Of what was none, what the model found.")
    specificity: RateOut = Field(description="One less the false positive rate.")
    prevalence: RateOut = Field(description="Of all cases, those where people found the label.")

    @classmethod
    def of(cls, row: MeansRow) -> "IndicatorsOut":
        rates = row.rates
        return cls(
            sample=row.sample,
            label=row.label or "any",
            model_version=row.model_version,
            n_cases=row.n_cases,
            n_open=row.n_open,
            n_decided=row.n_decided,
            n_true=row.n_true,
            accuracy=RateOut.of(rates.error_rate.complement),
            error_rate=RateOut.of(rates.error_rate),
            precision=RateOut.of(rates.precision),
            recall=RateOut.of(rates.recall),
            false_positive_rate=RateOut.of(rates.false_positive_rate),
            specificity=RateOut.of(rates.specificity),
            prevalence=RateOut.of(rates.prevalence),
        )


class LanguageMeansOut(Answer):
    """Everything known of a language; `all` is all of them together."""

    language: str
    eu_official: bool = Field(description="An official language of the European Union.")
    indicators: list[IndicatorsOut]


class MeansOut(Answer):
    """Indicators of accuracy and the possible rate of error, as DSA Art. 15(1)(e) and 42 ask."""

    window: int = Field(description="Days the report reaches back.")
    since: datetime
    until: datetime
    means: str = Field(description="What the automated means are, in words.")
    threshold: float = Field(description="Trusted probability from which a label is found.")
    confidence: float = Field(description="How often the intervals hold the truth.")
    policy_version: str
    random_share: float = Field(description="Of claims, drawn at random within the tier.")
    blind_share: float = Field(description="Of claims below T0, decided without hints.")
    holds_restricted: bool = Field(description="Whether restricted queues and labels are in it.")
    n_without_scores: int = Field(description="Cases received that no model scored; in no row.")
    languages: list[LanguageMeansOut]

    @classmethod
    def of(cls, report: MeansReport) -> "MeansOut":
        return cls(
            window=report.days,
            since=report.since,
            until=report.until,
            means=MEANS,
            threshold=LIKELY,
            confidence=CONFIDENCE,
            policy_version=report.policy_version,
            random_share=report.random_share,
            blind_share=report.blind_share,
            holds_restricted=report.restricted,
            n_without_scores=report.n_without_scores,
            languages=[_language(report, language) for language in _languages(report)],
        )


MEANS = (
    "A text classifier that suggests labels, orders the queues and sets due times. It neither "
    "removes nor dismisses content: people decide every case."
)


def _languages(report: MeansReport) -> list[Language | None]:
    met = {row.language for row in report.rows}
    return [None, *SUPPORTED_LANGUAGES, *([Language.UND] if Language.UND in met else [])]


def _language(report: MeansReport, language: Language | None) -> LanguageMeansOut:
    return LanguageMeansOut(
        language="all" if language is None else language.value,
        eu_official=language in EU_OFFICIAL,
        indicators=[IndicatorsOut.of(row) for row in report.rows if row.language is language],
    )


def _rate(value: float, low: float, high: float, n: int, n_effective: float) -> dict[str, Any]:
    return {
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "n_effective": n_effective,
        "unknown": None,
    }


EXAMPLE: dict[str, Any] = {
    "window": 90,
    "since": "2026-01-01T00:00:00Z",
    "until": "2026-04-01T00:00:00Z",
    "means": MEANS,
    "threshold": LIKELY,
    "confidence": CONFIDENCE,
    "policy_version": "2026-11-22",
    "random_share": 0.02,
    "blind_share": 0.05,
    "holds_restricted": False,
    "n_without_scores": 12,
    "languages": [
        {
            "language": "de",
            "eu_official": True,
            "indicators": [
                {
                    "sample": "received",
                    "label": "hate",
                    "model_version": None,
                    "n_cases": 6400,
                    "n_open": 35,
                    "n_decided": 4000,
                    "n_true": 212,
                    "accuracy": _rate(0.9567, 0.918, 0.9692, 4080, 74.3),
                    "error_rate": _rate(0.0433, 0.0308, 0.082, 4080, 74.3),
                    "precision": _rate(0.651, 0.642, 0.668, 31, 22.8),
                    "recall": _rate(0.717, 0.401, 0.871, 4080, 74.3),
                    "false_positive_rate": _rate(0.0217, 0.0211, 0.0224, 4080, 74.3),
                    "specificity": _rate(0.9783, 0.9776, 0.9789, 4080, 74.3),
                    "prevalence": _rate(0.0523, 0.0416, 0.0931, 4080, 74.3),
                }
            ],
        }
    ],
}
