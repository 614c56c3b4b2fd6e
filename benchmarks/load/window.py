"""One stretch of load at a fixed rate: its schedule, and what it says."""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.load.generator import NO_ANSWER, Result


def poisson_times(rate: float, seconds: float, seed: int) -> list[float]:
    """Draw the moments, in seconds, of independent arrivals at `rate` a second."""
    draw = random.Random(seed)
    times: list[float] = []
    now = draw.expovariate(rate)
    while now < seconds:
        times.append(now)
        now += draw.expovariate(rate)
    return times


def quantile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that `share` of all reach or stay under (nearest rank)."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


@dataclass(frozen=True)
class Window:
    """What a stretch of load showed; times in milliseconds, all but success counts as infinite.

    `in_time` is the number answered with success within the limit it was judged by; `n_refused`
    those of `n_errors` that were refused for being too many, or taken without scores.
    """

    rate: float  # asked for, requests a second
    seconds: float
    n: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    n_errors: int
    n_refused: int
    in_time: int
    answers: dict[str, int]
    generator_cpu: float  # share of one core
    late_p99_ms: float  # how long after its moment a request went out
    limit_ms: float

    @property
    def passed(self) -> bool:
        """Whether 99 % succeeded within the limit, and the rest was at worst refused."""
        return self.n > 0 and self.n_errors == self.n_refused and self.p99_ms <= self.limit_ms

    @property
    def unanswered(self) -> bool:
        """Whether not one request got an answer, not even a refusal."""
        return self.n > 0 and set(self.answers) == {"none"}

    def as_json(self) -> dict[str, Any]:
        rounded = {k: _plain(v) for k, v in asdict(self).items()}
        return {**rounded, "passed": self.passed}


def summarise(
    rate: float, times: Sequence[float], result: Result, warm_seconds: float, limit_ms: float
) -> Window:
    """Judge what was sent after the warm-up."""
    counted = [i for i, due in enumerate(times) if due >= warm_seconds]
    statuses = [result.statuses[i] for i in counted]
    answers = Counter("none" if s == NO_ANSWER else str(s) for s in statuses)
    kept = [result.answers[i] if result.answers else "" for i in counted]
    degraded = [_is_success(s) and DEGRADED in a for s, a in zip(statuses, kept, strict=True)]
    good = [_is_success(s) and not d for s, d in zip(statuses, degraded, strict=True)]
    latencies = [
        _milliseconds(result.latencies[i] if ok else None)
        for i, ok in zip(counted, good, strict=True)
    ]
    return Window(
        rate=rate,
        seconds=(times[-1] if times else 0.0) - warm_seconds,
        n=len(counted),
        p50_ms=quantile(latencies, 0.5),
        p90_ms=quantile(latencies, 0.9),
        p99_ms=quantile(latencies, 0.99),
        max_ms=max(latencies, default=math.nan),
        n_errors=good.count(False),
        n_refused=degraded.count(True) + statuses.count(REFUSED),
        in_time=sum(ms <= limit_ms for ms in latencies),
        answers=dict(sorted(answers.items())),
        generator_cpu=result.cpu_share,
        late_p99_ms=1e3 * quantile([result.lateness[i] for i in counted], 0.99),
        limit_ms=limit_ms,
    )


def _milliseconds(seconds: float | None) -> float:
    return math.inf if seconds is None else 1e3 * seconds


REFUSED = 429

DEGRADED = '"degraded":true'
"""In the answer to a report that was accepted without its scores."""


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _plain(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    return value
