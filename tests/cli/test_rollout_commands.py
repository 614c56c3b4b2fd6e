"""`triage model shadow`, `canary`, `end`, `trial`, and what the registry makes of the guard."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.shell import history, on_store
from tests.serving.trials import STRICT
from triage_ml.domain import guard
from triage_ml.domain.rollout import RolloutStage, Trial
from triage_ml.storage.postgres import PostgresCaseStore

WHO = ("--by", "anna", "--why", "a try")


@pytest.fixture
def connected(two, database):
    """Two versions, `b` the champion and live, `a` to be tried."""
    assert two("publish")[0] == 0
    return two


def test_a_version_goes_through_the_stages(connected, database_url):
    """By its name in the registry, or none when it is on trial already."""
    status, said, _ = connected("shadow", "1", *WHO)
    assert (status, said) == (
        0, "tiny-a scores as a shadow beside tiny-b; servers follow within seconds\n",
    )  # fmt: skip
    said = connected("canary", "--share", "0.2", *WHO)[1]
    assert said.startswith("tiny-a has 20% of the texts beside tiny-b")
    status, said, _ = connected("promote", *WHO)
    assert status == 0
    assert "tiny-a is on probation for 24 hours, held against tiny-b" in said
    assert connected("end", *WHO)[1] == "tiny-a is on probation no more; tiny-a is live\n"
    assert connected("trial")[1].startswith("no model is on trial")
    assert [row.version for row in history(database_url)] == ["tiny-a", "tiny-b"]


def test_a_trial_is_shown_with_every_limit(connected, database_url):
    """What was counted, the models on decided cases, and the table of the guard."""
    connected("shadow", "1", *WHO)

    async def count(store: PostgresCaseStore) -> None:
        trial = await store.open_trial()
        pairs = {(guard.URGENT, "en", guard.SAME): 90, (guard.URGENT, "en", guard.UP): 2}
        await store.add_tally(trial.number, {**pairs, (guard.TRIED, "", guard.OK): 92})
        await store.add_tally(trial.number, {(guard.SHADOWED, "", guard.OK): 92})

    on_store(database_url, count)
    said = connected("trial")[1]
    assert said.startswith("tiny-a scores as a shadow against tiny-b\n")
    assert "92 texts scored beside, 0 of its own, 0 fallbacks, 0 failed, 0 dropped" in said
    assert "tiny-a: no case decided yet that both scored" in said
    rows = [line.replace("│", " ").split() for line in said.splitlines() if "T0" in line]
    assert ["more", "T0", "or", "T1", "en", "+2.2%", "+5.0%", "92", "0%"] in rows


def test_a_folder_needs_no_registry(model, tmp_path, database, monkeypatch):
    """Nor a live model: the shipped one is made live first, to go back to."""
    from triage_ml.inference import artifact
    from triage_ml.testing.artifacts import tiny_artifact

    shipped = tiny_artifact(tmp_path / "shipped", {"model_version": "shipped"}).folder
    monkeypatch.setattr(artifact, "SHIPPED", shipped)
    tiny_artifact(tmp_path / "new", {"model_version": "new"})
    status, said, _ = model("canary", "--folder", tmp_path / "new", *WHO)
    assert (status, said.splitlines()) == (
        0,
        [
            "shipped is live in the database: it was the shipped model of the servers",
            "new has 5% of the texts beside shipped; servers follow within seconds",
        ],
    )
    status, said, noted = model("promote", "new", *WHO)
    assert (status, "no registry knows of it" in noted) == (0, True)
    assert "new is on probation" in said
    assert [row.version for row in history(database)] == ["new", "shipped"]


REFUSED = [
    (("shadow", "7", *WHO), "no registered model 7"),
    (("shadow", "2", *WHO), "tiny-b is live: a trial needs another one"),
    (("canary", "1", "--share", "0.9", *WHO), "--share: must lie over 0 and be at most 0.5"),
    (("shadow", *WHO), "give either a version or --folder"),
    (("shadow", "1", "--by", "guard", "--why", "x"), "guard is the name of the guard itself"),
    (("shadow", "1", "--by", "anna", "--why", " "), "--why: must not be empty"),
    (("promote", *WHO), "no model is on trial: name a version"),
    (("promote", "1", "--by", "Guard", "--why", "x"), "guard is the name of the guard itself"),
    (("promote", "--folder", "a/artifact", "--why", " "), "--why: must not be empty"),
    (("promote", "--folder", "a/artifact", "--why", "x" * 1_001), "--why: is longer than 1000"),
    (("promote", "1", *WHO, "--without-comparison", " "), "--without-comparison: must not be"),
    (("adopt", "a/artifact", "--by", "guard", "--why", "x"), "guard is the name of the guard"),
    (("rollback", "--by", "GUARD", "--why", "x"), "guard is the name of the guard itself"),
    (("end", *WHO), "no model is on trial"),
    (("shadow", "--folder", "nowhere", *WHO), "nowhere"),
]


def test_what_cannot_be_done_is_said_in_a_line(connected):
    """And nothing is on trial."""
    for words, reason in REFUSED:
        status, _, said = connected(*words)
        assert (status, len(said.splitlines())) == (2, 1)
        assert reason in said
    assert connected("trial")[1].startswith("no model is on trial")


def roll_back(url: str) -> None:
    """Do as the guard does on a probation."""

    async def back(store: PostgresCaseStore) -> None:
        trial = await store.open_trial()
        at = datetime.now(UTC) + timedelta(seconds=1)
        assert await store.go_back(trial.number, at, "limit broken: too loud")

    on_store(url, back)


@pytest.fixture
def rolled_back(connected, database_url):
    """`a` was promoted from its trial, and the guard went back to `b`."""
    connected("shadow", "1", *WHO)
    assert connected("promote", *WHO)[0] == 0
    roll_back(database_url)
    return connected


@pytest.mark.parametrize("command", ["publish", "history"])
def test_the_registry_takes_over_what_the_guard_did(rolled_back, database_url, command):
    """What was put away does not come back; who and why stand in the history, once."""
    status, _, said = rolled_back(command)
    assert (status, "the guard made tiny-b live again" in said) == (0, True)
    assert rolled_back(command)[2] == ""
    assert rolled_back("show", "champion")[1].startswith("version 2")
    printed = rolled_back("history")[1]
    assert printed.count("limit broken: too loud") == 1
    assert [row.version for row in history(database_url)][:2] == ["tiny-b", "tiny-a"]


def test_it_is_taken_over_after_another_model_went_live_in_between(
    rolled_back, tmp_path, database_url
):
    """From a folder, of which the registry hears nothing: the refused one does not come back."""
    from triage_ml.testing.artifacts import tiny_artifact

    tiny_artifact(tmp_path / "own", {"model_version": "own"})
    assert rolled_back("promote", "--folder", tmp_path / "own", *WHO)[0] == 0
    status, _, said = rolled_back("publish")
    assert (status, "the guard made tiny-b live again" in said) == (0, True)
    assert [row.version for row in history(database_url)] == [
        "tiny-b",
        "own",
        "tiny-b",
        "tiny-a",
        "tiny-b",
    ]


def test_what_a_person_made_live_after_the_guard_is_not_taken_back(rolled_back, database_url):
    """Even where the registry was not asked."""
    assert rolled_back("promote", "tiny-a", *WHO)[0] == 0
    registry_knows = rolled_back("show", "champion")[1]
    assert registry_knows.startswith("version 1")
    assert rolled_back("publish")[:2] == (0, "tiny-a is live in the database already\n")


def test_a_second_promotion_does_not_go_back_to_the_model_before(connected, database_url):
    """On a probation that one is beside the live model; who means it names it."""
    connected("shadow", "1", *WHO)
    assert connected("promote", *WHO)[0] == 0
    status, _, said = connected("promote", *WHO)
    assert (status, said) == (2, "triage: tiny-a is live and on probation: name a version\n")
    assert history(database_url)[0].version == "tiny-a"


def test_a_canary_that_cannot_be_leaves_no_model_live(model, tmp_path, database):
    from triage_ml.testing.artifacts import tiny_artifact

    tiny_artifact(tmp_path / "new", {"model_version": "new"})
    said = model("canary", "--share", "0.9", "--folder", tmp_path / "new", *WHO)[2]
    assert "--share: must lie over 0 and be at most 0.5" in said
    assert history(database) == []


def test_it_can_be_promoted_again_on_purpose(rolled_back, database_url):
    """After that the guard's word is history."""
    assert rolled_back("promote", "1", *WHO)[0] == 0
    assert rolled_back("publish")[:2] == (0, "tiny-a is live in the database already\n")
    assert history(database_url)[0].version == "tiny-a"


def test_a_version_that_the_registry_does_not_know_is_not_overruled(
    connected, tmp_path, database_url
):
    """The guard went back to a model from a folder: publishing is refused, history says why."""
    from triage_ml.testing.artifacts import tiny_artifact

    tiny_artifact(tmp_path / "own", {"model_version": "own"})
    assert connected("promote", "--folder", tmp_path / "own", *WHO)[0] == 0
    trial = Trial("tiny-b", "", RolloutStage.SHADOW, 0.0, datetime.now(UTC), "anna", "x", STRICT)
    on_store(database_url, lambda store: store.begin_trial(trial))
    assert connected("publish")[0] == 0
    roll_back(database_url)
    status, _, said = connected("publish")
    assert (status, "the registry does not know" in said) == (2, True)
    assert "the registry does not know" in connected("history")[2]
    assert history(database_url)[0].version == "own"
    assert connected("promote", "1", *WHO)[0] == 0
    assert history(database_url)[0].version == "tiny-a"
