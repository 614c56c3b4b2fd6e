"""What drift is seen in: sums per day, language and measure, never a text.

A day is boiled down to numbers that can be added up: how many texts fell into which bin, the sum
of their n-gram vectors, the weighted sums of decisions that chance drew. Everything that is
compared later comes from these.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from triage_ml.domain.taxonomy import HEADS, Label, Language

Floats = NDArray[np.float64]

ALL = "all"
"""Stands in the place of a language for all of them together."""

N_DIMS = 64
"""Numbers of a text's n-gram vector."""

LENGTH_EDGES: tuple[float, ...] = tuple(2 ** (k / 2) for k in range(4, 25))
"""Characters: half octaves from 4 to 4096."""

SCORE_EDGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Calibrated probabilities; finer where most texts are."""

FLAGGED_FROM = 0.5
"""Of this probability on a text counts as one the model flags."""

WATCHED = tuple(label for label in Label if label is not Label.CHILD_SAFETY)
"""Labels whose share among decisions is watched: none that only a restricted queue sees."""

WATCHED_HEADS = tuple(label for label in HEADS if label in WATCHED)


class Kind(StrEnum):
    """What is measured. SCORE and FOUND are also taken apart by label: `score:hate`."""

    LANGUAGE = "language"
    LENGTH = "length"
    CONTENT = "content"
    SCORE = "score"
    FLAGGED = "flagged"
    CALIBRATION = "calibration"
    FOUND = "found"
    OVERTURNED = "overturned"


class Sums(StrEnum):
    """What a day's sums are of. DRAWN: decisions on cases that chance drew."""

    LENGTH = "length"
    CONTENT = "content"
    SCORE = "score"
    DRAWN = "drawn"
    FOUND = "found"
    OVERTURNED = "overturned"


@dataclass(frozen=True, slots=True)
class DriftDay:
    """The sums of one day (UTC), language and kind of sums; `model_version` may be empty.

    `sums` by kind: length, score: counts per bin, then the sum of the values; content: the sum of
    the vectors; drawn: sums of w, w², w·violation, w·expected, (w·error)², w²·p(1 − p); found: sums
    of w and w², then of w for each of `WATCHED`; overturned: how many.
    """

    day: date
    sums_of: str
    language: str
    model_version: str
    n: int
    sums: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScoredText:
    """What counts of a text that was scored; of the labels only the probabilities."""

    language: Language
    n_chars: int
    model_version: str
    p_violation: float
    labels: Mapping[Label, float]


@dataclass(frozen=True, slots=True)
class DrawnDecision:
    """A first decision on a case that chance drew with the chance 1 / `weight`.

    `p_violation` is what the model `model_version` had said last; None where none had.
    """

    language: Language
    weight: float
    upheld: bool
    found: tuple[Label, ...]
    model_version: str
    p_violation: float | None


class DayTally:
    """Adds up one day."""

    def __init__(self, day: date) -> None:
        self.day = day
        self._sums: dict[tuple[str, str, str], Floats] = {}
        self._n: dict[tuple[str, str, str], int] = defaultdict(int)

    def add_scores(self, rows: Sequence[ScoredText]) -> None:
        groups: dict[tuple[str, str], list[ScoredText]] = defaultdict(list)
        for row in rows:
            groups[row.language.value, row.model_version].append(row)
        for (language, version), of in groups.items():
            lengths = [float(row.n_chars) for row in of]
            self._add((Sums.LENGTH, language, ""), len(of), _binned(lengths, LENGTH_EDGES))
            said = [row.p_violation for row in of]
            self._add((Sums.SCORE, language, version), len(of), _binned(said, SCORE_EDGES))
            for label in WATCHED_HEADS:
                said = [row.labels[label] for row in of if label in row.labels]
                if said:
                    key = (f"{Sums.SCORE}:{label}", language, version)
                    self._add(key, len(said), _binned(said, SCORE_EDGES))

    def add_texts(self, language: Language, vectors: Floats) -> None:
        """Add the n-gram vectors of some of the day's texts.  # (B, N_DIMS)"""
        if len(vectors):
            self._add((Sums.CONTENT, language.value, ""), len(vectors), vectors.sum(axis=0))

    def add_drawn(self, rows: Iterable[DrawnDecision]) -> None:
        for row in rows:
            w, language = row.weight, row.language.value
            shares = [w if label in row.found else 0.0 for label in WATCHED]
            self._add((Sums.FOUND, language, ""), 1, np.array([w, w * w, *shares]))
            if row.p_violation is None:
                continue
            p, y = row.p_violation, float(row.upheld)
            error, chance = w * w * (y - p) ** 2, w * w * p * (1 - p)
            self._add(
                (Sums.DRAWN, language, row.model_version),
                1,
                np.array([w, w * w, w * y, w * p, error, chance]),
            )

    def add_complaints(self, rows: Iterable[tuple[Language, bool]]) -> None:
        """Add decisions about complaints: the language, and whether the first was overturned."""
        for language, overturned in rows:
            self._add((Sums.OVERTURNED, language.value, ""), 1, np.array([float(overturned)]))

    def rows(self) -> list[DriftDay]:
        return [
            DriftDay(self.day, kind, language, version, self._n[kind, language, version], _as(sums))
            for (kind, language, version), sums in sorted(self._sums.items())
        ]

    def _add(self, key: tuple[str, str, str], n: int, sums: Floats) -> None:
        self._n[key] += n
        self._sums[key] = self._sums[key] + sums if key in self._sums else sums


def _as(sums: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in sums)


def _binned(values: Sequence[float], edges: Sequence[float]) -> Floats:
    """Count values per bin, [edge, next edge), and add their sum at the end."""
    at = np.searchsorted(np.asarray(edges), np.asarray(values), side="right")
    return np.append(np.bincount(at, minlength=len(edges) + 1).astype(float), sum(values))


def median_of(counts: Floats, edges: Sequence[float]) -> float:
    """Give the median of binned values, evenly spread on a logarithmic scale within a bin."""
    total = counts.sum()
    if total <= 0:
        return 0.0
    below = np.concatenate(([0.0], np.cumsum(counts)))
    at = int(np.searchsorted(below[1:], total / 2))
    low = edges[at - 1] if at > 0 else edges[0] / 2
    high = edges[at] if at < len(edges) else edges[-1] * 2
    inside = (total / 2 - below[at]) / counts[at] if counts[at] else 0.5
    return float(low * (high / low) ** inside)
