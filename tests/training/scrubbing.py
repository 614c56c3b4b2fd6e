"""Lines written by hand, with what the scrubber should leave of them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from training.feedback.scrub import placeholders, scrub
from triage_ml.domain.taxonomy import Language

LINES: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "scrub_lines.jsonl").read_text("utf-8").splitlines()
]
"""Those marked `held_out` were written after the patterns, which were not changed for them."""


def measure(lines: list[dict[str, Any]]) -> Counter[str]:
    """Count placeholders that are right, missing and too many, and lines left as they should be."""
    counts: Counter[str] = Counter()
    for line in lines:
        found = scrub(line["text"], Language(line["language"]))
        wanted, got = _marks(line["want"]), _marks(found)
        counts["right"] += (wanted & got).total()
        counts["missing"] += (wanted - got).total()
        counts["too_many"] += (got - wanted).total()
        counts["exact"] += found == line["want"]
        counts["lines"] += 1
    return counts


def _marks(text: str) -> Counter[str]:
    return Counter({mark: text.count(mark) for mark in placeholders()})
