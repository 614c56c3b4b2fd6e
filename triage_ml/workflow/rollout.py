"""Trials of a model beside the live one: begun and ended by people, watched by the guard."""

from dataclasses import dataclass
from datetime import timedelta

from triage_ml.domain import guard
from triage_ml.domain.guard import Check, GuardLimits, Quality, Tally, judge, qualities
from triage_ml.domain.policy import Policy
from triage_ml.domain.rollout import GUARD, RolloutStage, Trial
from triage_ml.errors import Conflict, InvalidInput
from triage_ml.ports import Clock, RolloutStore

MAX_REASON = 1_000  # characters
MAX_NAME = 100
N_NAMED = 3
"""Broken limits that a reason names."""


@dataclass(frozen=True, slots=True)
class TrialState:
    """A trial as it stands. `watched` and `compared` are of the cases decided meanwhile.

    `n_shadowed` texts were scored beside the live model, `n_own` were the canary's; `n_fallbacks`
    of those it should have had went to the live model. `n_refused`: servers that cannot load it.
    """

    trial: Trial
    checks: tuple[Check, ...]
    n_shadowed: int
    n_failed: int
    n_dropped: int
    n_own: int
    n_fallbacks: int
    n_refused: int
    watched: Quality
    compared: Quality

    @property
    def broken(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.broken)

    @property
    def closest(self) -> float:
        """How near the nearest limit is to being broken, 0 to 1."""
        return min(1.0, max((check.weight for check in self.checks), default=0.0))


@dataclass(frozen=True, slots=True)
class Ending:
    """The guard has ended a trial. `broken` False: a probation was passed."""

    trial: Trial
    why: str
    broken: bool


class Rollout:
    """Puts models on trial and ends trials. Raises, everywhere: StoreUnavailable."""

    def __init__(self, store: RolloutStore, policy: Policy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock

    async def shadow(self, version: str, by: str, why: str, limits: GuardLimits) -> Trial:
        """Let a published version score what the live one scores.

        Raises: InvalidInput, NotFound, Conflict.
        """
        return await self._begin(version, RolloutStage.SHADOW, 0.0, by, why, limits)

    async def canary(
        self, version: str, share: float, by: str, why: str, limits: GuardLimits
    ) -> Trial:
        """Give a published version a share of the texts. Raises: InvalidInput, NotFound, Conflict.

        `share` lies over 0 and is at most a half.
        """
        check_share(share)
        return await self._begin(version, RolloutStage.CANARY, share, by, why, limits)

    async def _begin(
        self,
        version: str,
        stage: RolloutStage,
        share: float,
        by: str,
        why: str,
        limits: GuardLimits,
    ) -> Trial:
        name, reason = check_words(by, why)
        now = self._clock.now()
        return await self._store.begin_trial(
            Trial(version, "", stage, share, now, name, reason, limits)
        )

    async def end(self, by: str, why: str) -> Trial:
        """End what runs; the live model stays. Raises: InvalidInput, Conflict without a trial."""
        name, reason = check_words(by, why)
        trial = await self._store.open_trial()
        if trial is None or not await self._store.end_trial(
            self._clock.now(), name, reason, trial.number
        ):
            raise Conflict("no model is on trial")
        return trial

    async def history(self, limit: int = 100) -> list[Trial]:
        """Give the log of trials, newest first."""
        return await self._store.trials(limit)

    async def state(self) -> TrialState | None:
        """Give the trial that runs, with every check of the guard; None without one."""
        trial = await self._store.open_trial()
        if trial is None:
            return None
        tally = await self._store.tally(trial.number)
        open_to_all = [name for name, row in self._policy.queues.items() if not row.restricted]
        decided = await self._store.decided(trial, open_to_all)
        watched, compared = qualities(decided)
        return TrialState(
            trial=trial,
            checks=tuple(judge(tally, decided, trial.limits)),
            n_shadowed=_count(tally, guard.SHADOWED, guard.OK),
            n_failed=_count(tally, guard.TRIED, guard.FAILED),
            n_dropped=_count(tally, guard.SHADOWED, guard.DROPPED),
            n_own=_count(tally, guard.CANARY, guard.ANSWERED),
            n_fallbacks=sum(
                _count(tally, guard.CANARY, how) for how in (guard.FAILED, guard.BUSY, guard.LATE)
            ),
            n_refused=_count(tally, guard.REFUSED, guard.FAILED),
            watched=watched,
            compared=compared,
        )

    async def watch(self, state: TrialState) -> Ending | None:
        """End a trial that has broken a limit, or a probation that is over; None otherwise.

        Of several who do so at once one acts; the others get None.
        """
        trial, now = state.trial, self._clock.now()
        if state.broken:
            why = _reason(state.broken)
            if trial.stage is RolloutStage.PROBATION:
                acted = await self._store.go_back(trial.number, now, why)
            else:
                acted = await self._store.end_trial(now, GUARD, why, trial.number)
            return Ending(trial, why, broken=True) if acted else None
        lasts = timedelta(hours=trial.limits.probation_hours)
        if trial.stage is RolloutStage.PROBATION and now - trial.at >= lasts:
            why = f"probation passed: {state.n_shadowed} texts compared, no limit broken"
            acted = await self._store.end_trial(now, GUARD, why, trial.number)
            return Ending(trial, why, broken=False) if acted else None
        return None


def check_share(share: float) -> None:
    """Raises: InvalidInput."""
    if not 0 < share <= 0.5:
        raise InvalidInput("--share", "must lie over 0 and be at most 0.5")


def check_words(by: str, why: str) -> tuple[str, str]:
    """Check who decides and why. Raises: InvalidInput."""
    for field, text, limit in (("--by", by, MAX_NAME), ("--why", why, MAX_REASON)):
        if not text.strip():
            raise InvalidInput(field, "must not be empty")
        if len(text) > limit:
            raise InvalidInput(field, f"is longer than {limit} characters")
    if by.strip().lower() == GUARD:
        raise InvalidInput("--by", f"{GUARD} is the name of the guard itself")
    return by.strip(), why.strip()


def _reason(broken: tuple[Check, ...]) -> str:
    words = "; ".join(check.words for check in broken[:N_NAMED])
    more = len(broken) - N_NAMED
    return f"limit broken: {words}{f'; and {more} more' if more > 0 else ''}"[:MAX_REASON]


def _count(tally: Tally, measure: str, outcome: str) -> int:
    return tally.get((measure, "", outcome), 0)
