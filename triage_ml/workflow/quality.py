"""Second looks: somebody else judges a decided case unseen, and leads settle what differs."""

import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from triage_ml.domain.account import Account
from triage_ml.domain.case import Case, CaseState
from triage_ml.domain.decision import check_note
from triage_ml.domain.policy import Policy
from triage_ml.domain.quality import Judgement, Outcome, SampleKind, check_judgement
from triage_ml.errors import Conflict, ContentErased, NotFound
from triage_ml.ports import Clock, LeadStore, Who
from triage_ml.ports.leads import (
    GoldenCase,
    Pair,
    Sample,
    SampleRequest,
    SecondVerdict,
    Settlement,
)
from triage_ml.workflow.leads import open_queues
from triage_ml.workflow.review import Dossier, Review

DRAWN_FROM = timedelta(days=30)
"""How old a decision may be to be judged again: older ones teach little."""

MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A case to judge again; `mine` is what who asks found in it, once they have."""

    sample: Sample
    dossier: Dossier
    mine: Judgement | None


class Quality:
    """Second looks, golden cases and what came of them. Every call names who asks."""

    def __init__(
        self,
        store: LeadStore,
        review: Review,
        policy: Policy,
        clock: Clock,
        chance: random.Random | None = None,
    ) -> None:
        self._store = store
        self._review = review
        self._policy = policy
        self._clock = clock
        self._chance = chance or random.SystemRandom()

    async def draw(self, who: Account) -> UUID | None:
        """Draw a case to look at again; now and then a golden one, and so if there is no other."""
        kinds = [SampleKind.DOUBLE, SampleKind.GOLDEN]
        if self._chance.random() < self._policy.quality.golden_share:
            kinds.reverse()
        for kind in kinds:
            found = await self._store.draw_sample(self._request(who), kind)
            if found is not None:
                return found
        return None

    async def look(self, who: Account, sample_id: UUID) -> SecondLook:
        """Give a case to look at again.

        Raises: NotFound, also where it may not be given to who asks.
        """
        sample = await self._sample(who, sample_id)
        dossier = await self._review.dossier(who, sample.case_id)
        mine = await self._store.find_second_verdict(sample_id, who.name)
        return SecondLook(sample, dossier, mine)

    async def judge(self, who: Account, sample_id: UUID, judgement: Judgement, note: str) -> Sample:
        """Keep a second verdict. The case stays as it is.

        Raises: NotFound; Conflict when it was judged before; InvalidInput.
        """
        sample = await self._sample(who, sample_id)
        check_judgement(self._policy, judgement, note)
        verdict = SecondVerdict(uuid4(), sample, who.name, self._clock.now(), judgement, note)
        await self._store.add_second_verdict(verdict)
        return sample

    async def markable(self, who: Who, case_id: UUID) -> Case:
        """Give a case that can become a golden one. Raises: NotFound, ScopeMissing, Conflict."""
        case = await self._review.get_case(who, case_id)
        if case.decision is None or case.state is not CaseState.DECIDED:
            raise Conflict("only a decided case can be a golden one")
        if case.item.erased is not None:
            raise ContentErased(case.item.item_id)
        return case

    async def mark(self, who: Who, case_id: UUID, judgement: Judgement, note: str) -> None:
        """Make a decided case a golden one, with the verdict that is right and why.

        Raises: NotFound, ScopeMissing, InvalidInput; Conflict when it is one already, or open.
        """
        case = await self.markable(who, case_id)
        check_note("note", note)
        check_judgement(self._policy, judgement, note)
        await self._store.add_golden(
            GoldenCase(
                golden_id=uuid4(),
                case_id=case_id,
                queue=case.placement.queue,
                language=case.language.language,
                marked_by=who.name,
                marked_at=self._clock.now(),
                judgement=judgement,
                note=note,
            )
        )

    async def retire(self, who: Who, golden_id: UUID) -> None:
        """Give a golden case to nobody any more; what was found in it stays. Raises: NotFound."""
        queues = open_queues(self._policy, who)
        await self._store.retire_golden(golden_id, queues, self._clock.now())

    async def golden_cases(self, who: Who) -> list[GoldenCase]:
        return await self._store.golden_cases(open_queues(self._policy, who), MAX_SHOWN)

    async def disagreements(self, who: Who) -> list[Pair]:
        """Give verdicts that differ and are not settled, oldest first."""
        return await self._store.disagreements(open_queues(self._policy, who), MAX_SHOWN)

    async def settle(self, who: Who, review_id: UUID, outcome: Outcome, note: str) -> None:
        """Say which of two verdicts is right, or that the policy is unclear, and why.

        Raises: NotFound, InvalidInput; Conflict when it is settled, or one verdict is their own.
        """
        check_note("note", note)
        pair = await self._store.find_pair(review_id, open_queues(self._policy, who))
        if pair is None:
            raise NotFound("second verdict", str(review_id))
        if who.name in (pair.first_reviewer, pair.second_reviewer):
            raise Conflict("who gave one of the verdicts does not settle them")
        settlement = Settlement(outcome, who.name, note, self._clock.now())
        await self._store.settle(review_id, settlement)

    async def _sample(self, who: Account, sample_id: UUID) -> Sample:
        sample = await self._store.find_sample(sample_id, self._request(who))
        if sample is None:
            raise NotFound("second look", str(sample_id))
        return sample

    def _request(self, who: Account) -> SampleRequest:
        return SampleRequest(
            reviewer=who.name,
            queues=open_queues(self._policy, who),
            excluded_labels=sorted(who.excluded_labels),
            share=self._policy.quality.double_share,
            since=self._clock.now() - DRAWN_FROM,
        )
