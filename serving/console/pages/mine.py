"""What one person has to do: cases they hold, and cases handed to them."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.console.after_step import refused_at
from serving.console.frame import redirect, render
from serving.console.session import Reviewer, form
from serving.dependencies import Running
from triage_ml.errors import Conflict, NotFound, ScopeMissing

router = APIRouter(prefix="/console", include_in_schema=False)


@router.get("/mine")
async def show_mine(
    request: Request, service: Running, who: Reviewer, held: UUID | None = None
) -> Response:
    """Show one's cases. `held` is one that was just put on hold."""
    mine = await service.review.mine(who)
    known = held if held in {case.case_id for case in mine.held} else None
    unwanted = {
        case.case_id for case in mine.handed if who.excluded_labels & set(case.placement.labels)
    }
    now = service.clock.now()
    return render(request, "mine.html", mine=mine, now=now, held=known, unwanted=unwanted)


@router.get("/cases/{case_id}/take")
async def back_to_case(case_id: UUID) -> Response:
    """Lead who reloads a refused step, or comes from signing in, back to the case."""
    return redirect(f"/console/cases/{case_id}")


@router.post("/cases/{case_id}/take")
async def take(request: Request, service: Running, who: Reviewer, case_id: UUID) -> Response:
    """Claim a case that was handed to one, and go to it."""
    await form(request)
    try:
        case = await service.review.take(who, case_id)
    except (Conflict, NotFound, ScopeMissing) as error:
        return await refused_at(request, service, who, case_id, error)
    service.note_claims(case.placement.queue, 1)
    return redirect(f"/console/cases/{case_id}")
