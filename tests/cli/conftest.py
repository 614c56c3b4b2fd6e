"""`triage` to type at, away from this machine's settings; a database and a registry for it."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.cli.shell import shell
from tests.training.finished import finish, good_reports, new_store

SETTINGS = (
    "MLFLOW_TRACKING_URI",
    "TRIAGE_DATA",
    "TRIAGE_DATABASE_URL",
    "TRIAGE_MODEL_DIR",
    "TRIAGE_POLICY_DIR",
)


@pytest.fixture
def own_place(monkeypatch, tmp_path) -> Path:
    """A folder to stand in, where nothing is; settings name no other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path / "data"))
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def triage(own_place, monkeypatch, capsys, kept_logging):
    """Run `triage …` in a folder of its own; give exit status, output, and errors."""
    return shell(monkeypatch, capsys)


@pytest.fixture
def database(own_place, database_url, monkeypatch) -> str:
    """An empty database, named by the settings."""
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url)
    return database_url


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory) -> Path:
    return new_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def model(triage, empty_store, own_place, monkeypatch):
    """Run `triage model …` beside an empty registry, and no database."""
    monkeypatch.delenv("TRIAGE_DATA_DIR")
    (own_place / "var").mkdir()
    shutil.copy(empty_store, own_place / "var" / "mlflow.db")
    return partial(triage, "model")


@pytest.fixture
def two(model, own_place):
    """Two registered versions: `a` was promoted, then `b`."""
    for name, auc in (("a", 0.9), ("b", 0.91)):
        finish(own_place / name, f"tiny-{name}", good_reports(auc=auc))
        assert model("register", own_place / name)[0] == 0
        assert model("promote", "challenger", "--by", "anna", "--why", f"first {name}")[0] == 0
    return model
