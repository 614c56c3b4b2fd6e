"""Drift: what is not as it was, in words, charts and a table."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.console.charts import charts_answer
from serving.console.drift_view import PARTS, charts_of_drift, standings
from serving.console.drift_words import part_name, said, strength_text
from serving.console.frame import redirect, render, voice_of
from serving.console.notes import note_error
from serving.console.session import first, form, signed_in_with
from serving.dependencies import Running
from serving.service import Service
from triage_ml.domain.account import LEAD, Account
from triage_ml.domain.decision import MAX_NOTE_CHARS
from triage_ml.domain.drift import ALL
from triage_ml.errors import Conflict, InvalidInput

router = APIRouter(prefix="/console/drift", include_in_schema=False)

ML = "ml"
SHOWN_CLOSED = 20

Reader = Annotated[Account, Depends(signed_in_with(ML, LEAD))]
Engineer = Annotated[Account, Depends(signed_in_with(ML))]


@router.get("")
async def show_drift(
    request: Request, service: Running, who: Reader, language: str = ALL, saved: bool = False
) -> Response:
    """Show alarms, where every series stands, and the charts of one language."""
    return await _page(request, service, who, language, saved=saved)


@router.get("/data")
async def give_data(
    request: Request,
    service: Running,
    who: Reader,  # noqa: ARG001  lets in
    language: str = ALL,
) -> Response:
    """Give the charts as JSON, for the script that draws them."""
    readings = await service.drift.history(language)
    return charts_answer(charts_of_drift(readings, voice_of(request)))


@router.get("/alarms/{alarm_id}")
async def back_to_drift(alarm_id: int) -> Response:  # noqa: ARG001  part of the address
    """Lead who reloads a refused form, or comes from signing in, back to the page."""
    return redirect("/console/drift")


@router.post("/alarms/{alarm_id}")
async def acknowledge(request: Request, service: Running, who: Engineer, alarm_id: int) -> Response:
    """Note that somebody looked at an alarm, and whether this is how things are from now on."""
    sent = await form(request)
    note = first(sent, "note").replace("\r\n", "\n")
    as_normal = first(sent, "as_normal") == "yes"
    try:
        await service.drift.acknowledge(who, alarm_id, note, as_normal=as_normal)
    except Conflict:
        return redirect("/console/drift")  # somebody else did: their note is shown
    except InvalidInput as error:
        code = note_error(error, note)
        entered = {"alarm_id": alarm_id, "note": note, "as_normal": as_normal, "error": code}
        return await _page(request, service, who, ALL, entered=entered)
    return redirect("/console/drift?saved=1")


async def _page(
    request: Request,
    service: Service,
    who: Account,
    language: str,
    *,
    saved: bool = False,
    entered: Mapping[str, object] | None = None,
) -> Response:
    voice = voice_of(request)
    charts = charts_of_drift(await service.drift.history(language), voice)
    state = await service.drift.state()
    closed = [alarm for alarm in state.alarms if alarm.closed_at is not None]
    return render(
        request,
        "drift.html",
        status=422 if entered else 200,
        state=state,
        opened=[said(voice, alarm) for alarm in state.open_alarms],
        closed=[said(voice, alarm) for alarm in closed[:SHOWN_CLOSED]],
        standings=standings(state.readings, voice),
        parts=PARTS,
        part_name=lambda part: part_name(voice, part),
        language=language,
        charts=charts,
        limit=strength_text(voice, state.limit),
        rule=service.drift.rule,
        may_acknowledge=not who.scopes.isdisjoint({ML, "admin"}),
        sees_trends=not who.scopes.isdisjoint({"review", LEAD, "admin"}),
        max_note=MAX_NOTE_CHARS,
        saved=saved,
        entered=entered,
    )
