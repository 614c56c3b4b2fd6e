"""`triage labelling`, as somebody types it."""

from functools import partial

import pytest

from tests.cli.shell import on_store, policy_folder
from tests.contract.test_labelling import moved
from triage_ml.policy import DEFAULT_FOLDER


@pytest.fixture
def triage(triage, database):
    """Run `triage labelling …`."""
    return partial(triage, "labelling")


def test_a_database_without_picks_tells_the_budget(triage):
    status, told, said = triage("status")
    assert (status, said) == (0, "")
    assert "budget 50 a day into the queue qa" in told
    assert "nothing was chosen since" in told


def test_picks_of_long_ago_are_left_out_and_a_policy_without_a_budget_says_so(
    triage, database, tmp_path, monkeypatch
):
    """The test's clock stands in January, the command's does not."""
    on_store(database, moved)
    general = (DEFAULT_FOLDER / "policy.toml").read_text("utf-8")
    table = general[general.index("[labelling]") : general.index("[priority.views")]
    folder = policy_folder(tmp_path / "policy", policy=(table, ""))
    monkeypatch.setenv("TRIAGE_POLICY_DIR", str(folder))
    told = triage("status")[1]
    assert "labelling is off: the policy's budget is 0" in told
    assert "nothing was chosen since" in told
