"""Work in hand: who holds what, giving cases back, and giving one to somebody else."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.console.after_step import refused
from serving.console.frame import redirect, render
from serving.console.notes import note_error
from serving.console.session import Lead, first, form
from serving.dependencies import Running
from serving.service import Service
from triage_ml.domain.account import Account
from triage_ml.domain.decision import MAX_NOTE_CHARS
from triage_ml.errors import (
    Conflict,
    InvalidInput,
    LeaseExpired,
    NotFound,
    ScopeMissing,
    TriageError,
)
from triage_ml.workflow.leads import MAX_SHOWN

router = APIRouter(prefix="/console/leads", include_in_schema=False)

_GONE = (LeaseExpired, Conflict, NotFound, ScopeMissing)


@router.get("")
async def show_work(
    request: Request,
    service: Running,
    who: Lead,
    released: int | None = None,
    gone: int = 0,
    reassigned: bool = False,
) -> Response:
    """Show who holds what. `released`, `gone` and `reassigned` say what was done before."""
    done = {"released": released, "gone": gone, "reassigned": reassigned}
    return await _page(request, service, who, **done)


@router.get("/release")
async def back_to_work() -> Response:
    """Lead who reloads a refused form, or comes from signing in, back to the list."""
    return redirect("/console/leads")


@router.post("/release")
async def release(request: Request, service: Running, who: Lead) -> Response:
    """Give chosen cases of a person back to their queues, or all of them."""
    sent = await form(request)
    reviewer, reason = first(sent, "reviewer"), _text(sent, "reason")
    try:
        if first(sent, "all"):
            done = await service.leads.release_all(who, reviewer, reason)
        else:
            done = await service.leads.release(who, _claim_ids(sent), reason)
    except InvalidInput as error:
        chosen = sent.get("claim_id", [])
        problem = {"reviewer": reviewer, "chosen": chosen, "reason": reason}
        return await _page(request, service, who, error=_code(error, reason), **problem)
    return redirect(f"/console/leads?released={done.n_released}&gone={done.n_gone}")


@router.get("/claims/{claim_id}")
async def show_reassign(request: Request, service: Running, who: Lead, claim_id: UUID) -> Response:
    """Show to whom a case that somebody holds can be given."""
    return await _reassign_page(request, service, who, claim_id)


@router.post("/claims/{claim_id}")
async def reassign(request: Request, service: Running, who: Lead, claim_id: UUID) -> Response:
    """Take a case from who holds it, for somebody else to have."""
    sent = await form(request)
    owner, reason = first(sent, "owner"), _text(sent, "reason")
    try:
        await service.leads.reassign(who, claim_id, owner, reason)
    except InvalidInput as error:
        code = "owner" if error.field == "owner" else _code(error, reason)
        return await _reassign_page(request, service, who, claim_id, owner, reason, code)
    except _GONE as error:
        return _refused(request, error)
    return redirect("/console/leads?reassigned=1")


async def _page(request: Request, service: Service, who: Account, **values: Any) -> Response:
    hands = await service.leads.work_in_hand(who)
    n_held = sum(len(hand.cases) for hand in hands)
    given = {"released": None, "gone": 0, "reassigned": False, "error": None, **values}
    return render(
        request,
        "leads.html",
        status=422 if given["error"] else 200,
        hands=hands,
        n_held=n_held,
        cut_off=n_held >= MAX_SHOWN,
        now=service.clock.now(),
        max_note=MAX_NOTE_CHARS,
        **{"reviewer": "", "chosen": [], "reason": "", **given},
    )


async def _reassign_page(
    request: Request,
    service: Service,
    who: Account,
    claim_id: UUID,
    owner: str = "",
    reason: str = "",
    error: str | None = None,
) -> Response:
    try:
        case = await service.leads.held(who, claim_id)
    except _GONE as gone:
        return _refused(request, gone)
    return render(
        request,
        "leads_reassign.html",
        status=422 if error else 200,
        case=case,
        people=await service.leads.candidates(case),
        owner=owner,
        reason=reason,
        error=error,
        max_note=MAX_NOTE_CHARS,
    )


def _refused(request: Request, error: TriageError) -> Response:
    """Say why nothing was done; the end of a lease is told to its holder in other words."""
    over = isinstance(error, LeaseExpired)
    return refused(request, Conflict("the claim is over") if over else error)


def _claim_ids(sent: dict[str, list[str]]) -> list[UUID]:
    """Raises: InvalidInput for what is no claim."""
    try:
        return [UUID(value) for value in sent.get("claim_id", [])]
    except ValueError:
        raise InvalidInput("claim_id", "must be among those offered") from None


def _code(error: InvalidInput, reason: str) -> str:
    """Name what was wrong: nothing chosen, or the reason."""
    if error.field == "claim_id":
        return "none_chosen"
    return note_error(error, reason)


def _text(sent: dict[str, list[str]], name: str) -> str:
    """Read a text field; a browser ends its lines with two characters."""
    return first(sent, name).replace("\r\n", "\n")
