"""The shipped model against its gates, on the functional suite and on what its artifact says."""

from typing import Any
from zlib import crc32

import numpy as np
import pytest

from training.learning.obfuscate import augment
from training.measuring.behaviour import PRESENT, Verdict, read_cases, run_cases, summarise
from training.measuring.targets import NAMES
from training.metrics import calibration_by_chance
from training.release.gates import check_gates, load_limits, pass_rates
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label
from triage_ml.inference.artifact import SHIPPED, Artifact, load_artifact
from triage_ml.inference.onnx import OnnxScorer

MAX_BYTES = 70_000_000
MIN_STILL_FOUND = 0.75
"""Share of the violations found as they stand that are still found in disguise."""
MAX_FROM_CARD = 0.02
"""A pass rate may differ so far from the card's: cases are added and corrected."""


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return load_artifact(SHIPPED)


@pytest.fixture(scope="module")
def scorer(artifact: Artifact) -> OnnxScorer:
    return OnnxScorer(artifact, dict.fromkeys(Label, 2.0), n_threads=2)


@pytest.fixture(scope="module")
def verdicts(scorer: OnnxScorer) -> list[Verdict]:
    """The whole suite: about 2,400 short texts."""
    return list(run_cases(scorer, scorer.manifest, read_cases()))


def failed(reports: dict[str, Any], *names: str) -> list[str]:
    """Give the named gates that fail, with value and limit."""
    judged = [gate for gate in check_gates(reports, load_limits()) if gate.name in names]
    assert len(judged) == len(names)
    return [str(gate) for gate in judged if not gate.passed]


def rows_under(card: str, heading: str) -> list[list[str]]:
    part = card.split(f"\n{heading}\n")[1].split("\n## ")[0]
    lines = (line for line in part.splitlines() if line.startswith("|"))
    return [line.strip("| ").split(" | ") for line in lines]


def test_the_functional_suite_is_passed(verdicts: list[Verdict]) -> None:
    """All languages together, and the one that is worst."""
    report = {"behaviour": summarise(verdicts)}
    assert failed(report, "functional", "functional, worst language") == []


def test_the_card_tells_the_pass_rates_of_this_model(
    artifact: Artifact, verdicts: list[Verdict]
) -> None:
    """What the card says of the suite is what the shipped model does."""
    rows = rows_under(artifact.card(), "## Functional cases")
    said = dict(zip(rows[0][1:], map(float, rows[-1][1:]), strict=True))
    assert said == pytest.approx(pass_rates(summarise(verdicts)), abs=MAX_FROM_CARD)


def test_disguises_hide_little(scorer: OnnxScorer, verdicts: list[Verdict]) -> None:
    """Of the violations it finds, the model finds most when they are disguised as users do."""
    found = [v.case for v in verdicts if v.case.expect == PRESENT and v.passed]
    texts = [
        augment(case.text, case.language.value, np.random.default_rng(crc32(case.id.encode())))
        for case in found
    ]
    scores = scorer.score(texts, [case.language for case in found])
    threshold_of = scorer.manifest.threshold_of
    still = [
        score.p_violation >= threshold_of("violation", case.language)
        or any(s.probability >= threshold_of(o, case.language) for o, s in score.labels.items())
        for case, score in zip(found, scores, strict=True)
    ]
    assert np.mean(still) >= MIN_STILL_FOUND


def by_chance(n_positive: int, n_negative: int) -> float:
    n_rows = n_positive + n_negative
    return calibration_by_chance(np.full(n_rows, n_positive / n_rows))


def test_the_measured_cells_pass_the_gates(artifact: Artifact) -> None:
    """The worst language, the worst label and the worst calibration of the manifest.

    It says of how many rows, not how sure the model was of each: what chance makes of them is taken
    as if every probability were the share of positives.
    """
    cells = [
        {
            **cell.model_dump(),
            "language": language,
            "output": output,
            "auc": {"value": cell.auc},
            "calibration_by_chance": by_chance(cell.n_positive, cell.n_negative),
        }
        for language, row in artifact.manifest.quality.items()
        for output, cell in row.items()
    ]
    names = "worst language", "worst label", "calibration"
    assert failed({"evaluate": {"cells": cells}}, *names) == []


def test_the_artifact_is_small(artifact: Artifact) -> None:
    """Model, tokenizer, card and manifest together."""
    assert sum(path.stat().st_size for path in artifact.folder.iterdir()) <= MAX_BYTES


def test_the_card_holds_every_target(artifact: Artifact) -> None:
    """Each official test, each language, and a verdict on every line."""
    head, _, *rows = rows_under(artifact.card(), "## Targets")
    assert head[:2] == ["what", "reached"]
    assert {row[-1] for row in rows} <= {"reached", "**missed**"}
    said = {row[0] for row in rows}
    assert set(NAMES.values()) <= said
    for language in SUPPORTED_LANGUAGES:
        assert any(what.startswith(f'"any violation" in {language.value},') for what in said)


def test_the_card_names_every_source(artifact: Artifact) -> None:
    """With its licence, so that nobody has to ask."""
    rows = {row[0]: row for row in rows_under(artifact.card(), "## Sources")}
    for source in artifact.manifest.sources:
        assert source["licence"] in rows[source["name"]]
