"""Similar cases, an author's past and what became of hints, alike in both stores."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    QUEUE,
    UPHELD,
    appeal,
    claim_one,
    decide,
    make_scores,
    report,
)
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.sketch import sketch_of
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.ports import AuthorHistory, HintOutcomes

pytestmark = pytest.mark.anyio
TEXT = "Your parcel waits at our depot. Pay the small fee on the page below, or it goes back."
NEAR = TEXT.replace("small", "little")
FLOORS = (0.05, 0.2, 0.5, 0.9)
OPEN = [QUEUE]
HIDDEN = "child-safety"
YEAR = NOW - timedelta(days=365)
NOBODY = UUID(int=0)


async def conclude(store, item_id, verdict=UPHELD, *, minutes=0, queue=QUEUE, **more):
    """Report, claim and decide a case some minutes after the start."""
    at = NOW + timedelta(minutes=minutes)
    await report(store, item_id, at=at, **more)
    return await decide(store, await claim_one(store, now=at, queue=queue), verdict, at)


async def sketch_all(store):
    waiting = await store.unsketched(100)
    await store.save_sketches([(case_id, sketch_of(text)) for case_id, text in waiting])


async def similar(store, text=TEXT, item_id="other", queues=None, limit=5):
    found = await store.similar_cases(sketch_of(text), item_id, queues, limit)
    return [row.case.item.item_id for row in found]


async def test_a_decided_case_is_found_by_its_text(store):
    """With the outcome and how similar it is; one about something else is not."""
    case = await conclude(store, "i-1", text=TEXT)
    await conclude(store, "i-2", text="The match begins at eight and half of the town has come.")
    await sketch_all(store)
    [found] = await store.similar_cases(sketch_of(NEAR), "other", None, 5)
    assert found.case == case
    assert 0.5 <= found.similarity < 1


async def test_the_most_similar_come_first_and_then_the_newest(store):
    """Up to the limit; the item itself is left out."""
    await conclude(store, "i-near", text=NEAR)
    await conclude(store, "i-old", text=TEXT, minutes=1)
    await conclude(store, "i-new", text=TEXT, minutes=2)
    await sketch_all(store)
    assert await similar(store) == ["i-new", "i-old", "i-near"]
    assert await similar(store, limit=1) == ["i-new"]
    assert await similar(store, item_id="i-new") == ["i-old", "i-near"]


async def test_open_cases_and_those_under_complaint_are_no_precedents(store):
    """Their outcome is open."""
    case = await conclude(store, "i-1", text=TEXT)
    await report(store, "i-2", text=TEXT)
    await sketch_all(store)
    assert await similar(store) == ["i-1"]
    await appeal(store, case.case_id)
    assert await similar(store) == []


async def test_cases_of_other_queues_are_not_seen(store):
    """Whoever may see some queues alone finds cases of those alone, however many hide before."""
    await conclude(store, "i-1", text=TEXT)
    await conclude(store, "i-2", text=TEXT, reason=Label.CHILD_SAFETY, queue=HIDDEN)
    await sketch_all(store)
    assert sorted(await similar(store)) == ["i-1", "i-2"]
    assert await similar(store, queues=OPEN) == ["i-1"]
    assert await similar(store, queues=[]) == []


async def test_a_finding_puts_a_case_out_of_sight(store):
    """A case that nobody reported as restricted, and that turned out to be."""
    found = Verdict({Label.CHILD_SAFETY: Severity.S4}, Action.REMOVE_CONTENT, explanation="3.2")
    await conclude(store, "i-1", found, text=TEXT, author_ref="a-1")
    await sketch_all(store)
    assert await similar(store, queues=OPEN) == []
    history = await store.author_history("a-1", NOBODY, YEAR, OPEN, 5)
    assert history == AuthorHistory()


async def test_decided_cases_wait_for_a_sketch(store):
    """Newest first, in pieces, until none is left; open ones do not wait."""
    await conclude(store, "i-1", text=TEXT)
    await conclude(store, "i-2", text=NEAR, minutes=1)
    await report(store, "i-3")
    assert [text for _, text in await store.unsketched(1)] == [NEAR]
    assert [text for _, text in await store.unsketched(5)] == [NEAR, TEXT]
    await sketch_all(store)
    assert await store.unsketched(5) == []


async def test_a_second_decision_keeps_the_sketch(store):
    """The text is the same; the case is shown again when the complaint is decided."""
    case = await conclude(store, "i-1", text=TEXT)
    await sketch_all(store)
    await appeal(store, case.case_id)
    again = await claim_one(store, "ravi", queue="appeal")
    await decide(store, again, DISMISSED)
    assert await store.unsketched(5) == []
    assert await similar(store) == ["i-1"]


async def test_an_author_s_cases_are_counted(store):
    """Open ones, and decided ones by what was found; not those of others, nor the case itself."""
    first = await conclude(store, "i-1", author_ref="a-1")
    second = await conclude(store, "i-2", DISMISSED, author_ref="a-1", minutes=1)
    await conclude(store, "i-3", author_ref="a-2")
    await report(store, "i-4", author_ref="a-1")
    history = await store.author_history("a-1", NOBODY, YEAR, None, 5)
    assert (history.n_open, history.n_upheld, history.n_not_upheld) == (1, 1, 1)
    assert [row.case_id for row in history.newest] == [second.case_id, first.case_id]
    assert history.newest[0].decision == second.decision
    assert not history.capped
    without = await store.author_history("a-1", second.case_id, YEAR, OPEN, 5)
    assert (without.n_open, without.n_upheld, without.n_not_upheld) == (1, 1, 0)
    assert (await store.author_history("a-9", NOBODY, YEAR, None, 5)) == AuthorHistory()


async def test_an_author_s_old_cases_do_not_count(store):
    """Neither the number nor the list reaches further back than asked for."""
    await conclude(store, "i-1", author_ref="a-1")
    await conclude(store, "i-2", author_ref="a-1", minutes=5)
    since = NOW + timedelta(minutes=5)
    history = await store.author_history("a-1", NOBODY, since, None, 5)
    assert (history.n_upheld, len(history.newest)) == (1, 1)


async def test_an_author_s_hidden_cases_are_not_told(store):
    """Neither counted nor listed, open or decided."""
    restricted = {"author_ref": "a-1", "reason": Label.CHILD_SAFETY}
    await conclude(store, "i-1", queue=HIDDEN, **restricted)
    await report(store, "i-2", **restricted)
    assert await store.author_history("a-1", NOBODY, YEAR, OPEN, 5) == AuthorHistory()
    whole = await store.author_history("a-1", NOBODY, YEAR, None, 5)
    assert (whole.n_open, whole.n_upheld, len(whole.newest)) == (1, 1, 1)


@pytest.mark.parametrize(("verdict", "n_overturned"), [(UPHELD, 0), (DISMISSED, 1)])
async def test_complaints_that_changed_something_are_counted(store, verdict, n_overturned):
    """Not those that ended as at first, and none before it is decided."""
    case = await conclude(store, "i-1", author_ref="a-1")
    await appeal(store, case.case_id)
    waiting = await store.author_history("a-1", NOBODY, YEAR, None, 5)
    assert (waiting.n_open, waiting.n_upheld, waiting.n_overturned) == (1, 0, 0)
    await decide(store, await claim_one(store, "ravi", queue="appeal"), verdict)
    history = await store.author_history("a-1", NOBODY, YEAR, None, 5)
    assert history.n_overturned == n_overturned


async def test_another_action_after_a_complaint_counts(store):
    """Though a violation was found both times."""
    case = await conclude(store, "i-1", author_ref="a-1")
    await appeal(store, case.case_id)
    milder = Verdict({Label.HARASSMENT: Severity.S1}, Action.WARN_AUTHOR, explanation="1.2")
    await decide(store, await claim_one(store, "ravi", queue="appeal"), milder)
    assert (await store.author_history("a-1", NOBODY, YEAR, None, 5)).n_overturned == 1


async def outcomes(store, since=YEAR, queues=OPEN):
    return await store.hint_outcomes(since, FLOORS, queues)


async def test_hints_are_counted_by_what_became_of_them(store):
    """Per band of probability; S0 is no violation, and hints under what is shown do not count."""
    mention = Verdict({Label.HARASSMENT: Severity.S0}, Action.NO_ACTION)
    await conclude(store, "i-1", scores=make_scores(0.95))
    await conclude(store, "i-2", DISMISSED, scores=make_scores(0.9))
    await conclude(store, "i-3", mention, scores=make_scores(0.95))
    await conclude(store, "i-4", scores=make_scores(0.5))
    await conclude(store, "i-5", scores=make_scores(0.19))
    await conclude(store, "i-6")
    english = (Language.EN, Label.HARASSMENT)
    assert await outcomes(store) == [
        HintOutcomes(*english, 3, 1, 1, 0, 0),
        HintOutcomes(*english, 4, 3, 1, 0, 0),
    ]


async def test_old_decisions_say_nothing_of_hints(store):
    """From the moment asked for on."""
    await conclude(store, "i-1", scores=make_scores(0.95))
    assert len(await outcomes(store, since=NOW)) == 1
    assert await outcomes(store, since=NOW + timedelta(seconds=1)) == []


async def test_hints_of_other_queues_are_counted_apart(store):
    """So that the share of what one may see can be told from that of all."""
    scores = make_scores(0.95)
    await conclude(store, "i-1", scores=scores)
    await conclude(store, "i-2", scores=scores, reason=Label.CHILD_SAFETY, queue=HIDDEN)
    [row] = await outcomes(store)
    assert (row.n, row.n_right, row.n_hidden, row.n_hidden_right) == (1, 1, 1, 1)


async def test_the_newest_decision_counts(store):
    """A complaint that was right turns what became of the hint round."""
    case = await conclude(store, "i-1", scores=make_scores(0.95))
    await appeal(store, case.case_id)
    await decide(store, await claim_one(store, "ravi", queue="appeal"), DISMISSED)
    [row] = await outcomes(store, queues=[QUEUE, "appeal"])
    assert (row.n, row.n_right) == (1, 0)
