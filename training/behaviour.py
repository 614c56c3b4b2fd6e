"""Functional cases: what a model must say of texts written to test one ability each.

A case expects an output to be present or absent; it passes when the calibrated probability lies
on that side of the output's threshold in that language. Source of the idea: Ribeiro et al. 2020,
Beyond Accuracy (CheckList); Röttger et al. 2021, HateCheck.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION, Label, Language
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import Manifest
from triage_ml.inference.onnx import OnnxScorer

CASES = Path(__file__).parents[1] / "tests" / "behaviour" / "cases"
PRESENT, ABSENT = "present", "absent"


@dataclass(frozen=True, slots=True)
class Case:
    """A text and what is expected of one output."""

    id: str
    text: str
    functionality: str
    label: str
    expect: str
    why: str
    language: Language


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case with the probability it was given; `passed` at the model's own threshold."""

    case: Case
    probability: float
    passed: bool


def read_cases(folder: Path = CASES) -> list[Case]:
    """Read the cases of every language. Raises: InvalidInput, naming file, line and reason."""
    found = []
    for language in SUPPORTED_LANGUAGES:
        path = folder / f"{language.value}.jsonl"
        if not path.is_file():
            raise InvalidInput(str(path), "no such file of functional cases")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if line.strip():
                found.append(_case(f"{path.name}: line {number}", line, language))
    return found


def run_cases(scorer: OnnxScorer, manifest: Manifest, cases: Sequence[Case]) -> Iterator[Verdict]:
    """Score the cases as they are served. A label without an output is never present."""
    scores = scorer.score([case.text for case in cases], [case.language for case in cases])
    for case, found in zip(cases, scores, strict=True):
        if case.label == VIOLATION:
            probability = found.p_violation
        else:
            score = found.labels.get(Label(case.label))
            probability = score.probability if score else 0.0
        shown = case.label in manifest.outputs and probability >= manifest.threshold_of(
            case.label, case.language
        )
        yield Verdict(case, round(probability, 4), shown == (case.expect == PRESENT))


def summarise(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Count passed and all cases per language, and per language and functionality."""
    return {
        "languages": _counts(verdicts, lambda case: (case.language.value,)),
        "functionalities": _counts(verdicts, lambda c: (c.language.value, c.functionality)),
        "labels": _counts(verdicts, lambda c: (c.language.value, f"{c.label} {c.expect}")),
        "failed": sorted(verdict.case.id for verdict in verdicts if not verdict.passed),
    }


def _counts(verdicts: Sequence[Verdict], key: Any) -> dict[str, Any]:
    passed: Counter[tuple[str, ...]] = Counter()
    total: Counter[tuple[str, ...]] = Counter()
    for verdict in verdicts:
        total[key(verdict.case)] += 1
        passed[key(verdict.case)] += verdict.passed
    nested: dict[str, Any] = {}
    for place in sorted(total):
        row = nested
        for name in place[:-1]:
            row = row.setdefault(name, {})
        row[place[-1]] = {"passed": passed[place], "total": total[place]}
    return nested


def _case(where: str, line: str, language: Language) -> Case:
    try:
        case = Case(**json.loads(line), language=language)
    except (ValueError, TypeError) as error:
        raise InvalidInput(where, f"not a case: {error}") from error
    if case.expect not in (PRESENT, ABSENT):
        raise InvalidInput(where, f"expect is {case.expect!r}, not present or absent")
    if case.label != VIOLATION and case.label not in Label:
        raise InvalidInput(where, f"no label {case.label!r}")
    return case
