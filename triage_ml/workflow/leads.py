"""Work in hand: what a lead sees of it, takes back, and gives to somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from triage_ml.domain import review as steps
from triage_ml.domain.account import Account
from triage_ml.domain.case import Case, Change
from triage_ml.domain.decision import check_note
from triage_ml.domain.policy import Policy
from triage_ml.errors import Conflict, InvalidInput, LeaseExpired, NotFound, ScopeMissing
from triage_ml.ports import AccountStore, CaseStore, Clock, LeadStore, Who
from triage_ml.ports.leads import HeldCase
from triage_ml.workflow.review import RESTRICTED

MAX_SHOWN = 1000
"""More cases than a team holds at once; a list that is longer says so."""

REVIEW = "review"
ADMIN = "admin"

_MOVED_ON = (LeaseExpired, Conflict, NotFound, ScopeMissing)


@dataclass(frozen=True, slots=True)
class Hand:
    """What one person holds now, by due time."""

    reviewer: str
    cases: Sequence[HeldCase]


@dataclass(frozen=True, slots=True)
class Released:
    """How many cases went back, and how many had moved on before."""

    n_released: int
    n_gone: int


class Leads:
    """What leads do with cases that others hold. Every call names who asks."""

    def __init__(
        self,
        store: CaseStore,
        work: LeadStore,
        accounts: AccountStore,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._store = store
        self._work = work
        self._accounts = accounts
        self._policy = policy
        self._clock = clock

    async def work_in_hand(self, who: Who) -> list[Hand]:
        """Give who holds what, of the queues that who asks may see."""
        queues = open_queues(self._policy, who)
        rows = await self._work.work_in_hand(self._clock.now(), queues, MAX_SHOWN)
        return [
            Hand(name, list(cases)) for name, cases in groupby(rows, key=lambda row: row.reviewer)
        ]

    async def release(self, who: Who, claim_ids: Sequence[UUID], reason: str) -> Released:
        """Give these cases back to their queues, each by itself.

        One that has moved on meanwhile, also behind a restriction, is left alone.
        Raises: InvalidInput.
        """
        check_note("reason", reason)
        if not claim_ids:
            raise InvalidInput("claim_id", "must name at least one case")
        n_released = 0
        for claim_id in dict.fromkeys(claim_ids):
            n_released += await self._release(who, claim_id, reason)
        return Released(n_released, len(set(claim_ids)) - n_released)

    async def release_all(self, who: Who, reviewer: str, reason: str) -> Released:
        """Give back all that somebody holds in queues who asks may see. Raises: InvalidInput."""
        check_note("reason", reason)
        queues = open_queues(self._policy, who)
        held = await self._store.held_by(reviewer, self._clock.now(), MAX_SHOWN)
        claim_ids = [
            case.claim.claim_id for case in held if case.claim and case.placement.queue in queues
        ]
        return await self.release(who, claim_ids, reason) if claim_ids else Released(0, 0)

    async def held(self, who: Who, claim_id: UUID) -> Case:
        """Give the case of a running claim. Raises: NotFound, ScopeMissing, LeaseExpired."""
        case = await self._store.get_case(await self._store.case_of_claim(claim_id))
        self._check_open(case, who)
        claim = case.claim
        over = claim is None or claim.lease_expires_at <= self._clock.now()
        if over or claim is None or claim.claim_id != claim_id:
            raise LeaseExpired(str(claim_id))
        return case

    async def candidates(self, case: Case) -> list[Account]:
        """Give the people who may be given a case that somebody holds, by name."""
        accounts = await self._accounts.list_accounts()
        return [account for account in accounts if self._may_have(account, case)]

    async def reassign(self, who: Who, claim_id: UUID, owner: str, reason: str) -> Case:
        """Take a case from who holds it, for somebody else to have.

        Raises: NotFound, ScopeMissing, LeaseExpired, Conflict; InvalidInput.
        """
        found = await self._accounts.find_account(owner)

        def step(case: Case) -> Change:
            self._check_open(case, who)
            # One reason for all: nobody is told what somebody else does not want to see.
            if found is None or not self._may_have(found[0], case):
                raise InvalidInput("owner", "cannot be given this case")
            return steps.reassign(case, claim_id, who.name, owner, reason, self._clock.now())

        return await self._store.change(await self._store.case_of_claim(claim_id), step)

    async def _release(self, who: Who, claim_id: UUID, reason: str) -> bool:
        def step(case: Case) -> Change:
            self._check_open(case, who)
            return steps.release_for(case, claim_id, who.name, reason, self._clock.now())

        try:
            await self._store.change(await self._store.case_of_claim(claim_id), step)
        except _MOVED_ON:
            return False
        return True

    def _may_have(self, account: Account, case: Case) -> bool:
        closed = case.placement.queue not in open_queues(self._policy, account)
        return (
            account.disabled_at is None
            and bool(account.scopes & {REVIEW, ADMIN})
            and not closed
            and account.name != case.barred_reviewer
            and (case.claim is None or account.name != case.claim.reviewer)
            and not account.excluded_labels.intersection(case.placement.labels)
        )

    def _check_open(self, case: Case, who: Who) -> None:
        if case.placement.queue not in open_queues(self._policy, who):
            raise ScopeMissing(RESTRICTED)


def open_queues(policy: Policy, who: Who) -> list[str]:
    """Name the queues that who asks may see, in the policy's order."""
    may = RESTRICTED in who.scopes
    return [queue.name for queue in policy.queues.values() if may or not queue.restricted]
