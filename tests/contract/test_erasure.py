"""Erasing the text of an item, in both stores."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    UPHELD,
    WINDOW,
    add_scores,
    admit,
    claim_one,
    decide,
    decided,
    report,
    request,
    submission,
)
from triage_ml.domain.case import CaseState, Step
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.quality import SampleKind
from triage_ml.domain.report import ContextItem, Item
from triage_ml.domain.sketch import sketch_of
from triage_ml.domain.taxonomy import Language
from triage_ml.domain.terms import Emerging
from triage_ml.errors import ContentErased, InvalidInput, NotFound
from triage_ml.ports.leads import SampleRequest
from triage_ml.testing.doubles import FixedClock
from triage_ml.workflow.erasure import Eraser

pytestmark = pytest.mark.anyio
QUEUES = ["std-en-safety"]


@pytest.fixture
def erase(store, clock):
    async def run(item_id="i-1", why="the author asked"):
        return await Eraser(store, clock).erase("anna", item_id, why)

    return run


async def test_every_text_of_every_version_goes_and_the_cases_stay(store, erase):
    first = await decided(store, text="an old text")
    await report(store, text="a newer text")
    await report(store, text="the newest text")
    found = await erase()
    assert (found.n_versions, found.n_cases, found.erased_at) == (3, 2, NOW)
    case = await store.get_case(first.case_id)
    assert (case.item.text, case.item.context, case.state) == ("", (), CaseState.DECIDED)
    assert case.item.erased.erased_at == NOW
    assert case.decision == first.decision
    assert await store.versions(first.case_id) == []


async def test_the_log_says_who_and_why(store, erase):
    case = await decided(store)
    await erase()
    last = (await store.events(case.case_id))[-1]
    assert (last.step, last.actor, last.detail) == (
        Step.ERASED,
        "anna",
        {"reason": "the author asked"},
    )


async def test_a_second_time_changes_nothing(store, erase, clock):
    case = await decided(store)
    await erase()
    n_lines = len(await store.events(case.case_id))
    clock.advance(timedelta(hours=1))
    again = await erase()
    assert (again.n_versions, again.erased_at) == (0, NOW)
    assert len(await store.events(case.case_id)) == n_lines


async def test_an_unknown_item_and_an_empty_reason_are_refused(store, erase):
    with pytest.raises(NotFound, match="no item i-9"):
        await erase("i-9")
    case = await decided(store)
    with pytest.raises(InvalidInput, match="why"):
        await erase(why=" ")
    assert (await store.get_case(case.case_id)).item.text == "a text"


async def test_what_is_gone_can_only_be_closed_without_a_finding(store, erase):
    await report(store)
    case = await claim_one(store)
    await erase()
    for verdict in (
        UPHELD,
        Verdict(UPHELD.findings, Action.NO_ACTION),
        Verdict({}, Action.REFER_TO_AUTHORITY),
        Verdict({}, Action.NO_ACTION, needs_classification=True),
    ):
        with pytest.raises(ContentErased, match="the text of item i-1 was erased"):
            await decide(store, case, verdict)
    closed = await decide(store, case, DISMISSED)
    assert closed.state is CaseState.DECIDED
    assert (await store.get_case(case.case_id)).item.erased is not None


async def test_closing_an_erased_case_does_not_count_against_its_reporters(store, erase):
    await report(store)
    case = await claim_one(store)
    await erase()
    await decide(store, case, DISMISSED)
    seen = []
    await report(store, "i-2", seen=seen)
    assert seen[0].n_outcomes == 0


async def test_a_new_report_brings_the_text_back(store, erase):
    """Another one, or the same one again: the platform says that it may be held."""
    await report(store, text="one")
    await erase()
    await report(store, text="one")
    case = await claim_one(store)
    assert (case.item.text, case.item.erased) == ("one", None)
    await erase()
    await report(store, text="two")
    assert (await store.get_case(case.case_id)).item.text == "two"
    assert [row.text for row in await store.versions(case.case_id)] == ["two"]


async def test_context_goes_too(store, erase):
    sent = submission()
    item = Item("i-1", "a reply", "post", "author-1", context=(ContextItem("parent", "a post"),))
    sent = replace(sent, item=item)
    receipt = await store.submit(sent, WINDOW, admit(sent))
    await erase()
    assert (await store.get_case(receipt.case_id)).item.context == ()


async def test_the_backlog_skips_what_is_gone(store, erase):
    await report(store)
    assert len(await store.unscored(10, 20)) == 1
    await erase()
    assert await store.unscored(10, 20) == []


async def test_places_in_the_text_go_with_it(store, erase):
    receipt = await report(store)
    await add_scores(store, receipt.case_id, 0.7)
    await erase()
    scores = (await store.get_case(receipt.case_id)).scores
    assert scores.p_violation == 0.7
    assert all(score.spans == () for score in scores.labels.values())


async def test_sketches_and_what_was_emerging_go(store, erase):
    case = await decided(store, text="buy followers here today and tomorrow and for ever")
    sketch = sketch_of("buy followers here today and tomorrow and for ever")
    await store.save_sketches([(case.case_id, sketch)])
    found = Emerging(
        "cluster", Language.EN, "buy followers", 3, 3, 0, 3.0, NOW, NOW, (case.case_id,)
    )
    await store.save_emerging([found], NOW)
    assert len(await store.similar_cases(sketch, "i-9", None, 5)) == 1
    await erase()
    assert await store.similar_cases(sketch, "i-9", None, 5) == []
    assert await store.unsketched(5) == []
    assert (await store.emerging())[0] == []


async def test_nobody_is_asked_to_judge_again_what_is_gone(store, erase):
    await decided(store)
    asked = SampleRequest("ben", QUEUES, (), 1.0, NOW - timedelta(days=1))
    sample_id = await store.draw_sample(asked, SampleKind.DOUBLE)
    assert await store.find_sample(sample_id, asked) is not None
    await erase()
    assert await store.draw_sample(asked, SampleKind.DOUBLE) is None
    assert await store.find_sample(sample_id, asked) is None


async def test_others_are_left_alone(store, erase, clock):
    assert isinstance(clock, FixedClock)
    await report(store)
    other = await report(store, "i-2", text="another text")
    await erase()
    assert (await store.get_case(other.case_id)).item.text == "another text"
    assert len(await store.claim(request(n=5))) == 2
