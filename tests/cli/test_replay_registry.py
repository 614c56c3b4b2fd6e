"""`triage replay` with a model that only the registry has."""

import sys

import pytest

from tests.serving.bench import report_body
from tests.serving.test_whole_service import serving
from triage_ml import cli


def test_a_model_of_the_registry_is_fetched(two, database_url, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url)
    own = {"database_url": database_url, "data_dir": tmp_path / "data", "worker_in_server": False}
    with serving(**own, model_dir=tmp_path / "a" / "artifact") as client:
        answer = client.post("/v1/reports", json=report_body(text="w1 harassment")).json()
    (tmp_path / "a").rename(tmp_path / "moved")
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["triage", "replay", answer["case_id"]])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr().out
    assert not ended.value.code, printed
    assert "tiny-a (from the registry)" in printed
