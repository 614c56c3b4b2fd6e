"""What people wait for, and what it costs: a history played through the queues, many times.

Each repetition draws the cases anew with replacement (a Poisson bootstrap), so that the spread
tells how much hangs on which cases happened to come; a case that is drawn twice comes twice. Both
sides see the same cases, the same handling times and the same chance: what differs is the order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, inf
from random import Random
from statistics import fmean

from triage_ml.domain.claim_order import OrderRules, Waiter
from triage_ml.domain.queue_diff import Pair, Stand
from triage_ml.domain.queueing import Desk, desk_of, run_desk
from triage_ml.domain.spread import Spread, spread_of
from triage_ml.domain.staffing import SHORTEST_SPAN, Staffing
from triage_ml.domain.waited import (
    GAPS,
    MEASURES,
    MOST,
    RESTRICTED,
    Key,
    Lived,
    Values,
    gaps_of,
    keys_of,
    lived_of,
    measure,
)

JITTER_SECONDS = 600.0
"""A case drawn anew comes up to so much earlier or later, so that copies do not come at once."""


@dataclass(frozen=True, slots=True)
class Side:
    """How cases are ordered and who takes them. `restricted` are queues for few."""

    order: OrderRules
    staffing: Staffing
    restricted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to play. `spread` is the standard deviation of log handling times of like cases."""

    n_repeats: int
    seed: int
    spread: float
    resample: bool = True


@dataclass(frozen=True, slots=True)
class DelayRow:
    """A measure's spread by name; `difference` is paired, after less before."""

    kind: str
    name: str
    n_cases: int
    before: Mapping[str, Spread]
    after: Mapping[str, Spread]
    difference: Mapping[str, Spread]


@dataclass(frozen=True, slots=True)
class HarmTest:
    """The paired difference of harm-hours of one language, with its interval of 95 %.

    `name` is `restricted` for what only few may see. Where nothing moves the difference is exactly
    zero, so a language counts as one more chance of a false alarm only if its cases move.
    """

    name: str
    n_cases: int
    before: float
    difference: Spread


@dataclass(frozen=True, slots=True)
class DelayReport:
    """Both sides played through. `n_unserved` cases have nobody who may take them afterwards."""

    n_repeats: int
    seed: int
    days: float
    staffing_before: str
    staffing_after: str
    n_unserved: int
    rows: tuple[DelayRow, ...]
    tests: tuple[HarmTest, ...]


def delay_of(
    pairs: Sequence[Pair],
    before: Side,
    after: Side,
    plan: Plan,
    tick: Callable[[int], None] = lambda _: None,
) -> DelayReport:
    """Play a history under both sides and measure it."""
    since = min(pair.arrived_at for pair in pairs)
    until = max(*(pair.arrived_at for pair in pairs), since + SHORTEST_SPAN)
    desks = tuple(_desk(pairs, side, n, since, until) for n, side in enumerate((before, after)))
    found: list[tuple[dict[Key, Values], dict[Key, Values]]] = []
    for number in range(plan.n_repeats):
        drawn = _draw(pairs, plan, _chance(plan, f"{number}"))
        played = []
        for at, side in enumerate((before, after)):
            chance = _chance(plan, f"{number} claims")
            played.append(_play(drawn, at, side, desks[at], until, chance))
        found.append((played[0], played[1]))
        tick(1)
    return DelayReport(
        n_repeats=plan.n_repeats,
        seed=plan.seed,
        days=(until - since) / timedelta(days=1),
        staffing_before=before.staffing.words,
        staffing_after=after.staffing.words,
        n_unserved=sum(not _is_served(pair, desks[1]) for pair in pairs),
        rows=_rows(pairs, found),
        tests=_tests(pairs, found),
    )


def _chance(plan: Plan, name: str) -> Random:
    return Random(f"{plan.seed} {name}")  # noqa: S311  a simulation, to be had again


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A case of one repetition: how much later it comes, and how long it takes."""

    pair: Pair
    copy: int
    later: float
    handling_seconds: float


def _stand(pair: Pair, side: int) -> Stand:
    return pair.after if side else pair.before


def _desk(pairs: Iterable[Pair], side: Side, at: int, since: datetime, until: datetime) -> Desk:
    pools = {(_stand(pair, at).queue, pair.language.value) for pair in pairs}
    crews = side.staffing.crews
    duties = [crew.duty(since - timedelta(seconds=JITTER_SECONDS), until) for crew in crews]
    return desk_of(crews, duties, pools, side.restricted)


def _is_served(pair: Pair, desk: Desk) -> bool:
    pool = (pair.after.queue, pair.language.value)
    return any(pool in pools for pools in desk.pools)


def _draw(pairs: Sequence[Pair], plan: Plan, chance: Random) -> list[_Drawn]:
    found = []
    for pair in pairs:
        for copy in range(_poisson(chance) if plan.resample else 1):
            later = chance.uniform(-JITTER_SECONDS, JITTER_SECONDS) if plan.resample else 0.0
            seconds = pair.handling_seconds * exp(chance.gauss(0.0, plan.spread))
            found.append(_Drawn(pair, copy, later, seconds))
    return found


def _poisson(chance: Random) -> int:
    """Draw from Poisson(1): how often a case is in a sample drawn with replacement."""
    n, left = 0, chance.random() - exp(-1.0)
    term = exp(-1.0)
    while left > 0 and n < 20:
        n += 1
        term /= n
        left -= term
    return n


def _play(
    drawn: Sequence[_Drawn], at: int, side: Side, desk: Desk, until: datetime, chance: Random
) -> dict[Key, Values]:
    waiters = [_waiter(row, at, number) for number, row in enumerate(drawn)]
    seconds = [row.handling_seconds for row in drawn]
    end = until.timestamp()
    outcomes = run_desk(waiters, seconds, desk, side.order, end, chance)
    groups: dict[Key, list[Lived]] = defaultdict(list)
    for row, waiter, outcome in zip(drawn, waiters, outcomes, strict=True):
        lived = lived_of(row.pair, waiter, outcome, end)
        for key in keys_of(row.pair, _stand(row.pair, at)):
            groups[key].append(lived)
    measured: dict[Key, Values] = {key: measure(rows) for key, rows in groups.items()}
    return measured | gaps_of(groups, measured)


def _waiter(row: _Drawn, at: int, number: int) -> Waiter:
    stand = _stand(row.pair, at)
    return Waiter(
        arrived_at=row.pair.arrived_at.timestamp() + row.later,
        key=(row.pair.case_id.int, row.copy),
        due_at=stand.due_at.timestamp() + row.later,
        pool=(stand.queue, row.pair.language.value),
        tier=int(stand.tier),
        base=stand.base,
        number=number,
    )


_KINDS = ("all", "gap", "language", "tier", "queue", RESTRICTED)


def _rows(
    pairs: Sequence[Pair], found: Sequence[tuple[dict[Key, Values], dict[Key, Values]]]
) -> tuple[DelayRow, ...]:
    keys = {key for sides in found for side in sides for key in side}
    ordered = sorted(keys, key=lambda key: (_KINDS.index(key[0]), key[1]))
    return tuple(_row(key, pairs, found) for key in ordered)


def _row(
    key: Key, pairs: Sequence[Pair], found: Sequence[tuple[dict[Key, Values], dict[Key, Values]]]
) -> DelayRow:
    names = GAPS if key[0] == "gap" else MEASURES
    one, two = ([sides[at][key] for sides in found if key in sides[at]] for at in (0, 1))
    both = [sides for sides in found if key in sides[0] and key in sides[1]]
    return DelayRow(
        kind=key[0],
        name=key[1],
        n_cases=sum(key in keys_of(pair, pair.before) for pair in pairs),
        before={name: _level(name, [row[name] for row in one]) for name in names if one},
        after={name: _level(name, [row[name] for row in two]) for name in names if two},
        difference={
            name: _difference(name, [b[key][name] - a[key][name] for a, b in both])
            for name in names
            if both
        },
    )


def _level(name: str, values: Sequence[float]) -> Spread:
    return spread_of(values).within(0.0, MOST.get(name, inf))


def _difference(name: str, values: Sequence[float]) -> Spread:
    most = MOST.get(name, inf)
    return spread_of(values).within(-most, most)


def _tests(
    pairs: Sequence[Pair], found: Sequence[tuple[dict[Key, Values], dict[Key, Values]]]
) -> tuple[HarmTest, ...]:
    keys = sorted({key for a, b in found for key in a.keys() & b.keys()})
    keys = [key for key in keys if key[0] in ("language", RESTRICTED)]
    tests = []
    for key in keys:
        both = [
            (a[key]["harm_hours"], b[key]["harm_hours"]) for a, b in found if key in a and key in b
        ]
        tests.append(
            HarmTest(
                name=key[1] or key[0],
                n_cases=sum(key in keys_of(pair, pair.after) for pair in pairs),
                before=fmean(a for a, _ in both),
                difference=spread_of([b - a for a, b in both]),
            )
        )
    return tuple(tests)
