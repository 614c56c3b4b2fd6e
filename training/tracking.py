"""Where a run's parameters, numbers and files are recorded."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


class Tracker(Protocol):
    """What a step may record; parameters are fixed for a run, tags may change."""

    def parameters(self, values: Mapping[str, Any]) -> None: ...
    def tags(self, values: Mapping[str, str]) -> None: ...
    def metrics(self, values: Mapping[str, float], step: int = 0) -> None: ...
    def files(self, folder: Path, name: str) -> None: ...
    def figure(self, name: str, figure: "Figure") -> None: ...


class NullTracker:
    """Record nothing."""

    def parameters(self, values: Mapping[str, Any]) -> None:
        pass

    def tags(self, values: Mapping[str, str]) -> None:
        pass

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        pass

    def files(self, folder: Path, name: str) -> None:
        pass

    def figure(self, name: str, figure: "Figure") -> None:
        pass


class MlflowTracker:
    """Record into the active MLflow run."""

    def __init__(self, client: Any) -> None:
        self._mlflow = client

    def parameters(self, values: Mapping[str, Any]) -> None:
        self._mlflow.log_params(dict(values))

    def tags(self, values: Mapping[str, str]) -> None:
        self._mlflow.set_tags(dict(values))

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        self._mlflow.log_metrics(dict(values), step=step)

    def files(self, folder: Path, name: str) -> None:
        self._mlflow.log_artifacts(str(folder), artifact_path=name)

    def figure(self, name: str, figure: "Figure") -> None:
        self._mlflow.log_figure(figure, f"plots/{name}.png")


def store_uri(store: str | None, root: Path) -> str:
    """Name the MLflow store: SQLite under `root` by default; PostgreSQL goes through psycopg 3."""
    if store is None:
        return f"sqlite:///{root.resolve()}/mlflow.db"
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", store)


def artifact_place(uri: str, root: Path) -> str | None:
    """Name the folder of a store's files; a server behind HTTP decides for itself."""
    return None if uri.startswith("http") else (root / "mlartifacts").resolve().as_uri()


@contextmanager
def track(
    experiment: str, fingerprint: str, store: str | None, root: Path, files: Path | None = None
) -> Iterator[Tracker]:
    """Open a run in an MLflow store, SQLite under `root` by default; "none" records nothing.

    Steps of the same settings in the same working folder share one run.
    """
    if store == "none":
        yield NullTracker()
        return
    import mlflow

    root.mkdir(parents=True, exist_ok=True)
    uri = store_uri(store, root)
    mlflow.set_tracking_uri(uri)
    if mlflow.get_experiment_by_name(experiment) is None:
        mlflow.create_experiment(experiment, artifact_location=artifact_place(uri, files or root))
    mlflow.set_experiment(experiment)
    note = root / f"run_id.{fingerprint}{_store_mark(store)}"
    known = note.read_text("ascii") if note.is_file() else None
    with mlflow.start_run(run_id=known) as run:
        note.write_text(run.info.run_id, "ascii")
        yield MlflowTracker(mlflow)


def _store_mark(store: str | None) -> str:
    """A run is known in the store it was begun in, and in no other."""
    return f".{hashlib.sha256(store.encode()).hexdigest()[:6]}" if store else ""
