"""A case closed after its text was erased was not judged: nothing counts it as a verdict."""

from datetime import timedelta

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    POLICY,
    appeal,
    claim_one,
    decide,
    decided,
    make_scores,
    report,
)
from tests.contract.test_labelling import LATER, OPEN, moved
from tests.contract.test_rollout import asked, publish
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.domain.terms import Emerging
from triage_ml.ports import ScoreRecord
from triage_ml.ports.drift import Watched
from triage_ml.ports.means import MeansWindow
from triage_ml.workflow.erasure import Eraser

pytestmark = pytest.mark.anyio
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
QUEUES = tuple(name for name, row in POLICY.queues.items() if not row.restricted)


@pytest.fixture
def erase(store, clock):
    async def run():
        await Eraser(store, clock).erase("anna", "i-1", "the author asked")

    return run


@pytest.fixture
async def closed(store, erase):
    """A case that the model was sure of, drawn at random, and closed without its text."""
    receipt = await report(store, scores=make_scores(0.9), at=NOW - HOUR)
    queue = (await store.get_case(receipt.case_id)).placement.queue
    case = await claim_one(store, queue=queue, share=1.0)
    await erase()
    return await decide(store, case, DISMISSED)


async def texts(store):
    return await store.decided_texts(NOW - DAY, NOW + DAY, QUEUES, None, 10)


async def test_it_says_so(store, closed):
    assert closed.decision.unread
    assert (await store.events(closed.case_id))[-1].detail["unread"] is True
    assert not (await decided(store, "i-2")).decision.unread


async def test_it_teaches_nothing_when_the_text_is_held_again(store, closed):
    await report(store, text="a text")
    [row] = [row for row in await texts(store) if row.case_id == closed.case_id]
    assert (row.text, row.given) == ("a text", ())


async def test_a_complaint_closed_so_overturns_nothing(store, erase):
    case = await decided(store)
    await appeal(store, case.case_id)
    again = await claim_one(store, "ben", queue=POLICY.appeal_queue)
    await erase()
    await decide(store, again, DISMISSED)
    await report(store, text="a text")
    [row] = await texts(store)
    assert [given.findings for given in row.given] == [case.decision.verdict.findings]
    assert await store.revisions(NOW - DAY, list(QUEUES)) == []
    assert await store.complaints_decided_on(NOW.date(), Watched(QUEUES, ())) == []


@pytest.mark.usefixtures("closed")
async def test_it_is_no_truth_to_measure_by(store):
    window = MeansWindow(NOW - DAY, NOW + DAY)
    assert [row.true for row in await store.chance_draws(window)] == [None]
    assert [row.true for row in await store.received_groups(window)] == [None]
    assert await store.drawn_on(NOW.date(), Watched(QUEUES, ())) == []
    hints = await store.hint_outcomes(NOW - DAY, [0.2, 0.5], QUEUES)
    assert [row for row in hints if row.label is Label.HARASSMENT] == []


async def test_words_of_an_erased_text_are_not_found_emerging_afterwards(store, erase):
    """They were counted before, and are stored after."""
    case = await decided(store)
    other = await decided(store, "i-2")
    await erase()
    rows = [
        Emerging("cluster", Language.EN, words, 3, 3, 0, 3.0, NOW, NOW, (found.case_id,))
        for words, found in (("gone words", case), ("other words", other))
    ]
    await store.save_emerging(rows, NOW)
    assert [row.words for row in (await store.emerging())[0]] == ["other words"]


async def test_no_trial_is_judged_by_it(store, erase, tmp_path):
    for version in "ab":
        await publish(store, tmp_path, version)
    await store.make_live("a", NOW, "anna", "first")
    trial = await store.begin_trial(asked("b"))
    receipt = await report(store, scores=make_scores(0.9, "a"))
    case = await store.get_case(receipt.case_id)
    scores = make_scores(0.1, "b")
    await store.add_shadow_scores(
        [ScoreRecord.of(case.case_id, case.item.version_sha256, 6, scores, Arm.SHADOW, NOW)]
    )
    case = await claim_one(store, queue=case.placement.queue)
    await erase()
    await decide(store, case, DISMISSED)
    assert await store.decided(trial, list(QUEUES)) == []


async def test_a_pick_closed_so_gave_no_label(store, erase):
    await moved(store)
    case = await claim_one(store, queue="qa", now=LATER)
    await erase()
    await decide(store, case, DISMISSED, LATER)
    [row] = await store.pick_results(NOW, "qa", OPEN, ())
    assert (row.n_picked, row.n_decided, row.n_left, row.n_waiting) == (1, 0, 1, 0)
