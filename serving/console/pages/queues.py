"""The queues one may see, live, and the next case of one of them."""

from collections.abc import AsyncGenerator, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from serving.console.after_step import may_open, refused
from serving.console.frame import redirect, render, text
from serving.console.live import live_of
from serving.console.session import Reviewer, form
from serving.dependencies import Running
from serving.service import Service
from triage_ml.domain.account import Account
from triage_ml.domain.case import Case
from triage_ml.errors import NotFound, ScopeMissing
from triage_ml.workflow.queues import QueueRow, queue_rows

router = APIRouter(prefix="/console", include_in_schema=False)

STREAM_SECONDS = 300.0
"""A page connects again after this long, and is asked again who it is."""

SILENT_TURNS = 7
"""A line that says nothing is sent after so many turns without news, to notice who is gone."""


@router.get("/queues")
async def show_queues(
    request: Request,
    service: Running,
    who: Reviewer,
    empty: str | None = None,
    done: UUID | None = None,
) -> Response:
    """Show the queues. `empty` is one that had no case to give; `done` a case just decided."""
    rows = queue_rows(service.policy, await service.review.queue_depths(who), who)
    known = empty if empty in {row.name for row in rows} else None
    visible = await may_open(service, who, done)
    return render(request, "queues.html", **_shown(rows), empty=known, done=done, visible=visible)


@router.get("/queues/live")
async def watch_queues(request: Request, service: Running, who: Reviewer) -> Response:
    """Send the table again whenever it changed, as server-sent events named `depths`."""
    return StreamingResponse(
        _events(request, service, who),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


@router.post("/queues/{queue}/next")
async def take_next(request: Request, service: Running, who: Reviewer, queue: str) -> Response:
    """Claim the most urgent case of a queue and go to it."""
    await form(request)
    try:
        case = await claim_next(service, who, queue)
    except (NotFound, ScopeMissing) as error:
        return refused(request, error)
    if case is None:
        return redirect(f"/console/queues?empty={queue}")
    return redirect(f"/console/cases/{case.case_id}")


async def claim_next(service: Service, who: Account, queue: str) -> Case | None:
    """Claim one case without the labels that who asks does not want to see.

    After heavy cases in a row it is a light one if there is one. Raises: NotFound, ScopeMissing.
    """
    never = who.excluded_labels
    not_now = await service.care.excluded_for(who, queue)
    cases: list[Case] = []
    if not_now:
        cases = await service.review.claim(who, queue, excluded_labels=sorted({*never, *not_now}))
    if not cases:
        cases = await service.review.claim(who, queue, excluded_labels=sorted(never))
    if not cases:
        return None
    service.note_claims(queue, 1)
    return cases[0]


async def _events(request: Request, service: Service, who: Account) -> AsyncGenerator[bytes]:
    ends_at = monotonic() + STREAM_SECONDS
    last: Sequence[QueueRow] | None = None
    silent = 0
    turns = live_of(request.app).turns()
    try:
        async for depths in turns:
            rows = last if depths is None else queue_rows(service.policy, depths, who)
            silent += 1
            if rows is not None and rows != last:
                last, silent = rows, 0
                yield event("depths", text(request, "queues_table.html", **_shown(rows)))
            elif silent >= SILENT_TURNS:
                silent = 0
                yield b":\n\n"
            if monotonic() >= ends_at:
                return
    finally:
        await turns.aclose()


def event(name: str, data: str) -> bytes:
    """Write one server-sent event."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() if line.strip())
    return f"event: {name}\n{lines}\n".encode()


def _shown(rows: Sequence[QueueRow]) -> dict[str, Any]:
    return {
        "rows": rows,
        "n_open": sum(row.n_open for row in rows),
        "n_breached": sum(row.n_breached for row in rows),
    }
