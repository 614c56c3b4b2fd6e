"""Two placements of the same cases side by side: what rises, what sinks, and whom it hurts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import median
from uuid import UUID

from triage_ml.domain.interval import ALPHA, clopper_pearson
from triage_ml.domain.taxonomy import Label, Language, Severity, Tier

MAX_MOVES = 200
"""Moves listed one by one; grave violations that sink are listed beyond it."""

GRAVE = Severity.S3
"""From this severity on, a violation that leaves T0 or T1 is listed in any case."""


class Direction(StrEnum):
    """Where a case goes: nearer to its reviewer, further away, or to another queue beside."""

    RISES = "rises"
    SINKS = "sinks"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a case stands under one model and policy."""

    tier: Tier
    queue: str
    due_at: datetime
    base: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A case under both. `labels` are likely or reported in either.

    `harm` is severity weight × reach, done in each hour of waiting; the same on both sides.
    `decided` is the gravest violation that reviewers found, S0 for none, None before a decision.
    """

    case_id: UUID
    language: Language
    labels: tuple[Label, ...]
    arrived_at: datetime
    handling_seconds: float
    harm: float
    decided: Severity | None
    restricted: bool
    before: Stand
    after: Stand

    @property
    def direction(self) -> Direction | None:
        """Compare tier, then due time; None for a case that stays where it is."""
        before, after = self.before, self.after
        if (after.tier, after.due_at) != (before.tier, before.due_at):
            nearer = (after.tier, after.due_at) < (before.tier, before.due_at)
            return Direction.RISES if nearer else Direction.SINKS
        return None if after.queue == before.queue else Direction.ASIDE

    @property
    def sunk_violation(self) -> bool:
        return bool(self.decided) and self.direction is Direction.SINKS

    @property
    def risen_violation(self) -> bool:
        return bool(self.decided) and self.direction is Direction.RISES

    @property
    def grave_sinks(self) -> bool:
        """Whether a grave violation leaves T0 or T1."""
        grave = self.decided is not None and self.decided >= GRAVE
        return grave and self.before.tier <= Tier.T1 < self.after.tier


@dataclass(frozen=True, slots=True)
class Flow:
    """Cases that go from one tier or queue to another; `harm` is theirs together."""

    before: str
    after: str
    n: int
    harm: float


@dataclass(frozen=True, slots=True)
class Part:
    """What happens to the cases of one language or label.

    `n_violations_risen` is None in comparisons kept before it was counted.
    """

    name: str
    n_cases: int
    n_rise: int
    n_sink: int
    n_aside: int
    n_violations_sunk: int
    harm_risen: float
    harm_sunk: float
    n_violations_risen: int | None = None


@dataclass(frozen=True, slots=True)
class QueueDiff:
    """All of it, the biggest harm first. `hours_sooner` and `hours_later` are medians of those
    whose due time moves. Of the moves, `n_unlisted` are counted but not listed.
    """

    total: Part
    tiers: tuple[Flow, ...]
    queues: tuple[Flow, ...]
    n_sooner: int
    hours_sooner: float
    n_later: int
    hours_later: float
    languages: tuple[Part, ...]
    labels: tuple[Part, ...]
    moves: tuple[Pair, ...]
    n_unlisted: int

    @property
    def sinking(self) -> tuple[Part, ...]:
        """Languages whose decided violations sink more often than they rise, beyond chance.

        By an exact sign test; the languages share its 5 %. No gate: where the later side takes
        everything of a language for less likely, they sink with the rest and keep their order.
        """
        moved = [
            (part, part.n_violations_sunk, part.n_violations_sunk + part.n_violations_risen)
            for part in self.languages
            if part.n_violations_risen is not None
        ]
        n_tests = sum(n > 0 for _, _, n in moved)
        return tuple(part for part, n_sunk, n in moved if n and _most(n_sunk, n, n_tests))


def _most(n: int, of: int, n_tests: int) -> bool:
    """Say whether more than half are, beyond chance: the lower end of a one-sided interval."""
    return clopper_pearson(n, of, 2 * ALPHA / n_tests)[0] > 1 / 2


def diff_of(pairs: Sequence[Pair], max_moves: int = MAX_MOVES) -> QueueDiff:
    """Sum up what moves. Violations that sink are listed first, the gravest before the others."""
    moved = sorted((pair for pair in pairs if pair.direction), key=_order)
    listed = moved[:max_moves] + [pair for pair in moved[max_moves:] if pair.grave_sinks]
    shifts = [_hours_later(pair) for pair in moved]
    sooner, later = [-x for x in shifts if x < 0], [x for x in shifts if x > 0]
    return QueueDiff(
        total=part_of("", pairs),
        tiers=_flows(moved, lambda stand: f"T{int(stand.tier)}"),
        queues=_flows(moved, lambda stand: stand.queue),
        n_sooner=len(sooner),
        hours_sooner=median(sooner) if sooner else 0.0,
        n_later=len(later),
        hours_later=median(later) if later else 0.0,
        languages=_parts(pairs, lambda pair: [pair.language.value]),
        labels=_parts(pairs, lambda pair: [label.value for label in pair.labels]),
        moves=tuple(listed),
        n_unlisted=len(moved) - len(listed),
    )


def _order(pair: Pair) -> tuple[bool, int, float, UUID]:
    severity = int(pair.decided or 0) if pair.sunk_violation else 0
    return not pair.sunk_violation, -severity, -pair.harm, pair.case_id


def _hours_later(pair: Pair) -> float:
    return (pair.after.due_at - pair.before.due_at).total_seconds() / 3600


def _flows(moved: Iterable[Pair], name: Callable[[Stand], str]) -> tuple[Flow, ...]:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for pair in moved:
        way = name(pair.before), name(pair.after)
        if way[0] != way[1]:
            found[way].append(pair.harm)
    flows = [Flow(*way, len(harms), sum(harms)) for way, harms in found.items()]
    return tuple(sorted(flows, key=lambda flow: (-flow.harm, -flow.n, flow.before, flow.after)))


def _parts(pairs: Iterable[Pair], names: Callable[[Pair], Sequence[str]]) -> tuple[Part, ...]:
    found: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        for name in names(pair):
            found[name].append(pair)
    parts = [part_of(name, rows) for name, rows in found.items()]
    return tuple(sorted(parts, key=lambda part: (-part.harm_sunk, -part.harm_risen, part.name)))


def part_of(name: str, pairs: Sequence[Pair]) -> Part:
    """Sum up what happens to some cases."""
    ways: dict[Direction | None, list[Pair]] = defaultdict(list)
    for pair in pairs:
        ways[pair.direction].append(pair)
    return Part(
        name=name,
        n_cases=len(pairs),
        n_rise=len(ways[Direction.RISES]),
        n_sink=len(ways[Direction.SINKS]),
        n_aside=len(ways[Direction.ASIDE]),
        n_violations_sunk=sum(pair.sunk_violation for pair in ways[Direction.SINKS]),
        harm_risen=sum(pair.harm for pair in ways[Direction.RISES]),
        harm_sunk=sum(pair.harm for pair in ways[Direction.SINKS]),
        n_violations_risen=sum(pair.risen_violation for pair in ways[Direction.RISES]),
    )
