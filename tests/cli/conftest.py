"""A registry of one's own, and `triage model` to type at it."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.training.finished import finish, good_reports, new_store
from triage_ml import cli


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory) -> Path:
    return new_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def triage(empty_store, monkeypatch, capsys, tmp_path):
    """Run `triage model …` in a folder of its own; give exit status, output, and errors."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "TRIAGE_DATABASE_URL", "TRIAGE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "var").mkdir()
    shutil.copy(empty_store, tmp_path / "var" / "mlflow.db")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["triage", "model", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def two(triage, tmp_path):
    """Two registered versions: `a` was promoted, then `b`."""
    for name, auc in (("a", 0.9), ("b", 0.91)):
        finish(tmp_path / name, f"tiny-{name}", good_reports(auc=auc))
        assert triage("register", tmp_path / name)[0] == 0
        assert triage("promote", "challenger", "--by", "anna", "--why", f"first {name}")[0] == 0
    return triage
