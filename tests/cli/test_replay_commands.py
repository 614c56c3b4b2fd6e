"""`triage replay`, `triage history` and `triage policy` over what real servers left behind."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from serving import app
from tests.cli.shell import policy_folder, shell
from tests.serving.bench import report_body
from tests.serving.test_model_swap import Models
from tests.serving.test_whole_service import serving
from triage_ml.policy import load_policy

pytest.importorskip("onnx", reason="writing an artifact needs the training extra")
TEXT = "w1 w2 harassment w3"
FIVE = {
    "en": "Your parcel is on hold, pay the fee of 1.99 within the hour or lose it.",
    "de": "Du bist so dumm, dass dich hier wirklich niemand ernst nimmt.",
    "tr": "Kargonuz bekliyor, ücreti hemen ödeyin, yoksa geri gönderilecek.",
    "es": "Nadie te soporta aquí, vete ya y no vuelvas a escribir nunca más.",
    "ko": "택배가 보류 중입니다. 한 시간 안에 요금을 내지 않으면 반송됩니다.",
}


@pytest.fixture
def triage(monkeypatch, capfd, database):
    """Run `triage …` over an empty database; servers' logs are caught too."""
    return shell(monkeypatch, capfd)


@pytest.fixture
def models(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    found = Models(database_url, tmp_path / "artifacts")
    monkeypatch.setattr(app, "SHIPPED", found.artifact("shipped").folder)
    return found


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, Any]:
    return {
        "database_url": database_url,
        "data_dir": tmp_path / "server",
        "worker_in_server": False,
    }


def report(client, text: str = TEXT, **more: Any) -> str:
    body = report_body(text=text, item_language_hint="en", **more)
    answer = client.post("/v1/reports", json=body)
    assert answer.json()["degraded"] is False
    return str(answer.json()["case_id"])


def tamper(url: str, statement: str) -> None:
    """Change what nobody may change."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role TO replica")
        connection.execute(statement)


def erase(url: str, text: str) -> None:
    """Leave of a text what an erasure leaves: nothing."""
    with psycopg.connect(url) as connection:
        known = connection.execute(
            "SELECT 1 FROM information_schema.columns"
            " WHERE table_name = 'item_version' AND column_name = 'erased_at'"
        ).fetchone()
    stamp = ", erased_at = now()" if known else ""
    tamper(url, f"UPDATE item_version SET body = '', context = '[]'{stamp} WHERE body = '{text}'")


def policy(place: Path, version: str) -> Path:
    """Copy the shipped policy under a version, with other hours."""
    general = load_policy().version, version
    return policy_folder(place, policy=general, queues=("= 24", "= 7"))


def two_models(models: Models, settings: dict[str, Any]) -> str:
    """Report an item under one model, and it edited under the next; give the case."""
    models.go_live("one")
    with serving(**settings) as client:
        case_id = report(client)
    models.go_live("two", rest_logit=-2.0)
    with serving(**settings) as client:
        report(client, report_reporter_ref="reporter-2")
        assert report(client, "w4 w5", report_reporter_ref="reporter-3") == case_id
    return case_id


def test_the_shipped_model_says_the_same_again_in_five_languages(triage, database_url, settings):
    """Though the texts were scored beside others."""
    with serving(**settings) as client:
        rows = [report_body(f"post-{code}", text=text) for code, text in FIVE.items()]
        rows = [{**row, "idempotency_key": row["item"]["id"]} for row in rows]
        lines = client.post("/v1/reports:batch", json=rows).json()["results"]
        cases = [line["receipt"]["case_id"] for line in lines]
    for code, case_id in zip(FIVE, cases, strict=True):
        status, printed, _ = triage("replay", case_id)
        assert status == 0, printed
        assert f"characters as {code}" in printed
        assert "(from the shipped model)" in printed
        assert "1 score and 1 placement: none differs" in printed
        assert FIVE[code] not in printed
    assert FIVE["ko"] in triage("replay", cases[-1], "--text")[1]


def test_a_case_of_two_models_is_replayed_with_both(triage, models, settings, monkeypatch):
    """From the database's files; from a server's own downloads where they are."""
    case_id = two_models(models, settings)
    status, printed, _ = triage("replay", case_id)
    assert (status, printed.count("(from the database)")) == (0, 3)
    assert "3 reports (user) naming harassment; the scores recorded with it, joined" in printed
    assert "3 scores and 3 placements: none differs" in printed
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(settings["data_dir"]))
    assert triage("replay", case_id)[1].count("(from the downloads of a server)") == 3


def test_a_model_that_is_gone_is_named_with_where_it_was_looked_for(
    triage, models, settings, monkeypatch
):
    """And used again from the folder that somebody kept."""
    case_id = two_models(models, settings)
    models.damage("DELETE FROM model_file WHERE version = 'one'")
    status, printed, _ = triage("replay", case_id)
    assert status == 3
    line = next(x for x in printed.splitlines() if "cannot be replayed" in x)
    assert "no artifact of model one (" in line
    assert "the database: not there" in line
    assert "1 of 3 scores and 3 placements could not be replayed" in printed
    monkeypatch.setenv("TRIAGE_MODEL_DIR", str(models._place / "one"))
    assert triage("replay", case_id)[0] == 0


def test_another_model_of_the_same_name_is_not_taken_for_it(triage, models, settings, monkeypatch):
    case_id = two_models(models, settings)
    models.damage("DELETE FROM model_file WHERE version = 'one'")
    other = Models(models._url, models._place.with_name("others"))
    folder = other.artifact("one", rest_logit=-3.0).folder
    monkeypatch.setenv("TRIAGE_MODEL_DIR", str(folder))
    status, printed, _ = triage("replay", case_id)
    assert status == 3
    assert "TRIAGE_MODEL_DIR: another model of this name than the published one" in printed


def test_a_record_that_was_tampered_with_is_found(triage, models, settings, database_url):
    """In the numbers, and in what the case was placed by."""
    case_id = two_models(models, settings)
    labels = "jsonb_set(labels, '{harassment,0}', '0.25')"
    tamper(database_url, f"UPDATE score SET labels = {labels} WHERE model_version = 'one'")
    status, printed, _ = triage("replay", case_id)
    assert status == 1
    assert "DIFFERS: probability 0.25 is now 0.98" in printed
    assert "DIFFERS: base_index" in printed
    document = json.loads(triage("replay", case_id, "--json")[1])
    assert document["n_different"] >= 2
    wrong = [row for row in document["scores"][0]["outputs"] if row["difference"] > 1e-5]
    assert [row["output"] for row in wrong] == ["harassment"]


def test_an_erased_text_cannot_be_replayed_and_that_is_said(triage, models, settings, database_url):
    """What was placed by it is still checked."""
    case_id = two_models(models, settings)
    erase(database_url, TEXT)
    status, printed, _ = triage("replay", case_id, "--text")
    assert (status, printed.count("cannot be replayed: the text was erased")) == (3, 2)
    assert "3 placements: none differs" in printed


def test_a_restricted_case_needs_a_word_more(triage, models, settings):
    models.go_live("one")
    with serving(**settings) as client:
        case_id = report(client, report_reason="child_safety")
    told = "triage: restricted: must be given: the case stands in a restricted queue\n"
    assert triage("replay", case_id) == (1, "", told)
    status, printed, said = triage("replay", case_id, "--restricted")
    assert (status, said) == (0, "triage: this case stands in a restricted queue\n")
    assert TEXT not in printed


def test_the_document_holds_every_number_and_no_text(triage, models, settings):
    case_id = two_models(models, settings)
    status, printed, _ = triage("replay", case_id, "--json")
    document = json.loads(printed)
    assert (status, document["case_id"], document["n_unknown"]) == (0, case_id, 0)
    assert [row["model_version"] for row in document["scores"]] == ["one", "two", "two"]
    assert [row["recorded"] for row in document["placements"]] == [
        row["recomputed"] for row in document["placements"]
    ]
    assert TEXT not in printed
    assert json.loads(triage("replay", case_id, "--json", "--text")[1])["scores"][0]["text"] == TEXT


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("replay", "17"), "CASE: must be the identifier of a case"),
        (("replay", "0198c0de-0000-7000-8000-000000000001"), "no case 0198c0de-"),
        (("history", "--at", "noon"), "--at: must be a time, as in 2026-11-22T09:30"),
        (("history", "--at", "0001-01-01T00:00"), "--at: must lie between the years"),
        (("history", "--at", "9999-12-31T23:59:59.999999-12:00"), "--at: must be a time"),
        (("policy", "show", "nothing"), "no policy nothing"),
        (("policy", "diff", "nothing", "nothing"), "no policy nothing"),
    ],
)
def test_what_is_wrong_is_one_line(triage, arguments, told):
    status, printed, said = triage(*arguments)
    assert (status, printed) == (1, "")
    assert said.startswith(f"triage: {told}")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("replay", "0198c0de-0000-7000-8000-000000000001"), ("history",)]
)
def test_no_database_is_made_to_be_read(triage, arguments, monkeypatch, tmp_path):
    monkeypatch.delenv("TRIAGE_DATABASE_URL")
    status, _, said = triage(*arguments)
    assert (status, said[:31]) == (1, "triage: there is no database: s")
    assert not (tmp_path / "data").exists()


def test_policies_are_kept_at_the_start_compared_and_asked_for(triage, models, settings, tmp_path):
    """A restart leaves nothing behind; a case is replayed under both policies it met."""
    models.go_live("one")
    with serving(**settings) as client:
        case_id = report(client)
    with serving(**settings):
        pass
    later = policy(tmp_path / "later", "later")
    with serving(**settings, policy_dir=later) as client:
        report(client, report_reporter_ref="reporter-2")
    assert triage("replay", case_id)[0] == 0
    listed = triage("policy", "list")[1]
    shipped = load_policy().version
    assert listed.count(shipped) == 1
    assert next(x for x in listed.splitlines() if "later" in x).count("in use") == 1
    status, changes, _ = triage("policy", "diff", shipped, "later")
    assert (status, changes.count("\n-hours = 24"), changes.count("\n+hours = 7")) == (1, 6, 6)
    assert triage("policy", "diff", "later", later) == (0, "", "")
    assert 'version = "later"' in triage("policy", "show", "later")[1]
    assert triage("policy", "show", "later", "--out", tmp_path / "again")[0] == 0
    assert load_policy(tmp_path / "again") == load_policy(later)
    told = json.loads(triage("history", "--json")[1])
    assert (told["model"]["version"], told["policy"]["version"]) == ("one", "later")
    assert told["scores_in_the_hour_before"] == [{"arm": "live", "model_version": "one", "n": 1}]
    before = triage("history", "--at", "2020-01-01")[1]
    assert "none was live in the database" in before
    assert "policy  not known" in before


def test_a_policy_changed_without_a_new_version_is_served_named_and_kept(
    triage, models, settings, tmp_path, capfd
):
    """The log says it; both contents are kept, and each case is replayed under its own."""
    models.go_live("one")
    with serving(**settings) as client:
        case_id = report(client)
    assert "WITHOUT A NEW VERSION" not in "".join(capfd.readouterr())
    version = load_policy().version
    changed = policy(tmp_path / "changed", version)
    status, _, said = triage("policy", "check", changed)
    assert (status, "raise it" in said) == (1, True)
    with serving(**settings, policy_dir=changed) as client:
        assert "WITHOUT A NEW VERSION" in "".join(capfd.readouterr())
        report(client, report_reporter_ref="reporter-2")
    assert triage("replay", case_id)[0] == 0
    assert triage("policy", "list")[1].count("2 contents under this version") == 2
    assert "stands for several contents" in triage("policy", "show", version)[2]
    name = f"{version}@{load_policy(changed).sha256[:12]}"
    assert "hours = 7" in triage("policy", "show", name)[1]
