"""A day's budget of picks: spent once, whoever works, and never on what cannot wait."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from tests.contract.steps import POLICY, claim_one, decide, make_scores, report
from tests.contract.test_labelling import moved
from triage_ml.domain.labelling import LabellingPolicy, Strategy
from triage_ml.domain.sketch import sketch_of
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.workflow.labelling import SETTLED as AGE
from triage_ml.workflow.labelling import Labelling

pytestmark = pytest.mark.anyio


def with_budget(per_day=48, **more):
    return replace(POLICY, labelling=LabellingPolicy(per_day, **more))


def worker(store, clock, seed=1, **more) -> Labelling:
    return Labelling(store, with_budget(**more), clock, random.Random(seed))


async def waiting(store, n=60, prefix="i", **more):
    for number in range(n):
        scores = make_scores(0.02 + number % 20 / 25)
        await report(
            store, f"{prefix}-{number}", scores=scores, text=f"text {number * 7919}", **more
        )


async def queue_of(store, case_id):
    return (await store.get_case(case_id)).placement.queue


async def test_a_round_moves_what_the_day_has_open_and_the_next_one_nothing_more(store, clock):
    await waiting(store)
    clock.set(clock.now() + 2 * AGE)
    team = worker(store, clock)
    n_open = (await team.status()).n_open
    picks = await team.pick()
    assert len(picks) == n_open > 0
    assert {await queue_of(store, pick.case_id) for pick in picks} == {"qa"}
    assert await team.pick() == []
    clock.set(clock.now() + timedelta(hours=1))
    assert len(await team.pick()) == 2  # 48 a day are two an hour


async def test_a_day_never_gets_more_than_its_budget_and_the_next_begins_anew(store, clock):
    await waiting(store)
    clock.set(clock.now().replace(hour=23, minute=50))
    assert len(await worker(store, clock, per_day=10).pick()) == 10
    assert await worker(store, clock, per_day=10).pick() == []
    clock.set(clock.now() + timedelta(minutes=11))
    assert len(await worker(store, clock, per_day=10).pick()) == 1


async def test_two_workers_at_once_spend_one_budget(store, clock):
    await waiting(store)
    clock.set(clock.now() + 2 * AGE)
    moved_by = []

    async def work(seed):
        moved_by.extend(await worker(store, clock, seed).pick())

    n_open = (await worker(store, clock).status()).n_open
    async with anyio.create_task_group() as tasks:
        for seed in range(4):
            tasks.start_soon(work, seed)
    assert len(moved_by) == n_open == len({pick.case_id for pick in moved_by})
    slots = [row.slot for row in await store.picks_of(clock.now().date())]
    assert sorted(slots) == list(range(n_open))


async def test_exactly_the_random_share_of_the_picks_is_drawn_by_chance(store, clock):
    await waiting(store)
    clock.set(clock.now().replace(hour=23, minute=50))
    picks = await worker(store, clock, per_day=20, random_share=0.25).pick()
    assert Counter(pick.strategy for pick in picks)[Strategy.RANDOM] == 5
    rows = await store.picks_of(clock.now().date())
    assert {row.pick.chance for row in rows if row.pick.strategy is Strategy.RANDOM} == {5 / 45}
    assert {row.n_eligible for row in rows} == {60}


async def test_without_a_budget_nothing_is_asked_and_nothing_moves(store, clock):
    await waiting(store, 3)
    clock.set(clock.now() + 2 * AGE)
    assert await worker(store, clock, per_day=0).pick() == []
    assert await store.picks_of(clock.now().date()) == []


async def test_nothing_restricted_urgent_or_fresh_is_ever_chosen(store, clock):
    await waiting(store, 9, "minor", reason=Label.CHILD_SAFETY)
    await waiting(store, 9, "danger", reason=Label.SELF_HARM)
    clock.set(clock.now() + 2 * AGE)
    await waiting(store, 9, "fresh", at=clock.now())
    assert await worker(store, clock).pick() == []


async def test_the_event_explains_the_move(store, clock):
    await waiting(store)
    clock.set(clock.now() + 2 * AGE)
    pick = (await worker(store, clock).pick())[0]
    last = (await store.events(pick.case_id))[-1]
    assert (last.step, last.actor) == ("routed", "worker")
    assert last.detail["route_reason"].startswith("label next: ")
    assert last.detail["label_next"]["chance"] == pick.chance
    assert last.detail["label_next"]["strategy"] == pick.strategy
    case = await store.get_case(pick.case_id)
    assert await worker(store, clock).find_pick(case) == pick


async def test_what_a_crash_left_unmoved_is_moved_by_the_next_round(store, clock, monkeypatch):
    await waiting(store)
    clock.set(clock.now() + 2 * AGE)
    team = worker(store, clock)
    with monkeypatch.context() as broken:

        async def fail():
            raise RuntimeError("the machine is gone")

        broken.setattr(team, "_move_chosen", lambda: _after_first(fail))
        with pytest.raises(RuntimeError):
            await team.pick()
    n_kept = len(await store.picks_to_move(99))
    assert n_kept > 0
    assert len(await team.pick()) == n_kept


_CALLS: list[int] = []


async def _after_first(fail):
    """Nothing to move yet the first time; the second time the machine is gone."""
    _CALLS.append(1)
    if len(_CALLS) % 2 == 0:
        await fail()
    return []


async def test_a_case_that_was_taken_in_between_is_missed_and_stays_with_who_has_it(store, clock):
    await waiting(store, 3)
    clock.set(clock.now() + 2 * AGE)
    team = worker(store, clock)
    free = team._free_slots([], clock.now())
    rows = await team._choose(free, [], clock.now())
    assert await store.save_picks(rows)
    held = {(await claim_one(store)).case_id for _ in range(3)}
    assert await team.pick() == []
    assert {await queue_of(store, case_id) for case_id in held} == {"std-en-safety"}
    assert (await team.status()).n_missed == len(rows)


async def test_a_chosen_case_is_claimed_and_decided_in_the_queue_qa(store, clock):
    case_id = await moved(store)
    clock.set(clock.now() + 2 * AGE)
    case = await claim_one(store, queue="qa", now=clock.now())
    assert case.case_id == case_id
    await decide(store, case, now=clock.now())
    [row] = (await worker(store, clock).status()).results
    assert (row.language, row.n_decided, row.n_upheld) == (Language.EN, 1, 1)


async def test_a_group_that_nobody_decided_is_news_until_somebody_does(store, clock):
    text = "Win a free holiday today, just pay the parcel fee at the usual page"
    for number in range(6):
        await report(store, f"g-{number}", text=f"{text} {number}", scores=make_scores(0.01))
    case = await claim_one(store)
    clock.set(clock.now() + 2 * AGE)
    waiting_now, _ = await store.label_candidates(worker(store, clock)._query(clock.now()))
    before = await worker(store, clock)._groups(waiting_now, [])
    assert len(before) == 5
    await decide(store, case)
    await store.save_sketches([(case.case_id, sketch_of(case.item.text))])
    after = await worker(store, clock)._groups(waiting_now, [])
    key = waiting_now[0].case_id
    assert after[key].news < before[key].news


async def test_of_one_wave_two_cases_a_day_are_ranked_however_many_rounds_there_are(store, clock):
    text = "Win a free holiday today, just pay the parcel fee at the usual page"
    for number in range(12):
        await report(store, f"g-{number}", text=f"{text} {number}", scores=make_scores(0.5))
    clock.set((clock.now() + timedelta(days=1)).replace(hour=0, minute=10))
    n_picked, ranked = 0, []
    for _ in range(3):
        team = worker(store, clock, per_day=48, random_share=0.05)
        picks = await team.pick()
        n_picked += len(picks)
        ranked += [pick for pick in picks if pick.strategy is not Strategy.RANDOM]
        clock.set(clock.now() + timedelta(hours=1))
    assert (n_picked, len(ranked)) == (7, 2)
