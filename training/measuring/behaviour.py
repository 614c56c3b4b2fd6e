"""Functional cases: what a model must say of texts written to test one ability each.

A case expects an output to be present or absent; it passes when the calibrated probability lies
on that side of the output's threshold in that language. Source of the idea: Ribeiro et al. 2020,
Beyond Accuracy (CheckList); Röttger et al. 2021, HateCheck.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage_ml.domain.taxonomy import HEADS, SUPPORTED_LANGUAGES, VIOLATION, Label, Language
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import Manifest
from triage_ml.inference.onnx import OnnxScorer

CASES = Path(__file__).parents[2] / "tests" / "behaviour" / "cases"
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
    """A case and the outputs that reach their thresholds on it."""

    case: Case
    shown: frozenset[str]

    @property
    def passed(self) -> bool:
        return (self.case.label in self.shown) == (self.case.expect == PRESENT)


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
        values = {label.value: score.probability for label, score in found.labels.items()}
        values[VIOLATION] = found.p_violation
        shown = (o for o, p in values.items() if p >= manifest.threshold_of(o, case.language))
        yield Verdict(case, frozenset(shown))


def summarise(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Count passed and all cases per language, per functionality, and hits and alarms per label."""
    return {
        "languages": _counts(verdicts, lambda case: (case.language.value,)),
        "functionalities": _counts(verdicts, lambda c: (c.language.value, c.functionality)),
        "labels": {
            language.value: {
                label.value: _label_counts(verdicts, language, label) for label in HEADS
            }
            for language in SUPPORTED_LANGUAGES
        },
        "failed": sorted(verdict.case.id for verdict in verdicts if not verdict.passed),
    }


def _label_counts(verdicts: Sequence[Verdict], language: Language, label: Label) -> dict[str, int]:
    """Count how often a label is shown where it should be, and where it or anything should not."""
    own = [v for v in verdicts if v.case.language is language]
    present = [v for v in own if v.case.label == label and v.case.expect == PRESENT]
    absent = [v for v in own if v.case.label in (label, VIOLATION) and v.case.expect == ABSENT]
    return {
        "present": len(present),
        "found": sum(label in v.shown for v in present),
        "absent": len(absent),
        "alarms": sum(label in v.shown for v in absent),
    }


def _counts(verdicts: Sequence[Verdict], key: Callable[[Case], tuple[str, ...]]) -> dict[str, Any]:
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
    if case.label != VIOLATION and case.label not in {label.value for label in Label}:
        raise InvalidInput(where, f"no label {case.label!r}")
    return case
