"""The highest rate a server sustains: doubling, then halving the gap, then a longer look."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load.window import Window

Measure = Callable[[float, bool], Window]
"""Load at a rate, for a short while or (True) for the long one."""

GAP = 1.06
"""The search ends when the rate that fails is this many times the one that passes."""
STEP_DOWN = 0.94
"""What the rate is lowered by when the longer look does not confirm it."""
MAX_RATE = 5_000.0
MIN_RATE = 0.25


@dataclass
class Found:
    """The capacity in requests a second (0: not even the lowest rate passed), and the way there."""

    rate: float
    confirmed: Window | None
    trace: list[Window] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "rate": round(self.rate, 2),
            "confirmed": self.confirmed.as_json() if self.confirmed else None,
            "trace": [window.as_json() for window in self.trace],
        }


def find_capacity(measure: Measure, start: float) -> Found:
    """Search from `start` requests a second on, up or down."""
    found = Found(0.0, None)

    def passes(rate: float) -> bool:
        found.trace.append(measure(rate, False))
        if found.trace[-1].unanswered:
            raise _Silent
        return found.trace[-1].passed

    try:
        return _search(found, passes, measure, start)
    except _Silent:
        return found


class _Silent(Exception):
    """Not one request of a window was answered: the server is gone, and lower rates would wait."""


def _search(found: Found, passes: Callable[[float], bool], measure: Measure, start: float) -> Found:
    low, high = _bracket(passes, start)
    while high / max(low, MIN_RATE / 2) > GAP and high > MIN_RATE:
        middle = (low * high) ** 0.5 if low else high / 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    rate = low
    while rate >= MIN_RATE:
        window = measure(rate, True)
        found.trace.append(window)
        if window.passed:
            found.rate, found.confirmed = rate, window
            break
        rate *= STEP_DOWN
    return found


def _bracket(passes: Callable[[float], bool], start: float) -> tuple[float, float]:
    """Give a rate that passes (or 0) and a higher one that does not."""
    low, high = 0.0, start
    while high <= MAX_RATE and passes(high):
        low, high = high, 2 * high
    return low, high
