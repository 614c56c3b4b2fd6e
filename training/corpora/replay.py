"""What a retraining learns from: reviewers' decisions, and a fixed set of public rows.

The replay set guards against forgetting. It is chosen by hashes of the rows' keys alone, before any
decision is read: the same corpora give the same set in every retraining.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from pathlib import Path
from typing import Any, Protocol

from training.config import Experiment
from training.corpora.examples import UNKNOWN, Example, Merging
from training.corpora.snapshot import choose_sources, require_data, write_snapshot
from training.corpora.sources import OUTPUTS, Source
from training.corpora.splits import TRAIN, assign_splits, own_split
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import DECISIONS

MIN_OFTEN = 5
"""Decided texts that a word is in, and no public row, to count as a new term."""
READ = frozenset(language.value for language in SUPPORTED_LANGUAGES)
_WORDS = re.compile(r"\w{3,}")

Stratum = tuple[str, str, int]  # language, output, label


class Decided(Protocol):
    """A loaded set of decisions; `training.corpora.decisions.DecisionSet` is one."""

    @property
    def manifest(self) -> Any: ...
    @property
    def source(self) -> Source: ...


def build_retraining(
    data: Path,
    out: Path,
    experiment: Experiment,
    decided: Sequence[Decided],
    manifests: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Write the snapshot of a retraining and give its summary.

    Public training rows outside the replay set are left out; what calibrates and measures stays
    whole. Raises: InvalidInput without a data folder, or when nothing was decided.
    """
    sources = choose_sources(experiment)
    require_data(data, sources)
    dropped: Counter[str] = Counter()
    merging = Merging(data, dropped)
    merging.add_public(sources)
    replay = choose_replay(merging.examples(), experiment)
    for one in _oldest_first(decided, manifests):
        merging.add(one.source, out, overrules=True)
    examples = [e for e in merging.examples() if e.language in READ or not e.own]
    require_decisions(examples)
    splits = assign_splits(examples, experiment, dropped)
    chosen = [
        (example, split)
        for example, split in zip(examples, splits, strict=True)
        if split is not None and (split != TRAIN or _is_learned(example, replay))
    ]
    own = [(example, split) for example, split in chosen if DECISIONS in example.sources]
    also = {
        "replay": {
            "hash": digest(replay),
            "n_rows": len(replay),
            "per_cell": experiment.replay_rows,
        },
        "decisions": list(manifests),
        "decided": _counts(own),
        "new_terms": count_new_terms([e for e, _ in chosen]),
    }
    known = tuple(source for source in sources if source.name != DECISIONS)
    return write_snapshot(out, chosen, (*known, decided[0].source), dropped, also, weighed=True)


def _oldest_first(
    decided: Sequence[Decided], manifests: Sequence[Mapping[str, Any]]
) -> list[Decided]:
    """Order sets by where their windows end: what was decided again later is what counts."""
    ends = [str(manifest["window"]["until"]) for manifest in manifests]
    return [decided[i] for i in sorted(range(len(decided)), key=ends.__getitem__)]


def choose_replay(examples: Iterable[Example], experiment: Experiment) -> frozenset[str]:
    """Give the keys of public training rows, so many per language, output and side."""
    strata: defaultdict[Stratum, list[tuple[str, str]]] = defaultdict(list)
    for example in examples:
        if example.held_out or example.research or own_split(example.key, experiment) != TRAIN:
            continue
        place = hashlib.sha256(f"replay:{example.key}".encode()).hexdigest()
        for output in OUTPUTS:
            if (value := example.label(output)) != UNKNOWN:
                strata[example.language, output, value].append((place, example.key))
    n_rows = experiment.replay_rows
    return frozenset(
        key
        for found in strata.values()
        for _, key in (nsmallest(n_rows, found) if n_rows else found)
    )


def digest(keys: Iterable[str]) -> str:
    """Name a set of rows."""
    return hashlib.sha256("".join(sorted(keys)).encode()).hexdigest()


def require_decisions(examples: Iterable[Example]) -> None:
    """Raises: InvalidInput when there is not one decided example."""
    if not any(example.own for example in examples):
        raise InvalidInput(DECISIONS, "hold no example to learn from, in a language that is read")


def count_new_terms(examples: Sequence[Example]) -> dict[str, int]:
    """Count, per language, words that were often decided as violating and are in no public row.

    Only how many: a term is text.
    """
    own: dict[str, Counter[str]] = {}
    public: set[str] = set()
    for example in examples:
        words = set(_WORDS.findall(example.text.casefold()))
        if DECISIONS not in example.sources:
            public |= words
        elif any(example.label(output) == 1 for output in OUTPUTS):
            own.setdefault(example.language, Counter()).update(words)
    return {
        language: sum(n >= MIN_OFTEN and word not in public for word, n in found.items())
        for language, found in sorted(own.items())
    }


def _is_learned(example: Example, replay: frozenset[str]) -> bool:
    return example.key in replay or DECISIONS in example.sources


def _counts(own: Sequence[tuple[Example, str]]) -> dict[str, dict[str, int]]:
    """Count decided examples per language: of each split, and those of either side."""
    counts: dict[str, Counter[str]] = {}
    for example, split in own:
        found = counts.setdefault(example.language, Counter())
        found.update(dict.fromkeys((split, *_sides(example)), 1))
    return {language: dict(found) for language, found in sorted(counts.items())}


def _sides(example: Example) -> Iterator[str]:
    if (value := example.label("violation")) != UNKNOWN:
        yield "violating" if value else "benign"
