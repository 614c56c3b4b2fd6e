"""What leads do with cases that others hold."""

from dataclasses import replace

import pytest

from triage_ml.domain.account import Account
from triage_ml.domain.case import CaseState
from triage_ml.domain.taxonomy import Label
from triage_ml.errors import InvalidInput, LeaseExpired, NotFound, ScopeMissing
from triage_ml.workflow.leads import Leads

pytestmark = pytest.mark.anyio
QUEUE = "std-en-safety"


@pytest.fixture
def leads(desk) -> Leads:
    return Leads(desk.store, desk.store, desk.store, desk.policy, desk.clock)


@pytest.fixture
def lena(desk):
    return desk.key("lena", "lead", "review")


async def add(desk, name, *scopes, **changes) -> Account:
    account = Account(name, name.title(), frozenset(scopes or ("review",)), desk.clock.now())
    account = replace(account, **changes)
    await desk.store.add_account(account, None)
    return account


async def held(desk, *items, by="anna", queue=QUEUE, **facts):
    """Report items and claim them for one person."""
    for item in items or ("i1",):
        await desk.report(item, **facts)
    return await desk.review.claim(desk.key(by, "review", "restricted"), queue, len(items) or 1)


async def test_work_in_hand_is_grouped_by_who_holds_it(desk, leads, lena):
    await held(desk, "i1", "i2")
    await held(desk, "i3", by="ben")
    hands = await leads.work_in_hand(lena)
    assert [(hand.reviewer, len(hand.cases)) for hand in hands] == [("anna", 2), ("ben", 1)]


async def test_restricted_work_is_seen_with_the_scope(desk, leads, lena):
    """And without it neither given back nor given away."""
    [case] = await held(desk, queue="child-safety", reason=Label.CHILD_SAFETY)
    claim_id = case.claim.claim_id
    assert await leads.work_in_hand(lena) == []
    assert (await leads.release(lena, [claim_id], "why")).n_released == 0
    assert (await leads.release_all(lena, "anna", "why")).n_released == 0
    with pytest.raises(ScopeMissing):
        await leads.held(lena, claim_id)
    await add(desk, "otto", "review", "restricted")
    with pytest.raises(ScopeMissing):
        await leads.reassign(lena, claim_id, "otto", "why")
    [hand] = await leads.work_in_hand(desk.key("lea", "lead", "restricted"))
    assert hand.cases[0].case_id == case.case_id


async def test_chosen_cases_go_back(desk, leads, lena):
    """The one that was decided meanwhile is counted and left as it is."""
    first, second, third = await held(desk, "i1", "i2", "i3")
    claims = [case.claim.claim_id for case in (first, second)]
    await desk.review.release(desk.key("anna"), claims[1], "mine no more")
    done = await leads.release(lena, [*claims, claims[0]], "end of the shift")
    assert (done.n_released, done.n_gone) == (1, 1)
    states = [(await desk.store.get_case(case.case_id)).state for case in (first, third)]
    assert states == [CaseState.QUEUED, CaseState.CLAIMED]
    with pytest.raises(LeaseExpired):
        await desk.review.renew(desk.key("anna"), claims[0])


async def test_all_of_one_persons_cases_go_back_however_much_others_hold(
    desk, leads, lena, monkeypatch
):
    """The list of all work is cut off; giving back does not go by it."""
    monkeypatch.setattr("triage_ml.workflow.leads.MAX_SHOWN", 1)
    await held(desk, "i1")
    await held(desk, "i2", by="zoe")
    assert (await leads.release_all(lena, "zoe", "end of the shift")).n_released == 1


async def test_all_cases_of_one_person_go_back(desk, leads, lena):
    """And nobody else's."""
    await held(desk, "i1", "i2")
    await held(desk, "i3", by="ben")
    assert (await leads.release_all(lena, "anna", "ill")).n_released == 2
    assert [hand.reviewer for hand in await leads.work_in_hand(lena)] == ["ben"]
    assert (await leads.release_all(lena, "anna", "ill")).n_released == 0


async def test_nothing_goes_back_without_a_reason_or_a_choice(desk, leads, lena):
    """What is wrong is named before anything is changed."""
    [case] = await held(desk)
    with pytest.raises(InvalidInput, match="reason"):
        await leads.release(lena, [case.claim.claim_id], " ")
    with pytest.raises(InvalidInput, match="reason"):
        await leads.release_all(lena, "anna", "")
    with pytest.raises(InvalidInput, match="claim_id"):
        await leads.release(lena, [], "why")
    assert (await desk.store.get_case(case.case_id)).state is CaseState.CLAIMED


async def test_a_case_is_given_to_somebody_else(desk, leads, lena):
    [case] = await held(desk)
    await add(desk, "otto")
    given = await leads.reassign(lena, case.claim.claim_id, "otto", "he knows the region")
    assert (given.state, given.owner) == (CaseState.QUEUED, "otto")
    assert given.placement == case.placement
    with pytest.raises(LeaseExpired):
        await leads.held(lena, case.claim.claim_id)


@pytest.mark.parametrize(
    ("scopes", "changes"),
    [
        (("intake",), {}),
        (("review",), {"disabled": True}),
        (("review",), {"excluded_labels": frozenset({Label.HARASSMENT})}),
    ],
)
async def test_who_cannot_have_a_case_is_not_given_it(desk, leads, lena, scopes, changes):
    """Without the right to review, closed, or opted out; nobody is told which."""
    [case] = await held(desk)
    if changes.pop("disabled", False):
        changes["disabled_at"] = desk.clock.now()
    await add(desk, "otto", *scopes, **changes)
    assert await leads.candidates(case) == []
    with pytest.raises(InvalidInput, match="owner: cannot be given this case"):
        await leads.reassign(lena, case.claim.claim_id, "otto", "why")
    assert (await desk.store.get_case(case.case_id)).claim == case.claim


async def test_a_case_is_not_given_to_nobody_or_its_holder(desk, leads, lena):
    [case] = await held(desk)
    await add(desk, "anna")
    for name in ("anna", "nobody", ""):
        with pytest.raises(InvalidInput, match="owner"):
            await leads.reassign(lena, case.claim.claim_id, name, "why")


async def test_a_restricted_case_is_given_to_who_may_see_it(desk, leads):
    [case] = await held(desk, queue="child-safety", reason=Label.CHILD_SAFETY)
    lea = desk.key("lea", "lead", "restricted")
    await add(desk, "otto")
    await add(desk, "rosa", "review", "restricted")
    assert [person.name for person in await leads.candidates(case)] == ["rosa"]
    with pytest.raises(InvalidInput, match="owner"):
        await leads.reassign(lea, case.claim.claim_id, "otto", "why")
    given = await leads.reassign(lea, case.claim.claim_id, "rosa", "why")
    assert given.owner == "rosa"


async def test_an_unknown_claim_is_named(desk, leads, lena):
    await add(desk, "otto")
    [case] = await held(desk)
    with pytest.raises(NotFound, match="claim"):
        await leads.reassign(lena, case.case_id, "otto", "why")
    assert (await leads.release(lena, [case.case_id], "why")).n_gone == 1
