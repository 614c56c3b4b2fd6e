"""Picks are kept once, within their slots, in both stores."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    POLICY,
    QUEUE,
    UPHELD,
    appeal,
    claim_one,
    decide,
    make_scores,
    report,
)
from triage_ml.domain.label_next import send_to_label
from triage_ml.domain.labelling import Pick, Strategy
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.ports import ScoreRecord
from triage_ml.ports.labelling import CandidateQuery, PickResult, StoredPick
from triage_ml.workflow.erasure import Eraser

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(hours=2)
WANTED = CandidateQuery((QUEUE, "lang-unknown", "qa"), ("child_safety",), LATER, LATER, 10, "salt")
OPEN = (QUEUE, "qa")


def pick_of(case_id, slot=0, strategy=Strategy.UNCERTAINTY, at=LATER) -> StoredPick:
    label = Label.HARASSMENT if strategy is Strategy.UNCERTAINTY else None
    pick = Pick(case_id, Language.EN, strategy, 0.9, label, 0.5)
    return StoredPick(at.date(), slot, pick, at, 7)


async def reported(store, item_id="i-1", **more):
    more = {"scores": make_scores(), **more}
    return (await report(store, item_id, **more)).case_id


async def moved(store, item_id="i-1", slot=0, strategy=Strategy.UNCERTAINTY):
    """Choose a case of its own and move it."""
    case_id = await reported(store, item_id)
    row = pick_of(case_id, slot, strategy)
    assert await store.save_picks([row])
    await store.change(case_id, lambda case: send_to_label(case, POLICY, row.pick, LATER, "worker"))
    assert await store.settle_pick(row.day, row.slot, LATER, moved=True)
    return case_id


async def test_a_candidate_comes_with_its_text_its_scores_and_what_was_reported(store):
    case_id = await reported(store, text="a doubtful text")
    [found], n_eligible = await store.label_candidates(WANTED)
    assert (found.case_id, found.text, n_eligible) == (case_id, "a doubtful text", 1)
    assert found.scores == make_scores()
    assert (found.reasons, found.sources) == ({Label.HARASSMENT}, ("user",))
    assert found.challenger is None


async def test_cases_that_cannot_wait_or_are_not_ready_are_no_candidates(store):
    await reported(store, "held")
    await claim_one(store)
    await reported(store, "unscored", scores=None)
    await reported(store, "danger", reason=Label.SELF_HARM)
    await reported(store, "minor", reason=Label.CHILD_SAFETY)
    await reported(store, "fresh", at=LATER)
    await reported(store, "which", language=Language.UND)
    assert await store.label_candidates(WANTED) == ([], 0)
    await reported(store, "waits")
    assert (await store.label_candidates(WANTED))[1] == 1
    for other in ({"queues": ("qa",)}, {"due_after": NOW + timedelta(days=9)}):
        assert await store.label_candidates(replace(WANTED, **other)) == ([], 0)


async def test_of_many_candidates_some_are_drawn_and_all_are_counted(store):
    for number in range(12):
        await reported(store, f"i-{number}")
    drawn = set()
    for salt in "abcdef":
        found, n_eligible = await store.label_candidates(replace(WANTED, limit=3, salt=salt))
        assert (len(found), n_eligible) == (3, 12)
        drawn |= {row.case_id for row in found}
    assert len(drawn) > 3


async def test_what_a_model_on_trial_says_of_the_same_text_comes_along(store):
    case_id = await reported(store)
    case = await store.get_case(case_id)
    other = make_scores(0.9, "m-2")
    record = ScoreRecord.of(case_id, case.item.version_sha256, 6, other, Arm.SHADOW, NOW)
    await store.add_shadow_scores([replace(record, version_sha256="0" * 64), record])
    [found], _ = await store.label_candidates(WANTED)
    assert found.challenger == other


async def test_a_slot_and_a_case_are_taken_once(store):
    first, second = await reported(store), await reported(store, "i-2")
    assert await store.save_picks([pick_of(first)])
    assert not await store.save_picks([pick_of(second)])  # the same slot
    assert not await store.save_picks([pick_of(first, 1)])  # the same case
    assert not await store.save_picks([pick_of(second, 2), pick_of(first, 3)])  # nothing of both
    assert [row.slot for row in await store.picks_of(LATER.date())] == [0]
    assert await store.save_picks([pick_of(second, 1)])
    assert await store.find_pick(second) == pick_of(second, 1)


async def test_a_chosen_case_is_no_candidate_any_more_but_a_missed_one_is(store):
    case_id = await reported(store)
    row = pick_of(case_id)
    await store.save_picks([row])
    assert await store.label_candidates(WANTED) == ([], 0)
    assert await store.settle_pick(row.day, row.slot, LATER, moved=False)
    assert (await store.label_candidates(WANTED))[1] == 1
    assert await store.find_pick(case_id) is None


async def test_a_pick_waits_until_it_is_settled_and_is_settled_once(store):
    row = pick_of(await reported(store))
    await store.save_picks([row])
    assert await store.picks_to_move(9) == [row]
    assert await store.settle_pick(row.day, row.slot, LATER, moved=True)
    assert not await store.settle_pick(row.day, row.slot, LATER, moved=False)
    assert await store.picks_to_move(9) == []
    assert await store.picks_of(row.day) == [replace(row, moved_at=LATER)]


async def test_what_picks_brought_is_told_by_language_and_strategy(store):
    for number, verdict in enumerate((UPHELD, DISMISSED)):
        await moved(store, f"i-{number}", number)
        case = await claim_one(store, queue="qa", now=LATER)
        await decide(store, case, verdict, LATER)
    await moved(store, "i-7", 7)
    await moved(store, "i-8", 8, Strategy.RANDOM)
    assert await store.pick_results(NOW, "qa", OPEN, ()) == [
        PickResult(Language.EN, Strategy.RANDOM, 1, 0, 0, 0, 0, {}),
        PickResult(Language.EN, Strategy.UNCERTAINTY, 3, 0, 0, 2, 1, {"harassment": 1}),
    ]
    assert await store.pick_results(NOW, "qa", ("legal",), ()) == []
    hidden = await store.pick_results(NOW, "qa", OPEN, ("harassment",))
    assert [(row.n_picked, row.n_decided) for row in hidden] == [(1, 0), (2, 1)]
    assert await store.pick_results(LATER + timedelta(days=1), "qa", OPEN, ()) == []


async def test_a_case_that_became_urgent_has_left_and_a_missed_one_is_told_apart(store):
    await moved(store)
    await report(store, reason=Label.SELF_HARM, reporter_ref="u-2", at=LATER, scores=make_scores())
    missed = pick_of(await reported(store, "i-2"), 1)
    await store.save_picks([missed])
    await store.settle_pick(missed.day, missed.slot, LATER, moved=False)
    [row] = await store.pick_results(NOW, "qa", OPEN, ())
    assert (row.n_picked, row.n_left, row.n_missed, row.n_waiting) == (2, 1, 1, 0)


async def test_a_decision_from_before_the_pick_is_none_of_its_own(store):
    """A case that was decided, complained about and missed by a pick in between."""
    case_id = await reported(store)
    row = pick_of(case_id)
    await store.save_picks([row])
    await decide(store, await claim_one(store))
    await appeal(store, case_id)
    await store.settle_pick(row.day, row.slot, LATER, moved=False)
    [found] = await store.pick_results(NOW, "qa", ("appeal",), ())
    assert (found.n_missed, found.n_decided) == (1, 0)


async def test_decided_cases_are_counted_among_others(store):
    decided_id = await reported(store)
    await decide(store, await claim_one(store))
    waiting_id = await reported(store, "i-2")
    assert await store.n_decided_of([decided_id, waiting_id, uuid4()]) == 1
    assert await store.n_decided_of([]) == 0


async def test_an_erased_text_is_no_candidate(store, clock):
    """Nor does it count among those that could have been chosen."""
    await reported(store, "i-2")
    await reported(store, "i-3")
    await Eraser(store, clock).erase("anna", "i-2", "asked for")
    cases, n_eligible = await store.label_candidates(WANTED)
    assert len(cases) == n_eligible == 1
