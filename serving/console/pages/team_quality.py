"""What leads see of quality: verdicts that differ, golden cases, and measures of all together."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.console.after_step import refused, refused_at
from serving.console.frame import redirect, render
from serving.console.pages.quality import explain, form_values, judgement_of
from serving.console.pages.review import Draft
from serving.console.session import Lead, first, form
from serving.console.view import clauses_of, cut
from serving.dependencies import Running
from serving.service import Service
from triage_ml.domain.account import Account
from triage_ml.domain.case import Case
from triage_ml.domain.decision import MAX_NOTE_CHARS
from triage_ml.domain.quality import Outcome, contested
from triage_ml.domain.taxonomy import Label
from triage_ml.errors import Conflict, InvalidInput, NotFound, ScopeMissing
from triage_ml.ports.leads import Pair
from triage_ml.workflow.measures import MIN_PEOPLE

router = APIRouter(prefix="/console/leads", include_in_schema=False)

_GONE = (Conflict, NotFound, ScopeMissing)


@router.get("/quality")
async def show_quality(
    request: Request, service: Running, who: Lead, saved: bool = False
) -> Response:
    """Show verdicts that differ and the golden cases."""
    return await _quality_page(request, service, who, saved=saved)


@router.get("/quality/{review_id}/settle")
@router.get("/golden/{golden_id}/retire")
async def back_to_quality() -> Response:
    """Lead who reloads a refused form, or comes from signing in, back to the list."""
    return redirect("/console/leads/quality")


@router.post("/quality/{review_id}/settle")
async def settle(request: Request, service: Running, who: Lead, review_id: UUID) -> Response:
    """Say which of two verdicts is right, or that the policy is unclear."""
    sent = await form(request)
    chosen, note = first(sent, "outcome"), first(sent, "note").replace("\r\n", "\n")
    errors: dict[str, str] = {}
    if chosen not in set(Outcome):
        errors["outcome"] = "outcome_missing"
    else:
        try:
            await service.quality.settle(who, review_id, Outcome(chosen), note)
        except InvalidInput as error:
            errors = explain(Draft(), error, note)
        except _GONE as error:
            return refused(request, error)
    if errors:
        entered = {"review_id": review_id, "outcome": chosen, "note": note}
        return await _quality_page(request, service, who, errors=errors, entered=entered)
    return redirect("/console/leads/quality?saved=1")


@router.get("/measures")
async def show_measures(request: Request, service: Running, who: Lead) -> Response:
    """Show agreement, overturned decisions and handling times; never a person's."""
    return render(
        request,
        "leads_measures.html",
        measured=await service.measures.measured(who),
        labels=list(Label),
        min_people=MIN_PEOPLE,
    )


@router.get("/golden/{case_id}")
async def show_golden(request: Request, service: Running, who: Lead, case_id: UUID) -> Response:
    """Show the form that makes a decided case a golden one, filled in with its decision."""
    return await _golden_page(request, service, who, case_id, None, {}, "")


@router.post("/golden/{case_id}")
async def mark(request: Request, service: Running, who: Lead, case_id: UUID) -> Response:
    """Make a decided case a golden one."""
    sent = await form(request)
    draft, note = Draft.of(sent), first(sent, "note").replace("\r\n", "\n")
    errors = draft.errors()
    if not errors:
        try:
            await service.quality.mark(who, case_id, judgement_of(draft), note)
        except InvalidInput as error:
            errors = explain(draft, error, note)
        except _GONE as error:
            return await refused_at(request, service, who, case_id, error)
    if errors:
        return await _golden_page(request, service, who, case_id, draft, errors, note)
    return redirect("/console/leads/quality?saved=1")


@router.post("/golden/{golden_id}/retire")
async def retire(request: Request, service: Running, who: Lead, golden_id: UUID) -> Response:
    """Give a golden case to nobody any more."""
    await form(request)
    try:
        await service.quality.retire(who, golden_id)
    except NotFound as error:
        return refused(request, error)
    return redirect("/console/leads/quality?saved=1")


async def _quality_page(
    request: Request, service: Service, who: Account, **values: Any
) -> Response:
    pairs = await service.quality.disagreements(who)
    given: dict[str, Any] = {"saved": False, "errors": {}, "entered": None, **values}
    return render(
        request,
        "leads_quality.html",
        status=422 if given["errors"] else 200,
        # Who gave a verdict settles nothing about it, and is told so; nobody is named.
        rows=[
            (pair, sorted(contested(pair.first, pair.second)), _took_part(pair, who))
            for pair in pairs
        ],
        golden=await service.quality.golden_cases(who),
        outcomes=[outcome.value for outcome in Outcome],
        cut=cut,
        max_note=MAX_NOTE_CHARS,
        **given,
    )


async def _golden_page(
    request: Request,
    service: Service,
    who: Account,
    case_id: UUID,
    draft: Draft | None,
    errors: dict[str, str],
    note: str,
) -> Response:
    try:
        case = await service.quality.markable(who, case_id)
    except _GONE as error:
        return await refused_at(request, service, who, case_id, error)
    return render(
        request,
        "leads_golden.html",
        status=422 if errors else 200,
        case=case,
        clauses=clauses_of(service.policy, who.locale),
        **form_values(draft or _decided(case), errors, note),
    )


def _took_part(pair: Pair, who: Account) -> bool:
    return who.name in (pair.first_reviewer, pair.second_reviewer)


def _decided(case: Case) -> Draft:
    """Fill in the form with what was decided."""
    if case.decision is None:
        return Draft()
    verdict = case.decision.verdict
    return Draft(
        labels=tuple(verdict.findings),
        severities={label: severity.name for label, severity in verdict.findings.items()},
        action=verdict.action.value,
    )
