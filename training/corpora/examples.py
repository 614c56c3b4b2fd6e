"""Merge the rows of all corpora into examples: one text, everything its sources say of it.

Texts that differ only in case, signs, mentions or links are one example, whose labels are the
union of what its sources decide; where they contradict each other the output is unknown. A weak
source never contradicts a rater.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from training.corpora.sources import (
    MAX_CHARACTERS,
    PROFANITY,
    SHIPPABLE_TIERS,
    Row,
    Source,
    Spans,
)
from triage_ml.domain.taxonomy import VIOLATION
from triage_ml.domain.text import NormalisedText, normalise
from triage_ml.errors import InvalidInput

UNKNOWN = -1
EXCLUDE = "exclude.sha256"

# Corpora mask mentions and links in different ways; the same post must still meet itself.
_MASKED = re.compile(r"@\w+|https?:?\S*|\burl\b", re.IGNORECASE)
_SIGNS = re.compile(r"[\W_]+")
_HASH = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reserved:
    """Hashes of texts kept for evaluation; `sha256` names the file that lists them, if one does."""

    hashes: frozenset[str] = frozenset()
    sha256: str | None = None


NO_LIST = Reserved()


@dataclass(slots=True)
class Example:
    """A text with everything its sources say of it."""

    key: str
    text: str
    language: str
    sources: list[str] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    contested: set[str] = field(default_factory=set)
    assumed: set[str] = field(default_factory=set)
    weakly: set[str] = field(default_factory=set)  # outputs whose label a weak source gave
    own: dict[str, int] = field(default_factory=dict)  # outputs that what overrules decided: which
    severity: dict[str, int] = field(default_factory=dict)
    spans: Spans | None = None  # of `text`
    groups: set[str] = field(default_factory=set)
    held_out: bool = False
    written: bool = False
    research: bool = True  # no source may be trained on
    weight: float = 0.0  # of the surest of its rows; of the decision, where there is one

    def add(
        self, source: Source, row: Row, spans: Spans | None = None, *, overrules: int = 0
    ) -> None:
        """Take over what a row says; one that overrules is right where others contradict it.

        `overrules` is the number of its set, from 1; a later set is right against an earlier one.
        """
        if source.name not in self.sources:
            self.sources.insert(0 if overrules else len(self.sources), source.name)
        self.held_out |= row.held_out
        self.written |= source.written
        self.weight = row.weight if overrules else max(self.weight, row.weight)
        self.research &= source.licence_tier not in SHIPPABLE_TIERS and not overrules
        self.assumed.update(source.assumes_absent)
        self.spans = spans if self.spans is None else self.spans
        first, second = (
            (self.severity, row.severity) if overrules else (row.severity, self.severity)
        )
        self.severity = {**first, **second}
        if row.group:
            self.groups.add(f"{source.name}:{row.group}")
        for output, value in row.labels.items():
            if overrules and self.own.get(output) != overrules:
                self.own[output] = overrules
                self.labels.pop(output, None)
                self.contested.discard(output)
                self.weakly.discard(output)
            if overrules or output not in self.own:
                self._decide(output, value, source.weak)
        if overrules and row.labels.get(VIOLATION) == 0:
            self._forget_violations()

    def _forget_violations(self) -> None:
        """Take back what others found: who decides that nothing is violated overrules that too."""
        for output in set(self.labels) - self.own.keys() - {PROFANITY}:
            if self.labels[output]:
                del self.labels[output]
                self.severity.pop(output, None)

    def _decide(self, output: str, value: int, weak: bool) -> None:
        if output not in self.labels or (output in self.weakly and not weak):
            self.labels[output] = value
            (self.weakly.add if weak else self.weakly.discard)(output)
        elif self.labels[output] != value and weak == (output in self.weakly):
            self.contested.add(output)

    def label(self, output: str) -> int:
        return UNKNOWN if output in self.contested else self.labels.get(output, UNKNOWN)

    def weak(self, output: str) -> bool:
        """Say whether the label is a weak one, or undecided but safely taken as absent.

        `violation` is, where some head was decided and every decided one is absent.
        """
        if output in self.labels:
            return output in self.weakly
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


def read_reserved(data: Path) -> Reserved:
    """Read which texts are kept for evaluation. Raises: InvalidInput, naming the file or line."""
    path = data / EXCLUDE
    try:
        written = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidInput(str(path), "no such file in the data folder") from error
    except OSError as error:
        raise InvalidInput(str(path), f"cannot be read: {error.strerror}") from error
    lines = written.splitlines()
    for number, line in enumerate(lines, 1):
        if not _HASH.fullmatch(line):
            raise InvalidInput(f"{path}: line {number}", "not 64 lower-case hex digits")
    hashes = frozenset(line.decode("ascii") for line in lines)
    return Reserved(hashes, hashlib.sha256(written).hexdigest())


def is_reserved(text: str, normalised: str, reserved: Set[str]) -> bool:
    """Say whether a text is kept for evaluation, as it is written or as a model reads it."""
    return not reserved.isdisjoint((fold_hash(normalised), fold_hash(text)))


def read_examples(
    data: Path, sources: Iterable[Source], dropped: Counter[str]
) -> Iterator[Example]:
    """Merge the rows of all sources by folded text, without the reserved ones."""
    merging = Merging(data, dropped)
    merging.add_public(sources)
    yield from merging.examples()


class Merging:
    """Examples by their folded text, while sources are read one after the other."""

    def __init__(self, data: Path, dropped: Counter[str]) -> None:
        self._data = data
        self._dropped = dropped
        self._reserved = read_reserved(data).hashes
        self._examples: dict[str, Example] = {}
        self._banned: set[str] = set()
        self._n_overruling = 0

    def add_public(self, sources: Iterable[Source]) -> None:
        """Read corpora of the data folder.

        Those that may not be trained on come last, and a text that others hold is not theirs.
        """
        for source in sorted(sources, key=lambda s: s.licence_tier not in SHIPPABLE_TIERS):
            self.add(source, self._data / "raw" / source.name)

    def add(self, source: Source, folder: Path, *, overrules: bool = False) -> None:
        """Read one source; one that overrules decides where others before contradict it."""
        dropped, examples = self._dropped, self._examples
        self._n_overruling += overrules
        number = self._n_overruling if overrules else 0
        research = source.licence_tier not in SHIPPABLE_TIERS and not overrules
        for row in source.read(folder):
            cut = normalise(row.text[:MAX_CHARACTERS])
            key = merge_key(cut.text)
            if not cut.text.strip():
                dropped["empty"] += 1
            elif is_reserved(row.text, cut.text, self._reserved):
                dropped[f"reserved:{source.name}"] += 1
                self._banned.add(key)
            elif key not in examples:
                language = row.language or source.language
                examples[key] = Example(key, cut.text, language)
                spans = _moved(row.spans, cut)
                examples[key].add(source, row, spans, overrules=number)
            elif research and not examples[key].research:
                dropped["probe_known"] += 1
            else:
                dropped["duplicate"] += 1
                same = examples[key].text == cut.text
                spans = _moved(row.spans, cut) if same else None
                examples[key].add(source, row, spans, overrules=number)

    def examples(self) -> Iterator[Example]:
        """Give the examples in the order of their keys, without those like a reserved text."""
        self._dropped["like_reserved"] = sum(key in self._examples for key in self._banned)
        left = (example for key, example in self._examples.items() if key not in self._banned)
        yield from sorted(left, key=lambda example: example.key)


def _moved(spans: Spans | None, cut: NormalisedText) -> Spans | None:
    """Carry spans of the original over to the normalised text."""
    if spans is None:
        return None
    found = []
    for start, end in spans:
        inside = [i for i, at in enumerate(cut.starts[:-1]) if start <= at < end]
        if inside:
            found.append((inside[0], inside[-1] + 1))
    return tuple(found)
