"""`triage compare` and `triage simulate`, as somebody types them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.shell import on_store, policy_folder
from tests.contract.steps import make_scores, report
from triage_ml.domain.taxonomy import Label
from triage_ml.testing.artifacts import tiny_artifact

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
STAFFING = '[[group]]\nname = "all"\nreviewers = 2\nrestricted = true\n'


@pytest.fixture
def triage(triage, database):
    """Run `triage …` on a database with cases."""
    return triage


@pytest.fixture
def reported(database_url):
    """Twelve cases, four with a threat, one behind the restriction."""

    async def work(store):
        for n in range(12):
            text = f"w{n} violent_threat w1" if n % 3 == 0 else f"w{n} w2"
            await report(
                store, f"i-{n}", text=text, at=NOW + timedelta(minutes=n), scores=make_scores()
            )
        await report(store, "i-c", text="w1 w2", at=NOW, reason=Label.CHILD_SAFETY)

    on_store(database_url, work)


@pytest.fixture
def folders(tmp_path):
    """A model that knows threats, and one that knows nothing."""
    pytest.importorskip("onnx")
    keen, blunt = tmp_path / "keen", tmp_path / "blunt"
    tiny_artifact(keen, {"model_version": "tiny-keen"})
    flat = {"slope": 0.0, "slope_below": 0.0, "intercept": -6.0}
    outputs = ("hate", "harassment", "violent_threat", "violation")
    calibration = {name: {"en": flat, "*": flat} for name in outputs}
    tiny_artifact(blunt, {"model_version": "tiny-blunt", "calibration": calibration})
    return keen, blunt


def test_models_are_compared_on_past_cases(triage, reported, folders, database_url, tmp_path):
    """Printed, written, and kept for the console and the next promotion."""
    paths = tmp_path / "c.json", tmp_path / "c.html"
    options = ("--repeat", 5, "--by", "mara", "--json", paths[0], "--html", paths[1])
    keen, blunt = folders
    status, printed, said = triage("compare", "--model", keen, "--model", blunt, *options)
    assert (status, said) == (0, "")
    assert "before  tiny-keen, policy" in printed
    assert "13 cases" in printed
    assert "1 of them are restricted: played, and shown to nobody here" in printed
    assert "0 rise, 4 sink" in printed
    kept = on_store(database_url, lambda store: store.find_comparison("tiny-keen", "tiny-blunt"))
    assert (kept.by, kept.n_cases) == ("mara", 13)
    assert f"kept as {kept.comparison_id}" in printed
    written = json.loads(paths[0].read_bytes())
    assert written["diff"]["total"]["n_sink"] == 4
    assert written["restricted"]["total"]["n_cases"] == 0
    page = paths[1].read_text("utf-8")
    assert page.lstrip().startswith("<!doctype html>")
    for text in (printed, page, paths[0].read_text("utf-8")):
        assert "child" not in text
        assert "w1" not in text.split()


DECIDED = {"name": "decisions", "language": "en", "licence_tier": "own", "licence": "none"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"learned_until": 8.5}, "of 12 cases 3 are new since, and of these alone 0 rise, 1 sink"),
        ({"learned_until": 60}, "and none of the 12 cases is new since: they say less than it"),
        ({"sources": [DECIDED]}, "until when taught learned from decisions is not known"),
    ],
)
def test_what_a_model_may_remember_is_told(triage, reported, folders, fields, told):
    """Its artifact says until when it learned from decisions; one of before does not."""
    taught = folders[1].with_name("taught")
    flat = json.loads((folders[1] / "manifest.json").read_bytes())["calibration"]
    if "learned_until" in fields:
        until = NOW + timedelta(minutes=fields["learned_until"])
        fields = {"learned_until": until.isoformat()}
    tiny_artifact(taught, {"model_version": "taught", "calibration": flat, **fields})
    asked = ("compare", "--model", folders[0], "--model", taught, "--repeat", 5)
    status, printed, said = triage(*asked)
    assert (status, said) == (0, "")
    assert told in printed
    if "learned_until" in fields:
        line = f"learned from decisions until {until:%Y-%m-%d %H:%M} UTC"
        assert line in printed
        assert f"decisions until {until:%Y-%m-%d %H:%M} UTC were learned from" in printed


def test_a_model_compared_with_itself_moves_nothing(triage, reported, folders):
    """Given once, it stands on both sides."""
    status, printed, _ = triage("compare", "--model", folders[0], "--repeat", 5)
    assert status == 0
    assert "0 rise, 0 sink, 0 go to another queue beside" in printed
    assert "nothing speaks against it" in printed


def test_weights_and_staffing_are_tried_out(triage, reported, tmp_path):
    """The version of what was changed says so."""
    path = tmp_path / "staffing.toml"
    path.write_text(STAFFING, "utf-8")
    options = ("--weights", "urgency_weight=50,age_weight=2", "--reviewers", path, "--repeat", 5)
    status, printed, said = triage("simulate", *options)
    assert (status, said) == (0, "")
    assert "+urgency_weight=50+age_weight=2" in printed
    assert "staffing.toml: 2 reviewers" in printed
    assert "harm_hours" in printed


def test_a_changed_policy_is_tried_against_the_one_that_holds(triage, reported, tmp_path):
    """Its thresholds are expressions in the folder."""
    changes = {
        "policy": ('version = "', 'version = "try-'),
        "tiers": ("views_per_hour >= 1000.0", "views_per_hour >= 1.0"),
    }
    folder = policy_folder(tmp_path / "policy", **changes)
    status, printed, _ = triage("simulate", "--policy", folder, "--repeat", 5)
    assert status == 0
    assert "policy try-" in printed
    assert "12 rise, 0 sink" in printed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("compare", "--model", "a", "--model", "b", "--model", "c"),
            "--model: must be given once",
        ),
        (("compare", "--model", "nothing"), "nothing never scored 13 of the 13 cases"),
        (("compare", "--model", "./gone/"), "model artifact gone: no readable manifest.json"),
        (("compare", "--model", "shipped", "--last", 0), "last: must lie within 1 and 100000"),
        (("compare", "--model", "shipped", "--repeat", 1), "repeat: must lie within 5 and 200"),
        (("simulate", "--weights", "alpha=1"), "weights: alpha is not one of urgency_weight"),
        (("simulate", "--reviewers", "gone.toml"), "gone.toml: No such file or directory"),
        (("simulate", "--policy", "gone"), "policy file policy.toml, -: cannot be read in gone"),
        (("simulate", "--days", -1), "days: must be over 0"),
    ],
)
def test_what_is_wrong_is_one_line(triage, reported, arguments, told):
    """With the field and the reason, and nothing is kept."""
    status, printed, said = triage(*arguments)
    assert (status, printed) == (1, "")
    assert said.startswith(f"triage: {told}")
    assert said.count("\n") == 1


def test_a_corrupt_artifact_is_refused(triage, reported, folders, database_url):
    """By the file that does not match, and nothing is kept."""
    keen, blunt = folders
    (blunt / "model.onnx").write_bytes(b"broken")
    status, _, said = triage("compare", "--model", keen, "--model", blunt)
    assert status == 1
    assert "model.onnx does not match its checksum" in said
    assert on_store(database_url, lambda store: store.comparisons()) == []


def test_without_cases_it_says_so(triage):
    """Before a model is fetched."""
    status, _, said = triage("compare", "--model", "shipped")
    assert (status, said) == (1, "triage: there is no case to replay\n")
