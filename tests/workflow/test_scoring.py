import asyncio
from datetime import timedelta
from functools import partial
from math import inf
from threading import Event

import pytest

from triage_ml.domain.case import CaseState, Step
from triage_ml.domain.scores import LanguageGuess
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import ModelMissing, Overloaded, ScoringFailed
from triage_ml.inference.batching import Batcher
from triage_ml.testing import StubDetector, StubScorer
from triage_ml.workflow.scoring import TURN_CHARS, TURN_TEXTS, Scoring, _is_broken, score_backlog

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
    waiting = [asyncio.create_task(desk.scoring.score([text], [None])) for text in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refused:
        await desk.scoring.score(["y"], [None])
    assert refused.value.retry_after_seconds > 0
    desk.scorer.gate.set()
    await asyncio.gather(*waiting)
    assert desk.scoring.n_waiting == 0


class Room:
    """An engine that keeps what is submitted until it is served, and how much was inside."""

    hangs = False

    def __init__(self, scorer, places=1_000):
        self.scorer, self.places = scorer, places
        self.inside, self.seen, self.patience, self.stopped = [], [], [], False

    @property
    def n_waiting(self):
        return len(self.inside)

    def submit(self, text, hint, patience=inf):
        self.patience.append(patience)
        if len(self.inside) >= self.places:
            raise Overloaded(1)
        answer = asyncio.get_running_loop().create_future()
        self.inside.append((text, answer))
        asyncio.get_running_loop().call_later(0.001, self.serve)
        return answer

    def serve(self):
        self.seen.append([len(text) for text, _ in self.inside])
        rows, self.inside = self.inside, []
        for text, answer in rows:
            [scores] = self.scorer.score([text], [Language.EN])
            if not answer.done():
                answer.set_result((LanguageGuess(Language.EN, 1.0), scores))

    def stop(self):
        self.stopped = True

    close = stop


def rooms(places=1_000, **more):
    made = []

    def employ(scorer):
        made.append(Room(scorer, places))
        return made[-1]

    deadline = timedelta(seconds=5)
    return Scoring(StubScorer(), StubDetector(), employ, deadline=deadline, **more), made


async def test_a_long_list_leaves_room_for_live_reports():
    """A turn at the model is bounded in texts and in characters; one text may be longer."""
    scoring, [room] = rooms()
    sizes = [60_000, 60_000, *[TURN_CHARS // 4] * 5, TURN_CHARS, *[1] * 40]
    answers = await scoring.score(["x" * n for n in sizes], [None] * len(sizes))
    assert len(answers) == len(sizes)
    assert [len(row) for row in room.seen if row][:6] == [1, 1, 4, 1, 1, 16]
    assert max(map(len, room.seen)) == TURN_TEXTS


async def test_single_texts_have_little_patience_and_lists_have_all():
    """A caller in the path of a request is refused early; a list was sent to be waited for."""
    scoring, [room] = rooms(patience=timedelta(seconds=0.2))
    await scoring.score(["alone"], [None])
    await scoring.attempt("a report", None)
    await scoring.score(["one", "two"], [None] * 2)
    assert room.patience == [0.2, 0.2, inf, inf]


async def test_a_list_waits_for_its_own_texts_before_it_is_refused():
    """A list that is longer than the places is scored; it needs one place to begin with."""
    scoring, [room] = rooms(places=3)
    assert len(await scoring.score([f"text {i}" for i in range(10)], [None] * 10)) == 10
    room.places = 0
    for texts in (["text"], ["text", "another"]):
        with pytest.raises(Overloaded):
            await scoring.score(texts, [None] * len(texts))


async def test_a_list_that_fails_waits_for_nobody():
    """When one text of a list cannot be scored the others are given up, and the error is told."""
    scoring, [room] = rooms()

    def serve():
        if room.inside:
            rows, room.inside = room.inside, []
            rows[0][1].set_exception(ScoringFailed("no"))
            room.given_up = [answer for _, answer in rows[1:]]

    room.serve = serve
    with pytest.raises(ScoringFailed):
        await scoring.score(["a", "b", "c"], [None] * 3)
    assert [answer.cancelled() for answer in room.given_up] == [True, True]


async def test_lists_leave_places_for_single_texts():
    """However many lists come at once, most places stay free and none of them is refused."""
    scoring, [room] = rooms(places=TURN_TEXTS + 4)
    scoring._lists = asyncio.Semaphore(1)
    lists = [
        asyncio.create_task(scoring.score([f"{n} {i}" for i in range(40)], [None] * 40))
        for n in range(10)
    ]
    await asyncio.sleep(0)
    live = await asyncio.gather(*(scoring.attempt(f"live {i}", None) for i in range(4)))
    assert [scored.failure for scored in live] == [None] * 4
    assert [len(found) for found in await asyncio.gather(*lists)] == [40] * 10
    assert max(map(len, room.seen)) <= TURN_TEXTS + 4


async def test_a_list_is_scored_with_one_model():
    """Who began with a model ends with it; it is put away when nobody uses it any more."""
    scoring, made = rooms()
    texts = [f"text {i}" for i in range(40)]
    listed = asyncio.create_task(scoring.score(texts, [None] * 40))
    await asyncio.sleep(0)
    scoring.scorer = StubScorer(version="stub-2")
    assert not made[0].stopped
    [(_, after)] = await scoring.score(["other"], [None])
    assert {scores.model_version for _, scores in await listed} == {"stub-1"}
    assert after.model_version == "stub-2"
    assert [room.stopped for room in made] == [True, False]


async def test_the_language_is_told_without_a_model(desk):
    """A report that could not be scored is still routed by its language."""
    desk.scoring.scorer = None
    scored = await desk.scoring.attempt("x", Language.KO)
    assert (scored.failure, scored.language.language) == ("ModelMissing", Language.KO)


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


async def test_the_cache_does_not_answer_for_a_broken_model(desk):
    """Whether the model works is asked of the model, though it was asked before."""
    scorer = StubScorer()
    employ = partial(Batcher, detector=StubDetector(), n_threads=1)
    scoring = Scoring(scorer, StubDetector(), employ, deadline=timedelta(seconds=5))
    desk.scoring.scorer = None
    receipt = await desk.report()
    before = (await desk.store.get_case(receipt.case_id)).scoring_failures
    assert not await _is_broken(scoring)
    scorer.failure = ScoringFailed("no")
    for _ in range(25):
        await score_backlog(desk.store, scoring, desk.policy, desk.clock, 10)
    assert (await desk.store.get_case(receipt.case_id)).scoring_failures == before
    scoring.close()


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
    monkeypatch.setattr("triage_ml.inference.batching.CLOSE_SECONDS", 0.01)
    desk.scorer.gate = Event()

    async def two() -> None:
        first = asyncio.create_task(desk.scoring.attempt("a", None))
        await asyncio.to_thread(desk.scorer.entered.wait)
        await asyncio.gather(first, desk.scoring.attempt("b", None))

    asyncio.run(two())
    desk.scoring.close()
    assert desk.scoring.hangs
    desk.scorer.gate.set()
    monkeypatch.undo()
    desk.scoring.close()
    assert (desk.scoring.hangs, desk.scorer.calls) == (False, [1])
