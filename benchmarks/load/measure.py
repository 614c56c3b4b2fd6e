"""Load on a running target: windows, capacity, idle requests, overload."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import generator
from benchmarks.load.capacity import Found, find_capacity
from benchmarks.load.generator import Plan, Result
from benchmarks.load.targets import HOST, Target, ask_on, wait_until_idle
from benchmarks.load.window import Window, poisson_times, quantile, summarise

WARM_SECONDS = 1.0
"""Of every window; what is sent in it is not counted."""
MIN_REQUESTS = 150
"""A slow server is watched longer, so that a 99th percentile means something."""
MAX_STRETCH = 4.0
TIMEOUT_SECONDS = 10.0
N_FIRST = 30
"""Requests before any measurement, one after another: what is built at first use is built."""

Texts = Callable[[int], list[str]]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Limits:
    """How long windows are, and what a 99th percentile may be."""

    long_seconds: float
    short_seconds: float
    p99_ms: float


class Loader:
    """Puts load on a target with texts that were not sent before."""

    def __init__(self, target: Target, texts: Texts, limits: Limits, say: Say, seed: int) -> None:
        self.target = target
        self._texts = texts
        self._limits = limits
        self._say = say
        self._seed = seed
        self._number = seed * 10_000_000  # items of their own for every loader

    def first_requests(self, n: int = N_FIRST) -> None:
        connection = http.client.HTTPConnection(HOST, self.target.port, timeout=60)
        for text in self._texts(n):
            self._number += 1
            ask_on(connection, self.target, text, self._number)
        connection.close()

    def capacity(self, start: float) -> Found:
        """Find the highest rate within the limit."""

        def measure(rate: float, long: bool) -> Window:
            seconds = self._limits.long_seconds if long else self._limits.short_seconds
            window, _ = self.window(rate, seconds)
            if not window.passed:
                wait_until_idle(self.target)
            return window

        return find_capacity(measure, start)

    def window(self, rate: float, seconds: float, *, keep: bool = False) -> tuple[Window, Result]:
        """Load at a rate for so many seconds, longer if that is few requests."""
        self._seed += 1
        seconds = min(max(seconds, MIN_REQUESTS / rate), MAX_STRETCH * seconds) + WARM_SECONDS
        times = poisson_times(rate, seconds, self._seed)
        result = self._run(times, keep)
        window = summarise(rate, times, result, WARM_SECONDS, self._limits.p99_ms)
        verdict = "ok" if window.passed else "over"
        self._say(
            f"  {self.target.name}: {rate:8.1f}/s  p50 {window.p50_ms:7.1f}  "
            f"p99 {window.p99_ms:7.1f} ms  errors {window.n_errors}/{window.n}  {verdict}"
        )
        return window, result

    def _run(self, times: Sequence[float], keep: bool) -> Result:
        numbers = range(self._number, self._number + len(times))
        self._number += len(times)
        texts = self._texts(len(times))
        keys = [f"load-{number}" for number in numbers] if self.target.call.path == REPORTS else []
        plan = Plan(
            host=HOST,
            port=self.target.port,
            path=self.target.call.path,
            headers=self.target.call.headers,
            bodies=[self.target.body(text, i) for text, i in zip(texts, numbers, strict=True)],
            times=times,
            keys=keys,
            timeout_seconds=TIMEOUT_SECONDS,
            keep=keep or self.target.call.path == REPORTS,
        )
        return run_apart(plan)


REPORTS = "/v1/reports"


def run_apart(plan: Plan) -> Result:
    """Run a plan in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="triage-plan-") as folder:
        source, target = Path(folder) / "plan.json", Path(folder) / "result.json"
        source.write_text(json.dumps(asdict(plan)), "utf-8")
        command = [sys.executable, str(Path(generator.__file__)), str(source), str(target)]
        allowed = (plan.times[-1] if plan.times else 0.0) + plan.timeout_seconds + 60
        subprocess.run(command, check=True, timeout=allowed)
        return Result(**json.loads(target.read_text("utf-8")))


def repeated_capacity(
    loader: Loader, start: float, repeats: int, alone: Callable[[], float] | None = None
) -> dict[str, Any]:
    """Find the capacity several times; give the median and the range in requests a second.

    `alone` measures the model alone, in texts a second. It is asked before and after each search,
    and a capacity's share is of the mean of the two: a shared machine is faster at one time and
    slower at another, and a share outlives that.
    """
    found: list[dict[str, Any]] = []
    loader.first_requests()
    before = alone() if alone else 0.0
    for _ in range(repeats):
        one = loader.capacity(start)
        start = max(0.75 * one.rate, 1.0)
        found.append(one.as_json())
        if alone:
            after = alone()
            found[-1]["alone"] = round((before + after) / 2, 1)
            found[-1]["share"] = round(2 * one.rate / (before + after), 4)
            before = after
    rates = sorted(one["rate"] for one in found)
    middle = next(one for one in found if one["rate"] == rates[len(rates) // 2])
    result = {
        "capacity": rates[len(rates) // 2],
        "lowest": rates[0],
        "highest": rates[-1],
        "at_capacity": middle["confirmed"],
        "repeats": found,
    }
    if alone:
        shares = sorted(one["share"] for one in found)
        result["share"] = shares[len(shares) // 2]
        result["share_range"] = [shares[0], shares[-1]]
    return result


def idle_latency(
    target: Target, texts: Sequence[str], beside: Callable[[str], float] | None = None
) -> dict[str, Any]:
    """Ask one text at a time; give milliseconds, and those of `beside` on the same texts."""
    asked: list[float] = []
    bare: list[float] = []
    connection = http.client.HTTPConnection(HOST, target.port, timeout=60)
    for number, text in enumerate(texts):
        begun = time.perf_counter()
        status, _ = ask_on(connection, target, text, number + 1_500_000_000)
        asked.append(1e3 * (time.perf_counter() - begun))
        if not 200 <= status < 300:
            raise SystemExit(f"{target.name} answered {status} while idle")
        if beside is not None:
            bare.append(beside(text))
    connection.close()
    found = {
        "texts": len(texts),
        "p50_ms": round(quantile(asked, 0.5), 2),
        "p99_ms": round(quantile(asked, 0.99), 2),
    }
    if bare:
        added = [a - b for a, b in zip(asked, bare, strict=True)]
        found |= {
            "bare_p50_ms": round(quantile(bare, 0.5), 2),
            "added_p50_ms": round(quantile(added, 0.5), 2),
        }
    return found
