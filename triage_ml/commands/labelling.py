"""`triage labelling`: what is chosen to learn from, and what it brought."""

from typing import TYPE_CHECKING

import typer
from rich.table import Table

from triage_ml.commands.access import with_policy
from triage_ml.commands.words import out, say

if TYPE_CHECKING:
    from triage_ml.domain.policy import Policy
    from triage_ml.ports import Clock
    from triage_ml.ports.labelling import PickResult
    from triage_ml.storage.postgres import PostgresCaseStore
    from triage_ml.workflow.labelling import LabellingStatus

labelling = typer.Typer(help="What to label next.", no_args_is_help=True)


@labelling.callback()
def _group() -> None:
    """What to label next."""


@labelling.command("status")
def labelling_status() -> None:
    """Show the day's budget, and what the picks of the last four weeks brought."""
    status = with_policy(_read)
    budget = status.budget
    if not budget.per_day:
        say("labelling is off: the policy's budget is 0")
    say(
        f"{status.day} (UTC): {status.n_used} of {status.n_open} open picks used, "
        f"budget {budget.per_day} a day into the queue {budget.queue}"
    )
    if not status.results:
        say(f"nothing was chosen since {status.since}")
        return
    columns = "picked", "waiting", "left", "missed", "decided", "violations", "labels found"
    table = Table("language", "strategy", *columns)
    for row in status.results:
        table.add_row(*_cells(row))
    out.print(table)


async def _read(store: "PostgresCaseStore", policy: "Policy", clock: "Clock") -> "LabellingStatus":
    from triage_ml.workflow.labelling import Labelling

    return await Labelling(store, policy, clock).status()


def _cells(row: "PickResult") -> list[str]:
    from triage_ml.domain.stats import wilson

    share = "-"
    if row.n_decided:
        low, high = wilson(row.n_upheld, row.n_decided)
        share = f"{row.n_upheld / row.n_decided:.0%} ({low:.0%} to {high:.0%})"
    labels = ", ".join(f"{name} {n}" for name, n in sorted(row.labels.items())) or "-"
    counts = (row.n_picked, row.n_waiting, row.n_left, row.n_missed, row.n_decided)
    return [row.language.value, row.strategy.value, *map(str, counts), share, labels]
