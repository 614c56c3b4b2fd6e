"""Functional cases are read line by line, judged at the thresholds, and counted."""

import json
from pathlib import Path

import pytest

from training.measuring.behaviour import ABSENT, PRESENT, Case, read_cases, run_cases, summarise
from triage_ml.domain.taxonomy import HEADS, SUPPORTED_LANGUAGES, Label, Language
from triage_ml.errors import InvalidInput
from triage_ml.inference.onnx import OnnxScorer
from triage_ml.testing.artifacts import tiny_artifact

GOOD = {
    "id": "de-1",
    "text": "w1",
    "functionality": "plain",
    "label": "hate",
    "expect": ABSENT,
    "why": "nothing is said",
}


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> OnnxScorer:
    """Score by keywords; German hate is shown only when it is almost certain."""
    thresholds = {o: {"*": 0.5} for o in ("harassment", "violent_threat", "violation")}
    thresholds["hate"] = {"de": 0.99, "*": 0.5}
    artifact = tiny_artifact(tmp_path_factory.mktemp("tiny"), {"thresholds": thresholds})
    return OnnxScorer(artifact, dict.fromkeys(Label, 2.0))


def case(text: str, label: str, expect: str, language: Language = Language.EN, name="x") -> Case:
    return Case(f"{text} {label} {expect}", text, name, label, expect, "why not", language)


def write(folder: Path, *lines: str) -> Path:
    """Write the German cases, and none in the other languages."""
    for language in SUPPORTED_LANGUAGES:
        own = lines if language is Language.DE else ()
        (folder / f"{language.value}.jsonl").write_text("\n".join(own), "utf-8")
    return folder


def test_reads_cases_and_their_language(tmp_path: Path) -> None:
    """A case speaks the language of its file; empty lines are nothing."""
    [found] = read_cases(write(tmp_path, "", json.dumps(GOOD), ""))
    assert found == Case(**GOOD, language=Language.DE)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not a case"),
        ("[]", "not a case"),
        (json.dumps({"id": "de-2"}), "not a case"),
        (json.dumps(GOOD | {"severity": 3}), "not a case"),
        (json.dumps(GOOD | {"expect": "maybe"}), "expect is 'maybe'"),
        (json.dumps(GOOD | {"label": "rudeness"}), "no label 'rudeness'"),
    ],
)
def test_a_bad_line_is_named(line: str, reason: str, tmp_path: Path) -> None:
    """The message names the file, the line and what is wrong with it."""
    with pytest.raises(InvalidInput, match=reason) as caught:
        read_cases(write(tmp_path, json.dumps(GOOD), line))
    assert caught.value.field == "de.jsonl: line 2"


def test_a_language_without_cases_is_named(tmp_path: Path) -> None:
    """A missing file is no empty suite."""
    (write(tmp_path) / "ko.jsonl").unlink()
    with pytest.raises(InvalidInput, match="no such file") as caught:
        read_cases(tmp_path)
    assert caught.value.field.endswith("ko.jsonl")


@pytest.mark.parametrize(
    ("text", "label", "expect", "passed"),
    [
        ("hate", "hate", PRESENT, True),
        ("hate", "hate", ABSENT, False),
        ("hate", "violation", PRESENT, True),
        ("hate", "harassment", ABSENT, True),
        ("w1 w2", "hate", PRESENT, False),
        ("w1 w2", "violation", ABSENT, True),
        ("hate", "self_harm", PRESENT, False),  # the model has no such output
        ("hate", "self_harm", ABSENT, True),
    ],
)
def test_a_case_passes_on_the_right_side(
    scorer: OnnxScorer, text: str, label: str, expect: str, passed: bool
) -> None:
    """Present is at or over the threshold of the case's own label, absent is under it."""
    [verdict] = run_cases(scorer, scorer.manifest, [case(text, label, expect)])
    assert verdict.passed is passed


def test_the_threshold_is_the_languages_own(scorer: OnnxScorer) -> None:
    """The same text is shown in one language and not in the other."""
    cases = [case("hate", "hate", PRESENT, x) for x in (Language.DE, Language.EN)]
    assert [v.passed for v in run_cases(scorer, scorer.manifest, cases)] == [False, True]


def test_the_summary_counts_by_language_and_functionality(scorer: OnnxScorer) -> None:
    """Passed and all, the failed ones by name, and nothing of languages without cases."""
    cases = [
        case("hate", "hate", PRESENT, name="direct"),
        case("w1", "hate", PRESENT, name="direct"),
        case("w1", "violation", ABSENT, Language.DE, name="plain"),
    ]
    report = summarise(list(run_cases(scorer, scorer.manifest, cases)))
    assert report["languages"] == {
        "de": {"passed": 1, "total": 1},
        "en": {"passed": 1, "total": 2},
    }
    assert report["functionalities"]["en"] == {"direct": {"passed": 1, "total": 2}}
    assert report["failed"] == ["w1 hate present"]
    json.dumps(report)


def test_the_summary_counts_hits_and_alarms_per_label(scorer: OnnxScorer) -> None:
    """What should show no violation at all should not show the label either."""
    cases = [
        case("hate", "hate", PRESENT),
        case("w1", "hate", PRESENT),
        case("w2", "hate", ABSENT),
        case("hate", "violation", ABSENT),
        case("hate", "harassment", ABSENT),
    ]
    labels = summarise(list(run_cases(scorer, scorer.manifest, cases)))["labels"]
    assert labels["en"]["hate"] == {"present": 2, "found": 1, "absent": 2, "alarms": 1}
    assert labels["en"]["harassment"] == {"present": 0, "found": 0, "absent": 2, "alarms": 0}
    assert set(labels["ko"]) == {head.value for head in HEADS}
