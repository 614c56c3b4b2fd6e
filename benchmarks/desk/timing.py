"""Times of a page, at the client and in the server's own histogram."""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.load.window import quantile

TARGET_MS = 150.0
SHARE = 0.95
Buckets = dict[float, float]
"""Requests that took at most so many seconds; the last bound is infinite."""


def histograms(metrics: str) -> dict[str, Buckets]:
    """Read how long each route took, whatever the status, from what Prometheus reads."""
    found: dict[str, Buckets] = defaultdict(lambda: defaultdict(float))
    for family in text_string_to_metric_families(metrics):
        if family.name == "triage_request_seconds":
            for sample in family.samples:
                if sample.name.endswith("_bucket"):
                    name = f"{sample.labels['method']} {sample.labels['route']}"
                    found[name][float(sample.labels["le"])] += sample.value
    return {name: dict(sorted(buckets.items())) for name, buckets in found.items()}


def between(before: Buckets, after: Buckets) -> Buckets:
    """Leave what came in after `before` was read."""
    return {bound: n - before.get(bound, 0.0) for bound, n in after.items()}


def bucket_quantile(buckets: Buckets, share: float) -> float:
    """Estimate a quantile in seconds as Prometheus does: on a line through its bucket."""
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if not total:
        return math.nan
    rank, low, below = share * total, 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if math.isinf(bound):
                return low
            inside = buckets[bound] - below
            return low + (bound - low) * (rank - below) / inside if inside else bound
        low, below = bound, buckets[bound]
    return low


def row(route: str, seconds: Sequence[float], buckets: Buckets) -> dict[str, Any]:
    """Sum up one route; times in milliseconds. `reached` judges by the client's times."""
    p50, p95, p99 = (1e3 * quantile(seconds, share) for share in (0.5, SHARE, 0.99))
    n_served = buckets.get(math.inf, 0.0)
    in_time = buckets.get(TARGET_MS / 1e3)  # None: the server counts by other bounds
    return {
        "route": route,
        "n": len(seconds),
        "p50_ms": round(p50, 1),
        "p95_ms": round(p95, 1),
        "p99_ms": round(p99, 1),
        "max_ms": round(1e3 * max(seconds), 1),
        "server_n": round(n_served),
        "server_p95_ms": round(1e3 * bucket_quantile(buckets, SHARE), 1) if n_served else None,
        "server_in_time": round(in_time / n_served, 4)
        if n_served and in_time is not None
        else None,
        "reached": p95 <= TARGET_MS,
    }


def rows(
    seconds: Mapping[str, Sequence[float]],
    before: Mapping[str, Buckets],
    after: Mapping[str, Buckets],
) -> list[dict[str, Any]]:
    """Sum up every route: pages first, slowest first."""
    found = []
    for name, took in seconds.items():
        route = re.sub(r" \(.*\)$", "", name)  # one route shows held and decided cases
        served = between(before.get(route, {}), after.get(route, {}))
        found.append(row(name, took, served))
    return sorted(found, key=lambda one: (not one["route"].startswith("GET"), -one["p95_ms"]))
