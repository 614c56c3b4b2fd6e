"""A second look: judge a decided case again, without seeing what was decided."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.console.frame import redirect, render
from serving.console.notes import note_error
from serving.console.pages.review import Draft
from serving.console.second_look import bare_case
from serving.console.session import Reviewer, first, form
from serving.console.view import cut
from serving.dependencies import Running
from serving.service import Service
from triage_ml.domain.account import Account
from triage_ml.domain.decision import MAX_NOTE_CHARS, Action
from triage_ml.domain.quality import Judgement
from triage_ml.domain.taxonomy import Severity
from triage_ml.errors import Conflict, InvalidInput

router = APIRouter(prefix="/console/quality", include_in_schema=False)


@router.get("")
async def show_start(request: Request, who: Reviewer, empty: bool = False) -> Response:
    """Say what a second look is. `empty`: there was none to give."""
    del who
    return render(request, "quality.html", empty=empty)


@router.get("/next")
async def back_to_start() -> Response:
    """Lead who comes from signing in back to the page with the button."""
    return redirect("/console/quality")


@router.post("/next")
async def draw(request: Request, service: Running, who: Reviewer) -> Response:
    """Go to a case to look at again."""
    await form(request)
    sample_id = await service.quality.draw(who)
    if sample_id is None:
        return redirect("/console/quality?empty=1")
    return redirect(f"/console/quality/{sample_id}")


@router.get("/{sample_id}")
async def show(request: Request, service: Running, who: Reviewer, sample_id: UUID) -> Response:
    """Show a case to judge, or what came of it once it is judged. Raises: NotFound."""
    return await _page(request, service, who, sample_id, Draft(), {}, "")


@router.post("/{sample_id}")
async def judge(request: Request, service: Running, who: Reviewer, sample_id: UUID) -> Response:
    """Keep a second verdict, then show what came of it. Raises: NotFound."""
    sent = await form(request)
    draft, note = Draft.of(sent), first(sent, "note").replace("\r\n", "\n")
    errors = draft.errors()
    if not errors:
        try:
            await service.quality.judge(who, sample_id, judgement_of(draft), note)
        except InvalidInput as error:
            errors = explain(draft, error, note)
        except Conflict:  # sent twice: the first verdict stands, and the page shows it
            pass
    if errors:
        return await _page(request, service, who, sample_id, draft, errors, note)
    return redirect(f"/console/quality/{sample_id}")


def judgement_of(draft: Draft) -> Judgement:
    """Give what a form without `errors` says."""
    verdict = draft.verdict()
    return Judgement(verdict.findings, verdict.action)


def explain(draft: Draft, error: InvalidInput, note: str) -> dict[str, str]:
    """Name what the domain refused in a form with a note."""
    if error.field != "note":
        return draft.explain(error)
    return {"note": note_error(error, note)}


def form_values(draft: Draft, errors: dict[str, str], note: str) -> dict[str, Any]:
    """Give what `judgement_fields.html` needs."""
    return {
        "draft": draft,
        "errors": errors,
        "note": note,
        "actions": list(Action),
        "severities": list(Severity),
        "max_note": MAX_NOTE_CHARS,
    }


async def _page(
    request: Request,
    service: Service,
    who: Account,
    sample_id: UUID,
    draft: Draft,
    errors: dict[str, str],
    note: str,
) -> Response:
    look = await service.quality.look(who, sample_id)
    if look.mine is not None:
        return render(request, "quality_done.html", sample=look.sample, mine=look.mine, cut=cut)
    return render(
        request,
        "quality_look.html",
        status=422 if errors else 200,
        sample_id=sample_id,
        bare=bare_case(look, service.policy, who.locale),
        **form_values(draft, errors, note),
    )
