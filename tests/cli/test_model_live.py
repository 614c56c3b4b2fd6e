"""`triage model promote`, `rollback`, `publish` and `live`, beside the servers' database."""

import psycopg
import pytest

from tests.cli.shell import history
from training.release.registry import Registry
from triage_ml.errors import StoreUnavailable
from triage_ml.storage.embedded import EmbeddedServer
from triage_ml.storage.postgres import PostgresCaseStore

NOWHERE = "postgresql://somebody:secret@127.0.0.1:1/nothing"


@pytest.fixture
def connected(two, database):
    """Two versions, `b` the champion, in a registry whose database is empty."""
    return two


def rows_of(printed: str) -> list[list[str]]:
    lines = [line.replace("│", " ").split() for line in printed.splitlines() if "tiny-" in line]
    return [[words[0], words[-3]] for words in lines]


def lose_connection(*_: object) -> None:
    raise StoreUnavailable("cut")


def test_what_is_promoted_goes_live(connected, database_url):
    """With who and why; and what is rolled back to, too."""
    status, printed, _ = connected("promote", "1", "--by", "anna", "--why", "kinder")
    assert (status, printed.splitlines()) == (
        0,
        [
            "tiny-a is live in the database; its servers follow within seconds",
            "version 1 (tiny-a) is the champion",
        ],
    )
    assert connected("rollback", "--by", "ben", "--why", "softer")[0] == 0
    found = [(row.version, row.by, row.why) for row in history(database_url)]
    assert found == [("tiny-b", "ben", "softer"), ("tiny-a", "anna", "kinder")]
    status, printed, _ = connected("live")
    assert (status, rows_of(printed)) == (0, [["tiny-b", "ben"], ["tiny-a", "anna"]])


def test_the_database_of_a_running_server_is_joined(two, short_tmp_path, monkeypatch):
    """It is found by the data folder, as `make run` leaves it."""
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(short_tmp_path))
    with EmbeddedServer(short_tmp_path / "postgres") as server:
        assert two("promote", "1", "--by", "anna", "--why", "x")[0] == 0
        assert [row.version for row in history(server.url)] == ["tiny-a"]


def test_without_a_database_the_registry_alone_is_changed(two, tmp_path):
    """It is said; no database is made for it."""
    status, _, said = two("promote", "1", "--by", "anna", "--why", "x")
    assert (status, said.count("\n")) == (0, 1)
    assert "no server was told" in said
    assert not (tmp_path / "var" / "postgres").exists()
    for command in ("publish", "live"):
        status, _, said = two(command)
        assert (status, said[:30]) == (2, "triage: there is no database: ")


def test_the_champion_is_published_afterwards(connected, database_url):
    """A second time nothing is done."""
    assert connected("publish")[:2] == (0, "tiny-b is live in the database\n")
    assert connected("publish")[:2] == (0, "tiny-b is live in the database already\n")
    assert [(row.version, row.by) for row in history(database_url)] == [("tiny-b", "anna")]


def test_a_champion_that_servers_were_not_told_of_is_told(connected, database_url):
    """Promoting it again is refused only when there is nothing to do."""
    again = ("promote", "2", "--by", "anna", "--why", "again")
    assert connected(*again)[0] == 0
    assert connected(*again) == (2, "", "triage: version 2 is the champion already\n")
    assert [row.version for row in history(database_url)] == ["tiny-b"]


def test_a_database_that_is_away_stops_before_anything_is_changed(two, monkeypatch):
    """The champion stays."""
    monkeypatch.setenv("TRIAGE_DATABASE_URL", NOWHERE)
    status, _, said = two("promote", "1", "--by", "anna", "--why", "x")
    assert (status, said.count("\n"), "secret" in said) == (2, 1, False)
    assert two("show", "champion")[1].startswith("version 2")
    assert "not compared with the database" in two("history")[2]


def test_another_model_under_a_published_name_is_refused(connected, database_url):
    """Before it becomes the champion."""
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO model VALUES ('tiny-a', repeat('0', 64), now())")
    status, _, said = connected("promote", "1", "--by", "anna", "--why", "x")
    assert (status, said) == (2, "triage: another model was published as tiny-a before\n")
    assert connected("show", "champion")[1].startswith("version 2")


def test_a_database_lost_in_between_is_said_and_made_good(connected, database_url, monkeypatch):
    """The registry changed, the database did not: every look says so until `publish`."""
    with monkeypatch.context() as patch:
        patch.setattr(PostgresCaseStore, "make_live", lose_connection)
        status, _, said = connected("promote", "1", "--by", "anna", "--why", "x")
    assert (status, said.count("\n")) == (2, 1)
    assert "version 1 (tiny-a) is the champion, but" in said
    assert "triage model publish" in said
    assert "the database has no model live, not tiny-a" in connected("history")[2]
    assert connected("publish")[0] == 0
    assert connected("history")[2] == ""
    assert [row.version for row in history(database_url)] == ["tiny-a"]


def test_who_is_overtaken_follows(connected, database_url, monkeypatch):
    """Registry and database agree in the end, whoever wrote to which last."""
    make_live = PostgresCaseStore.make_live
    overtaken = []

    async def be_overtaken(store, version, *words):
        if not overtaken:
            overtaken.append(version)
            Registry.open().rollback("ben", "at once")
        return await make_live(store, version, *words)

    monkeypatch.setattr(PostgresCaseStore, "make_live", be_overtaken)
    assert connected("promote", "1", "--by", "anna", "--why", "x")[0] == 0
    assert [row.version for row in history(database_url)] == ["tiny-b", "tiny-a"]
    assert connected("show", "champion")[1].startswith("version 2")


def test_nothing_is_published_before_there_is_a_champion(model, database):
    """A registry that is new."""
    assert model("publish") == (2, "", "triage: there is no champion to publish\n")
