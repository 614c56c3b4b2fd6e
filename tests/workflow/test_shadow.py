"""The model beside the live one: whose a text is, what is counted, what is never waited for."""

import asyncio
from functools import partial
from threading import Event

import pytest

from triage_ml.domain import guard
from triage_ml.domain.guard import GuardLimits
from triage_ml.domain.report import Item, Report, Source
from triage_ml.domain.rollout import RolloutStage, Trial
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import ScoringFailed, StoreUnavailable
from triage_ml.inference.batching import Batcher
from triage_ml.testing import StubDetector, StubScorer
from triage_ml.workflow import shadow as module
from triage_ml.workflow.challenger import Challenger
from triage_ml.workflow.intake import Intake
from triage_ml.workflow.scoring import Scoring
from triage_ml.workflow.shadow import Shadow

pytestmark = pytest.mark.anyio

LOUD = {"text": {Label.HATE: 0.95}}


@pytest.fixture
async def trying(desk):
    """Put a stub beside the live one, in a stage, and give the shadow that follows."""
    desk.store.publish("stub-1")
    desk.store.publish("new")
    await desk.store.make_live("stub-1", desk.clock.now(), "anna", "x")
    heard: list[str] = []

    async def begin(scorer: StubScorer, share: float = 0.0) -> Shadow:
        stage = RolloutStage.CANARY if share else RolloutStage.SHADOW
        asked = Trial("new", "", stage, share, desk.clock.now(), "anna", "x", GuardLimits())
        trial = await desk.store.begin_trial(asked)
        engine = Batcher(scorer, StubDetector(), max_waiting=4, n_threads=1)
        desk.scoring.challenger = Challenger(trial, engine)
        made = Shadow(desk.store, desk.scoring, desk.policy, desk.clock, heard.append)
        desk.intake = Intake(desk.store, desk.scoring, desk.policy, desk.clock, made.note)
        made.heard = heard
        return made

    return begin


async def drain(shadow: Shadow) -> None:
    while await shadow.step():
        pass
    await shadow.flush()


async def counts(desk, measure: str) -> dict[str, int]:
    tally = await desk.store.tally((await desk.store.open_trial()).number)
    found: dict[str, int] = {}
    for (name, _, outcome), n in tally.items():
        if name == measure:
            found[outcome] = found.get(outcome, 0) + n
    return found


async def test_a_stored_report_is_scored_once_more(desk, trying):
    """Beside the record of the live score stands that of the shadow; the case is as it was."""
    shadow = await trying(StubScorer(LOUD, version="new"))
    receipt = await desk.report(text="some text")
    before = await desk.store.get_case(receipt.case_id)
    await drain(shadow)
    live, beside = await desk.store.scores_of(receipt.case_id)
    assert (live.arm, beside.arm, beside.model_version) == (Arm.LIVE, Arm.SHADOW, "new")
    assert live.version_sha256 == beside.version_sha256
    assert await desk.store.get_case(receipt.case_id) == before
    assert await counts(desk, "label:hate") == {"up": 1}
    assert await counts(desk, guard.TRIED) == {"ok": 1}


async def test_one_text_many_times_is_compared_once(desk, trying):
    """Each report of it is recorded."""
    shadow = await trying(StubScorer(LOUD, version="new"))
    for n in range(5):
        await desk.report(f"i{n}", "the same text")
    await drain(shadow)
    assert await counts(desk, "label:hate") == {"up": 1}
    assert shadow.heard == ["scored"] * 5


async def test_a_second_report_of_a_text_is_not_scored_again(desk, trying):
    """It joins its case, whose text both have scored."""
    shadow = await trying(StubScorer(LOUD, version="new"))
    await desk.report("i1", "a text", reporter_ref="r1")
    await desk.report("i1", "a text", reporter_ref="r2")
    await drain(shadow)
    assert shadow.heard == ["scored"]


async def test_what_does_not_fit_is_dropped_and_counted(desk, trying, monkeypatch):
    """Reports do not wait for room."""
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    shadow = await trying(StubScorer(version="new"))
    for n in range(5):
        await desk.report(f"i{n}", f"text {n}")
    assert (shadow.n_waiting, shadow.heard) == (2, ["dropped"] * 3)
    await drain(shadow)
    assert await counts(desk, guard.SHADOWED) == {"dropped": 3, "ok": 2}


async def test_live_texts_go_first(desk, trying, monkeypatch):
    """While one is at the live model no shadow is scored."""
    looks, is_busy = asyncio.Semaphore(0), Scoring.is_busy.fget

    def look(scoring):
        looks.release()
        return is_busy(scoring)

    shadow = await trying(StubScorer(version="new"))
    await desk.report(text="a text")
    gate = desk.scorer.gate = Event()
    waiting = desk.scoring._engine.submit("another", None)
    assert desk.scoring.is_busy
    monkeypatch.setattr(Scoring, "is_busy", property(look))
    step = asyncio.create_task(shadow.step())
    for _ in range(3):
        await looks.acquire()
    assert shadow.heard == []
    gate.set()
    await waiting
    await step
    assert shadow.heard == ["scored"]


async def test_a_challenger_that_fails_costs_no_report_its_scores(desk, trying):
    """The live model answers for it, and the failure is counted."""
    shadow = await trying(StubScorer(version="new", failure=ScoringFailed("no")), share=0.5)
    receipts = [await desk.report(f"i{n}", f"text {n}") for n in range(12)]
    assert {receipt.scores.model_version for receipt in receipts} == {"stub-1"}
    await drain(shadow)
    fell = (await counts(desk, guard.CANARY))["failed"]
    assert 0 < fell < 12
    assert await counts(desk, guard.TRIED) == {"failed": 12}


async def test_a_late_challenger_leaves_time_for_the_live_model(desk, trying):
    """Of the same deadline."""
    gate = Event()
    shadow = await trying(StubScorer(version="new", gate=gate), share=0.5)
    own = next(f"text {n}" for n in range(99) if desk.scoring.challenger.owns(f"text {n}"))
    scored = await desk.scoring.attempt(own, None)
    gate.set()
    assert (scored.fallback, scored.arm, scored.failure) == (guard.LATE, Arm.LIVE, None)
    assert scored.scores.model_version == "stub-1"
    assert shadow.n_waiting == 0


async def test_a_canary_text_is_placed_by_the_challenger(desk, trying):
    """And counted in its arm, and not shadowed by itself."""
    shadow = await trying(StubScorer(LOUD, version="new"), share=0.5)
    own = next(f"text {n}" for n in range(99) if desk.scoring.challenger.owns(f"text {n}"))
    receipt = await desk.report(text=own)
    assert receipt.scores.model_version == "new"
    [record] = await desk.store.scores_of(receipt.case_id)
    assert record.arm is Arm.CANARY
    await drain(shadow)
    assert sum((await counts(desk, guard.CANARY_ARM)).values()) == 1
    assert shadow.heard == []


async def test_a_server_with_another_live_model_counts_nothing_of_it(desk, trying):
    """It is behind, or refused the one that is live: a comparison would be of the wrong two."""
    shadow = await trying(StubScorer(LOUD, version="new"))
    desk.scoring.scorer = StubScorer(version="older")
    receipt = await desk.report(text="some text")
    await drain(shadow)
    assert len(await desk.store.scores_of(receipt.case_id)) == 1
    assert await desk.store.tally((await desk.store.open_trial()).number) == {}
    desk.scoring.scorer = desk.scorer
    await desk.report("i2", "some text")
    await drain(shadow)
    assert await counts(desk, "label:hate") == {"up": 1}


async def test_a_canary_on_a_server_that_is_behind_still_counts_its_failures(desk, trying):
    shadow = await trying(StubScorer(version="new", failure=ScoringFailed("no")), share=0.5)
    desk.scoring.scorer = StubScorer(version="older")
    own = next(f"text {n}" for n in range(99) if desk.scoring.challenger.owns(f"text {n}"))
    await desk.report(text=own)
    await drain(shadow)
    assert await counts(desk, guard.CANARY) == {"failed": 1}
    assert await counts(desk, guard.TRIED) == {"failed": 1}


async def test_the_pace_of_a_model_is_not_the_wait_for_other_texts(desk, trying):
    """Shadows never wait, so a busy hour would make the live model look slow."""
    await trying(StubScorer(version="new"))
    gate = desk.scorer.gate = Event()
    first = asyncio.create_task(desk.scoring.attempt("one text", None))
    await asyncio.sleep(0)
    second = asyncio.create_task(desk.scoring.attempt("another", None))
    await asyncio.sleep(0)
    gate.set()
    timed = [(await task).seconds is not None for task in (first, second)]
    assert timed == [True, False]


async def test_a_canarys_pace_is_not_the_wait_for_other_texts(desk, trying):
    gate = Event()
    await trying(StubScorer(version="new", gate=gate))
    challenger = desk.scoring.challenger
    first = asyncio.create_task(challenger.attempt("one text", None, 5))
    await asyncio.sleep(0)
    second = asyncio.create_task(challenger.attempt("another", None, 5))
    await asyncio.sleep(0)
    gate.set()
    timed = [(await task).seconds is not None for task in (first, second)]
    assert timed == [True, False]


async def test_a_shadow_reads_a_text_in_the_language_of_the_live_model(desk, trying):
    """The case may still have the hint of a report before, of another text."""
    shadow = await trying(StubScorer(version="new"))
    for text, hint in (("a text", Language.TR), ("an edited text", None)):
        item = Item("i1", text, "post", "author-1", language_hint=hint)
        report = Report(source=Source.USER, reason=Label.HARASSMENT, reporter_ref="r1")
        receipt = await desk.intake.submit(item, report, "intake")
    await drain(shadow)
    found = await desk.store.scores_of(receipt.case_id)
    said = {(row.arm, row.version_sha256): row.language for row in found}
    assert len(said) == 4
    assert all(said[Arm.LIVE, text] is said[Arm.SHADOW, text] for _, text in said)


async def test_what_fell_back_is_of_neither_arm(desk, trying):
    """Its text is the canary's, and the live model placed it."""
    shadow = await trying(StubScorer(version="new", failure=ScoringFailed("no")), share=0.5)
    own = next(f"text {n}" for n in range(99) if desk.scoring.challenger.owns(f"text {n}"))
    await desk.report(text=own)
    await drain(shadow)
    assert await counts(desk, guard.LIVE_ARM) == {}


async def test_what_the_store_does_not_take_is_kept(desk, trying, monkeypatch):
    """Scores and counts are there when it is back, once."""
    shadow = await trying(StubScorer(LOUD, version="new"))
    receipt = await desk.report(text="a text")

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "add_tally", away)
        await drain(shadow)
    await shadow.flush()
    assert await counts(desk, "label:hate") == {"up": 1}
    assert len(await desk.store.scores_of(receipt.case_id)) == 2


async def test_a_mistake_in_counting_refuses_no_report(desk, trying):
    """It is stored by then."""

    def fail(*_: object) -> None:
        raise RuntimeError

    desk.intake = Intake(desk.store, desk.scoring, desk.policy, desk.clock, fail)
    assert (await desk.report()).degraded is False


async def test_without_a_trial_nothing_is_kept(desk):
    shadow = Shadow(desk.store, desk.scoring, desk.policy, desk.clock)
    desk.intake = Intake(desk.store, desk.scoring, desk.policy, desk.clock, shadow.note)
    await desk.report()
    assert (shadow.n_waiting, await shadow.step()) == (0, False)


async def test_another_trial_leaves_what_waits_for_the_one_before(desk, trying):
    """Its scores would be of another model."""
    shadow = await trying(StubScorer(version="new"))
    await desk.report(text="a text")
    desk.scoring.challenger = None
    assert await shadow.step()
    assert shadow.heard == []


def test_an_engine_is_stopped_when_its_trial_ends_and_kept_when_it_goes_on(desk):
    """A larger share is no reason to cut off what was begun."""
    employ = partial(Batcher, detector=StubDetector(), n_threads=1)
    engine = employ(StubScorer(version="new"))
    line = Trial("new", "live", RolloutStage.CANARY, 0.1, desk.clock.now(), "a", "x", GuardLimits())
    desk.scoring.challenger = Challenger(line, engine)
    desk.scoring.challenger = Challenger(line, engine)
    assert not engine._stopped
    desk.scoring.challenger = None
    assert engine._stopped
