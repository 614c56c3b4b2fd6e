"""A decision out: claim, decide, and what else people do with a case."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from triage_ml.domain import review as steps
from triage_ml.domain.account import Account
from triage_ml.domain.case import Case, Change, Claim
from triage_ml.domain.decision import Appeal, Verdict
from triage_ml.domain.policy import Policy, QueuePolicy
from triage_ml.domain.priority import IndexNow, index_at
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import InvalidInput, NotFound, PolicyInvalid, ScopeMissing
from triage_ml.ports import (
    AccountStore,
    CaseEvent,
    CaseStore,
    ClaimRequest,
    Clock,
    ItemVersion,
    QueueDepth,
    StepFunction,
    StoredAppeal,
    StoredReport,
    Who,
)
from triage_ml.workflow.care import with_exposure
from triage_ml.workflow.owners import Owners

RESTRICTED = "restricted"
"""Scope that opens the queues a policy marks as restricted."""

MAX_CLAIMS = 50

FROM_SCORES = frozenset({"tier_reason", "route_reason", "base_index", "label_next"})
"""What a line of the log tells of the model's scores."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is kept of a case but its log; reports and texts newest first."""

    case: Case
    reports: Sequence[StoredReport]
    versions: Sequence[ItemVersion]
    appeals: Sequence[StoredAppeal]


@dataclass(frozen=True, slots=True)
class Mine:
    """What one person has to do: cases they hold, and cases handed to them that wait."""

    held: Sequence[Case]
    handed: Sequence[Case]


class Review:
    """What reviewers and intake systems do with cases. Every call names who asks."""

    def __init__(
        self,
        store: CaseStore,
        policy: Policy,
        clock: Clock,
        *,
        accounts: AccountStore,
        lease: timedelta,
        hold_max: timedelta = timedelta(hours=4),
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._lease = lease
        self._hold_max = hold_max
        self._owners = Owners(store, accounts, self.may_see)

    async def claim(
        self,
        who: Who,
        queue: str,
        n: int = 1,
        languages: Sequence[Language] = (),
        excluded_labels: Sequence[Label] = (),
    ) -> list[Case]:
        """Lease up to `n` cases, most urgent first.

        A claim that leaves labels out is never a random draw: what it could not have drawn would
        be missing in the sample that prevalence is estimated from.
        Raises: NotFound for a queue the policy lacks; ScopeMissing; InvalidInput.
        """
        if self._queue(queue).restricted:
            self._check_restricted(who)
        if not 1 <= n <= MAX_CLAIMS:
            raise InvalidInput("n", f"must lie within 1 and {MAX_CLAIMS}")
        row = self._policy.priority
        request = ClaimRequest(
            queue=queue,
            reviewer=who.name,
            n=n,
            lease=self._lease,
            now=self._clock.now(),
            urgency_weight=row.urgency_weight,
            age_weight=row.age_weight,
            random_share=0.0 if excluded_labels else row.random_share,
            blind_share=row.blind_share,
            languages=tuple(languages),
            excluded_labels=tuple(excluded_labels),
        )
        return await self._store.claim(request)

    async def take(self, who: Who, case_id: UUID) -> Case:
        """Lease the one case that was handed to who asks.

        Its hints are never withheld: before a case is taken it can be read, with its hints.

        Raises: NotFound, ScopeMissing; Conflict when it was handed to somebody else, is held, or
        is closed.
        """
        await self.get_case(who, case_id)

        def step(case: Case) -> Change:
            if not self.may_see(who, case):  # it has come behind a restriction just now
                raise ScopeMissing(RESTRICTED)
            now = self._clock.now()
            return steps.take_handed(case, Claim(uuid4(), who.name, now, now + self._lease))

        return await self._store.change(case_id, step)

    async def mine(self, who: Who) -> Mine:
        """Give the cases who asks holds or was handed, without those they may not see."""
        now = self._clock.now()
        held = await self._store.held_by(who.name, now)
        handed = await self._store.owned_by(who.name, now)
        return Mine(self._visible(held, who), self._visible(handed, who))

    async def renew(self, who: Who, claim_id: UUID) -> Case:
        """Raises: NotFound, LeaseExpired."""
        case_id = await self._store.case_of_claim(claim_id)
        return await self._store.change(
            case_id,
            lambda case: steps.renew(case, claim_id, who.name, self._lease, self._clock.now()),
        )

    async def hold(self, who: Who, claim_id: UUID, until: datetime, reason: str) -> Case:
        """Keep a case while something is waited for.

        Raises: NotFound, LeaseExpired, InvalidInput.
        """
        case_id = await self._store.case_of_claim(claim_id)
        return await self._store.change(
            case_id,
            lambda case: steps.hold(
                case, claim_id, who.name, until, reason, self._clock.now(), self._hold_max
            ),
        )

    async def release(self, who: Who, claim_id: UUID, reason: str) -> Case:
        """Raises: NotFound, LeaseExpired, InvalidInput."""
        case_id = await self._store.case_of_claim(claim_id)
        return await self._conclude(
            who,
            case_id,
            lambda case: steps.release(case, claim_id, who.name, reason, self._clock.now()),
        )

    async def decide(self, who: Who, case_id: UUID, claim_id: UUID, verdict: Verdict) -> Case:
        """Raises: NotFound, IllegalTransition, LeaseExpired, InvalidInput."""
        return await self._conclude(
            who,
            case_id,
            lambda case: steps.decide(
                case, self._policy, claim_id, who.name, verdict, self._clock.now()
            ),
        )

    async def escalate(
        self, who: Who, case_id: UUID, owner: str, reason: str, claim_id: UUID | None
    ) -> Case:
        """Hand a case up to somebody who can review it and may see it.

        Raises: NotFound, IllegalTransition, LeaseExpired, InvalidInput.
        """
        case = await self.get_case(who, case_id)
        name = await self._owners.name(owner, case)
        return await self._conclude(
            who,
            case_id,
            lambda case: steps.escalate(
                case, self._policy, who.name, name, reason, self._clock.now(), claim_id
            ),
        )

    async def possible_owners(self, who: Who, case: Case) -> list[Account]:
        """Give who a case can be handed to, by name; not who asks."""
        return await self._owners.possible(who, case)

    async def appeal(self, who: Who, case_id: UUID, complaint: Appeal) -> Case:
        """Raises: NotFound, IllegalTransition."""
        return await self._store.change(
            case_id,
            lambda case: steps.appeal(case, self._policy, complaint, self._clock.now(), who.name),
        )

    async def withdraw(self, who: Who, case_id: UUID, report_id: UUID, reason: str) -> Case:
        """Raises: NotFound, Conflict, InvalidInput."""
        return await self._store.change(
            case_id, lambda case: steps.withdraw(case, report_id, reason, who.name)
        )

    async def get_case(self, who: Who, case_id: UUID) -> Case:
        """Raises: NotFound, ScopeMissing."""
        case = await self._store.get_case(case_id)
        if not self.may_see(who, case):
            raise ScopeMissing(RESTRICTED)
        return case

    async def events(
        self, who: Who, case_id: UUID, after: int = 0, limit: int = 500
    ) -> list[CaseEvent]:
        """Give up to `limit` lines of the log after a sequence number, oldest first.

        Who holds the case blind does not learn from the log what the model said.
        """
        case = await self.get_case(who, case_id)
        found = await self._store.events(case_id, after, limit)
        if not case.hides_hints_from(who.name, self._clock.now()):
            return found
        return [replace(event, detail=_without_scores(event)) for event in found]

    async def dossier(self, who: Who, case_id: UUID) -> Dossier:
        """Give a case with its newest reports, texts and complaints.

        Raises: NotFound, ScopeMissing.
        """
        case = await self.get_case(who, case_id)
        store = self._store
        return Dossier(
            case,
            await store.reports(case_id),
            await store.versions(case_id),
            await store.appeals(case_id),
        )

    def index_now(self, case: Case) -> IndexNow:
        """Compute a case's index at this moment."""
        priority = case.placement.priority
        return index_at(
            self._policy.priority,
            priority.base,
            timedelta(seconds=priority.handling_seconds),
            case.received_at,
            case.placement.due_at,
            self._clock.now(),
        )

    async def queue_depths(self, who: Who) -> list[QueueDepth]:
        """Give the depth of every queue that who asks may see."""
        rows = await self._store.queue_depths(self._clock.now())
        if RESTRICTED in who.scopes:
            return rows
        open_to_all = {name for name, row in self._policy.queues.items() if not row.restricted}
        return [row for row in rows if row.queue in open_to_all]

    async def _conclude(self, who: Who, case_id: UUID, step: StepFunction) -> Case:
        """Take a step that ends somebody's work on a case, and note it in their own ledger."""

        def noted(case: Case) -> Change:
            return with_exposure(self._policy, case, step(case), who.name, self._clock.now())

        return await self._store.change(case_id, noted)

    def _queue(self, name: str) -> QueuePolicy:
        try:
            return self._policy.queues[name]
        except KeyError:
            raise NotFound("queue", name) from None

    def _visible(self, cases: Sequence[Case], who: Who) -> list[Case]:
        return [case for case in cases if self.may_see(who, case)]

    def may_see(self, who: Who, case: Case) -> bool:
        """Say whether somebody may see a case where it stands now."""
        queue = self._policy.queues.get(case.placement.queue)
        # A queue the policy no longer has may have been a restricted one.
        return RESTRICTED in who.scopes or (queue is not None and not queue.restricted)

    @staticmethod
    def _check_restricted(who: Who) -> None:
        if RESTRICTED not in who.scopes:
            raise ScopeMissing(RESTRICTED)


def _without_scores(event: CaseEvent) -> dict[str, Any]:
    return {key: value for key, value in event.detail.items() if key not in FROM_SCORES}


async def check_queues(store: CaseStore, policy: Policy, now: datetime) -> None:
    """Refuse a policy that lacks a queue in which cases are open: nobody could claim them.

    Raises: PolicyInvalid.
    """
    for row in await store.queue_depths(now):
        if row.n_open and row.queue not in policy.queues:
            reason = f"{row.n_open} open cases stand in this queue; keep it until they are decided"
            raise PolicyInvalid("queues.toml", row.queue, reason)
