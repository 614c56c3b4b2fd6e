"""`triage model`, as a user types it."""

import sys

from tests.training.finished import finish, good_reports
from triage_ml.testing.artifacts import tiny_artifact


def lines_with(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_a_finished_folder_is_registered(model, tmp_path):
    """Version, alias, origin and the gates it passed are printed."""
    status, printed, _ = model("register", finish(tmp_path / "a"))
    assert (status, printed.splitlines()[0]) == (0, "version 1: tiny-1 (challenger)")
    assert "snapshot: none" in printed
    assert "0.9000" in lines_with(printed, "worst language")[0]


def test_a_refusal_is_one_line_with_status_2(model, tmp_path):
    """Each failed gate stands in it, and nothing is registered."""
    folder = finish(tmp_path / "a", reports=good_reports(auc=0.7))
    status, printed, said = model("register", folder)
    assert (status, printed, said.count("\n")) == (2, "", 1)
    assert said.startswith("triage: not registered, 1 gate failed: worst language: 0.7000, limit")
    assert lines_with(model("list")[1], "tiny") == []


def test_other_limits_may_be_given(model, tmp_path):
    """A file beside the project's own."""
    folder = finish(tmp_path / "a", reports=good_reports(auc=0.7))
    from training.release.gates import LIMITS

    (tmp_path / "low.toml").write_text(LIMITS.read_text("utf-8").replace("0.75", "0.65"))
    assert model("register", folder, "--gates", tmp_path / "low.toml")[0] == 0


def test_versions_are_listed_with_the_champion(two):
    """Newest first."""
    status, printed, _ = two("list")
    newest, oldest = lines_with(printed, "tiny-")
    assert status == 0
    assert "tiny-b" in newest
    assert "champion" in newest
    assert "tiny-a" in oldest
    assert "champion" not in oldest


def test_a_version_of_the_registry_is_shown(two):
    """By number, alias or name; without one it is the shipped model."""
    for reference in ("2", "champion", "tiny-b"):
        assert two("show", reference)[1].startswith("version 2: tiny-b (champion)")
    assert two("show", "9") == (2, "", "triage: no registered model 9\n")


def test_the_served_model_is_shown_without_the_registry(model, tmp_path, monkeypatch):
    """Serving installs nothing of training."""
    folder = tiny_artifact(tmp_path / "model").folder
    monkeypatch.setitem(sys.modules, "training.release.registry", None)
    status, printed, _ = model("show", "--model-dir", folder)
    assert (status, printed.startswith("tiny-1, made")) == (0, True)
    assert model("show", "--model-dir", tmp_path)[0] == 2


def test_rollback_returns_and_the_history_says_why(two):
    """Who and why are asked for; the history shows from when to when."""
    status, printed, _ = two("rollback", "--why", "too [strict]", "--by", "ben")
    assert (status, printed) == (0, "version 1 (tiny-a) is the champion again\n")
    rows = lines_with(two("history")[1], "tiny-")
    assert [" ".join(row.replace("│", " ").split()[:2]) for row in rows] == [
        "1 tiny-a",
        "2 tiny-b",
        "1 tiny-a",
    ]
    assert "too [strict]" in rows[2]
    assert "now" in rows[2]
    assert "ben" in rows[2]
    assert two("rollback", "--why", "more") == (
        2,
        "",
        "triage: there is no champion to return to\n",
    )


def test_a_change_without_a_reason_is_refused(two):
    """By the command line itself, or as an empty one."""
    assert two("promote", "1")[0] == 2
    assert two("promote", "1", "--why", "")[2] == "triage: --why: must not be empty\n"


def test_the_user_of_the_system_stands_in_the_history(two, monkeypatch):
    """Where the system has no name for the user, one has to be given."""
    monkeypatch.setenv("LOGNAME", "carla")
    two("promote", "1", "--why", "again")
    assert "carla" in two("history")[1]

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("triage_ml.commands.options.getuser", nobody)
    status, _, said = two("promote", "2", "--why", "again")
    assert (status, said[:13]) == (2, "triage: --by:")


def test_a_fresh_registry_adopts_its_first_champion(model, tmp_path):
    """It is marked, its card can be had, and a second one is refused in one line."""
    folder = tiny_artifact(tmp_path / "model").folder
    status, printed, _ = model("adopt", folder, "--why", "first installation")
    assert (status, printed.splitlines()[-1]) == (
        0,
        "version 1 (tiny-1) is the champion; adopted, gates not run here",
    )
    assert "adopted, gates not run here" in model("show", "champion")[1]
    assert "adopt" in lines_with(model("history")[1], "tiny-1")[0]
    assert model("card", "champion")[1].startswith("# Tiny")
    assert model("card", "champion", "--out", tmp_path / "cards")[0] == 0
    assert (tmp_path / "cards" / "tiny-1.md").read_text("utf-8").startswith("# Tiny")
    status, _, said = model("adopt", folder, "--why", "again")
    assert (status, said.count("\n")) == (2, 1)


def test_two_versions_are_compared(two):
    """Cell by cell, with the difference."""
    status, printed, _ = two("compare", "tiny-a", "champion")
    [row] = [line for line in lines_with(printed, "ko") if "violation" in line and "AUC" in line]
    assert status == 0
    assert row.replace("│", " ").split()[3:] == ["0.9000", "0.9100", "+0.0100"]


def test_an_artifact_is_pulled_verified(two, tmp_path):
    """Into a folder that serving can be pointed at."""
    status, printed, _ = two("pull", "champion", tmp_path / "served")
    assert (status, printed) == (0, f"tiny-b is in {tmp_path / 'served'}\n")
    assert two("show", "--model-dir", tmp_path / "served")[1].startswith("tiny-b, made")


def test_without_the_training_libraries_the_registry_says_how_to_get_them(model, monkeypatch):
    """In one line."""
    monkeypatch.setitem(sys.modules, "training.release.registry", None)
    status, _, said = model("list")
    assert (status, said.count("\n")) == (2, 1)
    assert "pip install 'triage-ml[training]'" in said


def test_a_store_that_does_not_answer_is_one_line(model):
    """Its address is wrong, or it is down."""
    status, _, said = model("list", "--mlflow", "postgresql://nobody@127.0.0.1:1/x")
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("triage: the MLflow store: ")


def test_the_serving_part_imports_no_mlflow():
    """Nor does the command line before one of its registry commands runs."""
    import subprocess

    code = "import sys, serving.app, triage_ml.cli; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
