"""`triage means`: how often automated means are right, for a transparency report."""

from typing import TYPE_CHECKING, Annotated

import typer

from triage_ml.commands.access import with_policy
from triage_ml.commands.options import require_one_of

if TYPE_CHECKING:
    from triage_ml.domain.policy import Policy
    from triage_ml.ports import Clock
    from triage_ml.storage.postgres import PostgresCaseStore

means = typer.Typer(help="How often automated means are right.", no_args_is_help=True)


@means.callback()
def _group() -> None:
    """Keep `report` a command of its own: typer folds a group of one."""


@means.command("report")
def means_report(
    window: Annotated[int, typer.Option(help="Days to reach back: 30, 90 or 365.")] = 90,
) -> None:
    """Print the error rate of automated means as JSON; it holds nothing restricted."""
    from serving.schemas.means import MeansOut
    from triage_ml.workflow.means import WINDOWS, Means, MeansReport

    require_one_of("window", window, WINDOWS)  # a wrong one is told before a database is started

    async def measure(store: "PostgresCaseStore", policy: "Policy", clock: "Clock") -> MeansReport:
        return await Means(store, policy, clock).report(days=window)

    report = MeansOut.of(with_policy(measure))
    print(report.model_dump_json(indent=2))  # noqa: T201  plain, for scripts
