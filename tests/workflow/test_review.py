from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from triage_ml.domain.case import CaseState, Stage
from triage_ml.domain.decision import Action, Appeal, Verdict
from triage_ml.domain.report import Source
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import (
    IllegalTransition,
    InvalidInput,
    LeaseExpired,
    NotFound,
    PolicyInvalid,
    ScopeMissing,
)
from triage_ml.workflow.review import check_queues

pytestmark = pytest.mark.anyio
NOTHING = Verdict({}, Action.NO_ACTION)


async def test_claim_decide_and_be_recorded(desk):
    """The reviewer's name stands on the decision."""
    await desk.report()
    anna = desk.key("anna")
    [case] = await desk.review.claim(anna, "std-en-safety")
    verdict = Verdict({Label.HARASSMENT: Severity.S2}, Action.WARN_AUTHOR, "facts", "reasons")
    decided = await desk.review.decide(anna, case.case_id, case.claim.claim_id, verdict)
    assert (decided.state, decided.decision.reviewer) == (CaseState.DECIDED, "anna")
    assert decided.decision.dsa_category == "CYBER_VIOLENCE"


async def test_a_claim_is_refused_for_an_unknown_queue_or_number(desk):
    """Mistakes are named before anything is leased."""
    with pytest.raises(NotFound, match="no queue nowhere"):
        await desk.review.claim(desk.key("anna"), "nowhere")
    with pytest.raises(InvalidInput, match="n: must lie within"):
        await desk.review.claim(desk.key("anna"), "std-en-safety", 51)


async def test_restricted_queues_need_their_scope(desk):
    """Child-safety cases are hidden from everyone else: claim, case, log, reports, depth."""
    receipt = await desk.report(reason=Label.CHILD_SAFETY)
    anna, lead = desk.key("anna"), desk.key("lead", "review", "restricted")
    for refused in (
        desk.review.claim(anna, "child-safety"),
        desk.review.get_case(anna, receipt.case_id),
        desk.review.events(anna, receipt.case_id),
        desk.review.dossier(anna, receipt.case_id),
        desk.review.escalate(anna, receipt.case_id, "lead", "look", None),
    ):
        with pytest.raises(ScopeMissing, match="restricted"):
            await refused
    assert await desk.review.queue_depths(anna) == []
    assert [row.queue for row in await desk.review.queue_depths(lead)] == ["child-safety"]
    assert len(await desk.review.claim(lead, "child-safety")) == 1


async def test_filters_leave_out_languages_and_labels(desk):
    """A reviewer sees only their languages, and never an opted-out label."""
    await desk.report(reason=Label.HARASSMENT)
    anna = desk.key("anna")
    queue = "std-en-safety"
    assert await desk.review.claim(anna, queue, languages=[Language.DE]) == []
    assert await desk.review.claim(anna, queue, excluded_labels=[Label.HARASSMENT]) == []
    assert len(await desk.review.claim(anna, queue, languages=[Language.EN])) == 1


async def test_a_claim_that_leaves_labels_out_is_no_random_draw(desk):
    """What it could not draw would be missing in the sample: prevalence would be too low."""
    row = replace(desk.policy.priority, random_share=1.0)
    desk.review._policy = replace(desk.policy, priority=row)
    await desk.report("i1")
    await desk.report("i2")
    anna = desk.key("anna")
    for excluded, at_random in (((Label.HATE,), False), ((), True)):
        [case] = await desk.review.claim(anna, "std-en-safety", excluded_labels=excluded)
        assert case.claim.drawn_at_random is at_random


async def test_renewing_moves_the_lease_and_a_late_decision_is_refused(desk):
    """A lease that was renewed holds; one that ran out does not."""
    await desk.report()
    anna = desk.key("anna")
    [case] = await desk.review.claim(anna, "std-en-safety")
    desk.clock.advance(timedelta(minutes=9))
    renewed = await desk.review.renew(anna, case.claim.claim_id)
    assert renewed.claim.lease_expires_at == desk.clock.now() + timedelta(minutes=10)
    desk.clock.advance(timedelta(minutes=11))
    with pytest.raises(LeaseExpired):
        await desk.review.decide(anna, case.case_id, case.claim.claim_id, NOTHING)
    [again] = await desk.review.claim(desk.key("ben"), "std-en-safety")
    assert again.claim.reviewer == "ben"


async def test_releasing_gives_the_case_back(desk):
    """A released case can be claimed by the next reviewer; an unknown claim is named."""
    await desk.report()
    anna = desk.key("anna")
    [case] = await desk.review.claim(anna, "std-en-safety")
    freed = await desk.review.release(anna, case.claim.claim_id, "wrong language")
    assert (freed.state, freed.claim) == (CaseState.QUEUED, None)
    with pytest.raises(NotFound, match="claim"):
        await desk.review.release(anna, uuid4(), "what")


async def test_escalating_names_an_owner(desk):
    """An escalated case waits in the escalation queue for its owner."""
    receipt = await desk.report()
    await desk.person("lead")
    moved = await desk.review.escalate(desk.key("anna"), receipt.case_id, "lead", "press", None)
    assert (moved.owner, moved.placement.queue) == ("lead", "escalation")


async def test_an_appeal_goes_to_somebody_else(desk):
    """The first decider cannot claim the appeal; another reviewer can, once."""
    receipt = await desk.report()
    anna, ben = desk.key("anna"), desk.key("ben")
    [case] = await desk.review.claim(anna, "std-en-safety")
    await desk.review.decide(anna, case.case_id, case.claim.claim_id, NOTHING)
    complaint = Appeal("author-1", "this was satire")
    reopened = await desk.review.appeal(desk.key("intake"), receipt.case_id, complaint)
    assert (reopened.stage, reopened.placement.queue) == (Stage.APPEAL, "appeal")
    assert await desk.review.claim(anna, "appeal") == []
    [second] = await desk.review.claim(ben, "appeal")
    await desk.review.decide(ben, second.case_id, second.claim.claim_id, NOTHING)
    with pytest.raises(IllegalTransition, match="already decided"):
        await desk.review.appeal(desk.key("intake"), receipt.case_id, complaint)


async def test_the_last_withdrawal_closes_the_case_unless_danger_was_reported(desk):
    """A report may be taken back under pressure, so T0 and T1 cases stay open."""
    mild = await desk.report("i1")
    grave = await desk.report("i2", reason=Label.VIOLENT_THREAT, source=Source.AUTHORITY)
    who = desk.key("intake", "intake")
    closed = await desk.review.withdraw(who, mild.case_id, mild.report_id, "a mistake")
    kept = await desk.review.withdraw(who, grave.case_id, grave.report_id, "a mistake")
    assert (closed.state, kept.state) == (CaseState.WITHDRAWN, CaseState.QUEUED)


async def test_the_index_grows_while_a_case_waits(desk):
    """Age and urgency are computed for this moment."""
    receipt = await desk.report()
    case = await desk.store.get_case(receipt.case_id)
    before = desk.review.index_now(case)
    desk.clock.advance(timedelta(hours=30))
    after = desk.review.index_now(case)
    assert after.value > before.value
    assert (after.base, after.urgency > 0) == (before.base, True)


async def test_a_queue_the_policy_no_longer_has_is_refused_and_kept_closed(desk):
    """Its cases could not be claimed, and it may have been a restricted one."""
    receipt = await desk.report()
    await check_queues(desk.store, desk.policy, desk.clock.now())
    del desk.policy.queues["std-en-safety"]
    with pytest.raises(PolicyInvalid, match=r"std-en-safety: 1 open cases"):
        await check_queues(desk.store, desk.policy, desk.clock.now())
    with pytest.raises(ScopeMissing):
        await desk.review.get_case(desk.key("anna"), receipt.case_id)
    lead = desk.key("lead", "review", "restricted")
    assert len(await desk.review.events(lead, receipt.case_id)) == 2
    assert len((await desk.review.dossier(lead, receipt.case_id)).reports) == 1
    assert await desk.review.queue_depths(desk.key("anna")) == []


async def test_a_reviewers_finding_hides_the_case_like_a_report_would(desk):
    """Child safety that nobody reported is restricted from the decision on, appeal included."""
    receipt = await desk.report()
    anna, lead = desk.key("anna"), desk.key("lead", "review", "restricted")
    [case] = await desk.review.claim(anna, "std-en-safety")
    verdict = Verdict({Label.CHILD_SAFETY: Severity.S4}, Action.REMOVE_CONTENT, "", "clause 3.2")
    await desk.review.decide(anna, case.case_id, case.claim.claim_id, verdict)
    with pytest.raises(ScopeMissing):
        await desk.review.get_case(anna, receipt.case_id)
    await desk.review.appeal(desk.key("intake"), receipt.case_id, Appeal("a", "no"))
    assert (await desk.review.get_case(lead, receipt.case_id)).placement.queue == "child-safety"


async def test_a_held_case_that_becomes_restricted_is_lost_to_its_holder(desk):
    """Renewing and deciding answer that the claim is over."""
    await desk.report()
    anna = desk.key("anna")
    [case] = await desk.review.claim(anna, "std-en-safety")
    await desk.report(reason=Label.CHILD_SAFETY, reporter_ref="r2")
    with pytest.raises(LeaseExpired):
        await desk.review.renew(anna, case.claim.claim_id)
    with pytest.raises(LeaseExpired):
        await desk.review.decide(anna, case.case_id, case.claim.claim_id, NOTHING)


async def test_what_a_reviewer_wrote_about_a_policy_gap_is_kept(desk):
    """It stands with the case for the specialists, and not in the log."""
    receipt = await desk.report()
    anna = desk.key("anna")
    [case] = await desk.review.claim(anna, "std-en-safety")
    gap = Verdict({}, Action.NO_ACTION, "facts", "no word for this", needs_classification=True)
    await desk.review.decide(anna, case.case_id, case.claim.claim_id, gap)
    kept = await desk.store.get_case(receipt.case_id)
    assert (kept.gap, kept.placement.queue) == (gap, "policy-gap")
    assert "no word for this" not in str(await desk.store.events(receipt.case_id))
