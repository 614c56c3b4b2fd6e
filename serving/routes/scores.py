"""What models said of a case over time."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends

from serving.dependencies import Running, operation
from serving.schemas.examples import CASE_ID
from serving.schemas.scores import CaseScoresOut, RecordedScoreOut
from serving.security import scoped
from triage_ml.errors import InvalidInput, NotFound
from triage_ml.ports import ApiKey

router = APIRouter(prefix="/v1/cases/{case_id}", tags=["Cases"])

SCOPES = ("review", "ml")
Reader = Annotated[ApiKey, Depends(scoped(*SCOPES))]

EXAMPLE: dict[str, Any] = {
    "case_id": CASE_ID,
    "scores": [
        {
            "score_id": 1,
            "at": "2026-03-02T09:00:00Z",
            "arm": "live",
            "model_version": "2026.11.22-1",
            "version_sha256": "5a0f1d5c8d5a4c4d9d5b1f6f8a9e3c5b7d9f1a3c5e7f9b1d3f5a7c9e1b3d5f70",
            "language": "en",
            "n_chars": 93,
            "p_violation": 0.9312748157,
            "labels": {
                "deception_spam": {
                    "probability": 0.9104812693,
                    "upper": 0.9104812693,
                    "severity": 1.0,
                    "support": "measured",
                }
            },
        }
    ],
}


@router.get(
    "/scores",
    summary="Read the scores a case ever got",
    **operation(*SCOPES, answer=EXAMPLE, errors=(NotFound, InvalidInput)),
)
async def scores(service: Running, who: Reader, case_id: UUID) -> CaseScoresOut:
    """Give every score of the case as it was made, oldest first: by which model, of which text.

    `triage replay` makes them again. Who holds the case with hints withheld gets none.
    """
    found = await service.score_history.records(who, case_id)
    rows = None if found is None else [RecordedScoreOut.of(row) for row in found]
    return CaseScoresOut(case_id=case_id, scores=rows)
