from datetime import timedelta
from threading import Event

import pytest

from triage_ml.domain.case import CaseState
from triage_ml.domain.report import Item, Report, Source
from triage_ml.domain.taxonomy import Label, Tier
from triage_ml.errors import IdempotencyMismatch, InvalidInput
from triage_ml.workflow.scoring import score_backlog

pytestmark = pytest.mark.anyio


async def test_a_report_is_scored_placed_and_stored(desk):
    """The receipt carries what was stored: scores, tier, queue and due time."""
    receipt = await desk.report(text="plain harassment")
    case = await desk.store.get_case(receipt.case_id)
    assert receipt.scores.labels[Label.HARASSMENT].probability == 0.95
    assert (receipt.placement, receipt.state) == (case.placement, CaseState.QUEUED)
    assert receipt.placement.queue == "std-en-safety"
    assert receipt.placement.due_at > desk.clock.now()


async def test_a_missing_model_queues_the_report_degraded(desk):
    """Without a model the case stands by the report's reason, and nothing is lost."""
    desk.scoring.scorer = None
    receipt = await desk.report(reason=Label.CHILD_SAFETY)
    assert receipt.scores is None
    assert receipt.placement.priority.tier is Tier.T0
    assert receipt.placement.queue == "child-safety"


async def test_a_failing_model_queues_the_report_degraded(desk):
    """An error inside the model is not the reporter's problem."""
    desk.scorer.failure = RuntimeError("broken")
    assert (await desk.report()).scores is None


async def test_a_slow_model_is_not_waited_for(desk):
    """After the deadline the report is stored without scores."""
    desk.scorer.gate = Event()
    receipt = await desk.report()
    desk.scorer.gate.set()
    assert receipt.scores is None


async def test_a_second_report_joins_and_raises_the_priority(desk):
    """A trusted flagger's report moves the open case of the item."""
    first = await desk.report()
    second = await desk.report(source=Source.TRUSTED_FLAGGER, reporter_ref="r2")
    assert (second.case_id, second.joined) == (first.case_id, True)
    assert second.placement.priority.tier < first.placement.priority.tier
    assert second.placement.queue == "trusted-flagger"


async def test_an_edited_item_keeps_the_worse_scores(desk):
    """An author cannot sink a case by editing the reported text."""
    first = await desk.report(text="plain harassment")
    second = await desk.report(text="nothing to see")
    harassment = second.scores.labels[Label.HARASSMENT]
    assert harassment == first.scores.labels[Label.HARASSMENT]
    assert second.placement.priority.base >= first.placement.priority.base


async def test_an_edited_item_that_was_not_scored_is_scored_later(desk):
    """The worker scores the new text, and the case does not sink by it."""
    first = await desk.report(text="a violent_threat")
    desk.scoring.scorer, scorer = None, desk.scoring.scorer
    second = await desk.report(text="kind words")
    [case] = await desk.store.unscored(10, 20)
    assert (case.case_id, case.item.text, second.degraded) == (first.case_id, "kind words", True)
    desk.scoring.scorer = scorer
    assert await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10) == 1
    late = await desk.store.get_case(first.case_id)
    assert (late.degraded, late.placement.priority.tier) == (False, Tier.T2)


async def test_a_passed_deadline_is_refused_and_nothing_is_stored(desk):
    """A legal deadline in the past names the field."""
    with pytest.raises(InvalidInput, match=r"report\.legal_deadline"):
        await desk.report(legal_deadline=desk.clock.now() - timedelta(seconds=1))
    assert await desk.store.queue_depths(desk.clock.now()) == []


async def test_the_same_key_and_body_answer_the_same(desk):
    """Also when the deadline in the body has passed in the meantime."""
    report = Report("r1", Source.LEGAL, Label.HATE, "DE", desk.clock.now() + timedelta(hours=1))
    item = Item("i1", "a text", "post", "a1")
    first = await desk.intake.submit(item, report, "intake", "k1", "hash-1")
    desk.clock.advance(timedelta(hours=2))
    assert await desk.intake.submit(item, report, "intake", "k1", "hash-1") == first
    with pytest.raises(IdempotencyMismatch):
        await desk.intake.submit(item, report, "intake", "k1", "hash-2")


async def test_a_reporter_who_was_right_counts_for_more(desk):
    """The reporter's past outcomes enter the next report's priority."""
    before = await desk.report("i1", reporter_ref="right")
    reviewer = desk.key("anna")
    from triage_ml.domain.decision import Action, Verdict
    from triage_ml.domain.taxonomy import Severity

    [case] = await desk.review.claim(reviewer, "std-en-safety")
    verdict = Verdict({Label.HARASSMENT: Severity.S2}, Action.NO_ACTION)
    await desk.review.decide(reviewer, case.case_id, case.claim.claim_id, verdict)
    after = await desk.report("i2", reporter_ref="right")
    assert after.placement.priority.reporter > before.placement.priority.reporter
