"""What `triage model` opens: the registry, the database of the settings, and an artifact for it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from triage_ml.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    SetupFailed,
    StoreUnavailable,
    TriageError,
)
from triage_ml.model_words import note

if TYPE_CHECKING:
    from serving.settings import Settings
    from training.release.registry import Registry
    from triage_ml.ports import Clock, ModelStore
    from triage_ml.storage.postgres import PostgresCaseStore

T = TypeVar("T")

NO_DATABASE = "set TRIAGE_DATABASE_URL, or TRIAGE_DATA_DIR to the data folder of a server"


def model_folder(folder: Path | None) -> Path:
    from triage_ml.inference.artifact import SHIPPED

    return folder or SHIPPED


def open_registry(store: str | None, artifacts: str | None = None) -> "Registry":
    try:
        from training.release.registry import Registry

        return Registry.open(store, artifacts=artifacts)
    except ModuleNotFoundError as error:
        raise SetupFailed(
            f"{error.name} is missing; the registry needs pip install 'triage-ml[training]'"
        ) from error


def registry_of(version: str, mlflow: str | None) -> "Registry | None":
    """Open the registry if it knows a version; None where only the database does."""
    try:
        registry = open_registry(mlflow)
        registry.get(version)
    except (SetupFailed, NotFound):
        if database_settings() is None:
            raise
        if not with_models(lambda store, _clock: store.is_published(version)):
            raise
        return None
    return registry


def version_on_trial() -> str:
    trial = with_models(lambda store, _clock: store.open_trial())
    if trial is None:
        raise Conflict("no model is on trial: name a version")
    if trial.stage == "probation":  # beside it stands the model before
        raise Conflict(f"{trial.against} is live and on probation: name a version")
    return trial.version


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
    registry = open_registry(mlflow)
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


async def ask_for_comparison(store: "PostgresCaseStore", version: str) -> None:
    """Raises: Conflict where past cases could be compared and were not, or speak against it."""
    from triage_ml.workflow.simulate import require_comparison

    live = await store.live_model()
    if live is not None and await store.past_cases(datetime.min.replace(tzinfo=UTC), 1):
        await require_comparison(store, version, live.version)


def agree(registry: "Registry") -> None:
    """Take over into the registry what the guard did in the database, and say so."""
    if database_settings() is None:
        return
    from training.release.deploy import take_over

    taken = with_models(lambda store, _clock: take_over(registry, store))
    if taken is not None:
        change = registry.changes()[-1]
        note(
            f"the guard made {taken.model_version} live again at {change.at}; the registry has "
            f"taken it over: {change.why}"
        )


@contextmanager
def noted() -> Iterator[None]:
    """Say a problem and go on."""
    try:
        yield
    except (StoreUnavailable, SetupFailed):
        return  # that it is away is said by what comes next
    except TriageError as error:
        note(str(error))


def with_models(use: "Callable[[PostgresCaseStore, Clock], Awaitable[T]]") -> T:
    """Open the database of the settings, also beside a server that uses it, for one use."""
    from serving.app import SystemClock, open_store

    settings = database_settings()
    if settings is None:
        raise SetupFailed(f"there is no database: {NO_DATABASE}")

    async def opened() -> T:
        async with open_store(settings) as store:
            return await use(store, SystemClock())

    return asyncio.run(opened())


def database_settings() -> "Settings | None":
    """Give the settings, unless they name no database: none is made for a model's sake."""
    from serving.settings import Settings

    settings = Settings()
    known = settings.database_url is not None or (settings.data_dir / "postgres").is_dir()
    return settings if known else None


def who_and_why(by: str | None, why: str) -> tuple[str, str]:
    """Give who decides, who is not the guard, and why. Raises: InvalidInput."""
    from triage_ml.workflow.rollout import check_words

    return check_words(by or _user(), why)


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError) as error:
        raise InvalidInput("--by", "this user has no name, so give one") from error
