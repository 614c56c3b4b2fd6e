"""The record of scores of a case."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from serving.schemas.base import Answer
from triage_ml.domain.scores import Arm, LabelScore
from triage_ml.domain.taxonomy import Label, Language, Support
from triage_ml.ports import ScoreRecord


class RecordedLabelOut(Answer):
    """What was said of one label, not rounded: a replay gives the same number."""

    probability: float
    upper: float = Field(description="Upper bound; used where support was not measured.")
    severity: float
    support: Support

    @classmethod
    def of(cls, score: LabelScore) -> "RecordedLabelOut":
        return cls(
            probability=score.probability,
            upper=score.upper,
            severity=score.severity,
            support=score.support,
        )


class RecordedScoreOut(Answer):
    """One score as it was made."""

    score_id: int
    at: datetime
    arm: Arm = Field(description="live or canary: the case was placed by it; shadow: nothing was.")
    model_version: str
    version_sha256: str = Field(description="Names the text and its context that were scored.")
    language: Language = Field(description="The language that the text was scored as.")
    n_chars: int
    p_violation: float
    labels: dict[Label, RecordedLabelOut]

    @classmethod
    def of(cls, row: ScoreRecord) -> "RecordedScoreOut":
        return cls(
            score_id=row.score_id,
            at=row.at,
            arm=row.arm,
            model_version=row.model_version,
            version_sha256=row.version_sha256,
            language=row.language,
            n_chars=row.n_chars,
            p_violation=row.p_violation,
            labels={label: RecordedLabelOut.of(score) for label, score in row.labels.items()},
        )


class CaseScoresOut(Answer):
    case_id: UUID
    scores: list[RecordedScoreOut] | None = Field(
        description="Oldest first. Null while hints are withheld from you."
    )
