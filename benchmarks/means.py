"""Whether the intervals of `triage_ml.domain.means` hold, in worlds whose truth is known.

    python -m benchmarks.means --runs 1000

A world is a queue as the claim query orders it: two tiers, a ranking by what the model says, a
backlog that only grows, 2 % of claims drawn at random in the most urgent tier, 5 % decided without
hints. Reviewers err, and hints draw those who see them. The naive estimate beside ours is the plain
share among everything decided.
"""

import argparse
import heapq
import math
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from triage_ml.domain.means import (
    Draws,
    Part,
    Rate,
    Rates,
    Received,
    Sums,
    rates_of,
    rates_received,
)

RANDOM_SHARE = 0.02
BLIND_SHARE = 0.05
URGENT_SHARE = 0.06
"""Of cases, those the model is surest of: they make the more urgent tier."""

MISSED, ALARMED = 0.08, 0.01
"""How often a reviewer without hints overlooks a violation, and sees one that is none."""

SWAYED = 0.3
"""How often a hint that is shown, or is missing, wins over a reviewer who saw it otherwise."""

RATES = ("prevalence", "precision", "recall", "false_positive_rate", "error_rate")
SAMPLES = ("waiting", "blind", "received")


@dataclass(frozen=True, slots=True)
class Scenario:
    """How many claims are made, how frequent the label is, and how many cases come per claim.

    `order` is how far a hint moves a case up; `recall` and `alarms` how often the model finds what
    is there and what is not; `backlog` how many older cases wait, per claim.
    """

    n_claims: int
    prevalence: float
    per_claim: float = 1.6
    order: float = 2.0
    recall: float = 0.7
    alarms: float = 0.03
    backlog: float = 0.1

    @property
    def name(self) -> str:
        kind = "" if self.order == 2.0 and self.per_claim == 1.6 else ", loose order, long queue"
        return f"{self.n_claims:,} claims, {self.prevalence:.1%}{kind}"


SCENARIOS = (
    *(Scenario(1_000, prevalence) for prevalence in (0.2, 0.05, 0.01, 0.002)),
    *(Scenario(4_000, prevalence) for prevalence in (0.2, 0.05, 0.01, 0.002)),
    *(Scenario(4_000, prevalence, per_claim=3.0, order=0.4) for prevalence in (0.05, 0.01)),
    Scenario(16_000, 0.01),
)


@dataclass(slots=True)
class Outcome:
    """What a run tells: estimates, the naive ones, and the truth, by sample."""

    estimates: dict[str, Rates] = field(default_factory=dict)
    naive: dict[str, Rates] = field(default_factory=dict)
    truths: dict[str, dict[str, float | None]] = field(default_factory=dict)


@dataclass(slots=True)
class _Case:
    found: bool
    tier: int
    index: float
    blind: bool
    with_hints: bool
    without: bool
    arrived: int
    ours: bool  # received in the time that is asked about
    claimed: int | None = None
    drawn: float = 0.0  # cases it was drawn from; 0: it was its turn

    @property
    def true(self) -> bool:
        """What is decided of it, or would be."""
        return self.without if self.blind else self.with_hints


def _seen(chance: random.Random, true: bool, found: bool) -> tuple[bool, bool]:
    without = chance.random() >= MISSED if true else chance.random() < ALARMED
    swayed = without != found and chance.random() < SWAYED
    return (found if swayed else without), without


def _arrival(chance: random.Random, world: Scenario, now: int, ours: bool) -> _Case:
    true = chance.random() < world.prevalence
    found = chance.random() < (world.recall if true else world.alarms)
    with_hints, without = _seen(chance, true, found)
    # Reports and other labels move a case as well, and know something of the truth too.
    index = world.order * found + 0.7 * true + chance.gauss(0, 1)
    tier = 1 if chance.random() < (0.25 if found else URGENT_SHARE / 2) else 2
    blind = chance.random() < BLIND_SHARE
    return _Case(found, tier, index, blind, with_hints, without, now, ours)


class _Tier:
    """Waiting cases: the highest index first, or any one of them."""

    def __init__(self) -> None:
        self.waiting: list[_Case] = []
        self._place: dict[int, int] = {}
        self._ranked: list[tuple[float, int, _Case]] = []
        self.counts = [0, 0, 0, 0]

    def add(self, case: _Case) -> None:
        self._place[id(case)] = len(self.waiting)
        self.waiting.append(case)
        heapq.heappush(self._ranked, (-case.index, id(case), case))
        self.counts[_kind(case.found, case.true)] += 1

    def next(self) -> _Case:
        while True:
            case = heapq.heappop(self._ranked)[2]
            if case.claimed is None:
                return case

    def remove(self, case: _Case) -> None:
        place, last = self._place.pop(id(case)), self.waiting.pop()
        if last is not case:
            self.waiting[place] = last
            self._place[id(last)] = place
        self.counts[_kind(case.found, case.true)] -= 1


def _kind(found: bool, true: bool) -> int:
    return (0 if true else 1) if found else (2 if true else 3)


def run(world: Scenario, seed: int) -> Outcome:
    """Let a world run, and estimate from what a service would know of it."""
    chance = random.Random(seed)
    tiers = {1: _Tier(), 2: _Tier()}
    cases: list[_Case] = []
    waited = [0.0, 0.0, 0.0, 0.0]
    for now in range(-int(world.backlog * world.n_claims), world.n_claims):
        n_new = int(world.per_claim) + (chance.random() < world.per_claim % 1)
        for _ in range(n_new if now >= 0 else 1):
            case = _arrival(chance, world, now, now >= 0)
            tiers[case.tier].add(case)
            cases.append(case)
        tier = tiers[1] if tiers[1].waiting else tiers[2]
        if now < 0 or not tier.waiting:
            continue
        for kind in range(4):
            waited[kind] += tier.counts[kind]
        at_random = chance.random() < RANDOM_SHARE
        case = chance.choice(tier.waiting) if at_random else tier.next()
        case.drawn = float(len(tier.waiting)) if at_random else 0.0
        tier.remove(case)
        case.claimed = now
    return _told(cases, waited)


def _told(cases: Sequence[_Case], waited: Sequence[float]) -> Outcome:
    decided = [case for case in cases if case.claimed is not None]
    told = Outcome()
    drawn = [_Mass() for _ in range(4)]
    for case in decided:
        if case.drawn:
            drawn[_kind(case.found, case.true)].add(0.0, case.drawn / RANDOM_SHARE)
    blind = _counted((case.found, case.true) for case in decided if case.blind)
    told.estimates["waiting"] = rates_of(Draws(*(mass.sums for mass in drawn)))
    told.estimates["blind"] = rates_of(blind)
    received, covered = _received(cases)
    told.estimates["received"] = rates_received(received)
    naive = rates_of(_counted((case.found, case.true) for case in decided))
    told.naive = dict.fromkeys(SAMPLES, naive)
    told.truths["waiting"] = _rates(waited)
    told.truths["blind"] = _rates(_kinds((case.found, case.without) for case in decided))
    told.truths["received"] = _rates(_kinds((case.found, case.true) for case in covered))
    return told


def _received(cases: Sequence[_Case]) -> tuple[Received, list[_Case]]:
    """Lay out what came as `Received` wants it, as the store does (`means.sql`)."""
    times: dict[int, list[int]] = defaultdict(list)
    for case in cases:
        if case.drawn and case.claimed is not None:
            times[case.tier].append(case.claimed)
    for moments in times.values():
        moments.sort()
    kinds = [_Mass() for _ in range(4)]
    covered: list[_Case] = []
    last: dict[int, list[_Case]] = defaultdict(list)
    for case in cases:
        draws = times[case.tier]
        came = bisect_right(draws, case.arrived - 1)
        n_after = len(draws) - came
        if not case.ours:
            continue
        if not n_after:
            last[case.tier].append(case)
            continue
        until = len(draws) if case.claimed is None else bisect_right(draws, case.claimed)
        mass = kinds[_kind(case.found, case.true)]
        mass.add((until - came) / n_after, case.drawn / n_after, case.claimed is not None)
        covered.append(case)
    for group in last.values():  # no draw after them: known if none waits
        if all(case.claimed is not None for case in group):
            covered += group
            for case in group:
                kinds[_kind(case.found, case.true)].add(0.0, 0.0)
    hit, alarm, miss, quiet = kinds
    return Received(found=_part(hit, alarm), rest=_part(miss, quiet)), covered


@dataclass(slots=True)
class _Mass:
    n: int = 0
    n_decided: int = 0
    waiting: float = 0.0
    n_drawn: int = 0
    weights: float = 0.0
    squares: float = 0.0

    def add(self, waiting: float, weight: float, decided: bool = True) -> None:
        self.n += 1
        self.n_decided += decided
        self.waiting += waiting
        self.n_drawn += weight > 0
        self.weights += weight
        self.squares += weight**2

    @property
    def sums(self) -> Sums:
        return Sums(self.n_drawn, self.weights, self.squares)


def _part(true: _Mass, others: _Mass) -> Part:
    n, waiting = true.n + others.n, true.waiting + others.waiting
    return Part(
        n=n,
        n_true=true.n_decided,
        n_undecided=n - true.n_decided - others.n_decided,
        known=n - waiting,
        known_true=true.n - true.waiting,
        waiting=waiting,
        true=true.sums,
        others=others.sums,
    )


def _kinds(pairs: Iterable[tuple[bool, bool]]) -> list[float]:
    kinds = [0.0, 0.0, 0.0, 0.0]
    for found, true in pairs:
        kinds[_kind(found, true)] += 1
    return kinds


def _counted(pairs: Iterable[tuple[bool, bool]]) -> Draws:
    return Draws(*(Sums(int(n), n, n) for n in _kinds(pairs)))


def _rates(kinds: Sequence[float]) -> dict[str, float | None]:
    hit, alarm, miss, quiet = kinds
    return {
        "prevalence": _share(hit + miss, alarm + quiet),
        "precision": _share(hit, alarm),
        "recall": _share(hit, miss),
        "false_positive_rate": _share(alarm, quiet),
        "error_rate": _share(alarm + miss, hit + quiet),
    }


def _share(part: float, rest: float) -> float | None:
    return part / (part + rest) if part + rest else None


@dataclass(slots=True)
class Score:
    """How an estimate did over many runs."""

    n: int = 0
    n_covered: int = 0
    n_naive: int = 0
    bias: float = 0.0
    naive_bias: float = 0.0
    n_valued: int = 0
    width: float = 0.0

    def add(self, rate: Rate, naive: Rate, truth: float | None) -> None:
        if truth is None or (rate.low, rate.high) == (0.0, 1.0):
            return  # says nothing, so it does not count as right
        self.n += 1
        self.n_covered += rate.low - 1e-9 <= truth <= rate.high + 1e-9
        self.n_naive += naive.low <= truth <= naive.high
        self.width += rate.high - rate.low
        if rate.value is not None and naive.value is not None:
            self.n_valued += 1
            self.bias += rate.value - truth
            self.naive_bias += naive.value - truth

    @property
    def coverage(self) -> float:
        return self.n_covered / self.n if self.n else math.nan

    @property
    def naive_coverage(self) -> float:
        return self.n_naive / self.n if self.n else math.nan


def measure(world: Scenario, n_runs: int, seed: int = 0) -> dict[tuple[str, str], Score]:
    """Give the score of each sample's rates over runs with seeds of their own."""
    scores: dict[tuple[str, str], Score] = defaultdict(Score)
    for number in range(n_runs):
        told = run(world, seed + number)
        for sample in SAMPLES:
            for rate in RATES:
                scores[sample, rate].add(
                    getattr(told.estimates[sample], rate),
                    getattr(told.naive[sample], rate),
                    told.truths[sample][rate],
                )
    return scores


def least_coverage(n_runs: int, stated: float = 0.95) -> float:
    """Give what a rate that is covered as stated stays above in 999 of 1,000 tables."""
    return stated - 3.1 * math.sqrt(stated * (1 - stated) / n_runs)


def main() -> None:
    """Print a table in Markdown."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=1_000)
    options.add_argument("--claims", type=int, default=0, help="only scenarios of so many claims")
    asked = options.parse_args()
    print("| world | sample | rate | runs | covered | naive covered | bias | naive bias | width |")
    print("|---|---|---|--:|--:|--:|--:|--:|--:|")
    for world in SCENARIOS:
        if asked.claims and world.n_claims != asked.claims:
            continue
        for (sample, rate), score in measure(world, asked.runs).items():
            n = max(score.n_valued, 1)
            mark = " (!)" if score.n and score.coverage < least_coverage(score.n) else ""
            print(
                f"| {world.name} | {sample} | {rate} | {score.n} | {score.coverage:.3f}{mark} "
                f"| {score.naive_coverage:.3f} | {score.bias / n:+.4f} "
                f"| {score.naive_bias / n:+.4f} | {score.width / max(score.n, 1):.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
