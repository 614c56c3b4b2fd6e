"""`triage labelling`, as somebody types it."""

import asyncio
import shutil
import sys

import pytest

from tests.contract.test_labelling import moved
from triage_ml import cli
from triage_ml.policy import DEFAULT_FOLDER
from triage_ml.storage.postgres import PostgresCaseStore


@pytest.fixture
def triage(monkeypatch, capsys, database_url):
    """Run `triage labelling …`; give exit status, output, errors."""
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["triage", "labelling", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_a_database_without_picks_tells_the_budget(triage):
    status, told, said = triage("status")
    assert (status, said) == (0, "")
    assert "budget 50 a day into the queue qa" in told
    assert "nothing was chosen since" in told


def test_picks_of_long_ago_are_left_out_and_a_policy_without_a_budget_says_so(
    triage, database_url, tmp_path, monkeypatch
):
    """The test's clock stands in January, the command's does not."""

    async def make() -> None:
        async with PostgresCaseStore.at(database_url) as store:
            await moved(store)

    asyncio.run(make())
    folder = tmp_path / "policy"
    _copy_policy_without_a_budget(folder)
    monkeypatch.setenv("TRIAGE_POLICY_DIR", str(folder))
    told = triage("status")[1]
    assert "labelling is off: the policy's budget is 0" in told
    assert "nothing was chosen since" in told


def _copy_policy_without_a_budget(folder):
    shutil.copytree(DEFAULT_FOLDER, folder)
    path = folder / "policy.toml"
    head, _, tail = path.read_text("utf-8").partition("[labelling]")
    path.write_text(head + tail[tail.index("[priority.views") :], "utf-8")
