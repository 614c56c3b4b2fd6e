"""`triage drift`: what is not as it was, on the command line."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from triage_ml.commands.access import with_policy
from triage_ml.commands.options import require_one_of
from triage_ml.commands.words import out, say

if TYPE_CHECKING:
    from triage_ml.domain.drift_watch import Reading
    from triage_ml.workflow.drift import DriftState, DriftWatch

T = TypeVar("T")

drift = typer.Typer(help="What is not as it was.", no_args_is_help=True)


@drift.command("show")
def drift_show(
    language: Annotated[str, typer.Option(help="en, de, tr, es, ko, und or all.")] = "all",
    labels: Annotated[bool, typer.Option("--labels", help="Also label by label.")] = False,
) -> None:
    """Count and compare the days that are over, and print where everything stands."""
    from triage_ml.domain.drift import ALL
    from triage_ml.domain.taxonomy import Language

    require_one_of("language", language, (ALL, *Language))

    async def look(watch: "DriftWatch") -> "DriftState":
        await watch.catch_up()
        return await watch.state()

    state = _with_watch(look)
    if state.read_to is None:
        say("nothing is scored yet on a day that is over")
        return
    _print_alarms(state)
    table = Table("measure", "before", "now", "strength", "reference", highlight=False)
    for row in state.readings:
        if row.language == language and (labels or not row.key.label):
            table.add_row(row.measure, *_cells(row))
    say(f"up to {state.read_to}, language {language}; an alarm needs {state.limit:.1f}")
    out.print(table)


@drift.command("recount")
def drift_recount() -> None:
    """Count and compare every day anew, as after rows were restored by hand; alarms stay."""

    async def recount(watch: "DriftWatch") -> int:
        return await watch.recount()

    say(f"{_with_watch(recount)} days counted anew")


def _print_alarms(state: "DriftState") -> None:
    for alarm in state.open_alarms:
        seen = f", seen by {alarm.acknowledged_by}" if alarm.acknowledged_by else ""
        line = (
            f"ALARM {alarm.measure} {alarm.language}: {alarm.before:.4g} -> {alarm.after:.4g} "
            f"since {alarm.since} (strength {alarm.z:.1f}, limit {alarm.limit:.1f}{seen})"
        )
        say(line)
    if not state.open_alarms:
        say("no open alarm")


def _cells(row: "Reading") -> tuple[str, str, str, str]:
    unit = "decisions" if row.key.is_drawn else "days"
    reference = f"{row.have} of {row.need} {unit}"
    if row.z is None:
        return "", "", "", reference
    return f"{row.before:.4g}", f"{row.after:.4g}", f"{row.z:.1f}", reference


def _with_watch(use: Callable[["DriftWatch"], Awaitable[T]]) -> T:
    from triage_ml.inference.projection import project
    from triage_ml.workflow.drift import DriftWatch

    return with_policy(lambda store, policy, clock: use(DriftWatch(store, policy, clock, project)))
