"""One case: read it, and while one holds it, decide, release, hold or escalate it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.console.after_step import may_open, refused, refused_at
from serving.console.frame import redirect, render
from serving.console.insight import view_insight
from serving.console.notes import note_error
from serving.console.pages.care import rest_url
from serving.console.pages.queues import claim_next
from serving.console.scores import view_scores
from serving.console.session import Reviewer, first, form
from serving.console.view import cut, view_case
from serving.dependencies import Running
from serving.service import Service
from triage_ml.domain.account import Account
from triage_ml.domain.case import OPEN_STATES, Case, CaseState
from triage_ml.domain.decision import (
    MAX_EXPLANATION_CHARS,
    MAX_FACTS_CHARS,
    MAX_NOTE_CHARS,
    Action,
    Verdict,
)
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.domain.text import is_blank
from triage_ml.errors import (
    Conflict,
    ContentErased,
    IllegalTransition,
    InvalidInput,
    LeaseExpired,
    NotFound,
    ScopeMissing,
    TooLarge,
)
from triage_ml.workflow.owners import MAY_NOT_SEE, NO_REVIEWER

router = APIRouter(prefix="/console", include_in_schema=False)

UNDO_SECONDS = 10
LABEL_KEYS = "1234567890qwy"
"""The key of each label, in the taxonomy's order."""

QA = "qa"
"""The queue in which every label is asked about, to learn from."""

HOLD_MINUTES = (15, 30, 60, 120, 240)

Sent = Mapping[str, list[str]]
Errors = dict[str, str]
_OWNER_ERRORS = {NO_REVIEWER: "no_reviewer", MAY_NOT_SEE: "may_not_see"}
_GONE = (LeaseExpired, Conflict, NotFound, ScopeMissing)


@dataclass(frozen=True, slots=True)
class Draft:
    """The decision form as it was filled in, right or wrong."""

    labels: tuple[str, ...] = ()
    severities: Mapping[str, str] | None = None
    action: str = ""
    facts: str = ""
    explanation: str = ""
    gap: bool = False
    looked: bool = False
    go_on: bool = True

    @classmethod
    def of(cls, sent: Sent) -> "Draft":
        gap = first(sent, "gap") != ""
        return cls(
            labels=tuple(name for name in sent.get("label", []) if name in set(Label)),
            severities={label: first(sent, f"severity.{label}") for label in Label},
            action=first(sent, "action") or (Action.NO_ACTION.value if gap else ""),
            facts=_text(sent, "facts"),
            explanation=_text(sent, "explanation"),
            gap=gap,
            looked=first(sent, "looked") != "",
            go_on=first(sent, "next") != "",
        )

    def severity(self, label: str) -> str:
        return (self.severities or {}).get(label, "")

    def errors(self) -> Errors:
        """Name what keeps the form from being a verdict, per field."""
        found: Errors = {}
        if self.action not in set(Action):
            found["action"] = "action_missing"
        for label in self.labels:
            if self.severity(label) not in Severity.__members__:
                found[f"severity.{label}"] = "severity_missing"
        return found

    def verdict(self) -> Verdict:
        """Give the verdict of a form without `errors`. Raises: InvalidInput."""
        findings = {Label(name): Severity[self.severity(name)] for name in self.labels}
        asked = frozenset(Label) if self.looked else frozenset()
        return Verdict(findings, Action(self.action), self.facts, self.explanation, self.gap, asked)

    def explain(self, error: InvalidInput) -> Errors:
        """Name what the domain refused in this form."""
        if isinstance(error, TooLarge):
            return {error.field: "too_long"}
        if error.field == "action":
            return {"action": "gap_with_action" if self.gap else "finding_missing"}
        if error.field == "explanation" and is_blank(self.explanation):
            return {"explanation": "reasons_missing"}
        return {error.field: "unstorable"}


@router.get("/cases/{case_id}")
async def show_case(
    request: Request, service: Running, who: Reviewer, case_id: UUID, done: UUID | None = None
) -> Response:
    """Show a case; with the decision form to who holds it. `done` is a case just decided."""
    return await _page(request, service, who, case_id, done=done)


@router.get("/cases/{case_id}/decide")
@router.get("/cases/{case_id}/release")
@router.get("/cases/{case_id}/hold")
@router.get("/cases/{case_id}/escalate")
async def back_to_case(case_id: UUID) -> Response:
    """Lead who reloads a refused step, or comes from signing in, back to the case."""
    return redirect(f"/console/cases/{case_id}")


@router.post("/cases/{case_id}/decide")
async def decide(request: Request, service: Running, who: Reviewer, case_id: UUID) -> Response:
    """Conclude a case one holds, and go to the next one of its queue."""
    sent = await form(request)
    draft = Draft.of(sent)
    errors = draft.errors()
    if errors:
        return await _page(request, service, who, case_id, draft=draft, errors=errors)
    try:
        verdict = draft.verdict()
        queue = (await service.review.get_case(who, case_id)).placement.queue
        case = await service.review.decide(who, case_id, _claim_id(sent), verdict)
    except InvalidInput as error:
        errors = draft.explain(error)
        return await _page(request, service, who, case_id, draft=draft, errors=errors)
    except ContentErased:
        errors = {"action": "content_erased"}
        return await _page(request, service, who, case_id, draft=draft, errors=errors)
    except _GONE as error:
        return await refused_at(request, service, who, case_id, error, draft=draft)
    service.metrics.decisions.labels(verdict.action).inc()
    if await service.care.rest_due(who):
        return redirect(rest_url(queue, case_id))
    if not draft.go_on and service.review.may_see(who, case):
        return redirect(f"/console/cases/{case_id}?done={case_id}")
    if not draft.go_on:  # the finding has put it behind a restriction
        return redirect(f"/console/queues?done={case_id}")
    following = await claim_next(service, who, queue)
    if following is None:
        return redirect(f"/console/queues?empty={queue}&done={case_id}")
    return redirect(f"/console/cases/{following.case_id}?done={case_id}")


@router.post("/cases/{case_id}/release")
async def release(request: Request, service: Running, who: Reviewer, case_id: UUID) -> Response:
    """Give a case back to its queue, saying why."""
    sent = await form(request)
    reason = _text(sent, "reason")
    try:
        case = await service.review.release(who, _claim_id(sent), reason)
    except InvalidInput as error:
        errors = {f"release.{error.field}": note_error(error, reason)}
        return await _page(request, service, who, case_id, errors=errors, reason=reason)
    except _GONE as error:
        return await refused_at(request, service, who, case_id, error)
    if await service.care.rest_due(who):
        return redirect(rest_url(case.placement.queue, case_id))
    return redirect(f"/console/queues?done={case_id}")


@router.post("/cases/{case_id}/hold")
async def hold(request: Request, service: Running, who: Reviewer, case_id: UUID) -> Response:
    """Keep a case while one waits for something, and go to what else there is to do."""
    sent = await form(request)
    minutes, reason = first(sent, "minutes"), _text(sent, "reason")
    try:
        until = service.clock.now() + timedelta(minutes=_minutes(minutes))
        await service.review.hold(who, _claim_id(sent), until, reason)
    except InvalidInput as error:
        code = "not_so_long" if error.field == "until" else note_error(error, reason)
        errors = {f"hold.{error.field}": code}
        return await _page(
            request, service, who, case_id, errors=errors, minutes=minutes, reason=reason
        )
    except _GONE as error:
        return await refused_at(request, service, who, case_id, error)
    return redirect(f"/console/mine?held={case_id}")


@router.post("/cases/{case_id}/escalate")
async def escalate(request: Request, service: Running, who: Reviewer, case_id: UUID) -> Response:
    """Hand a case one holds up to a named person."""
    sent = await form(request)
    owner, reason = first(sent, "owner").strip(), _text(sent, "reason")
    entered = {"owner": owner, "reason": reason}
    try:
        await service.review.escalate(who, case_id, owner, reason, _claim_id(sent))
    except InvalidInput as error:
        code = _OWNER_ERRORS.get(error.reason) or note_error(error, entered.get(error.field, ""))
        errors = {f"escalate.{error.field}": code}
        return await _page(
            request, service, who, case_id, errors=errors, owner=owner, reason=reason
        )
    except _GONE as error:
        if type(error) is Conflict:  # the first decider of an appealed case
            errors = {"escalate.owner": "first_decider"}
            return await _page(
                request, service, who, case_id, errors=errors, owner=owner, reason=reason
            )
        return await refused_at(request, service, who, case_id, error)
    if await service.care.rest_due(who):
        return redirect(rest_url("", case_id))
    return redirect(f"/console/queues?done={case_id}")


@router.post("/claims/{claim_id}/renew")
async def renew(request: Request, service: Running, who: Reviewer, claim_id: UUID) -> Response:
    """Prolong the lease of a page that is in use. Raises: NotFound, LeaseExpired."""
    await form(request)
    case = await service.review.renew(who, claim_id)
    if case.claim is None:
        raise LeaseExpired(str(claim_id))
    ends_at = case.claim.lease_expires_at
    left = ends_at - service.clock.now()
    return JSONResponse({"expires_at": ends_at.isoformat(), "seconds": left.total_seconds()})


async def _page(
    request: Request,
    service: Service,
    who: Account,
    case_id: UUID,
    *,
    draft: Draft | None = None,
    errors: Errors | None = None,
    done: UUID | None = None,
    **values: Any,
) -> Response:
    try:
        dossier = await service.review.dossier(who, case_id)
    except (NotFound, ScopeMissing) as error:
        return refused(request, error, draft=draft)
    case, now = dossier.case, service.clock.now()
    held = _holds(case, who, service)
    if errors and not held:  # what was entered was wrong, and now it comes too late as well
        late: LeaseExpired | IllegalTransition = LeaseExpired(str(case_id))
        if case.state in (CaseState.DECIDED, CaseState.WITHDRAWN):
            late = IllegalTransition(case.state, "decided")
        return await refused_at(request, service, who, case_id, late, draft=draft)
    scorer = service.scoring.scorer
    model = scorer.info if scorer else None
    insight = await service.insight.of(who, case)
    view = view_case(
        dossier,
        service.policy,
        service.review.index_now(case),
        model,
        now,
        language=who.locale,
        records=insight.records,
        withheld=case.hides_hints_from(who.name, now),
    )
    return render(
        request,
        "review.html" if held else "case_read.html",
        status=422 if errors else 200,
        view=view,
        cut=cut,
        insight=view_insight(insight, service.policy, masked=view.masked),
        case=case,
        chosen=await service.labelling.find_pick(case),
        score_history=view_scores(await service.score_history.of(who, case_id), case),
        may_take=not held and _waits_for(case, who, now),
        owners=await service.review.possible_owners(who, case) if held else (),
        hold_minutes=_hold_minutes(case, service, now),
        row=service.policy.priority,
        now=now,
        lease_seconds=int(service.settings.lease.total_seconds()),
        undo_seconds=UNDO_SECONDS,
        keys=dict(zip(Label, LABEL_KEYS, strict=True)),
        actions=list(Action),
        severities=list(Severity),
        limits={
            "facts": MAX_FACTS_CHARS,
            "explanation": MAX_EXPLANATION_CHARS,
            "note": MAX_NOTE_CHARS,
        },
        draft=draft or Draft(),
        asks_each=case.placement.queue == QA,
        errors=errors or {},
        done=done,
        visible=await may_open(service, who, done),
        **{"owner": "", "reason": "", "minutes": "", **values},
    )


def _waits_for(case: Case, who: Account, now: datetime) -> bool:
    """Say whether the case was handed to this person and nobody holds it."""
    running = case.claim is not None and case.claim.lease_expires_at > now
    return case.owner == who.name and case.state in OPEN_STATES and not running


def _hold_minutes(case: Case, service: Service, now: datetime) -> list[int]:
    """Give the choices that end before the case is due and are not longer than allowed."""
    longest = min(service.settings.hold_max, case.placement.due_at - now)
    return [minutes for minutes in HOLD_MINUTES if timedelta(minutes=minutes) <= longest]


def _minutes(entered: str) -> int:
    """Raises: InvalidInput for what the page does not offer."""
    if entered not in map(str, HOLD_MINUTES):
        raise InvalidInput("until", "must be one of the choices")
    return int(entered)


def _holds(case: Case, who: Account, service: Service) -> bool:
    claim = case.claim
    return (
        claim is not None
        and claim.reviewer == who.name
        and claim.lease_expires_at > service.clock.now()
    )


def _claim_id(sent: Sent) -> UUID:
    """Raises: LeaseExpired for what is no claim."""
    try:
        return UUID(first(sent, "claim_id"))
    except ValueError:
        raise LeaseExpired("(none)") from None


def _text(sent: Sent, name: str) -> str:
    """Read a text field; a browser ends its lines with two characters."""
    return first(sent, name).replace("\r\n", "\n")
