"""Care at the desk: one's own ledger, a break, and what leads may know of a group."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.console.after_step import may_open
from serving.console.frame import redirect, render
from serving.console.i18n import zone_of
from serving.console.session import Reviewer, SignedIn, form, signed_in_with
from serving.dependencies import Running
from serving.service import Service
from triage_ml.domain.account import LEAD, Account
from triage_ml.workflow.care import KEPT
from triage_ml.workflow.review import RESTRICTED

URL = "/console/care"
BREAK = "/console/break"
LONGEST = timedelta(days=1)
"""A break that began or ends farther away is none that this page has begun."""

router = APIRouter(include_in_schema=False)


def rest_url(queue: str, done: UUID) -> str:
    """Give the way to the proposal of a break, after a case of a queue; `queue` may be empty."""
    return f"{BREAK}?{urlencode({'queue': queue, 'done': done})}"


@router.get(URL)
async def show(request: Request, service: Running, who: SignedIn) -> Response:
    """Show a person their own ledger. Nobody else has an address for it."""
    zone = zone_of(who.time_zone)
    ledger = await service.care.ledger(who, zone)
    care = service.policy.care
    return render(
        request,
        "care.html",
        ledger=ledger,
        days=[(datetime.combine(row.day, time(12), zone), row) for row in ledger.days],
        care=care,
        labels=sorted(care.points, key=lambda label: -care.points[label]),
        kept_days=KEPT.days,
        leads=bool(who.scopes & {LEAD, "admin"}),
        erased="erased" in request.query_params,
    )


@router.post(f"{URL}/erase")
async def erase(request: Request, service: Running, who: SignedIn) -> Response:
    """Delete one's own ledger."""
    await form(request)
    await service.care.erase(who)
    return redirect(f"{URL}?erased=1")


@router.get(f"{URL}/erase")
async def back() -> Response:
    """Lead who reloads a refused form, or comes from signing in, back to the ledger."""
    return redirect(URL)


@router.get(f"{URL}/group", dependencies=[Depends(signed_in_with(LEAD))])
async def show_group(request: Request, service: Running) -> Response:
    """Show leads what may be told of groups."""
    return render(request, "care_group.html", groups=await service.care.groups())


@router.get(BREAK)
async def show_break(
    request: Request,
    service: Running,
    who: Reviewer,
    queue: str = "",
    done: UUID | None = None,
    until: str = "",
) -> Response:
    """Propose a break, or with `until` be one. No case is claimed meanwhile."""
    ends_at = _time(until, service.clock.now())
    return render(
        request,
        "break.html",
        ends_at=ends_at,
        over=ends_at is not None and ends_at <= service.clock.now(),
        minutes=int(service.policy.care.rest.total_seconds() // 60),
        **await _around(service, who, queue, done),
    )


@router.get(f"{BREAK}/begin", dependencies=[Depends(signed_in_with("review"))])
async def begin(service: Running, queue: str = "") -> Response:
    """Begin a break now; the address tells its end, so that a reload does not begin another."""
    ends_at = service.clock.now() + service.policy.care.rest
    known = {"queue": queue} if queue in service.policy.queues else {}
    return redirect(f"{BREAK}?{urlencode({'until': int(ends_at.timestamp()), **known})}")


async def _around(service: Service, who: Account, queue: str, done: UUID | None) -> dict[str, Any]:
    """Give the queue to go on in and the case just concluded, as far as one may see them."""
    row = service.policy.queues.get(queue)
    open_queue = row is not None and (not row.restricted or RESTRICTED in who.scopes)
    visible = await may_open(service, who, done)
    return {"queue": queue if open_queue else "", "done": done, "visible": visible}


def _time(written: str, now: datetime) -> datetime | None:
    """Read when a break ends; of what is no such time, nothing."""
    if not written.isascii() or not written.isdigit() or len(written) > 10:
        return None
    ends_at = datetime.fromtimestamp(int(written), UTC)
    return ends_at if abs(ends_at - now) <= LONGEST else None
