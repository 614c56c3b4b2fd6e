"""`triage trends`: the weekly report, made without a browser, and counting anew."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage_ml.commands.access import with_policy, with_store
from triage_ml.commands.options import require_one_of
from triage_ml.commands.whole_file import write_whole
from triage_ml.commands.words import say

if TYPE_CHECKING:
    from triage_ml.domain.policy import Policy
    from triage_ml.ports import Clock
    from triage_ml.storage.postgres import PostgresCaseStore

trends = typer.Typer(help="Numbers over time.", no_args_is_help=True)


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
    from serving.console.i18n import Voice, zone_of
    from serving.console.weekly import report_of, texts_of
    from serving.console.weekly_charts import pdf_of
    from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
    from triage_ml.workflow.trends import Trends
    from triage_ml.workflow.weekly import Week, gather_week, monday_of

    require_one_of("locale", locale, SUPPORTED_LANGUAGES)
    monday_of(week)  # a wrong one is told before a database is started

    async def gather(
        store: "PostgresCaseStore", policy: "Policy", clock: "Clock"
    ) -> tuple[Week, Voice]:
        voice = Voice(Language(locale), zone_of("UTC"), clock.now())
        known = Trends(store, policy, clock)
        while await known.count():
            pass
        return await gather_week(known, store, policy, clock, week), voice

    report = report_of(*with_policy(gather))
    as_pdf = kind is ReportFormat.PDF
    write_whole(path, pdf_of(texts_of(report)) if as_pdf else report.as_html().encode())
    say(f"written: {path}")


@trends.command("recount")
def trends_recount() -> None:
    """Count every day anew, as after rows were restored by hand."""

    with_store(lambda store, _clock: store.recount_days())
    say("counted anew")
