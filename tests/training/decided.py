"""Sets of decisions for tests, in the form that `load_decisions` gives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.corpora.sources import HARASSMENT, VIOLATION, Row, Source
from triage_ml.inference.artifact import DECISIONS

WINDOW = {"since": "2026-11-01T00:00:00+00:00", "until": "2026-11-20T12:00:00+00:00"}


@dataclass(frozen=True)
class DecisionSet:
    source: Source
    manifest: Mapping[str, Any] = field(
        default_factory=lambda: {"policy_versions": ["7"], "window": WINDOW}
    )


def decisions(rows: Sequence[Row]) -> DecisionSet:
    def read(_: Path) -> Iterator[Row]:
        yield from rows

    return DecisionSet(Source(DECISIONS, "", "own", "own", "own", read))


def decided(text: str, violating: bool, language: str = "de") -> Row:
    value = int(violating)
    severity = {HARASSMENT: 2} if violating else {}
    labels = {HARASSMENT: value, VIOLATION: value}
    return Row(text, labels, language=language, severity=severity)
