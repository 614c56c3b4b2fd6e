"""Trends: charts over time, the cases behind them, and files of their numbers."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.console.address import one_of
from serving.console.attachments import csv_file, xlsx_file
from serving.console.charts import charts_answer
from serving.console.frame import render, voice_of
from serving.console.session import signed_in_with
from serving.console.sheets import sheet_of
from serving.console.trend_charts import charts_of
from serving.console.trend_words import label_text, part_text, question_query, spike_href
from serving.dependencies import Running
from triage_ml.domain.account import LEAD, Account
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import InvalidInput, NotFound
from triage_ml.ports.trends import Measure, Split
from triage_ml.workflow.answers import Question
from triage_ml.workflow.review import RESTRICTED
from triage_ml.workflow.trends import MAX_LISTED, RESTRICTED_LABELS, Overview

router = APIRouter(prefix="/console/trends", include_in_schema=False)

SHOWN_DAYS = 28

Analyst = Annotated[Account, Depends(signed_in_with("review", LEAD))]


@router.get("")
async def show_trends(request: Request, service: Running, who: Analyst) -> Response:
    """Show the charts; what the address asks for is all that they depend on."""
    asked = question_of(request.query_params, service.trends.today())
    found = await service.trends.overview(who, asked)
    voice = voice_of(request)
    emerging, looked_at = await service.trends.emerging()
    return render(
        request,
        "trends.html",
        found=found,
        asked=asked,
        charts=charts_of(found, voice),
        query=question_query(asked),
        emerging=emerging,
        looked_at=looked_at,
        labels=[x for x in Label if x not in RESTRICTED_LABELS or RESTRICTED in who.scopes],
        languages=list(Language),
        splits=list(Split),
        spans=_spans(asked, service.trends.today()),
        part_text=lambda part: part_text(voice, asked.split, part),
        spike_href=lambda spike: spike_href(asked, spike),
    )


@router.get("/data")
async def give_data(request: Request, service: Running, who: Analyst) -> Response:
    """Give the charts as JSON, for the script that draws them.

    With `file` they become a picture: nothing restricted leaves the console.
    """
    given = request.query_params
    asked = question_of(given, service.trends.today())
    found = await service.trends.overview(who, asked, leaves="file" in given)
    return charts_answer(charts_of(found, voice_of(request)))


@router.get("/cases")
async def show_cases(request: Request, service: Running, who: Analyst) -> Response:
    """List the cases behind a number, without their texts."""
    given = request.query_params
    asked = question_of(given, service.trends.today())
    measure = one_of(given, "measure", Measure, Measure.REPORTS)
    lines = await service.trends.cases(who, asked, measure)
    voice = voice_of(request)
    return render(
        request,
        "trends_cases.html",
        lines=lines[:MAX_LISTED],
        more=len(lines) > MAX_LISTED,
        asked=asked,
        measure=measure,
        term=None,
        back=question_query(asked),
        label_text=lambda label: label_text(voice, label),
    )


@router.get("/emerging/{key}")
async def show_emerging(request: Request, service: Running, who: Analyst, key: str) -> Response:
    """List the cases of a term or of a group of near-duplicates."""
    term, lines = await service.trends.emerging_cases(who, key)
    voice = voice_of(request)
    return render(
        request,
        "trends_cases.html",
        lines=lines,
        more=False,
        asked=None,
        measure=None,
        term=term,
        back="",
        label_text=lambda label: label_text(voice, label),
    )


@router.get("/export.csv")
async def export_csv(request: Request, service: Running, who: Analyst) -> Response:
    """Give a chart's numbers as CSV; nothing restricted leaves the console."""
    found, chart = await _to_export(request, service, who)
    columns, rows = sheet_of(found, chart)
    return csv_file(_file_name(found, chart), columns, rows)


@router.get("/export.xlsx")
async def export_xlsx(request: Request, service: Running, who: Analyst) -> Response:
    """Give a chart's numbers as a workbook; nothing restricted leaves the console."""
    found, chart = await _to_export(request, service, who)
    columns, rows = sheet_of(found, chart)
    asked = found.question
    about = [
        ("chart", chart),
        ("from (UTC)", asked.since.isoformat()),
        ("to (UTC)", asked.until.isoformat()),
        ("label", asked.label or "all"),
        ("language", asked.language or "all"),
        ("surface", asked.surface or "all"),
        ("made at", service.clock.now().isoformat(timespec="seconds")),
        ("left out", "restricted queues and labels"),
        ("prevalence", "of cases that waited, drawn by chance; the gravest wait least"),
    ]
    return xlsx_file(_file_name(found, chart), columns, rows, about)


async def _to_export(request: Request, service: Running, who: Account) -> tuple[Overview, str]:
    given = request.query_params
    chart = given.get("chart", "")
    if chart not in ("reports", "violations", "shares", "prevalence"):
        raise NotFound("chart", "of this name")
    asked = question_of(given, service.trends.today())
    return await service.trends.overview(who, asked, leaves=True), chart


def _file_name(found: Overview, chart: str) -> str:
    asked = found.question
    return f"triage-{chart}-{asked.since.isoformat()}-{asked.until.isoformat()}"


def question_of(given: Mapping[str, str], today: date) -> Question:
    """Read a question from an address; what it leaves out is the last four weeks, of all.

    Raises: InvalidInput.
    """
    until = _day("to", given.get("to", ""), today)
    month_before = until - timedelta(days=SHOWN_DAYS - 1) if until.year >= 2000 else until
    since = _day("from", given.get("from", ""), month_before)
    return Question(
        since=since,
        until=until,
        label=given.get("label", ""),
        language=given.get("language", ""),
        surface=given.get("surface", ""),
        split=one_of(given, "split", Split, Split.LABEL),
        weekly=one_of(given, "step", ("day", "week"), "day") == "week",
    )


def _day(field: str, given: str, default: date) -> date:
    if not given:
        return default
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InvalidInput(field, "must be a day, as in 2026-03-02") from None


def _spans(asked: Question, today: date) -> list[tuple[int, str]]:
    """Give the ready spans: how many days, and the address of them."""
    return [
        (
            n,
            question_query(
                asked,
                **{"from": (today - timedelta(days=n - 1)).isoformat(), "to": today.isoformat()},
            ),
        )
        for n in (7, 28, 91, 365)
    ]
