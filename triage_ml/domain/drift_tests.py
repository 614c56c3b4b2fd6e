"""Whether some days differ from a reference by more than days differ anyway.

Texts of one day are no independent draws: a raid, a holiday, a trending topic move all of them. So
the unit is the day. A day is a vector (one share, a distribution function, 64 means of n-grams), a
weekday is compared with the same weekday, and the scatter of the reference's days says how far a
week wanders by itself. One test serves them all; for a single number it is Student's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage_ml.domain.drift import Floats
from triage_ml.domain.tails import f_tail, z_of, z_tail

Ints = NDArray[np.int64]
MIN_PER_WEEKDAY = 2
MAX_ECHO = 0.5
"""Correlation of neighbouring days that is reckoned with at most."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days in order: ordinals (D,), what each was (D, d), the variance by sampling alone (D,)."""

    at: Ints
    x: Floats
    noise: Floats

    def where(self, mask: NDArray[np.bool_]) -> "Days":
        return Days(self.at[mask], self.x[mask], self.noise[mask])


class Reference:
    """The days that others are compared with: a mean per weekday, and how days scatter.

    `spread` is the trace of a day's covariance and `shape` its effective number of dimensions.
    Source: Dempster 1958, A High Dimensional Two Sample Significance Test; the unbiased estimates
    of the traces are Bai and Saranadasa's (1996).
    """

    def __init__(self, days: Days) -> None:
        counts = np.bincount(days.at % 7, minlength=7)
        self.by_weekday = bool(np.all(counts[counts > 0] >= MIN_PER_WEEKDAY))
        of = self._weekday(days.at)
        self.counts = np.bincount(of, minlength=7).astype(float)
        self.means = np.zeros((7, days.x.shape[1]))
        np.add.at(self.means, of, days.x)
        self.means /= np.maximum(self.counts, 1)[:, None]
        self.df = len(days.at) - int(np.sum(self.counts > 0))
        rest = days.x - self.means[of]
        gram = rest @ rest.T
        self.noise = float(days.noise.mean())
        self.spread = max(float(np.trace(gram)) / self.df, self.noise)
        self.shape = _shape(gram, self.df, days.x.shape[1])
        self.echo = _echo(gram, days.at)

    def compare(self, days: Days) -> tuple[float, Floats]:
        """Give the p-value of these days, and by how much they differ.  # (), (d,)

        Days of a weekday that the reference lacks are left out.
        """
        known = days.where(self.counts[self._weekday(days.at)] > 0)
        if len(known.at) == 0:
            return 1.0, np.zeros(days.x.shape[1])
        of, n = self._weekday(known.at), len(known.at)
        shift = (known.x - self.means[of]).mean(axis=0)
        weights = np.bincount(of, minlength=7) / n
        from_reference = float(np.sum(weights**2 / np.maximum(self.counts, 1)))
        # Days with fewer texts scatter more, whatever the reference's did.
        own = max(self.spread - self.noise, 0.0) + float(known.noise.mean())
        variance = (own / n + self.spread * from_reference) * (1 + self.echo) / (1 - self.echo)
        if variance <= 0:
            return 1.0, shift
        value = float(shift @ shift) / variance
        return f_tail(value, self.shape, self.shape * self.df), shift

    def beside(self, days: Days, direction: Floats) -> Floats:
        """Give how far each day lies from its weekday's mean along a direction.  # (D,)"""
        length = float(np.sqrt(direction @ direction)) or 1.0
        found: Floats = (days.x - self.means[self._weekday(days.at)]) @ (direction / length)
        return found

    def _weekday(self, at: Ints) -> Ints:
        return at % 7 if self.by_weekday else np.zeros_like(at)


def _shape(gram: Floats, df: int, n_dims: int) -> float:
    """Give the effective number of dimensions: 1 for one number, at most as many as there are.

    The trace over the largest eigenvalue, which keeps far tails honest where few directions
    scatter most. With more dimensions than days that eigenvalue is mostly chance, and the ratio of
    tr(S)² to tr(S²) stands in.
    """
    if n_dims == 1 or df < 3 or not gram.any():
        return 1.0
    trace = float(np.trace(gram)) / df
    if n_dims <= df:
        return float(np.clip(trace * df / np.linalg.eigvalsh(gram)[-1], 1.0, n_dims))
    squares = float(np.sum(gram**2)) / df**2
    above = (df + 1) / df * (trace**2 - 2 * squares / (df + 1))
    below = squares - trace**2 / df
    return float(np.clip(above / below, 1.0, n_dims)) if below > 0 else float(n_dims)


def _echo(gram: Floats, at: Ints) -> float:
    """Estimate how neighbouring days hang together; 0 where they do not, or avoid each other."""
    next_to = np.flatnonzero(np.diff(at) == 1)
    total = float(np.trace(gram))
    if len(next_to) < len(at) // 2 or total <= 0:
        return 0.0
    together = float(gram[next_to, next_to + 1].mean()) / (total / len(at))
    return float(np.clip(together, 0.0, MAX_ECHO))


@dataclass(frozen=True, slots=True)
class Draws:
    """Weighted draws by day: ordinals (D,), sums of w, of w², and of w where something is true.

    `expected` is the sum of w times the probability a model gave for it, `chance` what w² times
    the variance of such a probability adds up to; zero where no model was asked.
    """

    at: Ints
    n: Floats
    w: Floats
    w2: Floats
    true: Floats
    expected: Floats
    chance: Floats

    def where(self, mask: NDArray[np.bool_]) -> "Draws":
        return Draws(*(getattr(self, name)[mask] for name in self.__slots__))

    @property
    def n_effective(self) -> float:
        """Kish's number of draws of equal weight."""
        squares = float(self.w2.sum())
        return float(self.w.sum()) ** 2 / squares if squares > 0 else 0.0

    @property
    def share(self) -> float:
        return float(self.true.sum() / self.w.sum())

    @property
    def expectation(self) -> float:
        return float(self.expected.sum() / self.w.sum())


def calibration_p(draws: Draws) -> float:
    """Give the p-value of what was found against what the model expected.

    The variance is the model's own or that between days, whichever is larger.
    """
    total = float(draws.w.sum())
    off = draws.true - draws.expected
    mean = float(off.sum()) / total
    n_days = len(draws.at)
    between = float(np.sum((off - mean * draws.w) ** 2)) * n_days / max(n_days - 1, 1)
    variance = max(between, float(draws.chance.sum()))
    return z_tail(float(off.sum()) / variance**0.5) if variance > 0 else 1.0


def shares_p(before: Draws, after: Draws) -> float:
    """Give the p-value of two weighted shares being one.

    The larger of two: plain shares make too much of a few that are found, arcsines of none found.
    Days that differ by more than chance alone would have it make the test more careful.
    """
    spread = _overdispersion(before) * (1 / before.n_effective + 1 / after.n_effective)
    arcs = 2 * float(np.arcsin(np.sqrt(after.share)) - np.arcsin(np.sqrt(before.share)))
    true = float(before.true.sum() + after.true.sum())
    share = true / float(before.w.sum() + after.w.sum())
    if not 0 < share < 1:
        return 1.0
    plain = (after.share - before.share) / (share * (1 - share)) ** 0.5
    return max(z_tail(arcs / spread**0.5), z_tail(plain / spread**0.5))


def _overdispersion(draws: Draws) -> float:
    share = draws.share
    by_chance = share * (1 - share) * float(draws.w2.sum())
    found = float(np.sum((draws.true - share * draws.w) ** 2))
    return max(1.0, found / by_chance) if by_chance > 0 else 1.0


def began_at(at: Ints, off: Floats, noise: Floats) -> int:
    """Give the ordinal of the day since which the days, all together, are off the most."""
    late = np.cumsum(off[::-1])[::-1]
    scale = np.sqrt(np.maximum(np.cumsum(noise[::-1])[::-1], 1e-300))
    return int(at[int(np.argmax(np.abs(late) / scale))])


def strength_of(p_value: float) -> float:
    """Write a p-value as standard deviations."""
    return max(0.0, z_of(p_value))
