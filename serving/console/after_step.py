"""What is shown after a step at the desk: taken, or why not, and the way to its case."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from serving.console.frame import render
from serving.problems import answer_to
from serving.service import Service
from triage_ml.domain.account import Account
from triage_ml.errors import NotFound, ScopeMissing, TriageError


async def may_open(service: Service, who: Account, case_id: UUID | None) -> bool:
    """Say whether somebody may open a case by now; a step may have put it behind a restriction.

    One that is not there is told like one that may not be seen.
    """
    if case_id is None or not who.can_review:
        return False
    try:
        await service.review.get_case(who, case_id)
    except (NotFound, ScopeMissing):
        return False
    return True


def refused(request: Request, error: TriageError, **values: Any) -> Response:
    """Say why a step was not taken, with what was entered, so that nothing is lost."""
    kind = type(error).__name__
    return render(request, "refused.html", status=answer_to(error).status, kind=kind, **values)


async def refused_at(
    request: Request,
    service: Service,
    who: Account,
    case_id: UUID,
    error: TriageError,
    **values: Any,
) -> Response:
    """Say it with the way back to the case, for those who may open it."""
    shown = case_id if await may_open(service, who, case_id) else None
    return refused(request, error, case_id=shown, **values)
