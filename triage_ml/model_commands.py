"""`triage model`: the shipped model, the registry of those that may become it, and the live one.

A known problem is one line and exit status 2. `live`, `show` without a version, and `promote` of a
folder or of what the database has work without the training extra.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from triage_ml.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    SetupFailed,
    StoreUnavailable,
    TriageError,
)

if TYPE_CHECKING:
    from serving.settings import Settings
    from training.release.compare import Difference
    from training.release.records import Version
    from training.release.registry import Registry
    from triage_ml.ports import Clock, ModelStore
    from triage_ml.storage.postgres import PostgresCaseStore

T = TypeVar("T")

PIPE_WIDTH = 240  # columns
NO_DATABASE = "set TRIAGE_DATABASE_URL, or TRIAGE_DATA_DIR to the data folder of a server"

out = Console(soft_wrap=True)
notes = Console(stderr=True, soft_wrap=True)


class OneLine(TyperGroup):
    """Say a known problem in one line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TriageError as error:
            notes.print(f"triage: {error}", style="red", markup=False, highlight=False)
            raise typer.Exit(2) from error


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


def model_folder(folder: Path | None) -> Path:
    from triage_ml.inference.artifact import SHIPPED

    return folder or SHIPPED


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
        _show_served(model_folder(model_dir))
    else:
        _show_registered(_registry(mlflow).get(version))


@model.command("list")
def model_list(mlflow: Store = None) -> None:
    """List the registered versions, newest first."""
    table = Table("version", "model", "registered", "aliases", "snapshot", "code")
    for found in _registry(mlflow).versions():
        origin = (found.tags["snapshot"][:12], found.tags["code"][:12])
        made = f"{found.created_at:%Y-%m-%d %H:%M}"
        cells = (str(found.number), found.model_version, made, " ".join(found.aliases), *origin)
        table.add_row(*map(escape, cells))
    _print(table)


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
    registry = _registry(mlflow, artifacts)
    from training.release.gates import LIMITS, load_limits

    _show_registered(registry.register(folder, load_limits(gates or LIMITS)))


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
    registry, who = _registry(mlflow), by or _user()
    version = registry.deposit_adopted(model_folder(folder), who, why)
    adopted = _release(registry, version, lambda: registry.adopt(version, who, why))
    _say(
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
    registry = _registry(mlflow)
    from training.release.cards import card_of, write_card

    found = registry.get(version)
    text = card_of(registry, found)
    if folder is None:
        out.print(text, highlight=False, markup=False)
    else:
        _say(f"written: {write_card(folder, found.model_version, text)}")


@model.command("compare")
def model_compare(first: Reference, second: Reference, mlflow: Store = None) -> None:
    """Print the numbers of two versions side by side, with the differences."""
    registry = _registry(mlflow)
    from training.release.compare import compare

    versions = registry.get(first), registry.get(second)
    rows = compare(*(registry.reports(version) for version in versions))
    names = (escape(f"{version.number} {version.model_version}") for version in versions)
    table = Table("language", "output", "measure", *names, "difference")
    for row in rows:
        table.add_row(*_difference_cells(row))
    _print(table)


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
    who = _person(by)
    if without_comparison is not None:
        why = f"{why} (without comparison: {without_comparison})"
    reference = version if version or folder else _on_trial()
    registry = None if folder else _registry_of(str(reference), mlflow)
    if registry is None:
        _promote_published(reference, folder, who, why, asked=without_comparison is None)
        return
    with _noted():
        _agree(registry)
    chosen = registry.get(str(reference))
    if without_comparison is None and _database() is not None:
        _with_models(lambda store, _clock: _ask_for_comparison(store, chosen.model_version))
    promoted = _release(registry, chosen, lambda: registry.promote(str(chosen.number), who, why))
    _say(f"version {promoted.number} ({promoted.model_version}) is the champion")


@model.command("rollback")
def model_rollback(why: Why, by: By = None, mlflow: Store = None) -> None:
    """Return to the champion before this one, and let servers follow."""
    registry, who = _registry(mlflow), _person(by)
    with _noted():
        _agree(registry)
    restored = _release(registry, registry.before(), lambda: registry.rollback(who, why))
    _say(f"version {restored.number} ({restored.model_version}) is the champion again")


@model.command("publish")
def model_publish(mlflow: Store = None) -> None:
    """Make the champion live in the database of the settings; servers follow within seconds."""
    registry = _registry(mlflow)
    from training.release.deploy import catch_up

    _agree(registry)
    told = _with_models(lambda store, clock: catch_up(registry, store, clock))
    champion = registry.changes()[-1].model_version
    _say(f"{champion} is live in the database" + ("" if told else " already"))


@model.command("live")
def model_live() -> None:
    """List which model the database's servers follow, and which before, newest first."""
    table = Table("model", "live from", "until", "by", "why", "manifest")
    until = "now"
    for row in _with_models(lambda store, _clock: store.model_history()):
        at = f"{row.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(*map(escape, (row.version, at, until, row.by, row.why, row.sha256[:12])))
        until = at
    _print(table)


@model.command("pull")
def model_pull(
    version: Reference,
    folder: Annotated[Path, typer.Argument(help="Where the artifact goes; one there is replaced.")],
    mlflow: Store = None,
) -> None:
    """Download a version's artifact, verify it, and put it in its place whole."""
    registry = _registry(mlflow)
    from training.release.pull import pull

    artifact = pull(registry, registry.get(version), folder)
    _say(f"{artifact.manifest.model_version} is in {folder}")


@model.command("history")
def model_history(mlflow: Store = None) -> None:
    """List which version was champion from when to when, by whom and why.

    Says when the database of the settings has another one live.
    """
    registry = _registry(mlflow)
    from training.release.history import spans

    with _noted():
        _agree(registry)
    changes = registry.changes()

    table = Table("version", "model", "live from", "until", "by", "step", "why")
    for span in spans(changes):
        x = span.change
        cells = (str(x.version), x.model_version, x.at, span.until or "now", x.by, x.step, x.why)
        table.add_row(*map(escape, cells))
    _print(table)
    if changes:
        _compare(changes[-1].model_version)


def _show_served(folder: Path) -> None:
    from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
    from triage_ml.inference.artifact import load_artifact

    manifest = load_artifact(folder).manifest
    table = Table("label", *(language.value for language in SUPPORTED_LANGUAGES))
    for label in manifest.labels:
        cells = (manifest.support_matrix.of(x, label).value for x in SUPPORTED_LANGUAGES)
        table.add_row(label.value, *cells)
    _say(f"{manifest.model_version}, made {manifest.created_at}")
    _print(table)


def _show_registered(version: "Version") -> None:
    aliases = ", ".join(version.aliases) or "no alias"
    _say(f"version {version.number}: {version.model_version} ({aliases})")
    for name, value in version.tags.items():
        if name not in ("model_version", "gates"):
            _say(f"{name}: {value}")
    if "adopted" in version.tags:
        _say("adopted, gates not run here")
        return
    table = Table("gate passed", "value", "limit")
    for name, numbers in json.loads(version.tags["gates"]).items():
        table.add_row(escape(name), *(f"{number:.4f}" for number in numbers))
    _print(table)


def _difference_cells(row: "Difference") -> tuple[str, ...]:
    numbers = ("" if x is None else f"{x:.4f}" for x in (row.first, row.second))
    change = "" if row.change is None else f"{row.change:+.4f}"
    return (*map(escape, (row.language, row.output, row.measure)), *numbers, change)


def _registry(store: str | None, artifacts: str | None = None) -> "Registry":
    try:
        from training.release.registry import Registry

        return Registry.open(store, artifacts=artifacts)
    except ModuleNotFoundError as error:
        raise SetupFailed(
            f"{error.name} is missing; the registry needs pip install 'triage-ml[training]'"
        ) from error


def _release(registry: "Registry", chosen: "Version", change: Callable[[], "Version"]) -> "Version":
    """Change the champion, in the database too where there is one."""
    if _database() is None:
        changed = change()
        _note(f"no server was told: {NO_DATABASE}, then run `triage model publish`")
        return changed
    from training.release.deploy import release

    changed = _with_models(lambda store, clock: release(registry, chosen, change, store, clock))
    _say(f"{changed.model_version} is live in the database; its servers follow within seconds")
    _tell_probation()
    return changed


async def _ask_for_comparison(store: "PostgresCaseStore", version: str) -> None:
    """Raises: Conflict where past cases could be compared and were not, or speak against it."""
    from triage_ml.workflow.simulate import require_comparison

    live = await store.live_model()
    if live is not None and await store.past_cases(datetime.min.replace(tzinfo=UTC), 1):
        await require_comparison(store, version, live.version)


def _promote_published(
    version: str | None, folder: Path | None, who: str, why: str, *, asked: bool
) -> None:
    """Make a model live in the database alone."""

    async def promote(store: "PostgresCaseStore", clock: "Clock") -> str:
        chosen = await published(version, folder, None, store, clock)
        if asked:
            await _ask_for_comparison(store, chosen)
        if not await store.make_live(chosen, clock.now(), who, why):
            raise Conflict(f"{chosen} is live already")
        return chosen

    chosen = _with_models(promote)
    _say(f"{chosen} is live in the database; its servers follow within seconds")
    _note(f"no registry knows of it; `triage model publish` would put its champion over {chosen}")
    _tell_probation()


def _tell_probation() -> None:
    trial = _with_models(lambda store, _clock: store.open_trial())
    if trial is not None and trial.stage == "probation":
        hours = f"{trial.limits.probation_hours:g} hours"
        _say(f"{trial.watched} is on probation for {hours}, held against {trial.compared}")


def _agree(registry: "Registry") -> None:
    """Take over into the registry what the guard did in the database, and say so."""
    if _database() is None:
        return
    from training.release.deploy import take_over

    taken = _with_models(lambda store, _clock: take_over(registry, store))
    if taken is not None:
        change = registry.changes()[-1]
        _note(
            f"the guard made {taken.model_version} live again at {change.at}; the registry has "
            f"taken it over: {change.why}"
        )


@contextmanager
def _noted() -> Iterator[None]:
    """Say a problem and go on."""
    try:
        yield
    except (StoreUnavailable, SetupFailed):
        return  # that it is away is said by what comes next
    except TriageError as error:
        _note(str(error))


def _on_trial() -> str:
    trial = _with_models(lambda store, _clock: store.open_trial())
    if trial is None:
        raise Conflict("no model is on trial: name a version")
    return trial.version


def _registry_of(version: str, mlflow: str | None) -> "Registry | None":
    """Open the registry if it knows a version; None where only the database does."""
    try:
        registry = _registry(mlflow)
        registry.get(version)
    except (SetupFailed, NotFound):
        if _database() is None:
            raise
        if not _with_models(lambda store, _clock: store.is_published(version)):
            raise
        return None
    return registry


async def published(
    version: str | None,
    folder: Path | None,
    mlflow: str | None,
    store: "PostgresCaseStore",
    clock: "Clock",
) -> str:
    """Have a model in the database and give its version. Raises: InvalidInput, NotFound."""
    if (version is None) == (folder is None):
        raise InvalidInput("version", "give either a version or --folder")
    if folder is not None:
        return await publish_folder(folder, store, clock)
    if await store.is_published(str(version)):
        return str(version)
    registry = _registry(mlflow)
    from training.release.deploy import publish

    chosen = registry.get(str(version))
    await publish(registry, chosen, store, clock)
    return chosen.model_version


async def publish_folder(folder: Path, store: "ModelStore", clock: "Clock") -> str:
    """Publish an artifact and give its version. Raises: ArtifactInvalid, Conflict."""
    from triage_ml.inference.artifact import load_artifact, to_publish

    model = to_publish(await asyncio.to_thread(load_artifact, folder))
    await store.publish_model(model, clock.now())
    return model.version


def _compare(champion: str) -> None:
    """Say when the database has another model live than the registry."""
    if _database() is None:
        return
    try:
        live = _with_models(lambda store, _clock: store.live_model())
    except TriageError as error:
        _note(f"not compared with the database: {error}")
        return
    if live is None or live.version != champion:
        name = live.version if live else "no model"
        _note(f"the database has {name} live, not {champion}: run `triage model publish`")


def _with_models(use: "Callable[[PostgresCaseStore, Clock], Awaitable[T]]") -> T:
    """Open the database of the settings, also beside a server that uses it, for one use."""
    from serving.app import SystemClock, open_store

    settings = _database()
    if settings is None:
        raise SetupFailed(f"there is no database: {NO_DATABASE}")

    async def opened() -> T:
        async with open_store(settings) as store:
            return await use(store, SystemClock())

    return asyncio.run(opened())


def _database() -> "Settings | None":
    """Give the settings, unless they name no database: none is made for a model's sake."""
    from serving.settings import Settings

    settings = Settings()
    known = settings.database_url is not None or (settings.data_dir / "postgres").is_dir()
    return settings if known else None


def _print(table: Table) -> None:
    """Print a table as wide as the terminal; a file or pipe takes whole lines."""
    console = out if out.is_terminal else Console(width=PIPE_WIDTH)
    console.print(table, soft_wrap=False)


def _person(by: str | None) -> str:
    """Give who decides, who is not the guard. Raises: InvalidInput."""
    from triage_ml.domain.rollout import GUARD

    who = by or _user()
    if who.strip().lower() == GUARD:
        raise InvalidInput("--by", f"{GUARD} is the name of the guard itself")
    return who


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError) as error:
        raise InvalidInput("--by", "this user has no name, so give one") from error


def _say(line: str) -> None:
    out.print(line, highlight=False, markup=False)


def _note(line: str) -> None:
    notes.print(f"triage: {line}", highlight=False, markup=False)
