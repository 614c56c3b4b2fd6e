"""Models: the one that answers with its card, those before it, and how they compare."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.console.frame import render
from serving.console.model_card import card_html
from serving.console.session import signed_in_with
from serving.dependencies import Running
from triage_ml.domain.account import LEAD, Account
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
from triage_ml.workflow.review import RESTRICTED

router = APIRouter(prefix="/console/models", include_in_schema=False)

Keeper = Annotated[Account, Depends(signed_in_with("ml", LEAD))]


@router.get("")
async def show_models(request: Request, service: Running, who: Keeper) -> Response:
    """Show the model that answers, its support and card, its predecessors and comparisons."""
    scorer = service.scoring.scorer
    info = scorer.info if scorer else None
    history = await service.models.history()
    return render(
        request,
        "models.html",
        info=info,
        card=card_html(info.card) if info and info.card else None,
        history=history,
        lives_until=[None, *(row.at for row in history[:-1])],
        languages=SUPPORTED_LANGUAGES,
        comparisons=await service.models.comparisons(who),
        trial=await service.store.open_trial(),
    )


@router.get("/comparisons/{comparison_id}")
async def show_comparison(
    request: Request, service: Running, who: Keeper, comparison_id: UUID
) -> Response:
    """Show which cases move, what waiting costs, and what speaks against the later side."""
    return render(
        request,
        "models_comparison.html",
        found=await service.models.comparison(who, comparison_id),
        sees_restricted=RESTRICTED in who.scopes,
    )
