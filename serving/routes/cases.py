"""Cases: what is known of them, and what people do with them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from serving.body import parsed
from serving.dependencies import IntakeKey, ReviewKey, Running, operation
from serving.schemas import answers, examples
from serving.schemas.cases import CaseOut, CaseStatus, EventOut, EventsOut, case_out, status_out
from serving.schemas.priority import PriorityOut, priority_out
from serving.schemas.review import AppealIn, DecisionIn, EscalationIn, WithdrawalIn
from triage_ml.errors import Conflict, InvalidInput, LeaseExpired, NotFound

router = APIRouter(prefix="/v1/cases/{case_id}", tags=["Cases"])
MAX_EVENTS = 1_000
_READ = (NotFound, InvalidInput)
_CHANGE = (NotFound, Conflict)


@router.get("", summary="Read a case", **operation("review", answer=answers.CASE, errors=_READ))
async def read(service: Running, who: ReviewKey, case_id: UUID) -> CaseOut:
    """Give the item with the texts it had, its scores, where the case stands and why, its
    reports, its decision and the complaints against it.

    Who holds the case with hints withheld gets no scores.
    """
    found = await service.review.dossier(who, case_id)
    withheld = found.case.hides_hints_from(who.name, service.clock.now())
    return case_out(found.case, found.reports, found.versions, found.appeals, withheld=withheld)


@router.get(
    "/events",
    summary="Read a case's log",
    **operation("review", answer=answers.EVENTS, errors=_READ),
)
async def events(
    service: Running,
    who: ReviewKey,
    case_id: UUID,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="The last sequence seen.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS, description="Lines at most.")] = 500,
) -> EventsOut:
    """Give the steps of the case, oldest first, up to `limit` of them. The log is append-only.

    For the rest ask again with `after` set to `next_after`.
    """
    found = await service.review.events(who, case_id, after, limit + 1)
    page = found[:limit]
    return EventsOut(
        case_id=case_id,
        events=[EventOut.of(event) for event in page],
        next_after=page[-1].sequence if len(found) > limit else None,
    )


@router.get(
    "/priority",
    summary="Explain a case's priority",
    **operation("review", answer=answers.PRIORITY, errors=_READ),
)
async def priority(service: Running, who: ReviewKey, case_id: UUID) -> PriorityOut:
    """Give the tier and each term of the index at this moment, with a sentence for each."""
    case = await service.review.get_case(who, case_id)
    return priority_out(
        service.policy.priority,
        case.placement.priority,
        service.review.index_now(case),
        withheld=case.hides_hints_from(who.name, service.clock.now()),
    )


@router.post(
    "/decision",
    summary="Decide a case",
    **operation(
        "review",
        body=DecisionIn,
        examples=examples.DECISIONS,
        answer=answers.DECIDED,
        errors=(*_CHANGE, LeaseExpired),
    ),
)
async def decide(
    service: Running,
    who: ReviewKey,
    case_id: UUID,
    body: Annotated[DecisionIn, Depends(parsed(DecisionIn))],
) -> CaseStatus:
    """Conclude a case you hold a claim on. The decision is announced to the webhook."""
    case = await service.review.decide(who, case_id, body.claim_id, body.to_domain())
    service.metrics.decisions.labels(body.action).inc()
    return status_out(case)


@router.post(
    "/escalation",
    summary="Escalate a case",
    **operation(
        "review",
        body=EscalationIn,
        examples=examples.ESCALATIONS,
        answer=answers.ESCALATED,
        errors=(*_CHANGE, LeaseExpired),
    ),
)
async def escalate(
    service: Running,
    who: ReviewKey,
    case_id: UUID,
    body: Annotated[EscalationIn, Depends(parsed(EscalationIn))],
) -> CaseStatus:
    """Hand a case up to a named owner who can review it; one that is claimed only with its
    claim_id.
    """
    case = await service.review.escalate(who, case_id, body.owner, body.reason, body.claim_id)
    return status_out(case)


@router.post(
    "/appeal",
    summary="Appeal a decision",
    **operation(
        "intake",
        body=AppealIn,
        examples=examples.APPEALS,
        answer=answers.APPEALED,
        errors=_CHANGE,
    ),
)
async def appeal(
    service: Running,
    who: IntakeKey,
    case_id: UUID,
    body: Annotated[AppealIn, Depends(parsed(AppealIn))],
) -> CaseStatus:
    """Reopen a decided case for another reviewer than the one who decided it."""
    return status_out(await service.review.appeal(who, case_id, body.to_domain()))


@router.post(
    "/withdrawal",
    summary="Withdraw a report",
    **operation(
        "intake",
        body=WithdrawalIn,
        examples=examples.WITHDRAWALS,
        answer=answers.WITHDRAWN,
        errors=_CHANGE,
    ),
)
async def withdraw(
    service: Running,
    who: IntakeKey,
    case_id: UUID,
    body: Annotated[WithdrawalIn, Depends(parsed(WithdrawalIn))],
) -> CaseStatus:
    """Take back one report. The last one closes the case, unless it is a T0 or T1 case."""
    return status_out(await service.review.withdraw(who, case_id, body.report_id, body.reason))
