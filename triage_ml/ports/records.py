"""The record of what models said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triage_ml.domain.scores import Arm, LabelScore, LabelScores
from triage_ml.domain.taxonomy import Label, Language


@dataclass(frozen=True, slots=True)
class ScoreRecord:
    """What one model said of one text of a case. `n_chars` is the text's length.

    `score_id` grows with every record; it is 0 until the store gives it one. Spans are not kept.
    """

    case_id: UUID
    version_sha256: str
    at: datetime
    arm: Arm
    model_version: str
    language: Language
    n_chars: int
    p_violation: float
    labels: Mapping[Label, LabelScore]
    score_id: int = 0

    @classmethod
    def of(
        cls,
        case_id: UUID,
        version_sha256: str,
        n_chars: int,
        scores: LabelScores,
        arm: Arm,
        at: datetime,
    ) -> "ScoreRecord":
        return cls(
            case_id=case_id,
            version_sha256=version_sha256,
            at=at,
            arm=arm,
            model_version=scores.model_version,
            language=scores.language,
            n_chars=n_chars,
            p_violation=scores.p_violation,
            labels=scores.labels,
        )


class RecordStore(Protocol):
    """Scores as they were; the stores of cases keep them. Raises, everywhere: StoreUnavailable.

    The scores that place a case are recorded with the change that they make.
    """

    async def scores_of(self, case_id: UUID) -> list[ScoreRecord]:
        """Give the scores of a case, oldest first. Raises: NotFound."""
        ...

    async def scores_since(
        self, since: datetime, until: datetime, queues: Sequence[str], limit: int, after: int = 0
    ) -> list[ScoreRecord]:
        """Give scores of cases that stand in these queues, made in [since, until), by time.

        `after` is the id of the last one of the page before; of one moment they come by id.
        """
        ...

    async def add_shadow_scores(self, records: Sequence[ScoreRecord]) -> None:
        """Record what a model on trial says. Raises: NotFound for a case that is not there."""
        ...
