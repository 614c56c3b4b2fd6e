"""More than it can take: what is still answered in time, what is refused, what is kept."""

import json
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.load.generator import Result
from benchmarks.load.measure import Loader
from benchmarks.load.targets import OurService, wait_until_idle
from benchmarks.load.window import Window
from triage_ml.storage.embedded import EmbeddedServer

TIMES_CAPACITY = 3.0
REFUSALS = {"429", "503"}


def overload(
    loader: Loader, service: OurService, capacity: float, seconds: float
) -> dict[str, Any]:
    """Load at three times the capacity; then stop the service and compare with its database.

    `goodput` is what was answered in time, a second, as a share of the capacity;
    `degraded_share` is of the accepted reports, those that were queued without scores.
    """
    before = service.memory_parts()
    window, result = loader.window(TIMES_CAPACITY * capacity, seconds, keep=True)
    during = service.memory_parts()
    wait_until_idle(service)
    after = service.memory_parts()
    found = {**_shares(window, capacity), "memory": [before, during, after]}
    if service.kind == "reports":
        told = receipts(result)
        service.stop()
        found |= compare(service.database_folder, [str(row["report_id"]) for row in told])
        degraded = sum(bool(row["degraded"]) for row in told)
        found["degraded_share"] = round(degraded / max(len(told), 1), 3)
    return found


def _shares(window: Window, capacity: float) -> dict[str, Any]:
    refused = sum(n for status, n in window.answers.items() if status in REFUSALS)
    good = sum(n for status, n in window.answers.items() if status.startswith("2"))
    return {
        "window": window.as_json(),
        "goodput": round(window.in_time / window.seconds / capacity, 3),
        "answered_share": round(good / window.n, 3),
        "refused_share": round(refused / window.n, 3),
        "other_share": round((window.n - good - refused) / window.n, 3),
    }


def receipts(result: Result) -> list[dict[str, Any]]:
    """Give what callers were told of the reports that were accepted."""
    return [
        json.loads(answer)
        for status, answer in zip(result.statuses, result.answers, strict=True)
        if status == 201
    ]


def compare(folder: Path, acknowledged: list[str]) -> dict[str, Any]:
    """Count acknowledged reports that the database does not hold: there must be none."""
    with EmbeddedServer(folder) as server, psycopg.connect(server.url) as db:
        stored = {row[0] for row in db.execute("SELECT report_id::text FROM report")}
        waiting: dict[str, int] = dict(
            db.execute("SELECT state::text, count(*) FROM triage_case GROUP BY state").fetchall()
        )
    return {
        "acknowledged": len(acknowledged),
        "acknowledged_twice": len(acknowledged) - len(set(acknowledged)),
        "lost": len(set(acknowledged) - stored),
        "stored": len(stored),
        "cases": waiting,
    }
