"""A discrete-event simulation of the queues: cases arrive, reviewers claim, read and decide."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from random import Random

from triage_ml.domain.claim_order import OrderRules, Pool, Waiter, Waiting
from triage_ml.domain.staffing import Crew, Span, next_duty, on_duty


@dataclass(frozen=True, slots=True)
class Desk:
    """Crews with their times at work, and which pools each may take from."""

    crews: tuple[Crew, ...]
    duties: tuple[tuple[Span, ...], ...]
    pools: tuple[frozenset[Pool], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """When a case was claimed and decided, in seconds; None for what had not come to an end."""

    claimed_at: float | None = None
    decided_at: float | None = None


WAITS = Outcome()


def desk_of(
    crews: Sequence[Crew],
    duties: Sequence[tuple[Span, ...]],
    pools: Collection[Pool],
    restricted: Collection[str],
) -> Desk:
    """Lay out who may take what of the pools that occur."""
    return Desk(
        tuple(crews),
        tuple(duties),
        tuple(
            frozenset(pool for pool in pools if crew.serves(*pool, restricted)) for crew in crews
        ),
    )


def run_desk(
    cases: Sequence[Waiter],
    handling_seconds: Sequence[float],
    desk: Desk,
    rules: OrderRules,
    until: float,
    chance: Random,
) -> list[Outcome]:
    """Play it through to `until`; give what became of each case, by its `number`.

    Who becomes free claims the most urgent case of all queues they serve; who finds none waits
    for one. Nobody claims after their hours, and nobody leaves a case half read.
    """
    return _Play(cases, handling_seconds, desk, rules, until, chance).outcomes()


class _Play:
    def __init__(
        self,
        cases: Sequence[Waiter],
        handling_seconds: Sequence[float],
        desk: Desk,
        rules: OrderRules,
        until: float,
        chance: Random,
    ) -> None:
        self._arrivals = sorted(cases)
        self._handling = handling_seconds
        self._desk = desk
        self._until = until
        # Each crew has its own, or a case of one language would change the draws of another.
        self._chances = [Random(chance.random()) for _ in desk.crews]  # noqa: S311
        self._waiting = Waiting(rules)
        self._idle = [0] * len(desk.crews)
        self._free: list[tuple[float, int]] = []  # when somebody of a crew asks for a case
        self._outcomes: list[Outcome] = [WAITS] * len(cases)

    def outcomes(self) -> list[Outcome]:
        for number, crew in enumerate(self._desk.crews):
            for _ in range(crew.n_reviewers):
                heappush(self._free, (-inf, number))
        for case in self._arrivals:
            if case.arrived_at > self._until:
                break
            self._let_free_ones_work(case.arrived_at)
            self._waiting.add(case)
            self._offer(case)
        self._let_free_ones_work(inf)
        return self._outcomes

    def _let_free_ones_work(self, before: float) -> None:
        """Let everybody claim who becomes free earlier than `before`."""
        while self._free and self._free[0][0] < before and self._free[0][0] <= self._until:
            at, crew = heappop(self._free)
            if at == -inf or not on_duty(self._desk.duties[crew], at):
                self._send_home(crew, at)
            elif not self._claim(crew, at):
                self._idle[crew] += 1

    def _offer(self, case: Waiter) -> None:
        """Give a case that comes to somebody who waits for one."""
        at = case.arrived_at
        for crew, pools in enumerate(self._desk.pools):
            if not self._idle[crew] or case.pool not in pools:
                continue
            if not on_duty(self._desk.duties[crew], at):
                while self._idle[crew]:
                    self._idle[crew] -= 1
                    self._send_home(crew, at)
            elif self._claim(crew, at):
                self._idle[crew] -= 1
                return

    def _send_home(self, crew: int, at: float) -> None:
        back_at = next_duty(self._desk.duties[crew], at)
        if back_at is not None:
            heappush(self._free, (back_at, crew))

    def _claim(self, crew: int, at: float) -> bool:
        case = self._waiting.take(self._desk.pools[crew], at, self._chances[crew])
        if case is None:
            return False
        done_at = at + self._handling[case.number] / self._desk.crews[crew].productive
        decided_at = done_at if done_at <= self._until else None
        self._outcomes[case.number] = Outcome(at, decided_at)
        heappush(self._free, (done_at, crew))
        return True
