"""No starvation: a simulation of one queue under stationary load within capacity.

Cases arrive at random (Poisson), reviewers take the most urgent tier and in it the highest
index, 2 % of claims are random draws inside that tier, and handling times are exponential
around the policy's average. The policy model asks that a case is served by 1.5 × its SLA.

What this shows, and what not:
- The index starves nobody inside a tier although bases differ by a factor of 5,000.
- Capacity means that the SLA could be met at all: with a clock of 15 minutes and cases of 2,
  four reviewers at 95 % load could not, in whatever order. Twelve can.
- Tiers are strict. The lower ones are served because the higher ones leave capacity over;
  where those fill all hands, no constant of the index helps, and the last test says so.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import pytest

from tests.unit.builders import NOW, shipped_policy
from triage_ml.domain.policy import PriorityPolicy
from triage_ml.domain.priority import index_at
from triage_ml.domain.taxonomy import Tier

ROW = shipped_policy().priority
HANDLING = timedelta(minutes=ROW.default_handling_minutes)


@dataclass(frozen=True)
class Kind:
    """A share of the arrivals with a tier, an SLA and a range of base indexes (log-uniform)."""

    share: float
    tier: Tier
    sla_hours: float
    bases: tuple[float, float]


@dataclass(frozen=True)
class Arrival:
    at: float  # minutes
    kind: Kind
    base: float


def arrivals(
    kinds: list[Kind], load: float, n_reviewers: int, n: int, random: Random
) -> Iterator[Arrival]:
    rate = load * n_reviewers / ROW.default_handling_minutes
    at = 0.0
    for _ in range(n):
        at += random.expovariate(rate)
        kind = random.choices(kinds, [k.share for k in kinds])[0]
        low, high = kind.bases
        yield Arrival(at, kind, low * (high / low) ** random.random())


def index_of(row: PriorityPolicy, case: Arrival, now: float) -> float:
    received = NOW + timedelta(minutes=case.at)
    due = received + timedelta(hours=case.kind.sla_hours)
    at = NOW + timedelta(minutes=now)
    return index_at(row, case.base, HANDLING, received, due, at).value


def choose(
    row: PriorityPolicy, waiting: dict[Tier, list[Arrival]], now: float, random: Random
) -> Arrival:
    """Take from the most urgent tier that waits: as a rule the highest index, or at random."""
    cases = waiting[min(tier for tier, queue in waiting.items() if queue)]
    if random.random() < row.random_share:
        chosen = random.randrange(len(cases))
    else:
        chosen = max(range(len(cases)), key=lambda i: index_of(row, cases[i], now))
    cases[chosen], cases[-1] = cases[-1], cases[chosen]
    return cases.pop()


def worst_waits(
    kinds: list[Kind],
    *,
    load: float,
    n_reviewers: int,
    n: int,
    seed: int,
    row: PriorityPolicy = ROW,
) -> dict[Kind, float]:
    """Simulate `n` cases and give, per kind, the longest wait as a share of its SLA."""
    random = Random(seed)
    free_at = [0.0] * n_reviewers
    waiting: dict[Tier, list[Arrival]] = defaultdict(list)
    worst: dict[Kind, float] = defaultdict(float)
    coming = list(arrivals(kinds, load, n_reviewers, n, random))
    n_seen = 0
    for _ in coming:
        now = heapq.heappop(free_at)
        if not any(waiting.values()):
            now = max(now, coming[n_seen].at)
        while n_seen < n and coming[n_seen].at <= now:
            waiting[coming[n_seen].kind.tier].append(coming[n_seen])
            n_seen += 1
        case = choose(row, waiting, now, random)
        worst[case.kind] = max(worst[case.kind], (now - case.at) / (60 * case.kind.sla_hours))
        heapq.heappush(free_at, now + random.expovariate(1 / ROW.default_handling_minutes))
    return worst


ANY, LITTLE = (0.1, 500.0), (0.1, 1.0)
QUEUES = {
    "a standard queue, three tiers": (
        1,
        [
            Kind(0.15, Tier.T2, 4, ANY),
            Kind(0.15, Tier.T3, 4, ANY),
            Kind(0.5, Tier.T3, 24, ANY),
            Kind(0.2, Tier.T4, 24, LITTLE),
        ],
    ),
    "one tier, three clocks": (
        1,
        [
            Kind(0.1, Tier.T3, 4, ANY),
            Kind(0.4, Tier.T3, 24, ANY),
            Kind(0.5, Tier.T3, 48, LITTLE),
        ],
    ),
    "trusted flaggers": (1, [Kind(1, Tier.T1, 4, ANY)]),
    "imminent": (12, [Kind(1, Tier.T0, 0.25, ANY)]),
}


@pytest.mark.parametrize("load", [0.85, 0.95])
@pytest.mark.parametrize("name", QUEUES)
def test_every_case_is_served_by_one_and_a_half_of_its_sla(name: str, load: float) -> None:
    """Under stationary load within capacity nobody waits longer, in no tier and no clock."""
    n_reviewers, kinds = QUEUES[name]
    for seed in (1, 2, 6):
        worst = worst_waits(kinds, load=load, n_reviewers=n_reviewers, n=3000, seed=seed)
        assert set(worst) == set(kinds)
        assert max(worst.values()) <= 1.5


def test_it_is_the_urgency_that_keeps_cases_from_starving() -> None:
    """Without the terms that grow with time, cases of little harm wait far too long."""
    n_reviewers, kinds = QUEUES["imminent"]
    timeless = replace(ROW, urgency_weight=0, age_weight=0)
    worst = worst_waits(kinds, load=0.95, n_reviewers=n_reviewers, n=3000, seed=1, row=timeless)
    assert max(worst.values()) > 3


def test_strict_tiers_starve_the_lowest_when_the_others_fill_all_hands() -> None:
    """Beyond capacity T2 is still served in time, and T4 pays for it: that is the order."""
    kinds = [Kind(0.9, Tier.T2, 4, ANY), Kind(0.1, Tier.T4, 24, LITTLE)]
    worst = worst_waits(kinds, load=1.1, n_reviewers=1, n=3000, seed=1)
    assert worst[kinds[0]] <= 1.5
    assert worst[kinds[1]] > 1.5
