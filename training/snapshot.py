"""Read corpora into one content-hashed snapshot with splits.

The snapshot is a Hugging Face `datasets` folder plus `summary.json`. Texts that differ only in
case, signs, mentions or links are one example, whose labels are the union of what its sources
decide; where they contradict each other the output is unknown.
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Dataset, load_from_disk

from training.config import Experiment
from training.readers import SOURCES
from training.sources import MAX_CHARACTERS, OUTPUTS, SHIPPABLE_TIERS, Row, Source
from triage_ml.domain.taxonomy import VIOLATION
from triage_ml.domain.text import normalise
from triage_ml.errors import InvalidInput

UNKNOWN = -1
TRAIN, CALIBRATE, DEV = "train", "calibrate", "dev"
EXCLUDE = "exclude.sha256"
SUMMARY = "summary.json"

# Corpora mask mentions and links in different ways; the same post must still meet itself.
_MASKED = re.compile(r"@\w+|https?:?\S*|\burl\b", re.IGNORECASE)
_SIGNS = re.compile(r"[\W_]+")


@dataclass(slots=True)
class Example:
    """A text with everything its sources say of it."""

    key: str
    text: str
    language: str
    sources: list[str]
    labels: dict[str, int]
    contested: set[str] = field(default_factory=set)
    assumed: set[str] = field(default_factory=set)
    held_out: bool = False

    def add(self, source: Source, row: Row) -> None:
        if source.name not in self.sources:
            self.sources.append(source.name)
        self.held_out |= row.held_out
        self.assumed.update(source.assumes_absent)
        for output, value in row.labels.items():
            if self.labels.setdefault(output, value) != value:
                self.contested.add(output)

    def label(self, output: str) -> int:
        return UNKNOWN if output in self.contested else self.labels.get(output, UNKNOWN)

    def weak(self, output: str) -> bool:
        """Say whether the output is undecided but safely taken as absent in training.

        `violation` is, where some head was decided and every decided one is absent.
        """
        if output in self.labels:
            return False
        if output == VIOLATION:
            return bool(self.labels) and not any(self.labels.values())
        return output in self.assumed


def fold_hash(text: str) -> str:
    """Hash a text in the form of exclude.sha256: NFC, spaces collapsed, stripped, casefolded."""
    folded = " ".join(unicodedata.normalize("NFC", text).split()).casefold()
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()


def merge_key(text: str) -> str:
    """Hash what is left of a text without mentions, links, signs and case."""
    bare = _SIGNS.sub("", _MASKED.sub("", text))
    return fold_hash(bare or text)


def split_of(key: str, held_out: bool, experiment: Experiment) -> str:
    """Choose the split from the text's own hash, so that a text is always on one side."""
    if held_out:
        return DEV
    bucket = int(key[:8], 16) % 100
    if bucket < experiment.calibrate_percent:
        return CALIBRATE
    return DEV if bucket < experiment.calibrate_percent + experiment.dev_percent else TRAIN


def choose_sources(experiment: Experiment) -> tuple[Source, ...]:
    """Take the experiment's sources, or every shippable one. Raises: InvalidInput."""
    known = {source.name: source for source in SOURCES}
    unknown = [name for name in experiment.sources if name not in known]
    if unknown:
        raise InvalidInput("sources", f"no reader for {unknown[0]}")
    names = experiment.sources or tuple(known)
    return tuple(known[n] for n in names if known[n].licence_tier in SHIPPABLE_TIERS)


def require_data(data: Path, sources: Iterable[Source]) -> None:
    """Check the data folder before any work. Raises: InvalidInput, naming what is missing."""
    if not data.is_dir():
        raise InvalidInput("data", f"no folder {data}; set TRIAGE_DATA or --data")
    if not (data / EXCLUDE).is_file():
        raise InvalidInput(str(data / EXCLUDE), "no such file in the data folder")
    for source in sources:
        if not (data / "raw" / source.name).is_dir():
            raise InvalidInput(str(data / "raw" / source.name), "no such corpus")


def read_examples(
    data: Path, sources: Iterable[Source], dropped: Counter[str]
) -> Iterator[Example]:
    """Merge the rows of all sources by folded text, without the reserved ones."""
    reserved = set((data / EXCLUDE).read_text("ascii").split())
    examples: dict[str, Example] = {}
    banned: set[str] = set()
    for source in sources:
        for row in source.read(data / "raw" / source.name):
            text = normalise(row.text[:MAX_CHARACTERS]).text
            key = merge_key(text)
            if not text.strip():
                dropped["empty"] += 1
            elif {fold_hash(text), fold_hash(row.text)} & reserved:
                dropped[f"reserved:{source.name}"] += 1
                banned.add(key)
            elif key in examples:
                dropped["duplicate"] += 1
                examples[key].add(source, row)
            else:
                language = row.language or source.language
                examples[key] = Example(key, text, language, [], {})
                examples[key].add(source, row)
    dropped["like_reserved"] = sum(key in examples for key in banned)
    left = (example for key, example in examples.items() if key not in banned)
    yield from sorted(left, key=lambda example: example.key)


def build_snapshot(data: Path, out: Path, experiment: Experiment) -> dict[str, Any]:
    """Write the snapshot and give its summary."""
    sources = choose_sources(experiment)
    require_data(data, sources)
    dropped: Counter[str] = Counter()
    rows = [_as_record(e, experiment) for e in read_examples(data, sources, dropped)]
    Dataset.from_list(rows).save_to_disk(out)
    summary = {
        "hash": _content_hash(rows),
        "n_examples": len(rows),
        "dropped": dict(sorted(dropped.items())),
        "splits": dict(Counter(row["split"] for row in rows)),
        "counts": _count(rows),
        "sources": [source.name for source in sources],
    }
    (out / SUMMARY).write_text(json.dumps(summary, indent=1), "utf-8")
    return summary


def load_snapshot(folder: Path) -> tuple[Dataset, dict[str, Any]]:
    """Read a snapshot and its summary. Raises: InvalidInput when there is none."""
    if not (folder / SUMMARY).is_file():
        raise InvalidInput(str(folder), "no snapshot; run `python -m training snapshot` first")
    return load_from_disk(str(folder)), json.loads((folder / SUMMARY).read_text("utf-8"))


def _as_record(example: Example, experiment: Experiment) -> dict[str, Any]:
    return {
        "key": example.key,
        "text": example.text,
        "language": example.language,
        "sources": example.sources,
        "split": split_of(example.key, example.held_out, experiment),
        "labels": [example.label(output) for output in OUTPUTS],
        "weak": [example.weak(output) for output in OUTPUTS],
    }


def _content_hash(rows: list[dict[str, Any]]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False).encode())
    return digest.hexdigest()


def _count(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Count decided labels as {split/language/source/output/value: rows}."""
    counts: Counter[str] = Counter()
    for row in rows:
        for output, value in zip(OUTPUTS, row["labels"], strict=True):
            if value != UNKNOWN:
                for source in row["sources"]:
                    where = row["split"], row["language"], source, output, str(value)
                    counts["/".join(where)] += 1
    return dict(sorted(counts.items()))
