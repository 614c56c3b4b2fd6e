"""`triage means report`, as somebody types it."""

import json
from functools import partial

import pytest


@pytest.fixture
def triage(triage):
    """Run `triage means …`."""
    return partial(triage, "means")


def test_the_report_is_json(triage, database):
    status, out, _ = triage("report", "--window", 365)
    assert status == 0
    assert json.loads(out)["window"] == 365


def test_another_window_is_one_line_before_a_database_is_made(triage, tmp_path):
    status, out, said = triage("report", "--window", 7)
    assert (status, out, said) == (1, "", "triage: window: must be one of 30, 90, 365\n")
    assert not (tmp_path / "data").exists()
