"""`triage model`: the shipped model, the registry of those that may become it, and the live one.

A known problem is one line and exit status 2. `live`, `show` without a version, and `promote` of a
folder or of what the database has work without the training extra.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from triage_ml.commands.access import has_database, with_existing_store
from triage_ml.commands.model_access import (
    agree,
    ask_for_comparison,
    model_folder,
    noted,
    open_registry,
    published,
    registry_of,
    version_on_trial,
    who_and_why,
)
from triage_ml.commands.model_words import difference_cells, show_registered, show_served
from triage_ml.commands.words import note, print_table, refusing, say
from triage_ml.errors import Conflict, InvalidInput, TriageError

if TYPE_CHECKING:
    from training.release.records import Version
    from training.release.registry import Registry
    from triage_ml.ports import Clock
    from triage_ml.storage.postgres import PostgresCaseStore


class OneLine(TyperGroup):
    """Say a known problem in one line."""

    def invoke(self, ctx: Any) -> Any:
        with refusing():
            return super().invoke(ctx)


model = typer.Typer(cls=OneLine, help="The served model and its registry.", no_args_is_help=True)

ModelDir = Annotated[
    Path | None,
    typer.Option(envvar="TRIAGE_MODEL_DIR", help="Artifact folder; the shipped one if left out."),
]
Reference = Annotated[
    str, typer.Argument(help="Version number, champion, challenger, or model version.")
]
Store = Annotated[
    str | None,
    typer.Option(
        "--mlflow", envvar="MLFLOW_TRACKING_URI", help="MLflow store; SQLite under var if left out."
    ),
]
By = Annotated[str | None, typer.Option(help="Who decides; the user of this system if left out.")]
Why = Annotated[str, typer.Option(help="The reason, kept in the history.")]


@model.command("show")
def model_show(
    version: Annotated[
        str | None, typer.Argument(help="Of the registry; the served model if left out.")
    ] = None,
    model_dir: ModelDir = None,
    mlflow: Store = None,
) -> None:
    """Print version, labels and support of the served model, or what the registry knows of one."""
    if version is None:
        show_served(model_folder(model_dir))
    else:
        show_registered(open_registry(mlflow).get(version))


@model.command("list")
def model_list(mlflow: Store = None) -> None:
    """List the registered versions, newest first."""
    table = Table("version", "model", "registered", "aliases", "snapshot", "code")
    for found in open_registry(mlflow).versions():
        origin = (found.tags["snapshot"][:12], found.tags["code"][:12])
        made = f"{found.created_at:%Y-%m-%d %H:%M}"
        cells = (str(found.number), found.model_version, made, " ".join(found.aliases), *origin)
        table.add_row(*map(escape, cells))
    print_table(table)


@model.command("register")
def model_register(
    folder: Annotated[Path, typer.Argument(help="Working folder of a finished experiment.")],
    gates: Annotated[
        Path | None, typer.Option(help="Limits; training/release/gates.toml if left out.")
    ] = None,
    artifacts: Annotated[
        str | None, typer.Option(help="Where a new store keeps files; var/mlartifacts.")
    ] = None,
    mlflow: Store = None,
) -> None:
    """Register a finished model as challenger, if every gate passes."""
    registry = open_registry(mlflow, artifacts)
    from training.release.gates import LIMITS, load_limits

    show_registered(registry.register(folder, load_limits(gates or LIMITS)))


@model.command("adopt")
def model_adopt(
    why: Why,
    folder: Annotated[
        Path | None, typer.Argument(help="Artifact folder; the shipped model if left out.")
    ] = None,
    by: By = None,
    mlflow: Store = None,
) -> None:
    """Make an artifact without working folder the first champion; its gates are not run here.

    Only while there is no champion: everything after it is compared with it.
    """
    who, why = who_and_why(by, why)
    registry = open_registry(mlflow)
    version = registry.deposit_adopted(model_folder(folder), who, why)
    adopted = _release(registry, version, lambda: registry.adopt(version, who, why))
    say(
        f"version {adopted.number} ({adopted.model_version}) is the champion; "
        "adopted, gates not run here"
    )


@model.command("card")
def model_card(
    version: Reference,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder to write it to; printed if left out.")
    ] = None,
    mlflow: Store = None,
) -> None:
    """Write the card of a registered version again, from what its run kept."""
    registry = open_registry(mlflow)
    from training.release.cards import card_of, write_card

    found = registry.get(version)
    text = card_of(registry, found)
    if folder is None:
        say(text)
    else:
        say(f"written: {write_card(folder, found.model_version, text)}")


@model.command("compare")
def model_compare(first: Reference, second: Reference, mlflow: Store = None) -> None:
    """Print the numbers of two versions side by side, with the differences."""
    registry = open_registry(mlflow)
    from training.release.compare import compare

    versions = registry.get(first), registry.get(second)
    rows = compare(*(registry.reports(version) for version in versions))
    names = (escape(f"{version.number} {version.model_version}") for version in versions)
    table = Table("language", "output", "measure", *names, "difference")
    for row in rows:
        table.add_row(*difference_cells(row))
    print_table(table)


@model.command("promote")
def model_promote(
    why: Why,
    version: Annotated[
        str | None,
        typer.Argument(
            help="Of the registry, or a version that the database has; the one on trial if left "
            "out."
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(file_okay=False, help="An artifact's folder instead.")
    ] = None,
    without_comparison: Annotated[
        str | None,
        typer.Option(help="Why no `triage compare` is asked for; kept in the history."),
    ] = None,
    by: By = None,
    mlflow: Store = None,
) -> None:
    """Make a version the champion, after its artifact was verified, and let servers follow.

    Where the database holds cases, `triage compare` of it with the live model comes before. The
    version on trial goes on probation. A folder, or a version that only the database knows, is made
    live there and nowhere else.
    """
    if without_comparison is not None:
        if not without_comparison.strip():
            raise InvalidInput("--without-comparison", "must not be empty")
        why = f"{why} (without comparison: {without_comparison})" if why.strip() else why
    who, why = who_and_why(by, why)
    reference = version if version or folder else version_on_trial()
    registry = None if folder else registry_of(str(reference), mlflow)
    if registry is None:
        _promote_published(reference, folder, who, why, asked=without_comparison is None)
        return
    with noted():
        agree(registry)
    chosen = registry.get(str(reference))
    if without_comparison is None and has_database():
        with_existing_store(lambda store, _clock: ask_for_comparison(store, chosen.model_version))
    promoted = _release(registry, chosen, lambda: registry.promote(str(chosen.number), who, why))
    say(f"version {promoted.number} ({promoted.model_version}) is the champion")


@model.command("rollback")
def model_rollback(why: Why, by: By = None, mlflow: Store = None) -> None:
    """Return to the champion before this one, and let servers follow."""
    who, why = who_and_why(by, why)
    registry = open_registry(mlflow)
    with noted():
        agree(registry)
    restored = _release(registry, registry.before(), lambda: registry.rollback(who, why))
    say(f"version {restored.number} ({restored.model_version}) is the champion again")


@model.command("publish")
def model_publish(mlflow: Store = None) -> None:
    """Make the champion live in the database of the settings; servers follow within seconds."""
    registry = open_registry(mlflow)
    from training.release.deploy import catch_up

    agree(registry)
    told = with_existing_store(lambda store, clock: catch_up(registry, store, clock))
    champion = registry.changes()[-1].model_version
    say(f"{champion} is live in the database" + ("" if told else " already"))


@model.command("live")
def model_live() -> None:
    """List which model the database's servers follow, and which before, newest first."""
    table = Table("model", "live from", "until", "by", "why", "manifest")
    until = "now"
    for row in with_existing_store(lambda store, _clock: store.model_history()):
        at = f"{row.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(*map(escape, (row.version, at, until, row.by, row.why, row.sha256[:12])))
        until = at
    print_table(table)


@model.command("pull")
def model_pull(
    version: Reference,
    folder: Annotated[Path, typer.Argument(help="Where the artifact goes; one there is replaced.")],
    mlflow: Store = None,
) -> None:
    """Download a version's artifact, verify it, and put it in its place whole."""
    registry = open_registry(mlflow)
    from training.release.pull import pull

    artifact = pull(registry, registry.get(version), folder)
    say(f"{artifact.manifest.model_version} is in {folder}")


@model.command("history")
def model_history(mlflow: Store = None) -> None:
    """List which version was champion from when to when, by whom and why.

    Says when the database of the settings has another one live.
    """
    registry = open_registry(mlflow)
    from training.release.history import spans

    with noted():
        agree(registry)
    changes = registry.changes()

    table = Table("version", "model", "live from", "until", "by", "step", "why")
    for span in spans(changes):
        x = span.change
        cells = (str(x.version), x.model_version, x.at, span.until or "now", x.by, x.step, x.why)
        table.add_row(*map(escape, cells))
    print_table(table)
    if changes:
        _compare(changes[-1].model_version)


def _release(registry: "Registry", chosen: "Version", change: Callable[[], "Version"]) -> "Version":
    """Change the champion, in the database too where there is one."""
    if not has_database():
        from serving.run import NAME_DATABASE

        changed = change()
        note(f"no server was told: {NAME_DATABASE}, then run `triage model publish`")
        return changed
    from training.release.deploy import release

    changed = with_existing_store(
        lambda store, clock: release(registry, chosen, change, store, clock)
    )
    say(f"{changed.model_version} is live in the database; its servers follow within seconds")
    _tell_probation()
    return changed


def _promote_published(
    version: str | None, folder: Path | None, who: str, why: str, *, asked: bool
) -> None:
    """Make a model live in the database alone."""

    async def promote(store: "PostgresCaseStore", clock: "Clock") -> str:
        chosen = await published(version, folder, None, store, clock)
        if asked:
            await ask_for_comparison(store, chosen)
        if not await store.make_live(chosen, clock.now(), who, why):
            raise Conflict(f"{chosen} is live already")
        return chosen

    chosen = with_existing_store(promote)
    say(f"{chosen} is live in the database; its servers follow within seconds")
    note(f"no registry knows of it; `triage model publish` would put its champion over {chosen}")
    _tell_probation()


def _tell_probation() -> None:
    trial = with_existing_store(lambda store, _clock: store.open_trial())
    if trial is not None and trial.stage == "probation":
        hours = f"{trial.limits.probation_hours:g} hours"
        say(f"{trial.watched} is on probation for {hours}, held against {trial.compared}")


def _compare(champion: str) -> None:
    """Say when the database has another model live than the registry."""
    if not has_database():
        return
    try:
        live = with_existing_store(lambda store, _clock: store.live_model())
    except TriageError as error:
        note(f"not compared with the database: {error}")
        return
    if live is None or live.version != champion:
        name = live.version if live else "no model"
        note(f"the database has {name} live, not {champion}: run `triage model publish`")
