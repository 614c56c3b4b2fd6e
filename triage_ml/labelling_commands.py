"""`triage labelling`: what is chosen to learn from, and what it brought."""

import asyncio
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from triage_ml.ports.labelling import PickResult
    from triage_ml.workflow.labelling import LabellingStatus

labelling = typer.Typer(help="What to label next.", no_args_is_help=True)
out = Console(soft_wrap=True)


@labelling.callback()
def _group() -> None:
    """What to label next."""


@labelling.command("status")
def labelling_status() -> None:
    """Show the day's budget, and what the picks of the last four weeks brought."""
    status = asyncio.run(_status())
    budget = status.budget
    if not budget.per_day:
        out.print("labelling is off: the policy's budget is 0", highlight=False)
    out.print(
        f"{status.day} (UTC): {status.n_used} of {status.n_open} open picks used, "
        f"budget {budget.per_day} a day into the queue {budget.queue}",
        highlight=False,
    )
    if not status.results:
        out.print(f"nothing was chosen since {status.since}", highlight=False)
        return
    columns = "picked", "waiting", "left", "missed", "decided", "violations", "labels found"
    table = Table("language", "strategy", *columns)
    for row in status.results:
        table.add_row(*_cells(row))
    out.print(table)


def _cells(row: "PickResult") -> list[str]:
    from triage_ml.domain.stats import wilson

    share = "-"
    if row.n_decided:
        low, high = wilson(row.n_upheld, row.n_decided)
        share = f"{row.n_upheld / row.n_decided:.0%} ({low:.0%} to {high:.0%})"
    labels = ", ".join(f"{name} {n}" for name, n in sorted(row.labels.items())) or "-"
    counts = (row.n_picked, row.n_waiting, row.n_left, row.n_missed, row.n_decided)
    return [row.language.value, row.strategy.value, *map(str, counts), share, labels]


async def _status() -> "LabellingStatus":
    from serving.app import SystemClock, open_store
    from serving.preflight import check_folder
    from serving.settings import Settings
    from triage_ml.policy import load_policy
    from triage_ml.workflow.labelling import Labelling

    settings = Settings()
    policy = load_policy(settings.policy_dir)
    if settings.database_url is None:
        check_folder(settings.data_dir)
    async with open_store(settings) as store:
        return await Labelling(store, policy, SystemClock()).status()
