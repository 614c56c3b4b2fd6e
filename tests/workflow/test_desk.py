"""Blind claims, holds, one's own cases, and who a case can be handed to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from triage_ml.domain.case import CaseState, Step
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.taxonomy import Label
from triage_ml.errors import Conflict, InvalidInput, LeaseExpired, NotFound, ScopeMissing
from triage_ml.workflow.access import create_key

pytestmark = pytest.mark.anyio
QUEUE = "std-en-safety"
HOUR = timedelta(hours=1)


def set_blind_share(desk, share: float) -> None:
    row = replace(desk.policy.priority, blind_share=share)
    desk.review._policy = replace(desk.policy, priority=row)


async def test_the_share_of_the_policy_is_drawn_blind(desk):
    """And what the reviewer did not see is on the decision."""
    await desk.report()
    set_blind_share(desk, 1.0)
    anna = desk.key("anna")
    [case] = await desk.review.claim(anna, QUEUE)
    assert case.hides_hints_from("anna", desk.clock.now())
    verdict = Verdict({}, Action.NO_ACTION)
    decided = await desk.review.decide(anna, case.case_id, case.claim.claim_id, verdict)
    assert decided.decision.hints_withheld


async def test_the_log_does_not_tell_the_holder_of_a_blind_case(desk):
    """What scores did to its place is left out for them, until they have decided."""
    await desk.report()
    set_blind_share(desk, 1.0)
    anna, ben = desk.key("anna"), desk.key("ben")
    [case] = await desk.review.claim(anna, QUEUE)
    [routed] = [e for e in await desk.review.events(ben, case.case_id) if e.step is Step.ROUTED]
    [told] = [e for e in await desk.review.events(anna, case.case_id) if e.step is Step.ROUTED]
    assert {"tier_reason", "route_reason", "base_index"} == routed.detail.keys() - told.detail
    await desk.review.release(anna, case.claim.claim_id, "a break")
    assert routed in await desk.review.events(anna, case.case_id)


async def test_a_hold_is_bounded_by_the_setting(desk):
    """Four hours unless the service says otherwise; the field is named, the lease as before."""
    await desk.report()
    anna = desk.key("anna")
    [case] = await desk.review.claim(anna, QUEUE)
    claim_id, now = case.claim.claim_id, desk.clock.now()
    with pytest.raises(InvalidInput) as caught:
        await desk.review.hold(anna, claim_id, now + 5 * HOUR, "a translation")
    assert caught.value.field == "until"
    assert await desk.store.get_case(case.case_id) == case
    held = await desk.review.hold(anna, claim_id, now + 4 * HOUR, "a translation")
    desk.clock.advance(3 * HOUR)
    assert await desk.review.claim(desk.key("ben"), QUEUE) == []
    renewed = await desk.review.renew(anna, claim_id)
    assert renewed.claim.lease_expires_at == held.claim.lease_expires_at
    with pytest.raises(LeaseExpired):
        await desk.review.hold(desk.key("ben"), claim_id, now + 4 * HOUR, "mine")


async def test_my_cases_are_what_i_hold_and_what_was_handed_to_me(desk):
    """And nobody else's."""
    await desk.report("i1")
    handed = await desk.report("i2")
    anna, lea = desk.key("anna"), await desk.person("lea")
    await desk.review.escalate(anna, handed.case_id, "lea", "press", None)
    [case] = await desk.review.claim(anna, QUEUE)
    mine = await desk.review.mine(anna)
    assert (mine.held, mine.handed) == ([case], [])
    hers = await desk.review.mine(lea)
    assert (hers.held, [case.case_id for case in hers.handed]) == ([], [handed.case_id])


async def test_my_cases_leave_out_what_i_may_not_see(desk):
    """Who lost the scope does not find a restricted case in a list."""
    receipt = await desk.report(reason=Label.CHILD_SAFETY)
    lead = desk.key("lead", "review", "restricted")
    lea = await desk.person("lea", "review", "restricted")
    await desk.review.escalate(lead, receipt.case_id, "lea", "look", None)
    assert len((await desk.review.mine(lea)).handed) == 1
    without = desk.key("lea")
    assert (await desk.review.mine(without)).handed == []
    with pytest.raises(ScopeMissing):
        await desk.review.take(without, receipt.case_id)
    await desk.review.take(lea, receipt.case_id)
    assert (await desk.review.mine(without)).held == []


async def test_an_owner_takes_the_case_that_was_handed_to_them(desk):
    """With certainty, for a lease, and never blind: it can be read before it is taken."""
    receipt = await desk.report()
    set_blind_share(desk, 1.0)
    lea = await desk.person("lea")
    await desk.review.escalate(desk.key("anna"), receipt.case_id, "lea", "press", None)
    with pytest.raises(Conflict, match="not handed"):
        await desk.review.take(desk.key("anna"), receipt.case_id)
    taken = await desk.review.take(lea, receipt.case_id)
    assert (taken.state, taken.claim.reviewer) == (CaseState.CLAIMED, "lea")
    assert (taken.claim.propensity, taken.claim.hints_withheld) == (1.0, False)
    assert taken.claim.lease_expires_at == desk.clock.now() + timedelta(minutes=10)
    with pytest.raises(Conflict, match="somebody holds"):
        await desk.review.take(lea, receipt.case_id)
    with pytest.raises(NotFound):
        await desk.review.take(lea, taken.claim.claim_id)


@pytest.mark.parametrize("owner", ["nobody", "intake", "gone", "key-intake", "key-gone", "Ké"])
async def test_a_case_is_not_handed_to_who_cannot_review(desk, owner):
    """Unknown, without the scope, disabled, a key without the scope or a revoked one."""
    receipt = await desk.report()
    now = desk.clock.now()
    await desk.person("intake", "intake")
    await desk.store.save_account(replace(await desk.person("gone"), disabled_at=now))
    await create_key(desk.store, desk.clock, "key-intake", ["intake"])
    await create_key(desk.store, desk.clock, "key-gone", ["review"])
    await desk.store.revoke_key("key-gone", now)
    with pytest.raises(InvalidInput, match="owner: is no account that can review"):
        await desk.review.escalate(desk.key("anna"), receipt.case_id, owner, "press", None)
    assert (await desk.store.get_case(receipt.case_id)).owner is None


@pytest.mark.parametrize(
    ("owner", "stored"), [("lea", "lea"), ("Lea", "lea"), ("boss", "boss"), ("key-QA", "key-QA")]
)
async def test_a_case_is_handed_to_a_person_or_a_key(desk, owner, stored):
    """Under the name as it stands on the account, whatever the case of its letters."""
    receipt = await desk.report()
    await desk.person("lea")
    await desk.person("boss", "admin")
    await create_key(desk.store, desk.clock, "key-QA", ["review"])
    moved = await desk.review.escalate(desk.key("anna"), receipt.case_id, owner, "press", None)
    assert moved.owner == stored


async def test_a_restricted_case_is_handed_only_to_who_may_see_it(desk):
    """Anybody else could neither read nor take it."""
    receipt = await desk.report(reason=Label.CHILD_SAFETY)
    lead = desk.key("lead", "review", "restricted")
    await desk.person("lea", "review", "restricted")
    await desk.person("ben")
    with pytest.raises(InvalidInput, match="owner: may not see this case"):
        await desk.review.escalate(lead, receipt.case_id, "ben", "look", None)
    case = await desk.review.get_case(lead, receipt.case_id)
    assert [row.name for row in await desk.review.possible_owners(lead, case)] == ["lea"]
    assert (await desk.review.escalate(lead, case.case_id, "lea", "look", None)).owner == "lea"


async def test_those_offered_can_review(desk):
    """By name, without the disabled, those without the scope, and who asks."""
    receipt = await desk.report()
    await desk.person("lea")
    await desk.person("anna")
    await desk.person("intake", "intake")
    gone = await desk.person("gone")
    await desk.store.save_account(replace(gone, disabled_at=desk.clock.now()))
    case = await desk.store.get_case(receipt.case_id)
    offered = await desk.review.possible_owners(desk.key("anna"), case)
    assert [account.name for account in offered] == ["lea"]
    barred = replace(case, barred_reviewer="lea")
    assert await desk.review.possible_owners(desk.key("anna"), barred) == []
