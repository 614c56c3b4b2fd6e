"""`triage means`: how often automated means are right, for a transparency report."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from triage_ml.domain.policy import Policy
    from triage_ml.storage.postgres import PostgresCaseStore

T = TypeVar("T")

means = typer.Typer(help="How often automated means are right.", no_args_is_help=True)


@means.callback()
def _group() -> None:
    """Keep `report` a command of its own: typer folds a group of one."""


@means.command("report")
def means_report(
    window: Annotated[int, typer.Option(help="Days to reach back: 30, 90 or 365.")] = 90,
) -> None:
    """Print the error rate of automated means as JSON; it holds nothing restricted."""
    from serving.app import SystemClock
    from serving.schemas.means import MeansOut
    from triage_ml.errors import InvalidInput
    from triage_ml.workflow.means import WINDOWS, Means, MeansReport

    if window not in WINDOWS:  # a wrong one is told before a database is started
        raise InvalidInput("window", f"must be one of {', '.join(map(str, WINDOWS))}")

    async def measure(store: "PostgresCaseStore", policy: "Policy") -> MeansReport:
        return await Means(store, policy, SystemClock()).report(days=window)

    report = MeansOut.of(_with_store(measure))
    print(report.model_dump_json(indent=2))  # noqa: T201  plain, for scripts


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
