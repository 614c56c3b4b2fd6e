"""Simulated days: how many texts of which language, which of them, what reviewers find.

A quiet world is not a still one. Volumes wander, weekends are thinner and of another mix, and each
day has a topic of its own that makes some texts more frequent: such days scatter by more than
chance, and hang together with their neighbours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift.pool import SLANG, SPAM, USUAL, Pool, Pools
from triage_ml.domain.drift import (
    LENGTH_EDGES,
    SCORE_EDGES,
    WATCHED,
    WATCHED_HEADS,
    DayTally,
    DrawnDecision,
    DriftDay,
    Floats,
    Sums,
)
from triage_ml.domain.taxonomy import Label, Language

FIRST = date(2026, 1, 5)  # a Monday
MODEL = "m-1"
SHARES = {
    Language.EN: 0.40,
    Language.DE: 0.17,
    Language.TR: 0.16,
    Language.ES: 0.15,
    Language.KO: 0.12,
}
VOLUME_SD = 0.15
MIX_SD = 0.10
TOPIC_SD = 0.25
ECHO = 0.3
"""Correlation of a day's topic with the one before."""

N_TOPICS = 40

Columns = dict[tuple[str, str], Floats]


@dataclass(frozen=True, slots=True)
class Shift:
    """What is put in, from `day` on: a kind of change, in one language, of a size.

    spam, slang: the share of the language's texts that are such. mix: the language's share is
    multiplied. length: texts are longer by the factor. calibration: this much more is found than
    the model expects. label: decisions that find the label are multiplied.
    """

    kind: str = "none"
    language: Language = Language.TR
    size: float = 0.0
    day: int = 35
    label: Label = Label.HATE


@dataclass(frozen=True, slots=True)
class World:
    """How many texts a day, and how many decisions on random draws."""

    pools: Pools
    n_texts: int = 2_000
    n_drawn: int = 60
    n_days: int = 65
    known: dict[tuple[Language, str, float], Columns] = field(default_factory=dict)

    def days(self, shift: Shift, seed: int) -> Iterator[list[DriftDay]]:
        """Give the sums of each day in order."""
        chance = np.random.default_rng(seed)
        topics = {
            x: chance.integers(N_TOPICS, size=len(self.pools[x, USUAL].n_chars)) for x in SHARES
        }
        mood = {language: np.zeros(N_TOPICS) for language in SHARES}
        for at in range(self.n_days):
            for language in SHARES:
                fresh = chance.normal(size=N_TOPICS) * TOPIC_SD
                mood[language] = ECHO * mood[language] + (1 - ECHO**2) ** 0.5 * fresh
            weights = {x: np.exp(mood[x])[topics[x]] for x in SHARES}
            now = shift if at >= shift.day else replace(shift, kind="none")
            yield self._day(at, now, weights, chance)

    def _day(
        self,
        at: int,
        shift: Shift,
        weights: dict[Language, Floats],
        chance: np.random.Generator,
    ) -> list[DriftDay]:
        weekend = at % 7 >= 5
        tally = DayTally(FIRST + timedelta(days=at))
        rows: list[DriftDay] = []
        mix = np.array(list(SHARES.values())) * np.exp(MIX_SD * chance.normal(size=len(SHARES)))
        if weekend:
            mix[0] *= 0.8
        if shift.kind == "mix":
            mix[list(SHARES).index(shift.language)] *= shift.size
        volume = self.n_texts * (0.6 if weekend else 1.0) * np.exp(VOLUME_SD * chance.normal())
        for language, n in zip(SHARES, chance.poisson(volume * mix / mix.sum()), strict=True):
            own = shift if shift.language is language else replace(shift, kind="none")
            sums = self._texts(language, int(n), own, weights[language], chance)
            rows += [
                DriftDay(tally.day, kind, language.value, version, of, tuple(total.tolist()))
                for (kind, version), (of, total) in sums.items()
            ]
            n_drawn = chance.poisson(self.n_drawn * SHARES[language])
            self._drawn(tally, language, int(n_drawn), own, weights[language], chance)
        return rows + tally.rows()

    def _texts(
        self,
        language: Language,
        n: int,
        shift: Shift,
        weights: Floats,
        chance: np.random.Generator,
    ) -> dict[tuple[str, str], tuple[int, Floats]]:
        """Draw texts and give what they add up to: by kind of sums and model."""
        n_other = int(chance.binomial(n, shift.size)) if shift.kind in (SPAM, SLANG) else 0
        longer = shift.size if shift.kind == "length" else 1.0
        drawn = chance.multinomial(n - n_other, weights / weights.sum())
        found = _summed(self.columns(language, USUAL, longer), drawn)
        if n_other:
            other = self.columns(language, shift.kind, 1.0)
            size = len(next(iter(other.values())))
            for name, sums in _summed(
                other, chance.multinomial(n_other, [1 / size] * size)
            ).items():
                found[name] += sums
        return {name: (n, sums) for name, sums in found.items()}

    def columns(self, language: Language, kind: str, longer: float) -> Columns:
        """Give for each text of a pool what it adds to each kind of sums."""
        key = (language, kind, longer)
        if key not in self.known:
            self.known[key] = columns_of(self.pools[language, kind], longer)
        return self.known[key]

    def _drawn(
        self,
        tally: DayTally,
        language: Language,
        n: int,
        shift: Shift,
        weights: Floats,
        chance: np.random.Generator,
    ) -> None:
        usual = self.pools[language, USUAL]
        rows = []
        for at in chance.choice(len(weights), size=n, p=weights / weights.sum()):
            p = float(usual.p_violation[at])
            more = shift.size if shift.kind == "calibration" else 0.0
            heads = usual.labels[at].copy()
            if shift.kind == "label":
                place = WATCHED_HEADS.index(shift.label)
                heads[place] = min(1.0, heads[place] * shift.size)
            found = [x for x, q in zip(WATCHED_HEADS, heads, strict=True) if chance.random() < q]
            rows.append(
                DrawnDecision(
                    language=language,
                    weight=float(chance.choice((10.0, 50.0))),
                    upheld=bool(chance.random() < min(1.0, p + more)),
                    found=tuple(x for x in found if x in WATCHED),
                    model_version=MODEL,
                    p_violation=p,
                )
            )
        tally.add_drawn(rows)


def columns_of(pool: Pool, longer: float) -> Columns:
    """Lay out what `DayTally` would add for each text.  # (B, bins and the sum) each"""
    rows: Columns = {
        (Sums.LENGTH, ""): _one_hot(np.round(pool.n_chars * longer), LENGTH_EDGES),
        (Sums.SCORE, MODEL): _one_hot(pool.p_violation, SCORE_EDGES),
        (Sums.CONTENT, ""): pool.vectors,
    }
    for place, label in enumerate(WATCHED_HEADS):
        rows[f"{Sums.SCORE}:{label}", MODEL] = _one_hot(pool.labels[:, place], SCORE_EDGES)
    return rows


def _one_hot(values: Floats, edges: Sequence[float]) -> Floats:
    bins = np.eye(len(edges) + 1)[np.searchsorted(np.asarray(edges), values, side="right")]
    return np.concatenate([bins, values[:, None]], axis=1)


def _summed(columns: Columns, counts: NDArray[np.int64]) -> dict[tuple[str, str], Floats]:
    return {name: counts @ part for name, part in columns.items()}
