"""`triage means report`, as somebody types it."""

import json
import sys

import pytest

from triage_ml import cli


@pytest.fixture
def triage(monkeypatch, capsys, tmp_path):
    """Run `triage means …`; give exit status, output, errors."""
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TRIAGE_DATABASE_URL", raising=False)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["triage", "means", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_the_report_is_json(triage, database_url, monkeypatch):
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url)
    status, out, _ = triage("report", "--window", 365)
    assert status == 0
    assert json.loads(out)["window"] == 365


def test_another_window_is_one_line_before_a_database_is_made(triage, tmp_path):
    status, out, said = triage("report", "--window", 7)
    assert (status, out, said) == (1, "", "triage: window: must be one of 30, 90, 365\n")
    assert not (tmp_path / "data").exists()
