"""Holds, blind claims and one person's cases, in both stores."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from tests.contract.steps import (
    DISMISSED,
    LEASE,
    NOW,
    POLICY,
    add_scores,
    claim_one,
    decide,
    report,
    request,
)
from triage_ml.domain import review
from triage_ml.domain.case import Case, Claim, Step
from triage_ml.domain.report import Source
from triage_ml.domain.taxonomy import Label, Tier
from triage_ml.errors import Conflict

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def hold(store, case: Case, until=NOW + HOUR, now=NOW) -> Case:
    step = partial(
        review.hold,
        claim_id=case.claim.claim_id,
        reviewer=case.claim.reviewer,
        until=until,
        reason="a translation",
        now=now,
        max_hold=4 * HOUR,
    )
    return await store.change(case.case_id, step)


async def hand_to(store, case_id, owner) -> Case:
    return await store.change(
        case_id, lambda case: review.escalate(case, POLICY, "rita", owner, "hard", NOW)
    )


async def take(store, case_id, name, now=NOW) -> Case:
    claim = Claim(uuid4(), name, now, now + LEASE)
    return await store.change(case_id, lambda case: review.take_handed(case, claim))


async def test_a_held_case_is_not_given_to_others(store):
    """Not after an ordinary lease, only after the hold."""
    await report(store)
    case = await claim_one(store)
    held = await hold(store, case)
    assert await store.get_case(case.case_id) == held
    assert held.claim.held_until == held.claim.lease_expires_at == NOW + HOUR
    assert await store.claim(request("ben", now=NOW + 2 * LEASE)) == []
    [again] = await store.claim(request("ben", now=NOW + HOUR))
    assert (again.claim.reviewer, again.claim.held_until) == ("ben", None)
    log = await store.events(case.case_id)
    assert [event.step for event in log][-4:] == [
        Step.CLAIMED,
        Step.HELD,
        Step.LEASE_EXPIRED,
        Step.CLAIMED,
    ]
    assert log[-3].detail["reason"] == "a translation"


@pytest.mark.parametrize("share", [0.0, 1.0])
async def test_a_claim_says_whether_it_is_blind(store, share):
    """On the claim and in the log, whichever it is."""
    await report(store)
    case = await claim_one(store, blind_share=share)
    assert case.claim.hints_withheld is bool(share)
    assert await store.get_case(case.case_id) == case
    logged = (await store.events(case.case_id))[-1]
    assert logged.detail["hints_withheld"] is bool(share)


async def test_a_blind_case_may_be_drawn_anew(store):
    """After its lease the next claim draws again, with its own chance."""
    await report(store)
    assert (await claim_one(store, blind_share=1.0)).claim.hints_withheld
    again = await claim_one(store, "ben", now=NOW + LEASE, blind_share=0.0)
    assert not again.claim.hints_withheld
    assert await store.get_case(again.case_id) == again


async def test_a_case_in_danger_is_never_blind(store):
    """T0 is left out of the draw."""
    receipt = await report(store, source=Source.AUTHORITY, reason=Label.SELF_HARM)
    queue = receipt.placement.queue
    case = await claim_one(store, queue=queue, blind_share=1.0)
    assert case.placement.priority.tier is Tier.T0
    assert not case.claim.hints_withheld


async def test_a_blind_decision_is_stored_as_one(store):
    """With the case and in the log; scores that come meanwhile change nothing about it."""
    receipt = await report(store)
    case = await claim_one(store, blind_share=1.0)
    await add_scores(store, receipt.case_id)
    decided = await decide(store, case, DISMISSED)
    assert decided.decision.hints_withheld
    assert await store.get_case(case.case_id) == decided
    assert (await store.events(case.case_id))[-1].detail["hints_withheld"] is True


async def test_what_somebody_holds_is_listed(store):
    """The lease that ends first is the first, and what ran out or is closed is not there."""
    for number in range(3):
        await report(store, f"i-{number}")
    cases = await store.claim(request(n=3))
    held = await hold(store, cases[0])
    assert await store.held_by("ben", NOW) == []
    found = await store.held_by("rita", NOW)
    assert {case.case_id for case in found} == {case.case_id for case in cases}
    assert found[-1] == held
    assert await store.held_by("rita", NOW, limit=1) == found[:1]
    await decide(store, cases[1], DISMISSED)
    assert len(await store.held_by("rita", NOW)) == 2
    assert await store.held_by("rita", NOW + LEASE) == [held]
    assert await store.held_by("rita", NOW + HOUR) == []


async def test_what_was_handed_to_somebody_is_listed_while_it_waits(store):
    """By tier, then due time; a case that is held waits for nobody."""
    first = await report(store, "i-1")
    second = await report(store, "i-2", at=NOW + timedelta(minutes=5))
    urgent = await report(store, "i-3", source=Source.AUTHORITY, reason=Label.SELF_HARM)
    for receipt in (second, first, urgent):
        await hand_to(store, receipt.case_id, "lea")
    found = await store.owned_by("lea", NOW)
    assert found[0].case_id == urgent.case_id
    assert {case.case_id for case in found[1:]} == {first.case_id, second.case_id}
    assert await store.owned_by("rita", NOW) == []
    assert await store.owned_by("lea", NOW, limit=1) == found[:1]
    taken = await take(store, first.case_id, "lea")
    assert await store.get_case(first.case_id) == taken
    assert len(await store.owned_by("lea", NOW)) == 2
    waits_again = await store.owned_by("lea", NOW + LEASE)
    assert {case.case_id for case in waits_again} >= {first.case_id}


async def test_a_handed_case_is_taken_once(store):
    """The claim is in the store like any other, and while it runs nobody takes it again."""
    receipt = await report(store)
    await hand_to(store, receipt.case_id, "lea")
    taken = await take(store, receipt.case_id, "lea")
    assert await store.case_of_claim(taken.claim.claim_id) == receipt.case_id
    with pytest.raises(Conflict, match="somebody holds"):
        await take(store, receipt.case_id, "lea", NOW + timedelta(minutes=1))
    with pytest.raises(Conflict, match="not handed"):
        await take(store, receipt.case_id, "ben", NOW + LEASE)
    assert await store.get_case(receipt.case_id) == taken
    later = await take(store, receipt.case_id, "lea", NOW + LEASE)
    assert later.claim.claim_id != taken.claim.claim_id
