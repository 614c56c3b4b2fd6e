"""Scores without a case, and what the model says of itself."""

from pydantic import Field

from serving.schemas.base import Answer, Body, Labels, LanguageOut, Text, labels_out
from triage_ml.domain.scores import LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Support
from triage_ml.ports import ModelInfo

MAX_TEXTS = 256


class TextIn(Body):
    text: Text
    language_hint: Language | None = None


class ScoreIn(Body):
    """Texts to score; nothing is stored."""

    texts: tuple[TextIn, ...] = Field(json_schema_extra={"minItems": 1, "maxItems": MAX_TEXTS})


class ScoreOut(Answer):
    language: LanguageOut
    labels: Labels
    p_violation: float
    n_windows: int

    @classmethod
    def of(cls, guess: LanguageGuess, scores: LabelScores) -> "ScoreOut":
        return cls(
            language=LanguageOut.of(guess),
            labels=labels_out(scores),
            p_violation=round(scores.p_violation, 6),
            n_windows=scores.n_windows,
        )


class ScoresOut(Answer):
    model_version: str
    scores: list[ScoreOut] = Field(description="One per text, in order.")


class ModelOut(Answer):
    version: str
    labels: list[Label] = Field(description="What the model scores, in output order.")
    support: dict[Language, dict[Label, Support]] = Field(
        description="Per language and label: measured on held-out labels, functional cases only, "
        "or unsupported. Priority never uses an unsupported cell to lower a case."
    )
    quality: dict[str, dict[str, dict[str, float | int | None]]] = Field(
        description="Measured quality per language and output."
    )
    card: str = Field(description="The model card, Markdown.")

    @classmethod
    def of(cls, info: ModelInfo) -> "ModelOut":
        return cls.model_validate(
            {
                "version": info.version,
                "labels": list(info.labels),
                "support": info.support.as_nested(),
                "quality": info.quality,
                "card": info.card,
            }
        )


class HealthOut(Answer):
    status: str = Field(examples=["ready"])


class ReadyOut(HealthOut):
    """Ready means that reports are accepted durably; without a model they wait for scores."""

    database: str = Field(examples=["ok"])
    model: str = Field(description="`ok` or `missing`.", examples=["ok"])
    model_version: str | None
    degraded: bool
