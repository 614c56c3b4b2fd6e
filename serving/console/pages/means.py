"""Error rate of automated means: per language and label, with intervals, and as files."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.console.attachments import csv_file, xlsx_file
from serving.console.charts import charts_answer
from serving.console.frame import render, voice_of
from serving.console.means_view import (
    COLUMNS,
    RATES,
    REASONS,
    SAMPLES,
    MeansQuestion,
    charts_of_means,
    has_value,
    labels_unknown,
    question_of,
    rate_of,
    rows_of_sample,
    sheet_of_means,
)
from serving.console.session import signed_in_with
from serving.dependencies import Running
from triage_ml.domain.account import LEAD, Account
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
from triage_ml.errors import InvalidInput, ScopeMissing
from triage_ml.workflow.means import WINDOWS, MeansReport
from triage_ml.workflow.review import RESTRICTED
from triage_ml.workflow.trends import RESTRICTED_LABELS

router = APIRouter(prefix="/console/means", include_in_schema=False)

MeansReader = Annotated[Account, Depends(signed_in_with("ml", LEAD))]


@router.get("")
async def show_means(request: Request, service: Running, who: MeansReader) -> Response:
    """Show the charts and the numbers; what the address asks for is all that they depend on."""
    asked = question_of(request.query_params)
    report = await service.means.report(who.scopes, asked.days)
    _check(report, asked, who)
    voice = voice_of(request)
    rows = rows_of_sample(report, asked)
    return render(
        request,
        "means.html",
        asked=asked,
        report=report,
        charts=charts_of_means(report, asked, voice),
        known=[row for row in rows if row.n_cases and has_value(row)],
        labels_unknown=labels_unknown(rows),
        unknown=[
            (row, row.rates.error_rate.unknown)
            for row in rows
            if row.language in SUPPORTED_LANGUAGES and not row.label
            if row.rates.error_rate.unknown
        ],
        labels=_labels(report),
        languages=list(SUPPORTED_LANGUAGES),
        windows=WINDOWS,
        rates=RATES,
        samples=SAMPLES,
        reasons=REASONS,
        rate_of=rate_of,
        query=asked.query(),
    )


@router.get("/data")
async def give_data(request: Request, service: Running, who: MeansReader) -> Response:
    """Give the charts as JSON, for the script that draws them.

    With `file` they become a picture: nothing restricted leaves the console.
    """
    given = request.query_params
    asked = question_of(given)
    report = await service.means.report(who.scopes, asked.days, leaves="file" in given)
    _check(report, asked, who)
    return charts_answer(charts_of_means(report, asked, voice_of(request)))


@router.get("/export.csv")
async def export_csv(request: Request, service: Running, who: MeansReader) -> Response:
    """Give every number of a window as CSV; nothing restricted leaves the console."""
    report = await _to_export(request, service, who)
    return csv_file(_file_name(report), COLUMNS, sheet_of_means(report))


@router.get("/export.xlsx")
async def export_xlsx(request: Request, service: Running, who: MeansReader) -> Response:
    """Give every number of a window as a workbook; nothing restricted leaves the console."""
    report = await _to_export(request, service, who)
    about = [
        ("about", "error rate of automated means: model against the newest decision"),
        ("from (UTC)", report.since.isoformat(timespec="seconds")),
        ("to (UTC)", report.until.isoformat(timespec="seconds")),
        ("intervals", "95 %"),
        ("received", "all cases that came; random draws stand for those that wait"),
        ("waiting", "random draws among what waited, weighted by one over their probability"),
        ("blind", "first decisions taken without hints"),
        ("left out", "restricted queues and labels; cases without scores"),
    ]
    return xlsx_file(_file_name(report), COLUMNS, sheet_of_means(report), about)


async def _to_export(request: Request, service: Running, who: Account) -> MeansReport:
    asked = question_of(request.query_params)
    return await service.means.report(who.scopes, asked.days, leaves=True)


def _file_name(report: MeansReport) -> str:
    return f"triage-automated-means-{report.until.date().isoformat()}-{report.days}d"


def _check(report: MeansReport, asked: MeansQuestion, who: Account) -> None:
    """Refuse what is not in the report. Raises: ScopeMissing, InvalidInput."""
    if asked.label in RESTRICTED_LABELS and RESTRICTED not in who.scopes:
        raise ScopeMissing(RESTRICTED)
    if asked.label and asked.label not in (*_labels(report), *RESTRICTED_LABELS):
        raise InvalidInput("label", "must be a label of the policy that is a violation")
    if asked.model_version and asked.model_version not in report.versions:
        raise InvalidInput("version", "must be a model version of these days")


def _labels(report: MeansReport) -> list[str]:
    return list(dict.fromkeys(row.label for row in report.rows if row.label))
