"""`triage trends`: the weekly report, made without a browser, and counting anew."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console

from triage_ml.errors import InvalidInput, SetupFailed

if TYPE_CHECKING:
    from triage_ml.domain.policy import Policy
    from triage_ml.storage.postgres import PostgresCaseStore

T = TypeVar("T")

trends = typer.Typer(help="Numbers over time.", no_args_is_help=True)
out = Console(soft_wrap=True)


class ReportFormat(StrEnum):
    HTML = "html"
    PDF = "pdf"


@trends.command("report")
def trends_report(
    week: Annotated[str, typer.Option(help="A week of the calendar, as in 2026-W47.")],
    path: Annotated[Path, typer.Option("--out", dir_okay=False, help="File to write.")],
    kind: Annotated[
        ReportFormat, typer.Option("--format", help="A page that needs nothing else, or a PDF.")
    ] = ReportFormat.HTML,
    locale: Annotated[str, typer.Option(help="en, de, tr, es or ko.")] = "en",
) -> None:
    """Write the report of a week. Needs the extra `reports`; holds nothing restricted."""
    from serving.app import SystemClock
    from serving.console.i18n import Voice, zone_of
    from serving.console.weekly import report_of, texts_of
    from serving.console.weekly_charts import pdf_of
    from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
    from triage_ml.workflow.trends import Trends
    from triage_ml.workflow.weekly import Week, gather_week, monday_of

    if locale not in SUPPORTED_LANGUAGES:
        raise InvalidInput("locale", f"must be one of {', '.join(SUPPORTED_LANGUAGES)}")
    monday_of(week)  # a wrong one is told before a database is started
    clock = SystemClock()

    async def gather(store: "PostgresCaseStore", policy: "Policy") -> Week:
        known = Trends(store, policy, clock)
        while await known.count():
            pass
        return await gather_week(known, store, policy, clock, week)

    voice = Voice(Language(locale), zone_of("UTC"), clock.now())
    report = report_of(_with_store(gather), voice)
    as_pdf = kind is ReportFormat.PDF
    _write(path, pdf_of(texts_of(report)) if as_pdf else report.as_html().encode())
    out.print(f"written: {path}", highlight=False, markup=False)


@trends.command("recount")
def trends_recount() -> None:
    """Count every day anew, as after rows were restored by hand."""

    async def recount(store: "PostgresCaseStore", _policy: "Policy") -> None:
        await store.recount_days()

    _with_store(recount)
    out.print("counted anew")


def _write(path: Path, content: bytes) -> None:
    # Renamed into place: an interrupted run leaves no half file behind.
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SetupFailed(f"cannot write {path}: {error.strerror}") from error


def _with_store(use: Callable[["PostgresCaseStore", "Policy"], Awaitable[T]]) -> T:
    from serving.app import open_store
    from serving.preflight import check_folder
    from serving.settings import Settings
    from triage_ml.policy import load_policy

    settings = Settings()
    policy = load_policy(settings.policy_dir)

    async def opened() -> T:
        if settings.database_url is None:
            check_folder(settings.data_dir)
        async with open_store(settings) as store:
            return await use(store, policy)

    return asyncio.run(opened())
