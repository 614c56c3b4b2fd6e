import asyncio
from threading import Event

import pytest

from triage_ml.domain.case import CaseState, Step
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import ModelMissing, Overloaded, ScoringFailed
from triage_ml.workflow.scoring import score_backlog

pytestmark = pytest.mark.anyio


async def test_scores_come_back_in_order(desk):
    """One answer per text, in the order asked."""
    answers = await desk.scoring.score(["hate", "calm"], [None, Language.DE])
    high, low = (scores.p_violation for _, scores in answers)
    assert high > low
    assert [guess.language for guess, _ in answers] == [Language.EN, Language.DE]


async def test_without_a_model_scoring_says_so(desk):
    """A missing model is an error of its own."""
    desk.scoring.scorer = None
    with pytest.raises(ModelMissing):
        await desk.scoring.score(["x"], [None])


async def test_more_callers_than_places_are_refused_at_once(desk):
    """A full queue answers with when to come again, and gives the place back afterwards."""
    desk.scorer.gate = Event()
    waiting = [asyncio.create_task(desk.scoring.score(["x"], [None])) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refused:
        await desk.scoring.score(["y"], [None])
    assert refused.value.retry_after_seconds > 0
    desk.scorer.gate.set()
    await asyncio.gather(*waiting)
    assert desk.scoring.n_waiting == 0


async def test_an_overdue_text_keeps_its_place_until_the_model_is_done(desk):
    """Callers who gave up do not let more work into the model than it has places."""
    desk.scorer.gate = Event()
    scored = await desk.scoring.attempt("x", None)
    assert (scored.failure, desk.scoring.n_waiting) == ("ScoreDeadlineExceeded", 1)
    desk.scorer.gate.set()
    await desk.scoring.score(["y"], [None])
    assert desk.scoring.n_waiting == 0


async def test_the_backlog_is_scored_once_the_model_is_back(desk):
    """A degraded case gets its scores, its event and its new place."""
    desk.scoring.scorer, scorer = None, desk.scoring.scorer
    receipt = await desk.report(text="plain harassment")
    assert await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10) == 0
    desk.scoring.scorer = scorer
    assert await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10) == 1
    case = await desk.store.get_case(receipt.case_id)
    steps = [event.step for event in await desk.store.events(receipt.case_id)]
    assert not case.degraded
    assert Step.SCORED in steps
    assert await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10) == 0


async def test_a_text_that_cannot_be_scored_does_not_hold_up_the_others(desk, monkeypatch):
    """Failures are counted; after enough of them the case is left to reviewers."""
    score = desk.scorer.score

    def score_all_but_one(texts, languages):
        if "unreadable" in texts:
            raise ScoringFailed("no")
        return score(texts, languages)

    monkeypatch.setattr(desk.scorer, "score", score_all_but_one)
    receipt = await desk.report(text="unreadable")
    for _ in range(25):
        await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10)
    case = await desk.store.get_case(receipt.case_id)
    assert case.scoring_failures == 20
    assert await desk.store.unscored(10, 20) == []


async def test_a_broken_model_uses_up_no_attempts_of_a_case(desk):
    """However long the model is broken, its cases are scored when it works again."""
    desk.scorer.failure = ScoringFailed("no")
    receipt = await desk.report()
    for _ in range(25):
        await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10)
    assert (await desk.store.get_case(receipt.case_id)).scoring_failures == 1
    desk.scorer.failure = None
    assert await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10) == 1


async def test_a_case_edited_or_decided_meanwhile_keeps_its_state(desk):
    """Late scores of an old text are thrown away."""
    desk.scoring.scorer, scorer = None, desk.scoring.scorer
    receipt = await desk.report(text="old text")
    scorer.gate = Event()
    desk.scoring.scorer = scorer
    late = asyncio.create_task(score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10))
    await asyncio.to_thread(scorer.entered.wait)
    desk.scoring.scorer = None
    await desk.report(text="new text")
    scorer.gate.set()
    await late
    case = await desk.store.get_case(receipt.case_id)
    assert (case.scores, case.state) == (None, CaseState.QUEUED)


async def test_scores_for_a_withdrawn_case_are_dropped(desk):
    """A case that closed while the model ran stays closed."""
    desk.scoring.scorer, scorer = None, desk.scoring.scorer
    receipt = await desk.report()
    scorer.gate = Event()
    desk.scoring.scorer = scorer
    late = asyncio.create_task(score_backlog(desk.store, desk.scoring, desk.policy, desk.clock, 10))
    await asyncio.to_thread(scorer.entered.wait)
    await desk.review.withdraw(desk.key("intake"), receipt.case_id, receipt.report_id, "a mistake")
    scorer.gate.set()
    assert await late == 0
    assert (await desk.store.get_case(receipt.case_id)).state is CaseState.WITHDRAWN


def test_threads_that_finish_after_the_loop_do_no_harm(desk, caplog):
    """A text still in the model when the loop ends is finished and forgotten, without a word."""
    desk.scorer.gate = Event()
    asyncio.run(desk.scoring.attempt("x", None))
    assert desk.scoring.hangs
    desk.scorer.gate.set()
    desk.scoring.close()
    assert (desk.scoring.hangs, caplog.records) == (False, [])


def test_closing_does_not_wait_for_a_hung_model_for_ever(desk, monkeypatch):
    """What hangs is told, what only waits is dropped, and the rest of the stop goes on."""
    monkeypatch.setattr("triage_ml.workflow.scoring.CLOSE_SECONDS", 0.01)
    desk.scorer.gate = Event()

    async def two() -> None:
        await asyncio.gather(*(desk.scoring.attempt("x", None) for _ in range(2)))

    asyncio.run(two())
    desk.scoring.close()
    assert desk.scoring.hangs
    desk.scorer.gate.set()
    monkeypatch.undo()
    desk.scoring.close()
    assert (desk.scoring.hangs, desk.scorer.calls) == (False, [1])
