"""What stands out in counts per day: spikes, and points after which the level is another one.

Pure: the permutations of the test come from a generator with a fixed seed, so that a page that
is opened twice says the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

WINDOW_DAYS = 28
"""Days before the one in question that say what is usual."""

SPIKE_Z = 3.5
"""Source: Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers, for the modified z."""

MIN_RISE = 5
"""A spike has at least so many more than usual: two after none are no news."""

LEAST_LEVEL = 0.5
"""Counts a day: the noise of a level below is taken as that of this one."""

MIN_SEGMENT = 7
"""Days on each side of a change point: less could be a part of a week."""

N_PERMUTATIONS = 199
ALPHA = 0.01
MAX_CHANGES = 6

_MAD_TO_SD = 1.4826
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spike:
    """A day far above the days before it. `usual` is what they lead one to expect."""

    index: int
    n: int
    usual: float
    z: float


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The first day of a new level; `before` and `after` are typical counts per day."""

    index: int
    before: float
    after: float
    p_value: float


def find_spikes(counts: Sequence[int], first: int = 0) -> list[Spike]:
    """Find the spikes among `counts[first:]`, one count a day without gaps.

    Robust z on log(1 + n): distance from the median of the 28 days before, in units of their
    median absolute deviation, which is never taken as smaller than the noise of a Poisson count.
    The days of the week are evened out, as there are four of each. Days with less than 28 before
    them are not judged.
    """
    logs = np.log1p(np.asarray(counts, dtype=np.float64))  # (D,)
    if len(logs) <= max(first, WINDOW_DAYS):
        return []
    level, scale = _usual(logs)  # (D - 28,), of the days that have 28 before them
    z = (logs[WINDOW_DAYS:] - level) / scale
    usual = np.maximum(np.expm1(level), 0.0)
    return [
        Spike(day, counts[day], float(usual[at]), float(z[at]))
        for at, day in enumerate(range(WINDOW_DAYS, len(logs)))
        if day >= first and z[at] >= SPIKE_Z and counts[day] - usual[at] >= MIN_RISE
    ]


def _usual(logs: Floats) -> tuple[Floats, Floats]:
    """Give level and scale of log(1 + n) that the 28 days before each day lead one to expect."""
    windows = sliding_window_view(logs, WINDOW_DAYS)[:-1]  # (D - 28, 28)
    weeks = windows.reshape(len(windows), -1, 7)  # (D - 28, 4, 7): a column per day of the week
    median = np.median(windows, axis=1)
    of_weekday = np.median(weeks, axis=1) - median[:, None]  # (D - 28, 7)
    rest = (weeks - of_weekday[:, None, :]).reshape(len(windows), -1)
    level = np.median(rest, axis=1)
    mad = np.median(np.abs(rest - level[:, None]), axis=1)
    usual = np.maximum(np.expm1(median), LEAST_LEVEL)
    noise = np.sqrt(usual) / (1 + usual)  # of log(1 + n), where n is a Poisson count
    return level + of_weekday[:, 0], np.maximum(_MAD_TO_SD * mad, noise)


def find_changes(counts: Sequence[int]) -> list[ChangePoint]:
    """Find where the level of a series changed, in order of time.

    Binary segmentation of log(1 + n) without its weekly pattern: the split with the largest
    CUSUM is kept if fewer than one in a hundred shuffled series have a larger one, and each side
    is looked at again. Days that hang together make the test too ready to find something.
    """
    if len(counts) < 2 * MIN_SEGMENT:
        return []
    raw = np.log1p(np.asarray(counts, dtype=np.float64))
    chance = np.random.default_rng(20_260_302)
    cuts: dict[int, float] = {}
    _segment(_without_weekdays(raw), 0, chance, cuts)
    strongest = sorted(cuts, key=lambda cut: cuts[cut])[:MAX_CHANGES]
    edges = [0, *sorted(strongest), len(raw)]
    return [
        ChangePoint(at, _typical(raw[start:at]), _typical(raw[at:end]), cuts[at])
        for start, at, end in zip(edges, edges[1:], edges[2:], strict=False)
    ]


def _segment(
    series: Floats, offset: int, chance: np.random.Generator, cuts: dict[int, float]
) -> None:
    if len(series) < 2 * MIN_SEGMENT or np.ptp(series) == 0:
        return
    at, strength = _best_split(series[None, :])
    shuffled = chance.permuted(np.tile(series, (N_PERMUTATIONS, 1)), axis=1)
    _, by_chance = _best_split(shuffled)
    p_value = float(1 + np.sum(by_chance >= strength[0])) / (1 + N_PERMUTATIONS)
    if p_value > ALPHA:
        return
    cut = int(at[0])
    cuts[offset + cut] = p_value
    _segment(series[:cut], offset, chance, cuts)
    _segment(series[cut:], offset + cut, chance, cuts)


def _best_split(series: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Give for each row where its means differ most, and how much.  # (N, D) -> (N,), (N,)"""
    n = series.shape[1]
    cuts = np.arange(MIN_SEGMENT, n - MIN_SEGMENT + 1)
    sums = np.cumsum(series, axis=1)
    drift = np.abs(sums[:, cuts - 1] - sums[:, -1:] * cuts / n)
    cusum = drift / np.sqrt(cuts * (n - cuts) / n)
    best = np.argmax(cusum, axis=1)
    return cuts[best], cusum[np.arange(len(series)), best]


def _without_weekdays(logs: Floats) -> Floats:
    """Even out the days of the week, if there are four weeks to tell them by."""
    if len(logs) < WINDOW_DAYS:
        return logs
    even = logs.copy()
    for weekday in range(7):
        even[weekday::7] -= np.median(logs[weekday::7]) - np.median(logs)
    return even


def _typical(logs: Floats) -> float:
    return float(np.expm1(np.median(logs)))
