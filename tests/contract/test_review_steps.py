"""What people do with a case: claims, decisions, appeals, withdrawals, queues."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.contract.steps import (
    DISMISSED,
    LEASE,
    NOW,
    POLICY,
    QUEUE,
    add_scores,
    appeal,
    claim_one,
    decide,
    decided,
    report,
    request,
    withdraw,
)
from triage_ml.domain import review
from triage_ml.domain.admission import fail_scoring
from triage_ml.domain.case import CaseState, Stage, Step
from triage_ml.domain.report import Source
from triage_ml.domain.taxonomy import Label, Language, Tier
from triage_ml.errors import Conflict, LeaseExpired, NotFound
from triage_ml.ports import QueueDepth

pytestmark = pytest.mark.anyio
LATER = NOW + LEASE


async def steps_of(store, case_id):
    return [event.step for event in await store.events(case_id)]


async def test_a_claim_leases_the_case(store):
    """It says who, until when, and is found by its number."""
    receipt = await report(store)
    case = await claim_one(store)
    assert (case.case_id, case.state) == (receipt.case_id, CaseState.CLAIMED)
    assert (case.claim.reviewer, case.claim.claimed_at) == ("rita", NOW)
    assert case.claim.lease_expires_at == LATER
    assert await store.get_case(case.case_id) == case
    assert await store.case_of_claim(case.claim.claim_id) == case.case_id
    assert (await steps_of(store, case.case_id))[-1] is Step.CLAIMED


async def test_a_leased_case_is_not_given_twice(store):
    """While the lease runs, others get the next case or none."""
    await report(store)
    await claim_one(store)
    assert await store.claim(request("ben", now=LATER - timedelta(seconds=1))) == []


async def test_an_expired_lease_is_recovered_by_the_next_claim(store):
    """The log says that the lease ended and who took over; the old claim is over."""
    await report(store)
    first = await claim_one(store)
    second = await claim_one(store, "ben", now=LATER)
    assert second.claim.reviewer == "ben"
    events = await store.events(second.case_id)
    assert [event.step for event in events[-2:]] == [Step.LEASE_EXPIRED, Step.CLAIMED]
    assert events[-2].actor == "rita"
    assert events[-2].detail == {"claim_id": str(first.claim.claim_id)}
    assert events[-1].detail == review.claim_detail(second.claim)
    with pytest.raises(LeaseExpired):
        await decide(store, first)


async def test_claims_come_in_order_of_tier_then_index(store):
    """A more urgent tier goes first whatever the index; inside a tier, the higher index."""
    await report(store, "mild", reason=None)
    await report(store, "bad")
    await report(store, "many", source=Source.TRUSTED_FLAGGER)
    found = []
    for queue in POLICY.queues:
        found += await store.claim(request(queue=queue, n=9))
    assert len(found) == 3
    by_queue = [case for case in found if case.placement.queue == QUEUE]
    order = [(case.placement.priority.tier, -case.placement.priority.base) for case in by_queue]
    assert order == sorted(order)


async def test_age_moves_a_case_forward(store):
    """Of two like cases the older one is more urgent."""
    await report(store, "young", at=NOW + timedelta(hours=5))
    await report(store, "old", at=NOW)
    cases = await store.claim(request(n=2, now=NOW + timedelta(hours=6)))
    assert [case.item.item_id for case in cases] == ["old", "young"]


async def test_a_claim_takes_at_most_n(store):
    """And gives what there is when there is less."""
    for n in range(5):
        await report(store, f"i-{n}", at=NOW + timedelta(minutes=n))
    assert len(await store.claim(request(n=3))) == 3
    assert len(await store.claim(request("ben", n=3))) == 2
    assert await store.claim(request("cem", queue="imminent")) == []


async def test_reviewers_get_their_languages_and_not_what_they_opted_out_of(store):
    """Filters hold for every way a case can be picked."""
    await report(store, "en")
    hate = await report(store, "hate", reason=Label.HATE)
    wanted = {"languages": (Language.TR, Language.KO)}
    assert await store.claim(request(n=5, share=0.5, **wanted)) == []
    assert hate.placement.queue == QUEUE
    found = await store.claim(request(n=5, share=0.5, excluded_labels=(Label.HATE,)))
    assert [case.item.item_id for case in found] == ["en"]
    found = await store.claim(request(n=5, languages=(Language.EN,)))
    assert [case.item.item_id for case in found] == ["hate"]


async def test_ranked_claims_carry_their_propensity(store):
    """With no random share it is 1; else nearly the rest of the share."""
    for n in range(4):
        await report(store, f"i-{n}")
    assert (await claim_one(store)).claim.propensity == 1
    case = await claim_one(store, share=1e-9)
    assert case.claim.drawn_at_random is False
    assert case.claim.propensity == pytest.approx(1 - 1e-9 + 1e-9 / 3)


async def test_random_draws_are_even_inside_the_best_tier(store):
    """With a share of 1 every case of the tier is drawn about equally often, none of another."""
    for n in range(4):
        await report(store, f"i-{n}", at=NOW + timedelta(hours=n))
    await report(store, "low", reason=Label.DECEPTION_SPAM)
    drawn = Counter()
    for n in range(120):
        case = await claim_one(store, share=1.0, now=NOW + n * LEASE)
        assert (case.claim.drawn_at_random, case.claim.propensity) == (True, 0.25)
        drawn[case.item.item_id] += 1
    assert set(drawn) == {f"i-{n}" for n in range(4)}
    assert min(drawn.values()) >= 12  # p < 1e-4 for fair draws


async def test_a_share_of_claims_is_drawn_at_random(store):
    """About the given share of the slots, whatever the number asked for at once."""
    for n in range(40):
        await report(store, f"i-{n}", at=NOW + timedelta(minutes=n))
    n_random = 0
    for n in range(6):
        cases = await store.claim(request(n=30, share=0.3, now=NOW + n * LEASE))
        assert len({case.case_id for case in cases}) == 30
        n_random += sum(case.claim.drawn_at_random for case in cases)
        propensities = {round(case.claim.propensity, 6) for case in cases}
        assert propensities <= {round(0.3 / 40, 6), round(0.7 + 0.3 / 40, 6)}
    assert 25 <= n_random <= 87  # 54 expected of 180, six standard deviations wide


async def test_a_renewal_prolongs_the_lease(store):
    """Afterwards the case is safe until the new end."""
    await report(store)
    case = await claim_one(store)
    now = NOW + LEASE / 2
    claim_id = case.claim.claim_id
    renewed = await store.change(
        case.case_id, lambda c: review.renew(c, claim_id, "rita", LEASE, now)
    )
    assert renewed.claim.lease_expires_at == now + LEASE
    assert await store.get_case(case.case_id) == renewed
    assert await store.claim(request("ben", now=LATER)) == []


async def test_a_claim_begins_no_earlier_than_the_one_before_ended(store, clock):
    """A request that waited does not seem to have held the case together with another."""
    await report(store)
    case = await claim_one(store)
    released_at = clock.advance(timedelta(seconds=3))
    await store.change(
        case.case_id,
        lambda held: review.release(held, held.claim.claim_id, "rita", "not mine", released_at),
    )
    again = await claim_one(store, "rudi", now=NOW)
    assert again.claim.claimed_at == released_at
    log = await store.events(case.case_id)
    assert [event.at for event in log] == sorted(event.at for event in log)


async def test_a_released_case_is_free_at_once(store):
    """Its claim is over."""
    await report(store)
    case = await claim_one(store)
    claim_id = case.claim.claim_id
    freed = await store.change(
        case.case_id, lambda c: review.release(c, claim_id, "rita", "not my field", NOW)
    )
    assert (freed.state, freed.claim) == (CaseState.QUEUED, None)
    assert (await claim_one(store, "ben")).case_id == case.case_id
    assert await store.case_of_claim(claim_id) == case.case_id


async def test_a_decision_closes_and_announces(store):
    """Case, log and announcement tell the same, and the lease is over."""
    await report(store)
    case = await decide(store, await claim_one(store))
    assert await store.get_case(case.case_id) == case
    assert (case.state, case.claim) == (CaseState.DECIDED, None)
    [delivery] = await store.take_deliveries(5, NOW, LEASE)
    last = (await store.events(case.case_id))[-1]
    assert delivery.payload == {
        "type": "case.decided",
        "case_id": str(case.case_id),
        "item_id": "i-1",
        **last.detail,
    }
    assert await store.claim(request(now=LATER)) == []


async def test_a_failed_step_leaves_nothing(store):
    """Neither the case nor its log know of it."""
    await report(store)
    case = await claim_one(store)
    n_events = len(await store.events(case.case_id))
    with pytest.raises(LeaseExpired):
        await decide(store, case, now=LATER)
    assert await store.get_case(case.case_id) == case
    assert len(await store.events(case.case_id)) == n_events


async def test_an_appeal_is_never_given_to_the_first_decider(store):
    """Not by rank and not by chance; another reviewer gets it."""
    case = await decided(store)
    reopened = await appeal(store, case.case_id)
    assert (reopened.stage, reopened.barred_reviewer) == (Stage.APPEAL, "rita")
    queue = reopened.placement.queue
    for share in (0.0, 1.0):
        assert await store.claim(request("rita", queue=queue, share=share)) == []
    again = await claim_one(store, "ben", queue=queue)
    final = await decide(store, again, DISMISSED)
    assert await store.get_case(case.case_id) == final
    assert final.decision.stage == Stage.APPEAL


async def test_a_complaint_can_be_read(store):
    """What the complainant wrote is kept for the second reviewer."""
    case = await decided(store)
    assert await store.appeals(case.case_id) == []
    await appeal(store, case.case_id, ref="c-7")
    [complaint] = await store.appeals(case.case_id)
    assert (complaint.complainant_ref, bool(complaint.grounds)) == ("c-7", True)


async def test_an_escalation_moves_to_its_owner(store):
    """From the queue or out of a claim, a new place and a name."""
    await report(store)
    case = await claim_one(store)
    claim_id = case.claim.claim_id
    moved = await store.change(
        case.case_id, lambda c: review.escalate(c, POLICY, "rita", "lead", "hard", NOW, claim_id)
    )
    assert await store.get_case(case.case_id) == moved
    assert (moved.owner, moved.placement.queue) == ("lead", POLICY.escalation_queue)
    assert (await claim_one(store, "lead", queue=POLICY.escalation_queue)).case_id == case.case_id


async def test_withdrawing_the_last_report_closes_the_case(store):
    """Also a claimed one; the claim ends with it."""
    first = await report(store)
    second = await report(store, reporter_ref="u-2")
    await claim_one(store)
    left = await withdraw(store, first.case_id, first.report_id)
    assert (left.state, left.summary.n_active) == (CaseState.CLAIMED, 1)
    closed = await withdraw(store, first.case_id, second.report_id)
    assert (closed.state, closed.claim) == (CaseState.WITHDRAWN, None)
    assert await store.get_case(first.case_id) == closed
    assert all(row.withdrawn_at == NOW for row in await store.reports(first.case_id))


async def test_a_report_is_withdrawn_once_and_only_from_its_case(store):
    """A second time is a conflict; a report of another case is not found; nothing changes."""
    first = await report(store)
    await report(store, reporter_ref="u-2")
    other = await report(store, "i-2")
    await withdraw(store, first.case_id, first.report_id)
    case = await store.get_case(first.case_id)
    with pytest.raises(Conflict):
        await withdraw(store, first.case_id, first.report_id)
    for unknown in (other.report_id, uuid4()):
        with pytest.raises(NotFound):
            await withdraw(store, first.case_id, unknown)
    assert await store.get_case(first.case_id) == case


async def test_a_change_without_events_is_stored_too(store):
    """A failed scoring attempt is counted, not logged."""
    receipt = await report(store)
    case = await store.change(receipt.case_id, fail_scoring)
    assert (await store.get_case(receipt.case_id)).scoring_failures == 2 == case.scoring_failures
    assert len(await store.events(receipt.case_id)) == 2


async def test_taking_an_expired_claim_by_a_step_ends_the_old_one(store):
    """`review.take` through `change` keeps the rule of one running claim."""
    await report(store)
    case = await claim_one(store)
    claim = review.Claim(uuid4(), "ben", LATER, LATER + LEASE)
    taken = await store.change(case.case_id, lambda c: review.take(c, claim))
    assert await store.get_case(case.case_id) == taken
    assert await store.case_of_claim(claim.claim_id) == case.case_id


async def test_queue_depths_count_open_cases(store):
    """Claimed only while the lease runs, breached only while nobody works on it."""
    await report(store, "i-1")
    await report(store, "i-2", at=NOW + timedelta(hours=1))
    turkish = await report(store, "i-3", language=Language.TR)
    await add_scores(store, turkish.case_id)
    mine = await claim_one(store)
    due_at = mine.placement.due_at
    depths = await store.queue_depths(NOW)
    assert depths == sorted(depths, key=lambda row: (row.queue, row.tier, row.language))
    assert sum(row.n_degraded for row in depths) == 2
    english = QueueDepth(QUEUE, Tier.T3, Language.EN, 2, 1, 0, 0, 2, 2, 0, NOW, due_at)
    assert english in depths
    late = replace(english, n_claimed=0, n_breached=2, n_under_hour=0, n_over_day=2)
    assert late in await store.queue_depths(NOW + timedelta(days=30))
    await decide(store, mine)
    assert sum(row.n_open for row in await store.queue_depths(NOW)) == 2


async def test_depths_tell_what_is_due_next_and_how_old_cases_are(store):
    """A claimed case is nobody's worry; a day and an hour are the steps of age."""
    await report(store, "i-1")
    case = await claim_one(store)
    await report(store, "i-2")
    due_at = case.placement.due_at
    [soon] = await store.queue_depths(due_at - timedelta(minutes=5))
    assert (soon.n_open, soon.n_next, soon.n_breached) == (2, 2, 0)
    [fresh] = await store.queue_depths(NOW)
    assert (fresh.n_under_hour, fresh.n_over_day) == (2, 0)
    [older] = await store.queue_depths(NOW + timedelta(hours=1))
    assert (older.n_under_hour, older.n_over_day) == (0, 0)
    [oldest] = await store.queue_depths(NOW + timedelta(hours=24))
    assert (oldest.n_under_hour, oldest.n_over_day) == (0, 2)


async def test_depths_tell_what_was_decided_in_the_last_hour(store):
    """Also where nothing is open any more; an hour later it is forgotten."""
    await report(store, "i-1")
    decided = await decide(store, await claim_one(store))
    at = decided.decision.decided_at
    [row] = await store.queue_depths(at + timedelta(minutes=59))
    assert (row.n_open, row.n_drained, row.oldest_received_at) == (0, 1, None)
    assert await store.queue_depths(at + timedelta(minutes=61)) == []
