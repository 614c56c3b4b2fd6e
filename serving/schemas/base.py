"""Bases of all bodies, and the shapes that several of them share."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from triage_ml.domain.report import MAX_REF_CHARS, MAX_TEXT_CHARS
from triage_ml.domain.scores import LabelScore, LabelScores, LanguageGuess, Span
from triage_ml.domain.taxonomy import Label, Language, Support


def _stated(**schema: Any) -> Any:
    """State a limit that the domain enforces, so that going over it is answered 413."""
    return Field(json_schema_extra=schema)


Text = Annotated[str, _stated(minLength=1, maxLength=MAX_TEXT_CHARS)]
Ref = Annotated[str, _stated(minLength=1, maxLength=MAX_REF_CHARS)]


class Body(BaseModel):
    """A request. Strict: no unknown fields, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class FieldError(Answer):
    field: str = Field(description="Where, as in item.text.", examples=["item.text"])
    reason: str = Field(description="What is wrong.", examples=["holds a NUL character"])


class Problem(Answer):
    """RFC 9457 problem details."""

    type: str = Field(description="Kind of problem; a link into this reference.")
    title: str
    status: int
    detail: str | None = None
    instance: str | None = Field(None, description="Names this request, as X-Request-ID does.")
    errors: list[FieldError] | None = Field(None, description="Each field that is wrong.")
    scope: str | None = Field(None, description="The scope that is missing (403).")


class LanguageOut(Answer):
    code: Language = Field(description="`und`: undetermined, mixed or another language.")
    confidence: float = Field(ge=0, le=1)
    detected: str | None = Field(None, description="ISO 639-1 code of a language not supported.")

    @classmethod
    def of(cls, guess: LanguageGuess) -> "LanguageOut":
        return cls(
            code=guess.language, confidence=round(guess.confidence, 4), detected=guess.detected
        )


class SpanOut(Answer):
    """Characters [start, end) of the original text that speak for the label."""

    start: int
    end: int
    weight: float


class LabelOut(Answer):
    probability: float = Field(description="Calibrated probability that the label applies.")
    upper: float = Field(description="Upper bound; priority uses it where support is not measured.")
    severity: float = Field(description="Expected severity if it applies, 0 (S0) to 4 (S4).")
    support: Support = Field(description="What is known of the model here.")
    spans: list[SpanOut]

    @classmethod
    def of(cls, score: LabelScore, spans: list[SpanOut]) -> "LabelOut":
        return cls(
            probability=round(score.probability, 6),
            upper=round(score.upper, 6),
            severity=round(score.severity, 4),
            support=score.support,
            spans=spans,
        )


Labels = dict[Label, LabelOut]


def labels_out(scores: LabelScores | None) -> Labels:
    if scores is None:
        return {}
    shown: dict[tuple[Span, ...], list[SpanOut]] = {(): []}  # as a rule labels share their spans
    for score in scores.labels.values():
        if score.spans not in shown:
            rows = [SpanOut(start=s.start, end=s.end, weight=s.weight) for s in score.spans]
            shown[score.spans] = rows
    return {k: LabelOut.of(v, shown[v.spans]) for k, v in scores.labels.items()}
