"""The history of scores beside a case, laid out without words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from triage_ml.domain.case import Case
from triage_ml.domain.scores import Arm, LabelScore
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.ports import ScoreRecord
from triage_ml.workflow.score_history import CaseScores, PlacedLine

MAX_SHOWN = 50
"""Newest records and placements on the page; `triage replay` tells all of them."""


@dataclass(frozen=True, slots=True)
class RecordView:
    """One recorded score, the likeliest labels first. `current`: of the text the case has now."""

    at: datetime
    arm: Arm
    model_version: str
    language: Language
    n_chars: int
    p_violation: float
    labels: tuple[tuple[Label, LabelScore], ...]
    current: bool


@dataclass(frozen=True, slots=True)
class ScoreHistoryView:
    n_records: int
    records: tuple[RecordView, ...]
    placements: tuple[PlacedLine, ...]


def view_scores(found: CaseScores | None, case: Case) -> ScoreHistoryView | None:
    """Lay out the newest of a case's scores and placements, oldest first."""
    if found is None:
        return None
    return ScoreHistoryView(
        n_records=len(found.records),
        records=_views(found.records[-MAX_SHOWN:], case.item.version_sha256),
        placements=tuple(found.placements[-MAX_SHOWN:]),
    )


def _views(records: Sequence[ScoreRecord], current: str) -> tuple[RecordView, ...]:
    return tuple(
        RecordView(
            at=row.at,
            arm=row.arm,
            model_version=row.model_version,
            language=row.language,
            n_chars=row.n_chars,
            p_violation=row.p_violation,
            labels=tuple(sorted(row.labels.items(), key=lambda pair: -pair[1].probability)),
            current=row.version_sha256 == current,
        )
        for row in records
    )
