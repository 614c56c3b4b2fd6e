"""Scores without a case, and the model itself."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.body import parse
from serving.dependencies import Running, answer, operation, place
from serving.schemas.answers import MODEL, SCORES
from serving.schemas.examples import TEXTS
from serving.schemas.models import MAX_TEXTS, ModelOut, ScoreIn, ScoreOut, ScoresOut
from serving.security import scoped
from triage_ml.domain.report import check_text
from triage_ml.errors import InvalidInput, ModelMissing, ScoringFailed, TooLarge
from triage_ml.ports import Answer

router = APIRouter(tags=["Model"])

CHECKED_ASIDE = 20_000
"""Characters from which texts are checked beside the event loop, which others wait for."""


@router.post(
    "/v1/score",
    summary="Score texts",
    response_model=ScoresOut,
    **operation(
        "intake", "ml", body=ScoreIn, examples=TEXTS, answer=SCORES, errors=(ScoringFailed,)
    ),
)
async def score(request: Request) -> Response:
    """Score up to 256 texts, in order. Nothing is stored and no case is opened."""
    async with place(request, "intake", "ml") as (service, _, raw):
        body = parse(ScoreIn, raw)
        if sum(len(row.text) for row in body.texts) > CHECKED_ASIDE:
            await asyncio.to_thread(_check, body)
        else:
            _check(body)
        hints = [row.language_hint for row in body.texts]
        found = await service.scoring.score([row.text for row in body.texts], hints)
    return answer(_scores_out(found))


def _scores_out(found: Sequence[Answer]) -> ScoresOut:
    return ScoresOut(
        model_version=found[0][1].model_version,
        scores=[ScoreOut.of(guess, scores) for guess, scores in found],
    )


@router.get(
    "/v1/model",
    summary="Describe the model",
    dependencies=[Depends(scoped("ml"))],
    **operation("ml", answer=MODEL, errors=(ModelMissing,)),
)
async def describe_model(service: Running) -> ModelOut:
    """Give the loaded model's version, labels, support matrix, measured quality and card."""
    if service.scoring.scorer is None:
        raise ModelMissing
    return ModelOut.of(service.scoring.scorer.info)


def _check(body: ScoreIn) -> None:
    """Raises: InvalidInput, TooLarge."""
    if not body.texts:
        raise InvalidInput("texts", "must hold at least one text")
    if len(body.texts) > MAX_TEXTS:
        raise TooLarge("texts", len(body.texts), MAX_TEXTS, "texts")
    for number, row in enumerate(body.texts):
        check_text(f"texts[{number}].text", row.text)
