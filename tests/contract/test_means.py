"""What chance drew and what was received: both stores give the same."""

from datetime import timedelta

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    QUEUE,
    add_scores,
    appeal,
    claim_one,
    decide,
    make_scores,
    report,
)
from triage_ml.domain.means import MeansSample, Sums
from triage_ml.domain.taxonomy import Language
from triage_ml.ports.means import MeansWindow, Said

pytestmark = pytest.mark.anyio
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WINDOW = MeansWindow(NOW - 30 * HOUR, NOW + 30 * HOUR)
HARASSED = frozenset({"harassment"})
FOUND = Said(Language.EN, "m-1", HARASSED, HARASSED)
NOT_FOUND = Said(Language.EN, "m-1", HARASSED, frozenset())


async def scored(store, item_id, probability, at=NOW):
    """Report a case with scores; their probability says whether the label is found."""
    receipt = await report(store, item_id, scores=make_scores(probability), at=at)
    return await store.get_case(receipt.case_id)


async def draw(store, queue, now=NOW, **more):
    return await claim_one(store, queue=queue, share=1.0, now=now, **more)


async def draws(store, window=WINDOW):
    found = await store.chance_draws(window)
    return {(row.sample, row.said, row.true): row.sums for row in found}


async def test_a_draw_weighs_one_over_its_chance(store):
    """Among two cases it weighs two; one that nobody decided has no truth."""
    case = await scored(store, "i-1", 0.9)
    await scored(store, "i-2", 0.9)
    queue = case.placement.queue
    await decide(store, await draw(store, queue))
    await draw(store, queue)
    found = await draws(store)
    assert found[MeansSample.WAITING, FOUND, HARASSED] == Sums(1, 2.0, 4.0)
    [unread] = [row for (_, said, true), row in found.items() if true is None]
    assert unread == Sums(1, 1.0, 1.0)


async def test_alike_draws_are_added_up(store):
    for number in range(2):
        case = await scored(store, f"i-{number}", 0.2)
        await decide(store, await draw(store, case.placement.queue), DISMISSED)
    found = await draws(store)
    assert found == {(MeansSample.WAITING, NOT_FOUND, frozenset()): Sums(2, 2.0, 2.0)}


async def test_the_blind_arm_counts_each_decision_once(store):
    """A ranked claim without hints is of the blind arm alone."""
    case = await scored(store, "i-1", 0.2)
    queue = case.placement.queue
    await decide(store, await claim_one(store, queue=queue, blind_share=1.0))
    await scored(store, "i-2", 0.2)
    await decide(store, await claim_one(store, queue=queue))
    assert await draws(store) == {(MeansSample.BLIND, NOT_FOUND, HARASSED): Sums(1, 1.0, 1.0)}


async def test_a_complaint_corrects_the_truth_and_leaves_what_the_model_said(store):
    """Neither new scores nor the second claim change what was said of the first decision."""
    case = await scored(store, "i-1", 0.9)
    case = await decide(store, await draw(store, case.placement.queue))
    case = await appeal(store, case.case_id, NOW + MINUTE)
    case = await add_scores(store, case.case_id, 0.99, NOW + MINUTE)
    again = await draw(store, case.placement.queue, NOW + HOUR, reviewer="sam")
    await decide(store, again, DISMISSED, NOW + HOUR)
    assert await draws(store) == {(MeansSample.WAITING, FOUND, frozenset()): Sums(1, 1.0, 1.0)}


async def test_who_decides_a_drawn_case_later_tells_its_truth(store):
    """The draw was made, even though its lease ran out."""
    case = await scored(store, "i-1", 0.9)
    queue = case.placement.queue
    await draw(store, queue)
    await decide(store, await claim_one(store, "sam", queue=queue, now=NOW + HOUR), now=NOW + HOUR)
    assert await draws(store) == {(MeansSample.WAITING, FOUND, HARASSED): Sums(1, 1.0, 1.0)}


async def test_other_times_and_hidden_queues_are_left_out(store):
    case = await scored(store, "i-1", 0.9)
    await decide(store, await draw(store, case.placement.queue))
    early = MeansWindow(NOW - HOUR, NOW)
    assert await draws(store, early) == {}
    assert await store.received_groups(early) == []
    hidden = MeansWindow(WINDOW.since, WINDOW.until, ("another",))
    assert await draws(store, hidden) == {}
    assert await store.received_groups(hidden) == []


async def test_a_case_is_spread_over_the_draws_after_it_came(store):
    """Claimed after the first of two draws, it waited for one half; so did the second draw.

    The first draw was known for the other half; what came after both draws is not covered.
    """
    for number in range(4):
        case = await scored(store, f"i-{number}", 0.2 + number / 1000)
    queue = case.placement.queue
    first = await draw(store, queue, NOW + MINUTE)
    ranked = await claim_one(store, queue=queue, now=NOW + 2 * MINUTE)
    second = await draw(store, queue, NOW + 3 * MINUTE)
    for one in (first, ranked, second):
        await decide(store, one, DISMISSED, NOW + 4 * MINUTE)
    late = await scored(store, "i-9", 0.2, NOW + HOUR)
    assert late.placement.queue == queue
    groups = {row.true: row for row in await store.received_groups(WINDOW)}
    decided, waiting = groups[frozenset()], groups[None]
    assert decided.said == waiting.said == NOT_FOUND
    assert (decided.n, decided.n_uncovered) == (3, 0)
    assert (decided.known, decided.waiting) == (pytest.approx(1.0), pytest.approx(2.0))
    assert decided.draws.n == 2
    assert decided.draws.weights == pytest.approx(4 / 2 + 2 / 2)
    assert decided.draws.squares == pytest.approx(2**2 + 1**2)
    assert (waiting.n, waiting.n_uncovered) == (2, 1)
    assert (waiting.known, waiting.waiting) == (pytest.approx(0.0), pytest.approx(1.0))


async def test_where_nothing_waits_nothing_needs_a_draw(store):
    """What came after the last draw is known once all of it is decided, and not before."""
    cases = [await scored(store, f"i-{number}", 0.2) for number in range(2)]
    queue = cases[0].placement.queue
    await decide(store, await claim_one(store, queue=queue))
    groups = await store.received_groups(WINDOW)
    assert {(row.n, row.n_uncovered, row.known) for row in groups} == {(1, 1, 0.0)}
    await decide(store, await claim_one(store, queue=queue))
    [group] = await store.received_groups(WINDOW)
    assert (group.n, group.n_uncovered, group.known, group.waiting) == (2, 0, 2.0, 0.0)
    assert group.draws == Sums()


async def test_cases_without_scores_have_no_version(store):
    await report(store)
    [group] = await store.received_groups(WINDOW)
    assert group.said == Said(Language.EN, "", frozenset(), frozenset())
    assert (group.n, group.n_uncovered, group.true) == (1, 1, None)
    await decide(store, await draw(store, QUEUE))
    [drawn] = await store.chance_draws(WINDOW)
    assert (drawn.said.model_version, drawn.true) == ("", HARASSED)
