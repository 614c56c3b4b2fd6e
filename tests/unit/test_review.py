"""Steps of people: leases, decisions, escalation, policy gaps, appeals, withdrawals."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from tests.unit.builders import (
    CLAIM_ID,
    NOW,
    REPORT_ID,
    REVIEWER,
    make_case,
    make_claim,
    make_claimed_case,
    make_decided_case,
    make_report,
    make_score,
    make_scores,
    make_summary,
    make_verdict,
    shipped_policy,
)
from triage_ml.domain.case import Case, CaseState, Change, Stage, Step
from triage_ml.domain.decision import Action, Appeal
from triage_ml.domain.report import Report, Source
from triage_ml.domain.review import appeal, decide, escalate, release, renew, take, withdraw
from triage_ml.domain.taxonomy import Label, Severity, Tier
from triage_ml.errors import Conflict, IllegalTransition, InvalidInput, LeaseExpired, NotFound

POLICY = shipped_policy()
CHILD = make_report(Label.CHILD_SAFETY)
LEASE = timedelta(minutes=10)
LATER = NOW + timedelta(hours=1)
COMPLAINT = Appeal("author-1", "this was a quotation")
NOTHING = make_verdict()


def complain(case: Case, after: timedelta = timedelta(days=1)) -> Case:
    return appeal(case, POLICY, COMPLAINT, NOW + after, "intake").case


def hand_up(case: Case, **changes: object) -> Case:
    return escalate(case, POLICY, REVIEWER, "olga", "press asks", NOW, **changes).case


def test_a_claim_is_recorded_with_its_chance() -> None:
    """The event says until when the lease runs and how likely this draw was."""
    claim = replace(make_claim(), drawn_at_random=True, propensity=0.02)
    change = take(make_case(), claim)
    assert (change.case.state, change.case.claim) == (CaseState.CLAIMED, claim)
    detail = change.events[0].detail
    assert (detail["drawn_at_random"], detail["propensity"]) == (True, 0.02)


def test_a_running_claim_cannot_be_taken() -> None:
    """One case is with one reviewer at a time."""
    with pytest.raises(IllegalTransition):
        take(make_claimed_case(), make_claim("otto", NOW + timedelta(minutes=9)))


def test_an_expired_claim_is_recovered_by_the_next_one() -> None:
    """The moment a lease ends another reviewer may take the case, and both are recorded."""
    change = take(make_claimed_case(), make_claim("otto", NOW + LEASE))
    assert [(e.step, e.actor) for e in change.events] == [
        (Step.LEASE_EXPIRED, REVIEWER),
        (Step.CLAIMED, "otto"),
    ]
    assert change.claim_ended is Step.LEASE_EXPIRED
    assert change.case.claim.reviewer == "otto"


NOT_HELD = {
    "another reviewer": (CLAIM_ID, "otto", NOW),
    "another claim": (UUID(int=9), REVIEWER, NOW),
    "an expired lease": (CLAIM_ID, REVIEWER, NOW + LEASE),
}


@pytest.mark.parametrize("name", NOT_HELD)
def test_only_the_holder_of_a_running_lease_may_act(name: str) -> None:
    """Renewing, releasing, deciding and escalating all need the claim, and change nothing else."""
    claim_id, who, now = NOT_HELD[name]
    case = make_claimed_case()
    for step in (
        lambda: renew(case, claim_id, who, LEASE, now),
        lambda: release(case, claim_id, who, "a break", now),
        lambda: decide(case, POLICY, claim_id, who, NOTHING, now),
    ):
        with pytest.raises(LeaseExpired) as caught:
            step()
        assert caught.value.claim_id == str(claim_id)


def test_a_claimed_case_is_escalated_only_by_its_holder() -> None:
    """Without the claim nobody takes a case out of a reviewer's hands."""
    with pytest.raises(InvalidInput, match="claim_id: is needed"):
        hand_up(make_claimed_case())
    with pytest.raises(LeaseExpired):
        escalate(make_claimed_case(), POLICY, "otto", "olga", "press", NOW, CLAIM_ID)


def test_a_lease_is_prolonged_from_now() -> None:
    """Renewing sets the end to now plus the lease, and keeps the claim's identity."""
    now = NOW + timedelta(minutes=9)
    claim = renew(make_claimed_case(), CLAIM_ID, REVIEWER, LEASE, now).case.claim
    assert (claim.claim_id, claim.lease_expires_at) == (CLAIM_ID, now + LEASE)


def test_a_released_case_goes_back_to_its_queue() -> None:
    """Its place and its clock are as before, and the reason is kept."""
    case = make_claimed_case()
    change = release(case, CLAIM_ID, REVIEWER, "not my language", NOW)
    assert (change.case.state, change.case.claim) == (CaseState.QUEUED, None)
    assert change.case.placement == case.placement
    assert change.claim_ended is Step.RELEASED
    assert change.events[0].detail == {"reason": "not my language"}


def test_a_release_needs_a_reason() -> None:
    """An empty note is refused by name."""
    with pytest.raises(InvalidInput) as caught:
        release(make_claimed_case(), CLAIM_ID, REVIEWER, "  ", NOW)
    assert caught.value.field == "reason"


def judge(findings: dict[Label, Severity], **changes: object) -> Change:
    verdict = make_verdict(findings, **changes)
    return decide(make_claimed_case(), POLICY, CLAIM_ID, REVIEWER, verdict, NOW)


def test_a_decision_is_recorded_and_announced() -> None:
    """What was found, what is to be done and under which policy goes to log and platform."""
    change = judge({Label.HATE: Severity.S2}, action=Action.REMOVE_CONTENT, explanation="1.1")
    assert (change.case.state, change.case.claim) == (CaseState.DECIDED, None)
    assert change.announcement["type"] == "case.decided"
    assert change.announcement["item_id"] == "i-1"
    assert change.announcement["findings"] == {"hate": 2}
    assert change.announcement["policy_version"] == POLICY.version
    assert change.announcement["dsa_category"] == "ILLEGAL_OR_HARMFUL_SPEECH"
    assert (change.reports_upheld, change.claim_ended) == (True, Step.DECIDED)


NOT_UPHELD = [{}, {Label.HATE: Severity.S0}, {Label.PROFANITY: Severity.S3}]


@pytest.mark.parametrize("findings", NOT_UPHELD, ids=["nothing", "a mention", "a hint"])
def test_reports_are_upheld_only_by_a_violation(findings: dict[Label, Severity]) -> None:
    """No finding, a mention (S0) and profanity count against the reporters' precision."""
    change = judge(findings)
    assert change.reports_upheld is False
    assert change.case.decision.upheld is False
    assert change.case.decision.dsa_category is None


def test_a_verdict_that_does_not_hold_together_decides_nothing() -> None:
    """A removal without a finding is refused before anything changes."""
    with pytest.raises(InvalidInput, match="needs a finding"):
        judge({}, action=Action.REMOVE_CONTENT, explanation="clause 1.1")


def test_only_a_claimed_case_is_decided() -> None:
    """A claim on a case that waits again is over; a closed case is the wrong state."""
    with pytest.raises(LeaseExpired):
        decide(make_case(), POLICY, CLAIM_ID, REVIEWER, NOTHING, NOW)
    with pytest.raises(IllegalTransition):
        decide(make_decided_case(), POLICY, CLAIM_ID, REVIEWER, NOTHING, NOW)


def test_a_case_without_a_word_goes_to_the_policy_gap() -> None:
    """needs_classification moves the case on instead of deciding it, on the same clock."""
    case = make_claimed_case()
    verdict = make_verdict(needs_classification=True, explanation="a new kind of scheme")
    change = decide(case, POLICY, CLAIM_ID, REVIEWER, verdict, NOW)
    moved = change.case
    assert (moved.state, moved.placement.queue) == (CaseState.QUEUED, "policy-gap")
    assert moved.placement.due_at == case.placement.due_at
    assert (moved.claim, moved.decision, change.announcement) == (None, None, None)
    assert change.claim_ended is Step.POLICY_GAP


def test_an_escalated_case_has_an_owner_and_a_short_clock() -> None:
    """It stands in the escalation queue, at least in T2, and is due within four hours."""
    case = hand_up(make_case())
    assert (case.owner, case.placement.queue) == ("olga", "escalation")
    assert case.placement.priority.tier is Tier.T2
    assert (case.placement.due_at, case.placement.clock) == (
        NOW + timedelta(hours=4),
        "escalation",
    )


def test_an_escalation_never_prolongs_a_clock_or_lowers_a_tier() -> None:
    """A case under a shorter clock keeps it and its tier."""
    threat = make_report(Label.VIOLENT_THREAT, source=Source.AUTHORITY)
    case = make_case(threat)
    moved = hand_up(case)
    assert moved.placement.priority == case.placement.priority
    assert moved.placement.due_at == case.placement.due_at


def test_escalating_ends_the_claim() -> None:
    """The holder hands the case up and is free; an expired lease is named as such."""
    case = make_claimed_case()
    change = escalate(case, POLICY, REVIEWER, "olga", "press asks", NOW, CLAIM_ID)
    assert (change.case.claim, change.claim_ended) == (None, Step.ESCALATED)
    late = escalate(case, POLICY, "otto", "olga", "press asks", LATER)
    assert (late.case.claim, late.claim_ended) == (None, Step.LEASE_EXPIRED)


@pytest.mark.parametrize(("owner", "reason", "field"), [("", "x", "owner"), ("o", "", "reason")])
def test_an_escalation_needs_an_owner_and_a_reason(owner: str, reason: str, field: str) -> None:
    """Nothing is handed up to nobody, or for nothing."""
    with pytest.raises(InvalidInput) as caught:
        escalate(make_case(), POLICY, REVIEWER, owner, reason, NOW)
    assert caught.value.field == field


def test_a_restricted_case_stays_restricted_whoever_moves_it() -> None:
    """Escalation, policy gap and appeal all leave a child-safety case behind its restriction."""
    case = make_claimed_case(CHILD)
    gap = make_verdict(needs_classification=True)
    moved = [
        hand_up(make_case(CHILD)),
        decide(case, POLICY, CLAIM_ID, REVIEWER, gap, NOW).case,
        complain(make_decided_case(CHILD)),
    ]
    assert {m.placement.queue for m in moved} == {"child-safety"}
    assert moved[0].owner == "olga"


def test_an_appeal_of_a_once_restricted_case_is_restricted() -> None:
    """Where only an older model saw child safety, the appeal does not open the case."""
    scores = make_scores({Label.CHILD_SAFETY: make_score(0.7)})
    restricted = make_case(scores=scores).placement
    case = make_decided_case(placement=restricted)
    assert complain(case).placement.queue == "child-safety"


def test_an_appeal_reopens_a_case_for_another_reviewer() -> None:
    """It is a fresh case in the appeal queue, due in 72 hours, without its first decider."""
    case = complain(make_decided_case(owner=REVIEWER))
    assert (case.state, case.stage, case.owner) == (CaseState.QUEUED, Stage.APPEAL, None)
    assert case.placement.queue == "appeal"
    assert case.received_at == NOW + timedelta(days=1)
    assert case.placement.due_at == case.received_at + timedelta(hours=72)
    assert case.barred_reviewer == REVIEWER


def test_the_text_of_an_appeal_stays_out_of_the_log() -> None:
    """The complaint is stored beside the event; the announcement names the item alone."""
    change = appeal(make_decided_case(), POLICY, COMPLAINT, NOW, "intake")
    assert change.appeal == COMPLAINT
    assert change.announcement == {"type": "case.appealed", "item_id": "i-1"}


def test_the_first_decider_is_barred_from_the_appeal() -> None:
    """Neither by a claim nor as the owner of an escalation does the case come back to them."""
    case = complain(make_decided_case())
    with pytest.raises(Conflict, match="never reviewed by the first decider"):
        take(case, make_claim(REVIEWER))
    with pytest.raises(Conflict, match="never reviewed by the first decider"):
        escalate(case, POLICY, "otto", REVIEWER, "press asks", NOW)
    assert take(case, make_claim("otto")).case.claim.reviewer == "otto"


def test_a_decision_on_an_appeal_is_final() -> None:
    """A second appeal is refused."""
    case = take(complain(make_decided_case()), make_claim("otto")).case
    decided = decide(case, POLICY, CLAIM_ID, "otto", NOTHING, NOW).case
    assert decided.decision.stage == "appeal"
    with pytest.raises(IllegalTransition, match="an appeal was already decided"):
        complain(decided)


def test_an_appeal_is_possible_within_its_window_only() -> None:
    """The last moment of the window counts, the next one does not."""
    case = make_decided_case()
    assert complain(case, POLICY.appeal_window).stage is Stage.APPEAL
    with pytest.raises(IllegalTransition, match="the appeal window is over"):
        complain(case, POLICY.appeal_window + timedelta(seconds=1))


def test_a_past_deadline_does_not_make_an_appeal_overdue() -> None:
    """The deadline of the notice was for the decision; the complaint has its own clock."""
    case = make_decided_case(make_report(legal_deadline=NOW + timedelta(hours=8)))
    reopened = complain(case, timedelta(days=90))
    assert reopened.placement.due_at > reopened.received_at


def test_the_last_withdrawal_closes_a_case() -> None:
    """With no active report left the case ends, and the platform is told."""
    change = withdraw(make_case(), REPORT_ID, "mistaken", "intake")
    assert [e.step for e in change.events] == [Step.REPORT_WITHDRAWN, Step.WITHDRAWN]
    assert change.case.state is CaseState.WITHDRAWN
    assert change.withdrawn_report == REPORT_ID
    assert change.announcement == {"type": "case.withdrawn", "item_id": "i-1"}


def test_a_withdrawal_ends_a_claim() -> None:
    """A reviewer who holds the case loses it with the case."""
    change = withdraw(make_claimed_case(), REPORT_ID, "mistaken", "intake")
    assert (change.case.claim, change.claim_ended) == (None, Step.WITHDRAWN)


STAYS = {
    "another report": make_case(summary=make_summary(make_report(), make_report())),
    "a case of danger": make_case(CHILD),
    "a legal clock": make_case(make_report(source=Source.LEGAL)),
    "an appeal": complain(make_decided_case()),
}


@pytest.mark.parametrize("name", STAYS)
def test_a_withdrawal_leaves_open_what_others_wait_for(name: str) -> None:
    """Danger, legal clocks, appeals and other reports keep a case open."""
    change = withdraw(STAYS[name], REPORT_ID, "under pressure", "intake")
    assert change.case.state is CaseState.QUEUED
    assert change.case.placement == STAYS[name].placement
    assert (change.announcement, change.withdrawn_report) == (None, REPORT_ID)


@pytest.mark.parametrize("report", [CHILD, make_report(source=Source.AUTHORITY)])
def test_a_withdrawn_report_still_counts_for_the_tier(report: Report) -> None:
    """What was reported stays known: the case keeps its tier."""
    change = withdraw(make_case(report), REPORT_ID, "under pressure", "intake")
    assert change.case.placement.priority.tier <= Tier.T1
    assert change.case.summary.n_active == 0


def test_errors_of_the_tree_are_told_apart() -> None:
    """A refused step is a Conflict, an ended lease is not, and both carry facts."""
    assert issubclass(IllegalTransition, Conflict)
    assert not issubclass(LeaseExpired, Conflict)
    assert NotFound("case", "7").key == "7"
