"""Care for the people who decide: their own ledger, breaks, light cases in between.

For the person, never against them: what one person was exposed to is read by nobody else, and
enters no log, no metric, no export and no case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from triage_ml.domain.care import (
    Exposure,
    Groups,
    groups,
    light_due,
    rest_due,
    stretch,
    total,
)
from triage_ml.domain.case import Case, Change, Step
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import expected_severity
from triage_ml.domain.taxonomy import Label
from triage_ml.errors import StoreUnavailable
from triage_ml.ports import CareStore, Clock, Who

KEPT = timedelta(days=30)
"""How long a row is kept, whatever else is remembered for longer."""

SHOWN_DAYS = 7
LOOK_BACK = timedelta(days=1)
"""A shift is never longer, as far as breaks and light cases are concerned."""

CONCLUDED = frozenset({Step.DECIDED, Step.POLICY_GAP, Step.RELEASED, Step.ESCALATED})


@dataclass(frozen=True, slots=True)
class DayDose:
    """One day of a ledger, by its owner's clock."""

    day: date
    n_cases: int
    points: float
    level: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a person sees of themselves. `began_at` None: no shift is running.

    `days` are the last seven, today first.
    """

    began_at: datetime | None
    n_cases: int
    n_heavy: int
    points: float
    level: str
    days: Sequence[DayDose]


class Care:
    """What the desk does for the people at it."""

    def __init__(self, store: CareStore, policy: Policy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock

    async def excluded_for(self, who: Who, queue: str) -> tuple[Label, ...]:
        """Give the labels to leave out of the next claim if anything else is there.

        They are the heavy ones after some heavy cases in a row, unless a T0 or T1 case waits in
        the queue; else none. What people never want to see is not among them.
        """
        now = self._clock.now()
        rows = await self._store.exposures(who.name, now - LOOK_BACK)
        if not light_due(self._policy.care, rows, now):
            return ()
        if await self._store.urgent_waits(queue, now):
            return ()
        return tuple(self._policy.care.points)

    async def rest_due(self, who: Who) -> bool:
        """Say whether to propose a break now, just after a case was concluded.

        The case is saved by then, so a store that is away is no failure of this step.
        """
        now = self._clock.now()
        try:
            rows = await self._store.exposures(who.name, now - LOOK_BACK)
        except StoreUnavailable:
            return False
        return rest_due(self._policy.care, rows, now)

    async def ledger(self, who: Who, zone: tzinfo) -> Ledger:
        """Give a person their own ledger, and nobody else theirs."""
        care, now = self._policy.care, self._clock.now()
        today = now.astimezone(zone).date()
        days = [today - timedelta(days=n) for n in range(SHOWN_DAYS)]
        since = datetime.combine(days[-1], time(), zone)
        rows = await self._store.exposures(who.name, min(since, now - LOOK_BACK))
        shift = stretch(rows, care.shift_gap, now)
        points = total(shift)
        return Ledger(
            began_at=min((row.began_at for row in shift), default=None),
            n_cases=len(shift),
            n_heavy=sum(row.points >= care.heavy_points for row in shift),
            points=points,
            level=care.level(points),
            days=[self._day(day, rows, zone) for day in days],
        )

    async def erase(self, who: Who) -> int:
        """Delete a person's own ledger at their wish and give how many rows it had."""
        return await self._store.erase_exposures(who.name)

    async def groups(self) -> Groups:
        """Tell of groups in the last week, Monday to Sunday by UTC, that is over.

        A week that is over does not change with a single case, so that what somebody reads
        today cannot be seen by loading the page twice.
        """
        today = self._clock.now().astimezone(UTC).date()
        monday = datetime.combine(today - timedelta(days=today.weekday()), time(), UTC)
        people = await self._store.doses(monday - timedelta(days=7), monday)
        return groups(self._policy.care, people)

    async def forget(self) -> None:
        """Drop every row that is older than `KEPT`."""
        before = self._clock.now() - KEPT
        while await self._store.forget_exposures(before):
            continue

    def _day(self, day: date, rows: Sequence[Exposure], zone: tzinfo) -> DayDose:
        found = [row for row in rows if row.at.astimezone(zone).date() == day]
        points = total(found)
        return DayDose(day, len(found), points, self._policy.care.level(points))


def with_exposure(
    policy: Policy, case: Case, change: Change, reviewer: str, now: datetime
) -> Change:
    """Add what `reviewer` was exposed to, if the change ends their own claim on the case."""
    claim = case.claim
    if claim is None or claim.reviewer != reviewer or change.claim_ended not in CONCLUDED:
        return change
    severities = _severities(policy, case, change)
    exposure = Exposure(
        reviewer=reviewer,
        began_at=min(claim.claimed_at, now),
        at=now,
        points=policy.care.weigh(severities),
        labels=tuple(
            label for label in Label if label in severities and label in policy.care.points
        ),
    )
    return replace(change, exposure=exposure)


def _severities(policy: Policy, case: Case, change: Change) -> Mapping[Label, float]:
    """Give the labels that were likely, reported or found; of those found, as grave as found."""
    expected = {
        label: expected_severity(policy.labels[label], label, case.scores)
        for label in case.placement.labels
    }
    after = change.case
    verdict = (
        after.decision.verdict if change.claim_ended is Step.DECIDED and after.decision else None
    )
    if change.claim_ended is Step.POLICY_GAP:
        verdict = after.gap
    found = (
        {label: float(severity) for label, severity in verdict.findings.items()} if verdict else {}
    )
    return {**expected, **found}
