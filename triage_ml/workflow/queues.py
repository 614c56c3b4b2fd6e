"""How full queues are, added up for the API and the console."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from triage_ml.domain.policy import Policy, QueuePolicy
from triage_ml.domain.taxonomy import Language
from triage_ml.ports import QueueDepth, Who
from triage_ml.workflow.review import RESTRICTED


@dataclass(frozen=True, slots=True)
class QueueRow:
    """How full a queue is. Breached: not claimed and past due; next: due within an hour.

    Drained: decided in the last hour. `by_age` counts cases of under an hour, under a day, more.
    """

    name: str
    fed_by: str
    restricted: bool
    n_open: int
    n_claimed: int
    n_breached: int
    n_next: int
    n_degraded: int
    n_drained: int
    oldest_received_at: datetime | None
    next_due_at: datetime | None
    by_tier: Mapping[str, int]
    by_language: Mapping[Language, int]
    by_age: Mapping[str, int]


def queue_rows(policy: Policy, depths: Sequence[QueueDepth], who: Who) -> list[QueueRow]:
    """Add up depths per queue, of the queues that who asks may see, in the policy's order."""
    may = RESTRICTED in who.scopes
    return [
        _row(queue, [row for row in depths if row.queue == queue.name])
        for queue in policy.queues.values()
        if may or not queue.restricted
    ]


def _row(queue: QueuePolicy, rows: Sequence[QueueDepth]) -> QueueRow:
    tiers: Counter[str] = Counter()
    languages: Counter[Language] = Counter()
    for row in (row for row in rows if row.n_open):
        tiers[row.tier.name] += row.n_open
        languages[row.language] += row.n_open
    return QueueRow(
        name=queue.name,
        fed_by=queue.fed_by,
        restricted=queue.restricted,
        n_open=sum(row.n_open for row in rows),
        n_claimed=sum(row.n_claimed for row in rows),
        n_breached=sum(row.n_breached for row in rows),
        n_next=sum(row.n_next for row in rows),
        n_degraded=sum(row.n_degraded for row in rows),
        n_drained=sum(row.n_drained for row in rows),
        oldest_received_at=_first(row.oldest_received_at for row in rows),
        next_due_at=_first(row.next_due_at for row in rows),
        by_tier=dict(sorted(tiers.items())),
        by_language=dict(sorted(languages.items())),
        by_age=_ages(rows),
    )


def _ages(rows: Sequence[QueueDepth]) -> dict[str, int]:
    young, old = sum(row.n_under_hour for row in rows), sum(row.n_over_day for row in rows)
    n_open = sum(row.n_open for row in rows)
    ages = {"under_hour": young, "under_day": n_open - young - old, "over_day": old}
    return {age: n for age, n in ages.items() if n}


def _first(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at is not None), default=None)
