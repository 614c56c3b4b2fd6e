"""`triage model shadow`, `canary`, `end`, `trial`: a model beside the live one.

They work beside running servers, which follow within seconds. Of the registry's versions they
need the training extra; a version that the database has, or a folder, needs nothing more.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from triage_ml.commands.access import with_existing_store
from triage_ml.commands.model import By, Store, Why, model
from triage_ml.commands.model_access import publish_folder, published, who_and_why
from triage_ml.commands.words import print_table, say

if TYPE_CHECKING:
    from triage_ml.domain.guard import GuardLimits, Quality
    from triage_ml.domain.rollout import Trial
    from triage_ml.ports import Clock
    from triage_ml.storage.postgres import PostgresCaseStore
    from triage_ml.workflow.rollout import Rollout, TrialState

__all__ = ["model"]

Chosen = Annotated[
    str | None,
    typer.Argument(help="A version that the database has, or a reference of the registry."),
]
Folder = Annotated[
    Path | None, typer.Option(file_okay=False, help="An artifact's folder instead of a version.")
]
N_SHOWN = 12
STANDS = {"shadow": "scores as a shadow", "canary": "is a canary", "probation": "is on probation"}


@model.command("shadow")
def model_shadow(
    why: Why,
    version: Chosen = None,
    folder: Folder = None,
    by: By = None,
    mlflow: Store = None,
) -> None:
    """Let a model score what the live one scores; nothing is placed by it."""
    _begin(version, folder, None, by, why, mlflow)


@model.command("canary")
def model_canary(
    why: Why,
    version: Chosen = None,
    share: Annotated[float, typer.Option(help="Share of the texts, over 0 to 0.5.")] = 0.05,
    folder: Folder = None,
    by: By = None,
    mlflow: Store = None,
) -> None:
    """Let a model place a share of the texts; without a version the one on trial goes on."""
    _begin(version, folder, share, by, why, mlflow)


@model.command("end")
def model_end(why: Why, by: By = None) -> None:
    """End a trial or a probation; the live model stays."""
    who, why = who_and_why(by, why)
    trial = with_existing_store(lambda store, clock: _rollout(store, clock).end(who, why))
    what = "probation" if trial.watched == trial.against else "trial"
    say(f"{trial.watched} is on {what} no more; {trial.against} is live")


@model.command("trial")
def model_trial(
    everything: Annotated[
        bool, typer.Option("--all", help="Every limit, not only the nearest to being broken.")
    ] = False,
) -> None:
    """Show the model beside the live one, what was counted, and the limits of the guard."""
    state, log = with_existing_store(_look)
    if state is None:
        say("no model is on trial")
    else:
        _show(state, None if everything else N_SHOWN)
    table = Table("at", "model", "stage", "share", "beside", "by", "why")
    for row in log:
        at, share = f"{row.at:%Y-%m-%d %H:%M:%S}", f"{row.share:.0%}" if row.share else ""
        cells = (at, row.watched, row.stage.value, share, row.compared, row.by, row.why)
        table.add_row(*map(escape, cells))
    if log:
        print_table(table)


def _begin(
    version: str | None,
    folder: Path | None,
    share: float | None,
    by: str | None,
    why: str,
    mlflow: str | None,
) -> None:
    from triage_ml.workflow.rollout import check_share

    who, why = who_and_why(by, why)
    if share is not None:
        check_share(share)
    limits = _limits()

    async def begin(store: "PostgresCaseStore", clock: "Clock") -> "Trial":
        rollout = _rollout(store, clock)
        running = await store.open_trial()
        name = version or (running.version if running and folder is None else None)
        chosen = await published(name, folder, mlflow, store, clock)
        await _make_sure_of_live(store, clock, who)
        if share is None:
            return await rollout.shadow(chosen, who, why, limits)
        return await rollout.canary(chosen, share, who, why, limits)

    trial = with_existing_store(begin)
    what = f"has {trial.share:.0%} of the texts" if trial.share else "scores as a shadow"
    say(f"{trial.version} {what} beside {trial.against}; servers follow within seconds")


async def _make_sure_of_live(store: "PostgresCaseStore", clock: "Clock", who: str) -> None:
    """Publish the shipped model where servers run on it: a trial needs one to go back to."""
    from triage_ml.inference.artifact import SHIPPED

    if await store.live_model() is None:
        shipped = await publish_folder(SHIPPED, store, clock)
        await store.make_live(
            shipped, clock.now(), who, "the shipped model, to hold a trial against"
        )
        say(f"{shipped} is live in the database: it was the shipped model of the servers")


async def _look(
    store: "PostgresCaseStore", clock: "Clock"
) -> "tuple[TrialState | None, list[Trial]]":
    rollout = _rollout(store, clock)
    return await rollout.state(), await rollout.history(N_SHOWN)


def _show(state: "TrialState", n_checks: int | None) -> None:
    trial = state.trial
    share = f" with {trial.share:.0%} of the texts" if trial.share else ""
    say(f"{trial.watched} {STANDS[trial.stage]}{share} against {trial.compared}")
    say(f"since {trial.at:%Y-%m-%d %H:%M:%S}, by {trial.by}: {trial.why}")
    say(
        f"{state.n_shadowed} texts scored beside, {state.n_own} of its own, {state.n_fallbacks} "
        f"fallbacks, {state.n_failed} failed, {state.n_dropped} dropped"
    )
    if state.n_refused:
        say(f"REFUSED by {state.n_refused} servers: it cannot be loaded there, see their logs")
    for model_name, found in ((trial.watched, state.watched), (trial.compared, state.compared)):
        say(f"{model_name}: {_quality(found)}")
    table = Table("limit", "language", "value", "limit", "n", "evidence", title="The guard")
    for check in state.checks[:n_checks]:
        language = check.language or "all"
        value, limit = (_number(check.name, x) for x in (check.value, check.limit))
        weight = "BROKEN" if check.broken else f"{check.weight:.0%}"
        table.add_row(escape(check.name), language, value, limit, str(check.n), weight)
    print_table(table)
    left = len(state.checks[n_checks:]) if n_checks else 0
    if left:
        say(f"and {left} more, further from being broken: --all")


def _number(name: str, value: float) -> str:
    return f"x {value:.1f}" if name == "slower" else f"{value:+.1%}"


def _quality(found: "Quality") -> str:
    if not found.n_decided:
        return "no case decided yet that both scored"
    shares = (("precision", found.precision), ("recall", found.recall))
    said = ", ".join(f"{name} {x:.1%}" for name, x in shares if x is not None)
    return f"{said or 'nothing found'} of {found.n_decided} decided cases that both scored"


def _limits() -> "GuardLimits":
    from serving.settings import Settings
    from triage_ml.policy.guard import load_guard

    return load_guard(Settings().policy_dir)


def _rollout(store: "PostgresCaseStore", clock: "Clock") -> "Rollout":
    from serving.settings import Settings
    from triage_ml.policy import load_policy
    from triage_ml.workflow.rollout import Rollout

    return Rollout(store, load_policy(Settings().policy_dir), clock)
