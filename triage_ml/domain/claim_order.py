"""Cases that wait, given out in the order of the product's claim, each in logarithmic time.

The index grows with time, but among cases of one clock length its order changes only when a case
comes near its due time. So cases lie in heaps by clock, and near the end once more in another.
The statement `claim` in `storage/queries/claim.sql` is the same order; a test holds them together.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

Pool = tuple[str, str]
"""A queue and a language: what decides who may take a case."""

N_TIERS = 5


@dataclass(frozen=True, slots=True)
class OrderRules:
    """Constants of the index (`domain.priority.index_at`), and the share drawn at random."""

    urgency_weight: float
    age_weight: float
    handling_seconds: float
    random_share: float


class Waiter(NamedTuple):
    """A case that waits. Times in seconds; of equal ones the older goes first, then `key`."""

    arrived_at: float
    key: tuple[int, int]
    due_at: float
    pool: Pool
    tier: int
    base: float
    number: int


class Rank(NamedTuple):
    """The most urgent is the least."""

    turned: float  # the index with its sign turned
    arrived_at: float
    key: tuple[int, int]


@dataclass(slots=True)
class _Bucket:
    """Cases of one clock length: by their order while there is time, and when there is none."""

    sla: float
    calm: list[tuple[Rank, Waiter]] = field(default_factory=list)
    turning: list[tuple[float, Waiter]] = field(default_factory=list)
    urgent: list[tuple[Rank, Waiter]] = field(default_factory=list)


@dataclass(slots=True)
class _Line:
    """The cases of a pool and tier; `places` says where in `members` a case stands."""

    buckets: dict[float, _Bucket] = field(default_factory=dict)
    members: list[Waiter] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)


class Waiting:
    def __init__(self, rules: OrderRules) -> None:
        self._rules = rules
        self._horizon = 4 * rules.handling_seconds
        self._tiers: list[dict[Pool, _Line]] = [{} for _ in range(N_TIERS)]

    def add(self, case: Waiter) -> None:
        line = self._tiers[case.tier].setdefault(case.pool, _Line())
        line.places[case.number] = len(line.members)
        line.members.append(case)
        sla = round(max(case.due_at - case.arrived_at, 1.0), 3)
        bucket = line.buckets.setdefault(sla, _Bucket(sla))
        age = self._rules.age_weight * case.arrived_at / sla
        heappush(bucket.calm, (Rank(age - case.base, *case[:2]), case))
        heappush(bucket.turning, (case.due_at - self._horizon, case))

    def index(self, case: Waiter, now: float) -> float:
        rules, horizon = self._rules, self._horizon
        sla = max(case.due_at - case.arrived_at, 1.0)
        urgency = max(0.0, (horizon - (case.due_at - now)) / horizon)
        age = max(0.0, now - case.arrived_at) / sla
        return case.base + rules.urgency_weight * urgency + rules.age_weight * age

    def take(self, pools: Collection[Pool], now: float, chance: Random) -> Waiter | None:
        """Give out the most urgent case of these pools; by chance another of its queue and tier."""
        best = self._best(pools, now)
        if best is None:
            return None
        if chance.random() < self._rules.random_share:
            lines = [
                line
                for pool, line in self._tiers[best.tier].items()
                if pool[0] == best.pool[0] and pool in pools
            ]
            best = _draw(lines, chance)
        self._remove(best)
        return best

    def _best(self, pools: Collection[Pool], now: float) -> Waiter | None:
        for lines in self._tiers:
            found = [
                (Rank(-self.index(case, now), *case[:2]), case)
                for pool, line in lines.items()
                if pool in pools
                for case in self._heads(line, now)
            ]
            if found:
                return min(found)[1]
        return None

    def _heads(self, line: _Line, now: float) -> Iterator[Waiter]:
        """Give the cases of a line that may be its first; at least one of each clock."""
        for bucket in line.buckets.values():
            while bucket.turning and bucket.turning[0][0] <= now:
                turned_at, case = heappop(bucket.turning)
                if case.number in line.places:
                    rising = self._rules.urgency_weight * turned_at / self._horizon
                    age = self._rules.age_weight * case.arrived_at / bucket.sla
                    heappush(bucket.urgent, (Rank(rising + age - case.base, *case[:2]), case))
            for heap in (bucket.calm, bucket.urgent):
                while heap and heap[0][1].number not in line.places:
                    heappop(heap)
                if heap:
                    yield heap[0][1]

    def _remove(self, case: Waiter) -> None:
        lines = self._tiers[case.tier]
        line = lines[case.pool]
        place, last = line.places.pop(case.number), line.members.pop()
        if last.number != case.number:
            line.members[place] = last
            line.places[last.number] = place
        if not line.members:
            del lines[case.pool]


def _draw(lines: list[_Line], chance: Random) -> Waiter:
    at = chance.randrange(sum(len(line.members) for line in lines))
    for line in lines:
        if at < len(line.members):
            return line.members[at]
        at -= len(line.members)
    raise AssertionError("a draw within the sum of the lines")
