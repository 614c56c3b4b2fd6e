"""Write the corpora as one content-hashed snapshot with splits.

The snapshot is a Hugging Face `datasets` folder plus `summary.json`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, load_from_disk

from training.config import Experiment
from training.corpora.examples import EXCLUDE, UNKNOWN, Example, read_examples
from training.corpora.readers import SOURCES
from training.corpora.sources import OUTPUTS, SHIPPABLE_TIERS, Source
from training.corpora.splits import assign_splits
from triage_ml.domain.text import NORMALISER_VERSION
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import DECISIONS

SUMMARY = "summary.json"


def choose_sources(experiment: Experiment) -> tuple[Source, ...]:
    """Take the experiment's sources, or every one. Raises: InvalidInput.

    Sources that may not be trained on are only for measuring, and only where asked for.
    """
    known = {source.name: source for source in SOURCES}
    boosted = set(experiment.source_boosts) - {DECISIONS}
    for setting, names in (("sources", experiment.sources), ("source_boosts", sorted(boosted))):
        if unknown := [name for name in names if name not in known]:
            raise InvalidInput(setting, f"no reader for {unknown[0]}")
    chosen = (known[name] for name in experiment.sources or tuple(known))
    return tuple(s for s in chosen if experiment.probe or s.licence_tier in SHIPPABLE_TIERS)


def require_data(data: Path, sources: Iterable[Source]) -> None:
    """Check the data folder before any work. Raises: InvalidInput, naming what is missing."""
    if not data.is_dir():
        raise InvalidInput("data", f"no folder {data}; set TRIAGE_DATA or --data")
    if not (data / EXCLUDE).is_file():
        raise InvalidInput(str(data / EXCLUDE), "no such file in the data folder")
    for source in sources:
        if not source.written and not (data / "raw" / source.name).is_dir():
            raise InvalidInput(str(data / "raw" / source.name), "no such corpus")


def build_snapshot(data: Path, out: Path, experiment: Experiment) -> dict[str, Any]:
    """Write the snapshot and give its summary."""
    sources = choose_sources(experiment)
    require_data(data, sources)
    dropped: Counter[str] = Counter()
    examples = list(read_examples(data, sources, dropped))
    splits = assign_splits(examples, experiment, dropped)
    chosen = [(e, s) for e, s in zip(examples, splits, strict=True) if s is not None]
    return write_snapshot(out, chosen, sources, dropped)


def write_snapshot(
    out: Path,
    chosen: Iterable[tuple[Example, str]],
    sources: Iterable[Source],
    dropped: Counter[str],
    also: Mapping[str, Any] | None = None,
    *,
    weighed: bool = False,
) -> dict[str, Any]:
    """Write examples with their splits, and a summary that says `also` what is given.

    `weighed` keeps what each example's labels are worth, which is 1 in public corpora.
    """
    rows = [
        _as_record(example, split) | ({"weight": example.weight} if weighed else {})
        for example, split in chosen
    ]
    Dataset.from_list(rows).save_to_disk(out)
    summary = {
        "hash": _content_hash(rows),
        "normaliser": NORMALISER_VERSION,
        "n_examples": len(rows),
        "dropped": dict(sorted(dropped.items())),
        "splits": dict(Counter(row["split"] for row in rows)),
        "counts": _count(rows),
        "sources": [source.name for source in sources],
        "written": [source.name for source in sources if source.written],
        **(also or {}),
    }
    (out / SUMMARY).write_text(json.dumps(summary, indent=1), "utf-8")
    return summary


def load_snapshot(folder: Path) -> tuple[Dataset, dict[str, Any]]:
    """Read a snapshot and its summary. Raises: InvalidInput when there is none."""
    if not (folder / SUMMARY).is_file():
        raise InvalidInput(str(folder), "no snapshot; run `python -m training snapshot` first")
    return load_from_disk(str(folder)), json.loads((folder / SUMMARY).read_text("utf-8"))


def columns(part: Dataset, *names: str) -> dict[str, list[Any]]:
    """Read whole columns at once: iterating over one takes a hundred times as long."""
    found: dict[str, list[Any]] = part.select_columns(list(names))[:]
    return found


def _as_record(example: Example, split: str) -> dict[str, Any]:
    return {
        "key": example.key,
        "text": example.text,
        "language": example.language,
        "sources": example.sources,
        "split": split,
        "labels": [example.label(output) for output in OUTPUTS],
        "weak": [example.weak(output) for output in OUTPUTS],
        "severity": [example.severity.get(output, UNKNOWN) for output in OUTPUTS],
        "has_spans": example.spans is not None,
        "spans": [list(span) for span in example.spans or ()],
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
