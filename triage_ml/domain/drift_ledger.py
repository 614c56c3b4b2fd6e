"""Days beside each other: the series that are looked at for drift."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from triage_ml.domain.drift import (
    ALL,
    FLAGGED_FROM,
    LENGTH_EDGES,
    SCORE_EDGES,
    WATCHED,
    WATCHED_HEADS,
    DriftDay,
    Floats,
    Kind,
    Sums,
    median_of,
)
from triage_ml.domain.drift_tests import Days, Draws, Ints
from triage_ml.domain.taxonomy import Language

MIN_PER_DAY = 20
"""Texts: a day with fewer says nothing."""

_FLAGGED_BINS = SCORE_EDGES.index(FLAGGED_FROM) + 1
_LANGUAGES = tuple(language.value for language in Language)


@dataclass(frozen=True, slots=True)
class Key:
    """A series: `measure` is a kind, with a label as in `score:hate`; `language` may be ALL."""

    measure: str
    language: str

    @property
    def kind(self) -> Kind:
        return Kind(self.measure.partition(":")[0])

    @property
    def label(self) -> str:
        return self.measure.partition(":")[2]

    @property
    def is_of_model(self) -> bool:
        """Whether another model means another beginning."""
        return self.kind in (Kind.SCORE, Kind.FLAGGED, Kind.CALIBRATION)

    @property
    def is_drawn(self) -> bool:
        """Whether it rests on decisions, not on all texts."""
        return self.kind in (Kind.CALIBRATION, Kind.FOUND, Kind.OVERTURNED)


def every_key() -> tuple[Key, ...]:
    """Give all series there can be."""
    measures = [
        *(kind.value for kind in Kind if kind is not Kind.FOUND),
        *(f"{Kind.SCORE}:{label}" for label in WATCHED_HEADS),
        *(f"{Kind.FOUND}:{label}" for label in WATCHED),
    ]
    return tuple(Key(measure, language) for measure in measures for language in (ALL, *_LANGUAGES))


class Ledger:
    """Sums of days on one axis of time, from which series are read."""

    def __init__(self, rows: Iterable[DriftDay]) -> None:
        given = list(rows)
        ordinals = [row.day.toordinal() for row in given]
        self.first = min(ordinals, default=0)
        self.n_days = max(ordinals, default=-1) - self.first + 1
        self.at: Ints = np.arange(self.first, self.first + self.n_days)
        self._n: dict[tuple[str, str, str], Floats] = {}
        self._sums: dict[tuple[str, str, str], Floats] = {}
        for row, ordinal in zip(given, ordinals, strict=True):
            for language in (row.language, ALL):
                self._put((row.sums_of, language, row.model_version), ordinal, row)
        self._daily: dict[tuple[Key, str], Days] = {}
        self._drawn: dict[tuple[Key, str], Draws] = {}

    def _put(self, key: tuple[str, str, str], ordinal: int, row: DriftDay) -> None:
        if key not in self._n:
            self._n[key] = np.zeros(self.n_days)
            self._sums[key] = np.zeros((self.n_days, len(row.sums)))
        self._n[key][ordinal - self.first] += row.n
        self._sums[key][ordinal - self.first] += row.sums

    def live_model(self, ordinal: int) -> tuple[str, int]:
        """Give the model that scored most on the last day up to this one, and its first full day.

        A model's first day is seldom whole.
        """
        versions = sorted(v for kind, lang, v in self._n if kind == Sums.SCORE and lang == ALL)
        end = ordinal - self.first + 1
        if not versions or end <= 0:
            return "", ordinal
        counts = np.array([self._n[Sums.SCORE, ALL, v][:end] for v in versions])  # (V, D)
        days = np.flatnonzero(counts.sum(axis=0))
        if len(days) == 0:
            return "", ordinal
        best = counts[:, days].argmax(axis=0)
        since = len(best) - 1
        while since > 0 and best[since - 1] == best[-1]:
            since -= 1
        return versions[int(best[-1])], self.first + int(days[since]) + 1

    def daily(self, key: Key, version: str) -> Days:
        """Give the days with enough texts of a series that is not drawn."""
        if (key, version) not in self._daily:
            self._daily[key, version] = self._read(key, version)
        return self._daily[key, version]

    def drawn(self, key: Key, version: str) -> Draws:
        """Give the days with decisions of a series that is drawn."""
        if (key, version) not in self._drawn:
            self._drawn[key, version] = self._read_drawn(key, version)
        return self._drawn[key, version]

    def sums(self, key: Key, version: str, days: Ints) -> tuple[float, Floats]:
        """Add up days of a series: how many, and what they amount to."""
        n, sums = self._of(key, version)
        at = days - self.first
        return float(n[at].sum()), sums[at].sum(axis=0)

    def natural(self, key: Key, version: str, days: Ints) -> float:
        """Give what a person reads: a share, a median of characters, a mean probability."""
        n, sums = self.sums(key, version, days)
        match key.kind:
            case Kind.LANGUAGE:
                total = float(self._of(Key(Kind.LENGTH, ALL), "")[0][days - self.first].sum())
                return n / total if total else 0.0
            case Kind.LENGTH:
                return median_of(sums[:-1], LENGTH_EDGES)
            case Kind.SCORE:
                return float(sums[-1]) / n if n else 0.0
            case Kind.FLAGGED:
                return float(sums[_FLAGGED_BINS:-1].sum()) / n if n else 0.0
            case _:
                return 0.0

    def _of(self, key: Key, version: str) -> tuple[Floats, Floats]:
        name = {
            Kind.LANGUAGE: Sums.LENGTH,
            Kind.FLAGGED: Sums.SCORE,
            Kind.CALIBRATION: Sums.DRAWN,
            Kind.FOUND: Sums.FOUND,
        }.get(key.kind, key.measure)
        stored = (str(name), key.language, version if key.is_of_model else "")
        if stored not in self._n:
            return np.zeros(self.n_days), np.zeros((self.n_days, 1))
        return self._n[stored], self._sums[stored]

    def _read(self, key: Key, version: str) -> Days:
        n, sums = self._of(key, version)
        if key.kind is Kind.LANGUAGE:
            return self._mix(key)
        enough = n >= MIN_PER_DAY
        n, sums = n[enough], sums[enough]
        at = self.at[enough]
        match key.kind:
            case Kind.CONTENT:
                x = sums / n[:, None]
                return Days(at, x, np.maximum(1 - np.sum(x**2, axis=1), 0.0) / n)
            case Kind.FLAGGED:
                return Days(at, _arcsine(sums[:, _FLAGGED_BINS:-1].sum(axis=1), n), 0.25 / n)
        if sums.shape[1] < 3:  # nothing was ever counted
            return Days(at, np.zeros((len(at), 1)), np.zeros(len(at)))
        below = np.cumsum(sums[:, :-1], axis=1)[:, :-1]  # (D, edges)
        smoothed = (below + 0.5) / (n[:, None] + 1)
        return Days(at, below / n[:, None], np.sum(smoothed * (1 - smoothed), axis=1) / n)

    def _mix(self, key: Key) -> Days:
        """Give the share of a language among all texts, or the shares of all languages."""
        total = self._of(Key(Kind.LENGTH, ALL), "")[0]
        enough = total >= MIN_PER_DAY
        of = _LANGUAGES if key.language == ALL else (key.language,)
        counts = [self._of(Key(Kind.LENGTH, language), "")[0][enough] for language in of]
        x = np.concatenate([_arcsine(n, total[enough]) for n in counts], axis=1)
        return Days(self.at[enough], x, len(of) * 0.25 / total[enough])

    def _read_drawn(self, key: Key, version: str) -> Draws:
        n, sums = self._of(key, version)
        at = np.flatnonzero(n)
        n, sums, zero = n[at], sums[at], np.zeros(len(at))
        match key.kind:
            case Kind.CALIBRATION:
                w, w2, true, expected, error, chance = sums.T if len(at) else [zero] * 6
                return Draws(self.at[at], n, w, w2, true, expected, np.maximum(error, chance))
            case Kind.FOUND:
                place = 2 + [label.value for label in WATCHED].index(key.label)
                w, w2, true = (sums[:, (0, 1, place)]).T if len(at) else [zero] * 3
                return Draws(self.at[at], n, w, w2, true, zero, zero)
            case _:
                true = sums[:, 0] if len(at) else zero
                return Draws(self.at[at], n, n, n, true, zero, zero)


def _arcsine(count: Floats, n: Floats) -> Floats:
    """Give shares on a scale on which chance spreads them alike.  # (D, 1)

    Source: Anscombe 1948, The Transformation of Poisson, Binomial and Negative-Binomial Data.
    """
    share: Floats = np.arcsin(np.sqrt((count + 0.375) / (n + 0.75)))
    return share[:, None]
