"""The card of a finished experiment: targets first, then misses, and every table."""

import json

import pytest

from training.corpora.readers import SOURCES
from training.release import card_tables as tables
from triage_ml.domain.taxonomy import Label, Language, Support, SupportMatrix
from triage_ml.inference.artifact import POOLED, Artifact, Calibration

WITH_TABLE = (
    "## Targets",
    "## Support",
    "## Quality on the development split",
    "### False alarms on plainly benign sentences",
    "### Inside each corpus",
    "## Functional cases",
    "## Disguised texts",
    "## Mentions of groups of people",
    "## Severity",
    "## Calibration",
    "## Sources",
)


def cells_of(line: str) -> list[str]:
    return line.strip().removeprefix("| ").removesuffix(" |").split(" | ")


def section(card: str, heading: str) -> list[str]:
    """Give the lines under a heading, to the next heading."""
    lines = card.splitlines()
    start = lines.index(heading) + 1
    ends = (i for i in range(start, len(lines)) if lines[i].startswith("#"))
    return lines[start : next(ends, len(lines))]


def test_targets_come_first_and_misses_after_them(artifact: Artifact) -> None:
    """A reader sees what was aimed at, and what is wrong, before anything else."""
    headings = [line for line in artifact.card().splitlines() if line.startswith("## ")]
    assert headings[:2] == ["## Targets", "## Known misses"]


@pytest.mark.parametrize("heading", WITH_TABLE)
def test_every_table_has_whole_rows(heading: str, artifact: Artifact) -> None:
    """Each row of each table has as many cells as its head."""
    rows = [line for line in section(artifact.card(), heading) if line.startswith("|")]
    assert len(rows) >= 2
    assert {len(cells_of(row)) for row in rows} == {len(cells_of(rows[0]))}


def test_a_gain_that_may_be_chance_is_a_known_miss(artifact: Artifact) -> None:
    """Each cell and floor whose interval reaches zero is listed, and no other."""
    report = json.loads((artifact.folder.parent / "evaluate.json").read_text("utf-8"))
    expected = {
        f"- {cell['language']} {cell['output']}: not shown to beat {name}"
        for cell in report["cells"]
        for name, gain in cell["gains"].items()
        if gain["low"] <= 0
    }
    said = section(artifact.card(), "## Known misses")
    assert {line.split(" (gain")[0] for line in said if "not shown to beat" in line} == expected


def test_the_functional_suite_is_in_the_card_whole(artifact: Artifact) -> None:
    """Every functionality of every language, and all of them together."""
    report = json.loads((artifact.folder.parent / "behaviour.json").read_text("utf-8"))
    names = {name for row in report["functionalities"].values() for name in row}
    lines = section(artifact.card(), "## Functional cases")
    said = {cells_of(line)[0] for line in lines if line.startswith("|")}
    assert said == {"functionality", "---", "**all**", *names}


def test_every_source_is_named_with_its_licence(artifact: Artifact) -> None:
    """Name, tier, licence and citation of what the model learned from."""
    used = {source["name"] for source in artifact.manifest.sources}
    rows = [tuple(cells_of(line)) for line in section(artifact.card(), "## Sources")]
    for source in SOURCES:
        if source.name in used:
            assert (source.name, source.licence_tier, source.licence, source.citation) in rows


def test_support_says_what_is_an_output() -> None:
    """A head the model lacks is listed, and supported nowhere."""
    found = tables.support_table(
        SupportMatrix({(Language.TR, Label.HATE): Support.FUNCTIONAL}), ("hate", "violation")
    )
    rows = {row[0]: row[1:] for row in map(cells_of, found.splitlines())}
    assert rows["hate"] == ["yes", "unsupported", "unsupported", "functional", *["unsupported"] * 2]
    assert rows["child_safety"] == ["no", *["unsupported"] * 5]


def test_what_was_not_measured_is_a_dash() -> None:
    """A floor, a disguise, a functionality or a side of bias without a number."""
    share = {"passed": 1, "total": 4}
    functional = tables.functional_table(
        {
            "languages": {"de": share, "tr": share},
            "functionalities": {"de": {"negation": share}, "tr": {}},
        }
    )
    assert "| negation | 0.25 | – |" in functional
    sources = {"a": {"auc": 0.9, "macro_f1": 0.8, "baselines": {}}}
    sources["b"] = {"auc": 0.9, "macro_f1": 0.8, "baselines": {"n-grams": 0.7}}
    assert "| a | 0.900 | – | 0.800 |" in tables.source_table(sources)
    cells = [("typos", "de", 0.01), ("typos", "tr", 0.02), ("umlaut", "de", 0.03)]
    report = {"cells": [{"kind": k, "language": x, "drop": {"value": v}} for k, x, v in cells]}
    assert "| umlaut | 0.030 | – |" in tables.robustness_table(report)
    group = {"n_positive": 1, "n_negative": 9, "subgroup_auc": None}
    bias = tables.bias_table({"de": {"women": group | {"bpsn_auc": 0.5, "bnsp_auc": None}}})
    assert "| de | women | 1 / 9 | – | 0.500 | – |" in bias


def test_calibration_lists_who_has_a_fit_of_their_own() -> None:
    """The pooled fit is not a language; its three numbers are written out."""
    fit = Calibration(slope=1, slope_below=0.5, intercept=-0.25)
    found = tables.calibration_table(
        {"hate": {"de": fit, POOLED: fit}, "violation": {POOLED: fit}},
        {"hate": {"de": 1.5, POOLED: 2}, "violation": {POOLED: 1}},
    )
    assert "| hate | de | 1.00, 0.50, -0.25 | de 1.5, * 2.0 |" in found
    assert "| violation | none |" in found


def test_severity_says_whether_it_is_used() -> None:
    """Learned well enough, or the policy's typical one."""
    row = {"n_rows": 1_200, "correlation": 0.5, "error": 0.6, "error_of_median": 0.7}
    found = tables.severity_table(
        [{"output": "hate", **row}, {"output": "threat", **row}], ["hate"]
    )
    assert "| hate | 1,200 | 0.50 | 0.60 / 0.70 | yes |" in found
    assert "| threat | 1,200 | 0.50 | 0.60 / 0.70 | no |" in found
