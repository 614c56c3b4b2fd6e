"""What one simulated history came to, in numbers: waits, lateness, harm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from triage_ml.domain.claim_order import Waiter
from triage_ml.domain.queue_diff import Pair, Stand
from triage_ml.domain.queueing import Outcome

MEASURES = ("wait_p50", "wait_p95", "breach_rate", "harm_hours", "harm_per_case", "backlog")
"""Hours until the claim; share decided after the due time; severity weight × reach × hours until
the decision, together and per case; cases that still wait at the end."""

MOST: Mapping[str, float] = {"breach_rate": 1.0}
"""The largest value of a measure that has one; none is under zero."""

GAPS = ("wait_p95", "breach_rate", "harm_per_case")
MIN_FOR_GAP = 30
"""A language with fewer cases says nothing of how languages are treated."""

RESTRICTED = "restricted"

Values = Mapping[str, float]
Key = tuple[str, str]
"""What a row is about (all, tier, queue, language, gap, restricted) and its name."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What one case came to. `late` is None while neither its decision nor its due time came."""

    wait_hours: float
    open_hours: float
    harm: float
    late: bool | None
    waits: bool


def lived_of(pair: Pair, waiter: Waiter, outcome: Outcome, end: float) -> Lived:
    claimed = end if outcome.claimed_at is None else outcome.claimed_at
    decided = end if outcome.decided_at is None else outcome.decided_at
    settled = outcome.decided_at is not None or waiter.due_at < end
    return Lived(
        wait_hours=max(0.0, claimed - waiter.arrived_at) / 3600,
        open_hours=max(0.0, decided - waiter.arrived_at) / 3600,
        harm=pair.harm,
        late=decided > waiter.due_at if settled else None,
        waits=outcome.claimed_at is None,
    )


def keys_of(pair: Pair, stand: Stand) -> tuple[Key, ...]:
    """Name the rows a case counts in; what is restricted counts apart."""
    if pair.restricted:
        return ((RESTRICTED, ""),)
    return (
        ("all", ""),
        ("tier", f"T{int(stand.tier)}"),
        ("queue", stand.queue),
        ("language", pair.language.value),
    )


def measure(rows: Sequence[Lived]) -> Values:
    waits = sorted(row.wait_hours for row in rows)
    late = [row.late for row in rows if row.late is not None]
    harm = sum(row.harm * row.open_hours for row in rows)
    return {
        "wait_p50": _quantile(waits, 0.5),
        "wait_p95": _quantile(waits, 0.95),
        "breach_rate": fmean(late) if late else 0.0,
        "harm_hours": harm,
        "harm_per_case": harm / len(rows),
        "backlog": float(sum(row.waits for row in rows)),
    }


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def gaps_of(
    groups: Mapping[Key, Sequence[Lived]], measured: Mapping[Key, Values]
) -> dict[Key, Values]:
    """Give the worst language less the best one, of those with enough cases."""
    counted = [
        measured[key]
        for key, rows in groups.items()
        if key[0] == "language" and len(rows) >= MIN_FOR_GAP
    ]
    if len(counted) < 2:
        return {}
    worst_less_best = {
        name: max(row[name] for row in counted) - min(row[name] for row in counted) for name in GAPS
    }
    return {("gap", "language"): worst_less_best}
