"""The MLflow store behind the registry, opened and its failures said in one line."""

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from training.tracking import artifact_place, store_uri
from triage_ml.errors import InvalidInput, TriageError

EXPERIMENT = "triage-registry"
CONNECT_SECONDS = 10

P = ParamSpec("P")
T = TypeVar("T")


class RegistryFailed(TriageError):
    """The MLflow store does not answer, or refuses."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the MLflow store: {reason}")
        self.reason = reason


def one_line(call: Callable[P, T]) -> Callable[P, T]:
    """Turn what MLflow and its database raise into RegistryFailed."""

    @wraps(call)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return call(*args, **kwargs)
        except (MlflowException, SQLAlchemyError) as error:
            raise RegistryFailed(first_line(error)) from error

    return called


@one_line
def open_client(store: str | None, root: Path) -> Any:
    """Open the store of that URI, SQLite under `root` by default, and bring its schema up."""
    from mlflow import MlflowClient

    if store == "none":
        raise InvalidInput("--mlflow", "the registry needs a store")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    uri = store_uri(store, root)
    _make_room(uri, root)
    _reach(uri)
    return MlflowClient(uri, registry_uri=uri)


def make_experiment(client: Any, root: Path, artifacts: str | None) -> str:
    """Give the experiment whose runs hold the registered artifacts, made on first use."""
    known = client.get_experiment_by_name(EXPERIMENT)
    if known is not None:
        return str(known.experiment_id)
    place = artifacts or artifact_place(client.tracking_uri, root)
    return str(client.create_experiment(EXPERIMENT, artifact_location=place))


def _make_room(uri: str, root: Path) -> None:
    if not uri.startswith("sqlite:"):
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RegistryFailed(f"{root}: {error.strerror}") from error


def _reach(uri: str) -> None:
    """Look once: MLflow itself would try for a minute and a half, with a page of warnings."""
    if uri.startswith("http"):
        return
    from sqlalchemy import create_engine, inspect

    patience = {"connect_timeout": CONNECT_SECONDS} if uri.startswith("postgresql") else {}
    engine = create_engine(uri, connect_args=patience)
    try:
        inspect(engine).get_table_names()
    finally:
        engine.dispose()


def first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(getattr(error, "orig", None) or error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)
