"""Queues and claims."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from serving.body import parsed
from serving.dependencies import ReviewKey, Running, operation
from serving.schemas import answers, examples
from serving.schemas.cases import CaseStatus, LeaseOut, case_out, status_out
from serving.schemas.review import (
    ClaimedCase,
    ClaimIn,
    ClaimsOut,
    HoldIn,
    QueueOut,
    QueuesOut,
    ReleaseIn,
)
from triage_ml.domain.case import Case
from triage_ml.errors import InvalidInput, LeaseExpired, NotFound
from triage_ml.workflow.queues import queue_rows

router = APIRouter(tags=["Queues"])


@router.get("/v1/queues", summary="List queues", **operation("review", answer=answers.QUEUES))
async def list_queues(service: Running, who: ReviewKey) -> QueuesOut:
    """Give every queue you may see with its depth by tier and language, oldest and breached."""
    depths = await service.review.queue_depths(who)
    rows = queue_rows(service.policy, depths, who)
    return QueuesOut(queues=[QueueOut.of(row) for row in rows])


@router.post(
    "/v1/queues/{queue}/claims",
    summary="Claim cases",
    **operation(
        "review",
        body=ClaimIn,
        examples=examples.CLAIM_REQUESTS,
        answer=answers.CLAIMS,
        errors=(NotFound,),
    ),
)
async def claim(
    service: Running,
    who: ReviewKey,
    queue: str,
    body: Annotated[ClaimIn, Depends(parsed(ClaimIn))],
) -> ClaimsOut:
    """Lease the most urgent cases of a queue. A claim that is not renewed in time is over.

    Some are drawn to be decided without hints: their scores are null until the decision.
    """
    cases = await service.review.claim(who, queue, body.n, body.languages, body.excluded_labels)
    service.note_claims(queue, len(cases))
    now = service.clock.now()
    return ClaimsOut(claims=[claimed for case in cases for claimed in _claimed(case, now)])


@router.post(
    "/v1/claims/{claim_id}/renew",
    summary="Renew a claim",
    **operation("review", answer=answers.LEASE, errors=(NotFound, LeaseExpired, InvalidInput)),
)
async def renew(service: Running, who: ReviewKey, claim_id: UUID) -> LeaseOut:
    """Prolong a claim that still runs to a full lease from now; one on hold keeps its end."""
    case = await service.review.renew(who, claim_id)
    if case.claim is None:
        raise LeaseExpired(str(claim_id))
    return LeaseOut.of(case.claim)


@router.post(
    "/v1/claims/{claim_id}/release",
    summary="Release a claim",
    **operation(
        "review",
        body=ReleaseIn,
        examples=examples.RELEASES,
        answer=answers.RELEASED,
        errors=(NotFound, LeaseExpired),
    ),
)
async def release(
    service: Running,
    who: ReviewKey,
    claim_id: UUID,
    body: Annotated[ReleaseIn, Depends(parsed(ReleaseIn))],
) -> CaseStatus:
    """Give a case back to its queue, saying why."""
    return status_out(await service.review.release(who, claim_id, body.reason))


@router.post(
    "/v1/claims/{claim_id}/hold",
    summary="Hold a claim",
    **operation(
        "review",
        body=HoldIn,
        examples=examples.HOLDS,
        answer=answers.HELD,
        errors=(NotFound, LeaseExpired),
    ),
)
async def hold(
    service: Running,
    who: ReviewKey,
    claim_id: UUID,
    body: Annotated[HoldIn, Depends(parsed(HoldIn))],
) -> LeaseOut:
    """Keep a case while something is waited for, at the longest until it is due."""
    case = await service.review.hold(who, claim_id, body.until, body.reason)
    if case.claim is None:
        raise LeaseExpired(str(claim_id))
    return LeaseOut.of(case.claim)


def _claimed(case: Case, now: datetime) -> list[ClaimedCase]:
    if case.claim is None:
        return []
    withheld = case.hides_hints_from(case.claim.reviewer, now)
    return [ClaimedCase(claim=LeaseOut.of(case.claim), case=case_out(case, withheld=withheld))]
