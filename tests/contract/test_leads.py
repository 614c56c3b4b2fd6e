"""What leads ask and what second looks leave behind, alike in both stores."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.contract.steps import (
    DISMISSED,
    LEASE,
    NOW,
    POLICY,
    QUEUE,
    UPHELD,
    appeal,
    claim_one,
    decide,
    decided,
    report,
)
from triage_ml.domain.decision import Action
from triage_ml.domain.quality import Judgement, Outcome, SampleKind, lot
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports.leads import (
    GoldenCase,
    HandlingTime,
    Pair,
    SampleRequest,
    SecondVerdict,
    Settlement,
)

pytestmark = pytest.mark.anyio
QUEUES = list(POLICY.queues)
FOUND = Judgement(UPHELD.findings, UPHELD.action)
NOTHING = Judgement({}, Action.NO_ACTION)
DOUBLE, GOLDEN = SampleKind.DOUBLE, SampleKind.GOLDEN


def asked(reviewer="ben", **changes) -> SampleRequest:
    every = SampleRequest(reviewer, QUEUES, (), 1.0, NOW - timedelta(days=1))
    return replace(every, **changes)


async def judge(store, sample_id, reviewer="ben", judgement=NOTHING, at=NOW, note="") -> UUID:
    sample = await store.find_sample(sample_id, asked(reviewer))
    review_id = uuid4()
    await store.add_second_verdict(SecondVerdict(review_id, sample, reviewer, at, judgement, note))
    return review_id


async def golden(store, case, judgement=FOUND, lead="lena") -> UUID:
    golden_id = uuid4()
    await store.add_golden(
        GoldenCase(
            golden_id, case.case_id, QUEUE, Language.EN, lead, NOW, judgement, "It names a person."
        )
    )
    return golden_id


async def test_work_in_hand_is_what_has_a_running_lease(store):
    """With who holds it and until when; not what waits, has run out or stands elsewhere."""
    await report(store, "i-1")
    await report(store, "i-2")
    case = await claim_one(store)
    [held] = await store.work_in_hand(NOW, QUEUES, 10)
    assert (held.case_id, held.claim_id, held.reviewer) == (
        case.case_id, case.claim.claim_id, "rita",
    )  # fmt: skip
    assert (held.queue, held.due_at) == (QUEUE, case.placement.due_at)
    assert held.tier is case.placement.priority.tier
    assert (held.claimed_at, held.lease_expires_at) == (NOW, NOW + LEASE)
    assert await store.work_in_hand(NOW + LEASE, QUEUES, 10) == []
    assert await store.work_in_hand(NOW, ["imminent"], 10) == []
    assert await store.work_in_hand(NOW, [], 10) == []


async def test_a_decision_is_drawn_for_somebody_else(store):
    """By its claim's number, with what was decided; never for who decided it."""
    case = await decided(store)
    claim_id = case.decision.claim_id
    assert await store.draw_sample(asked(), DOUBLE) == claim_id
    sample = await store.find_sample(claim_id, asked())
    assert (sample.kind, sample.case_id, sample.known) == (DOUBLE, case.case_id, FOUND)
    assert await store.draw_sample(asked("rita"), DOUBLE) is None
    assert await store.find_sample(claim_id, asked("rita")) is None


async def test_only_a_share_of_decisions_is_drawn(store):
    """Those whose lot lies under it: the same ones in both stores."""
    for number in range(12):
        await decided(store, f"i-{number}", DISMISSED)
    drawn = set()
    while (sample_id := await store.draw_sample(asked(share=0.5), DOUBLE)) is not None:
        drawn.add(sample_id)
        assert await store.find_sample(sample_id, asked(share=0.5))
        await judge(store, sample_id)
    assert all(lot(sample_id, NOW) < 0.5 for sample_id in drawn)
    while (sample_id := await store.draw_sample(asked(), DOUBLE)) is not None:
        assert lot(sample_id, NOW) >= 0.5
        await judge(store, sample_id)


async def test_a_claim_drawn_at_random_is_always_judged_again(store):
    """Whatever its lot: such claims are there to measure."""
    await report(store)
    case = await claim_one(store, share=1.0)
    assert case.claim.drawn_at_random
    await decide(store, case)
    assert await store.draw_sample(asked(share=0.0), DOUBLE) == case.claim.claim_id
    assert await store.find_sample(case.claim.claim_id, asked(share=0.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"share": 0.0},
        {"since": NOW + timedelta(seconds=1)},
        {"queues": []},
        {"queues": ["imminent"]},
        {"excluded_labels": [Label.HARASSMENT]},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_what_may_not_be_given_is_not(store, changes):
    """Beyond the share, too old, behind a restriction, or with a label one does not want."""
    await decided(store)
    assert await store.draw_sample(asked(**changes), DOUBLE) is None


async def test_a_label_that_was_found_is_kept_from_who_opted_out(store):
    """Also where nobody had reported it."""
    case = await decided(store, reason=Label.HATE)
    request = asked(excluded_labels=[Label.HARASSMENT])
    assert await store.draw_sample(request, DOUBLE) is None
    assert await store.find_sample(case.decision.claim_id, request) is None


async def test_a_case_under_appeal_is_not_drawn(store):
    """Until it is decided again: then the newest decision is, and neither decider gets it."""
    case = await decided(store)
    await appeal(store, case.case_id)
    assert await store.draw_sample(asked(), DOUBLE) is None
    again = await decide(store, await claim_one(store, "cem", queue="appeal"), DISMISSED)
    assert await store.draw_sample(asked(), DOUBLE) == again.decision.claim_id
    assert await store.draw_sample(asked("rita"), DOUBLE) is None
    assert await store.draw_sample(asked("cem"), DOUBLE) is None


async def test_a_second_verdict_is_kept_once_per_person(store):
    """Others are not asked again; two who were asked at once are both heard."""
    case = await decided(store)
    sample_id = case.decision.claim_id
    await judge(store, sample_id)
    assert await store.find_second_verdict(sample_id, "ben") == NOTHING
    assert await store.find_second_verdict(sample_id, "cem") is None
    assert await store.draw_sample(asked("cem"), DOUBLE) is None
    await judge(store, sample_id, "cem", FOUND)
    with pytest.raises(Conflict, match="judged"):
        await judge(store, sample_id, "cem")
    assert await store.get_case(case.case_id) == case


async def test_golden_cases_go_to_everybody_once(store):
    """But not to who decided the case or knows the answer."""
    golden_id = await golden(store, await decided(store))
    for name in ("rita", "lena"):
        assert await store.draw_sample(asked(name), GOLDEN) is None
        assert await store.find_sample(golden_id, asked(name)) is None
    for name in ("ben", "cem"):
        assert await store.draw_sample(asked(name), GOLDEN) == golden_id
        sample = await store.find_sample(golden_id, asked(name))
        assert (sample.kind, sample.known, sample.note) == (GOLDEN, FOUND, "It names a person.")
        await judge(store, golden_id, name)
        assert await store.draw_sample(asked(name), GOLDEN) is None
    assert await store.disagreements(QUEUES, 10) == []


async def test_a_golden_case_is_retired(store):
    """It is given to nobody any more, and the case can become one anew."""
    case = await decided(store)
    golden_id = await golden(store, case)
    with pytest.raises(Conflict, match="golden"):
        await golden(store, case)
    with pytest.raises(NotFound):
        await store.retire_golden(golden_id, ["imminent"], NOW)
    await store.retire_golden(golden_id, QUEUES, NOW)
    assert await store.draw_sample(asked(), GOLDEN) is None
    assert await store.golden_cases(QUEUES, 10) == []
    with pytest.raises(NotFound):
        await store.retire_golden(golden_id, QUEUES, NOW)
    await golden(store, case, NOTHING)
    [row] = await store.golden_cases(QUEUES, 10)
    assert (row.case_id, row.judgement, row.marked_by) == (case.case_id, NOTHING, "lena")


async def test_verdicts_that_differ_wait_to_be_settled(store):
    """Side by side, once; those that agree do not."""
    first = await decided(store, "i-1")
    second = await decided(store, "i-2")
    await judge(store, first.decision.claim_id, judgement=FOUND)
    review_id = await judge(store, second.decision.claim_id, note="a quotation")
    [pair] = await store.disagreements(QUEUES, 10)
    assert pair == Pair(
        review_id, second.case_id, second.decision.claim_id, QUEUE, Language.EN,
        "rita", FOUND, "ben", NOTHING, "a quotation", NOW, None,
    )  # fmt: skip
    assert await store.find_pair(review_id, QUEUES) == pair
    assert await store.find_pair(review_id, ["imminent"]) is None
    settlement = Settlement(Outcome.POLICY_UNCLEAR, "lena", "clause 1.2", NOW)
    await store.settle(review_id, settlement)
    assert await store.disagreements(QUEUES, 10) == []
    with pytest.raises(Conflict, match="settle"):
        await store.settle(review_id, settlement)
    outcomes = {row.review_id: row.outcome for row in await store.pairs(NOW, QUEUES)}
    assert outcomes.pop(review_id) is Outcome.POLICY_UNCLEAR
    assert list(outcomes.values()) == [None]
    assert await store.pairs(NOW + timedelta(seconds=1), QUEUES) == []
    assert await store.pairs(NOW, []) == []


async def test_what_agrees_cannot_be_settled(store):
    case = await decided(store)
    review_id = await judge(store, case.decision.claim_id, judgement=FOUND)
    with pytest.raises(Conflict):
        await store.settle(review_id, Settlement(Outcome.FIRST, "lena", "why", NOW))


@pytest.mark.parametrize(("verdict", "overturned"), [(UPHELD, False), (DISMISSED, True)])
async def test_a_decision_on_a_complaint_stands_beside_the_first(store, verdict, overturned):
    """Overturned where violation or action turned out otherwise."""
    case = await decided(store)
    await appeal(store, case.case_id)
    assert await store.revisions(NOW, QUEUES) == []
    await decide(store, await claim_one(store, "cem", queue="appeal"), verdict)
    [row] = await store.revisions(NOW, QUEUES)
    assert (row.language, row.decided_at, row.first) == (Language.EN, NOW, FOUND)
    assert (row.second.action, row.overturned) == (verdict.action, overturned)
    assert await store.revisions(NOW + timedelta(seconds=1), QUEUES) == []
    assert await store.revisions(NOW, []) == []


async def test_an_action_alone_can_be_overturned(store):
    case = await decided(store)
    await appeal(store, case.case_id)
    milder = replace(UPHELD, action=Action.WARN_AUTHOR)
    await decide(store, await claim_one(store, "cem", queue="appeal"), milder)
    [row] = await store.revisions(NOW, QUEUES)
    assert row.overturned


async def test_handling_times_are_those_of_many(store):
    """From claim to decision, by queue and language; not where few people decided."""
    for number in range(1, 6):
        await report(store, f"i-{number}")
        case = await claim_one(store, f"reviewer-{number}")
        await decide(store, case, DISMISSED, NOW + timedelta(minutes=number))
    [cell, every] = await store.handling_times(NOW, QUEUES, 5)
    assert (cell.queue, cell.language, cell.n) == (QUEUE, Language.EN, 5)
    assert cell.seconds == pytest.approx((180, 276, 297.6))
    assert every == HandlingTime(None, None, 5, cell.seconds)
    assert [row.seconds for row in await store.handling_times(NOW, QUEUES, 6)] == [None, None]
    assert await store.handling_times(NOW, [], 5) == []


async def test_a_first_decision_counts_for_the_queue_it_was_made_in(store):
    """A complaint moves the case; how long the first look took is not the complaint's."""
    case = await decided(store)
    await appeal(store, case.case_id)
    [cell, _] = await store.handling_times(NOW, QUEUES, 1)
    assert cell.queue == QUEUE


async def test_restricted_cases_stay_behind_their_queue(store):
    """Nothing of them is in any list of who does not name the queue."""
    receipt = await report(store, reason=Label.CHILD_SAFETY)
    case = await claim_one(store, queue="child-safety")
    open_queues = [name for name in QUEUES if name != "child-safety"]
    assert await store.work_in_hand(NOW, open_queues, 10) == []
    case = await decide(store, case, DISMISSED)
    await golden(store, case)
    for kind in SampleKind:
        assert await store.draw_sample(asked(queues=open_queues), kind) is None
        assert await store.draw_sample(asked(), kind) is not None
    review_id = await judge(store, case.decision.claim_id, judgement=FOUND)
    assert await store.disagreements(open_queues, 10) == []
    assert await store.golden_cases(open_queues, 10) == []
    assert await store.find_pair(review_id, open_queues) is None
    assert await store.handling_times(NOW, open_queues, 1) == []
    assert case.case_id == receipt.case_id


async def test_lots_are_the_same_in_sql(postgres_store, migrated_url):
    """The function of the index and that of the domain."""
    with psycopg.connect(migrated_url) as connection:
        for number in range(50):
            claim_id = uuid4()
            at = NOW + timedelta(microseconds=7 * number**5)
            row = connection.execute("SELECT quality_lot(%s, %s)", (claim_id, at)).fetchone()
            assert row == (lot(claim_id, at),)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE quality_review SET outcome = 'first'",
        "UPDATE quality_review SET decided_claim = NULL",
        "UPDATE quality_review SET outcome = 'both', settled_by = 'lena', settled_at = now(),"
        " settlement_note = ''",
        "UPDATE quality_review SET differs = false, outcome = 'first', settled_by = 'lena',"
        " settled_at = now(), settlement_note = 'why'",
    ],
)
async def test_the_database_refuses_half_a_settlement(postgres_store, migrated_url, statement):
    """Columns hold together, whoever writes them."""
    case = await decided(postgres_store)
    await judge(postgres_store, case.decision.claim_id)
    with psycopg.connect(migrated_url) as connection, pytest.raises(psycopg.IntegrityError):
        connection.execute(statement)


async def test_severities_come_back_as_they_were(store):
    case = await decided(store)
    graver = Judgement({Label.HATE: Severity.S4, Label.PROFANITY: Severity.S0}, Action.WARN_AUTHOR)
    await judge(store, case.decision.claim_id, judgement=graver)
    assert await store.find_second_verdict(case.decision.claim_id, "ben") == graver
