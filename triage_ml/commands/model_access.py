"""What `triage model` opens: the registry, the database of the settings, and an artifact for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from triage_ml.commands.access import has_database, training_extra, with_existing_store
from triage_ml.commands.options import user_of
from triage_ml.commands.words import note
from triage_ml.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    SetupFailed,
    StoreUnavailable,
    TriageError,
)

if TYPE_CHECKING:
    from training.release.registry import Registry
    from triage_ml.ports import Clock, ModelStore
    from triage_ml.storage.postgres import PostgresCaseStore

REGISTRY = Path("var/mlflow.db")
"""Where a registry is unless it is named."""


def model_folder(folder: Path | None) -> Path:
    from triage_ml.inference.artifact import SHIPPED

    return folder or SHIPPED


def open_registry(store: str | None, artifacts: str | None = None) -> "Registry":
    """Open the registry; where there is none yet, it is made. Raises: SetupFailed."""
    with training_extra("the registry"):
        from training.release.registry import Registry

        return Registry.open(store, artifacts=artifacts)


def has_registry(store: str | None) -> bool:
    """Say whether there is a registry to ask; looking for one makes none."""
    return store is not None or REGISTRY.is_file()


def registry_of(version: str, mlflow: str | None) -> "Registry | None":
    """Open the registry if it knows a version; None where only the database does."""
    try:
        registry = open_registry(mlflow)
        registry.get(version)
    except (SetupFailed, NotFound):
        if not has_database():
            raise
        if not with_existing_store(lambda store, _clock: store.is_published(version)):
            raise
        return None
    return registry


def version_on_trial() -> str:
    trial = with_existing_store(lambda store, _clock: store.open_trial())
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
    """Say what of the comparison is worth a look.

    Raises: Conflict where past cases could be compared and were not, or speak against it.
    """
    from triage_ml.commands.simulate_report import worth_a_look
    from triage_ml.workflow.simulate import require_comparison

    live = await store.live_model()
    if live is not None and await store.n_past_cases(1):
        found = await require_comparison(store, version, live.version)
        for line in worth_a_look(found) if found else ():
            note(line)


def agree(registry: "Registry") -> None:
    """Take over into the registry what the guard did in the database, and say so."""
    if not has_database():
        return
    from training.release.deploy import take_over

    taken = with_existing_store(lambda store, _clock: take_over(registry, store))
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


def who_and_why(by: str | None, why: str) -> tuple[str, str]:
    """Give who decides, who is not the guard, and why. Raises: InvalidInput."""
    from triage_ml.workflow.rollout import check_words

    return check_words(user_of(by), why)
