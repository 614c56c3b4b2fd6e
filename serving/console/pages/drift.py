"""Drift: what is not as it was, in words, charts and a table."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.console.charts import Chart, ChartRow
from serving.console.drift_words import (
    measure_name,
    part_name,
    said,
    state_text,
    strength_text,
    value_text,
)
from serving.console.frame import redirect, render, voice_of
from serving.console.i18n import Voice, lazy
from serving.console.session import first, form, signed_in_with
from serving.console.trend_words import day_name
from serving.dependencies import Running
from serving.service import Service
from triage_ml.domain.account import LEAD, Account
from triage_ml.domain.decision import MAX_NOTE_CHARS
from triage_ml.domain.drift import ALL
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.drift_watch import CALM, Reading
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import Conflict, InvalidInput, TooLarge

router = APIRouter(prefix="/console/drift", include_in_schema=False)

_l = lazy
ML = "ml"
SHOWN_CLOSED = 20
PARTS = (ALL, *(language.value for language in Language))

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
    charts = [chart.as_json() for chart in charts_of(readings, voice_of(request))]
    return JSONResponse({"charts": charts}, headers={"Cache-Control": "no-store"})


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
    except (InvalidInput, TooLarge) as error:
        code = _error_code(error, note)
        entered = {"alarm_id": alarm_id, "note": note, "as_normal": as_normal, "error": code}
        return await _page(request, service, who, ALL, entered=entered)
    return redirect("/console/drift?saved=1")


def _error_code(error: InvalidInput | TooLarge, note: str) -> str:
    if isinstance(error, TooLarge):
        return "too_long"
    return "unstorable" if note.strip() else "empty"


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
    charts = charts_of(await service.drift.history(language), voice)
    state = await service.drift.state()
    closed = [alarm for alarm in state.alarms if alarm.closed_at is not None]
    return render(
        request,
        "drift.html",
        status=422 if entered else 200,
        state=state,
        opened=[said(voice, alarm) for alarm in state.open_alarms],
        closed=[said(voice, alarm) for alarm in closed[:SHOWN_CLOSED]],
        tables=_tables(state.readings, voice),
        parts=[(part, part_name(voice, part)) for part in PARTS],
        language=language,
        charts=charts,
        limit=strength_text(voice, state.limit),
        rule=service.drift.rule,
        may_acknowledge=not who.scopes.isdisjoint({ML, "admin"}),
        sees_trends=not who.scopes.isdisjoint({"review", LEAD, "admin"}),
        max_note=MAX_NOTE_CHARS,
        saved=saved,
        entered=entered,
        day_name=lambda day: day_name(voice, day),
    )


def _tables(
    readings: Sequence[Reading], voice: Voice
) -> list[tuple[bool, list[tuple[str, list[tuple[str, bool]]]]]]:
    """Lay out where series stand: those of all labels together, then those of each label.

    A row is its name, and for each of `PARTS` a text and whether it is above the limit.
    """
    found = {row.key: row for row in readings}
    measures = list(dict.fromkeys(row.measure for row in readings))
    measures.sort(key=lambda measure: (":" in measure, measure))
    tables: list[tuple[bool, list[tuple[str, list[tuple[str, bool]]]]]] = []
    for of_labels in (False, True):
        rows = [
            (
                measure_name(voice, Key(measure, ALL)),
                [_cell(found.get(Key(measure, part)), voice) for part in PARTS],
            )
            for measure in measures
            if (":" in measure) is of_labels
        ]
        if rows:
            tables.append((of_labels, rows))
    return tables


def _cell(reading: Reading | None, voice: Voice) -> tuple[str, bool]:
    return ("–", False) if reading is None else (state_text(voice, reading), reading.alarms)


def charts_of(readings: Sequence[Reading], voice: Voice) -> tuple[Chart, ...]:
    """Lay out a chart per measure that was tested; of single labels those that stood out."""
    series: dict[Key, list[Reading]] = defaultdict(list)
    for row in readings:
        series[row.key].append(row)
    shown = {key: rows for key, rows in series.items() if any(row.z is not None for row in rows)}
    order = sorted(shown, key=lambda key: (bool(key.label), list(series).index(key)))
    return tuple(_chart(key, shown[key], voice) for key in order if _stands_out(shown[key]))


def _stands_out(rows: Sequence[Reading]) -> bool:
    return not rows[0].key.label or any((row.z or 0.0) > CALM for row in rows)


def _chart(key: Key, rows: Sequence[Reading], voice: Voice) -> Chart:
    table = tuple(ChartRow(day_name(voice, row.day), _cells(key, row, voice), "") for row in rows)
    strengths = [None if row.z is None else round(row.z, 2) for row in rows]
    limits = [round(row.limit, 2) for row in rows]
    return Chart(
        key=key.measure.replace(":", "-"),
        title=measure_name(voice, key),
        kind="limit",
        columns=tuple(
            voice.gettext(name)
            for name in (
                _l("Before"),
                _l("Now"),
                _l("Texts or decisions"),
                _l("Strength"),
                _l("Limit"),
            )
        ),
        rows=table,
        series=(
            {"name": voice.gettext(_l("Strength")), "part": "", "values": strengths},
            {"name": voice.gettext(_l("Limit")), "part": "limit", "values": limits},
        ),
        unit="strength",
    )


def _cells(key: Key, row: Reading, voice: Voice) -> tuple[str, ...]:
    if row.z is None:
        return ("–", "–", "–", state_text(voice, row), strength_text(voice, row.limit))
    return (
        value_text(voice, key, row.before),
        value_text(voice, key, row.after),
        voice.number(row.n),
        strength_text(voice, row.z),
        strength_text(voice, row.limit),
    )
