"""Each gate fails when it should, and what was not measured never passes."""

import json
from typing import Any

import pytest

from tests.training.finished import cell, good_reports
from training.release.gates import LIMITS, REPORTS, GatesFailed, check_gates, load_limits
from triage_ml.errors import InvalidInput

DEFAULTS = load_limits()


def failed(reports: dict[str, Any], champion: dict[str, Any] | None = None) -> dict[str, str]:
    return {g.name: str(g) for g in check_gates(reports, DEFAULTS, champion) if not g.passed}


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """Give good reports with one value replaced."""
    reports = json.loads(json.dumps(good_reports()))
    place = reports
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return reports


def test_good_reports_pass_every_gate():
    """Seven gates; with a champion one more for each language and one for the suite."""
    assert failed(good_reports()) == {}
    assert len(check_gates(good_reports(), DEFAULTS)) == 7
    assert failed(good_reports(), good_reports()) == {}
    assert len(check_gates(good_reports(), DEFAULTS, good_reports())) == 13


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ("evaluate", "cells", 7, "auc", "value"),
            0.74,
            "worst language: 0.7400, limit 0.7500 (ko)",
        ),
        (
            ("evaluate", "cells", 6, "auc", "value"),
            0.6,
            "worst label: 0.6000, limit 0.6500 (ko hate)",
        ),
        (
            ("evaluate", "cells", 6, "calibration_error"),
            0.09,
            "calibration: 0.0900, limit 0.0500 (ko hate)",
        ),
        (("export", "auc_loss", "tr"), 0.02, "int8 parity: 0.0200, limit 0.0100 (tr)"),
        (("bias", "tr", "women", "bnsp_auc"), 0.5, "bias: 0.5000, limit 0.5500 (tr women BNSP)"),
        (("bias", "tr", "women", "bpsn_auc"), 0.5, "bias: 0.5000, limit 0.5500 (tr women BPSN)"),
        (
            ("behaviour", "languages", "es", "passed"),
            49,
            "functional, worst language: 0.4900, limit 0.5000 (es)",
        ),
    ],
)
def test_a_value_over_its_limit_fails_one_gate(path, value, said):
    """It says the gate, the value, the limit and where."""
    assert list(failed(changed(*path, to=value)).values()) == [said]


def test_the_suite_as_a_whole_has_its_own_floor():
    """Every language may be over its floor and all together under theirs."""
    assert failed(good_reports(n_passed=55)) == {
        "functional": "functional: 0.5500, limit 0.6000 (all languages)"
    }


@pytest.mark.parametrize("step", REPORTS)
def test_a_missing_report_fails_and_names_its_command(step):
    """No gate of that step is left out."""
    reports = good_reports()
    del reports[step]
    found = failed(reports, good_reports())
    assert found
    assert all(line.endswith(f"run `python -m training {step}`") for line in found.values())


@pytest.mark.parametrize("step", REPORTS)
@pytest.mark.parametrize("content", [{}, [], None, {"cells": []}, {"de": {"women": {}}}])
def test_a_report_without_its_numbers_fails(step, content):
    """Empty, of an older format, or of another file."""
    assert failed({**good_reports(), step: content})


@pytest.mark.parametrize(
    "path", [("evaluate", "cells", 1, "auc", "value"), ("export", "auc_loss", "de")]
)
def test_not_a_number_fails(path):
    """NaN is neither under nor over a limit."""
    assert failed(changed(*path, to=float("nan")))


def test_a_language_without_a_measure_fails():
    """Its cell is missing because there were too few rows, and so nothing is known."""
    reports = good_reports()
    reports["evaluate"]["cells"] = [
        c for c in reports["evaluate"]["cells"] if c["language"] != "ko"
    ]
    assert failed(reports)["worst language"] == "worst language: ko is not measured"
    assert failed(reports, good_reports())["ko against the champion"]
    del reports["export"]["auc_loss"]["tr"]
    assert failed(reports)["int8 parity"] == "int8 parity: tr is not measured"


def test_what_chance_makes_of_few_rows_is_no_fault():
    """A cell of 500 rows shows 0.05 where every probability is right."""
    reports = good_reports()
    reports["evaluate"]["cells"][6] |= {"calibration_error": 0.09, "calibration_by_chance": 0.05}
    assert failed(reports) == {}
    reports["evaluate"]["cells"][6]["calibration_error"] = 0.11
    assert set(failed(reports)) == {"calibration"}


def test_small_cells_and_groups_are_not_judged():
    """With few positives the number is noise; with none left over, the gate fails."""
    small = cell("de", "threat", auc=0.4, n_positive=199, calibration_error=0.3)
    reports = good_reports()
    reports["evaluate"]["cells"].append(small)
    reports["bias"]["de"]["old"] = {"n_positive": 49, "n_negative": 90, "bpsn_auc": 0.1}
    assert failed(reports) == {}
    reports["evaluate"]["cells"] = [
        cell(c["language"], c["output"], n_positive=100) for c in reports["evaluate"]["cells"]
    ]
    assert set(failed(reports)) == {"worst label", "calibration"}


def test_no_language_falls_by_more_than_the_champions_half_interval():
    """A fall inside the noise passes; the candidate's own noise is no excuse."""
    assert failed(good_reports(auc=0.885), good_reports(auc=0.9)) == {}
    worse = good_reports(auc=0.87)
    for row in worse["evaluate"]["cells"]:
        row["auc"]["low"] = 0.0
    found = failed(worse, good_reports(auc=0.9))
    assert found["ko against the champion"] == (
        "ko against the champion: 0.8700, limit 0.8800 (ko)"
    )
    assert len(found) == 5


def test_the_functional_suite_falls_by_two_points_at_most():
    """More than that is a worse model, whatever its AUC."""
    assert failed(good_reports(n_passed=79), good_reports(n_passed=80)) == {}
    assert set(failed(good_reports(n_passed=77), good_reports(n_passed=80))) == {
        "functional against the champion"
    }


def test_a_refusal_names_every_failed_gate():
    """One line, with the number of them."""
    gates = check_gates({}, DEFAULTS)
    line = str(GatesFailed(gates))
    assert line.startswith("not registered, 7 gates failed: worst language: no evaluate.json")
    assert "\n" not in line


def test_limits_are_checked(tmp_path):
    """A misspelled, a missing and an unreadable limit."""
    text = LIMITS.read_text("utf-8")
    for wrong in (text.replace("parity", "partiy"), "", "parity"):
        (tmp_path / "gates.toml").write_text(wrong, "utf-8")
        with pytest.raises(InvalidInput):
            load_limits(tmp_path / "gates.toml")
    with pytest.raises(InvalidInput):
        load_limits(tmp_path / "none.toml")
