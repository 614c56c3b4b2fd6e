"""Past cases, recorded scores, handling times and comparisons: both stores give the same."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.contract.steps import (
    NOW,
    add_scores,
    claim_one,
    decide,
    decided,
    make_scores,
    report,
    withdraw,
)
from tests.unit.pairs import made, pair, stand
from triage_ml.domain.comparison import Kind
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import NotFound
from triage_ml.ports import ScoreRecord
from triage_ml.workflow.erasure import Eraser

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def ids(store, since=NOW - HOUR, limit=10):
    return [case.case_id for case in await store.past_cases(since, limit)]


async def test_past_cases_are_the_newest_oldest_first(store):
    """As they stand now, whether decided or not."""
    done = await decided(store, "i-0", at=NOW - HOUR)
    later = await report(store, "i-2", at=NOW + HOUR)
    first = await report(store, "i-1")
    assert await ids(store) == [done.case_id, first.case_id, later.case_id]
    assert await ids(store, limit=2) == [first.case_id, later.case_id]
    assert await ids(store, since=NOW + HOUR) == [later.case_id]
    [case] = await store.past_cases(NOW + HOUR, 1)
    assert case == await store.get_case(later.case_id)


async def test_a_case_nobody_stands_by_is_no_work(store):
    """Its reports were taken back."""
    receipt = await report(store)
    await withdraw(store, receipt.case_id, receipt.report_id)
    assert await ids(store) == []


async def test_cases_are_counted_without_being_read(store, clock):
    """As far as is asked; those that are not replayed do not count."""
    assert await store.n_past_cases(10) == 0
    for n in range(3):
        await report(store, f"i-{n}", at=NOW - n * HOUR)
    gone = await report(store, "i-gone")
    await withdraw(store, gone.case_id, gone.report_id)
    await report(store, "i-erased")
    await Eraser(store, clock).erase("anna", "i-erased", "asked for")
    assert await store.n_past_cases(10) == len(await ids(store, NOW - 9 * HOUR)) == 3
    assert await store.n_past_cases(2) == 2


async def test_many_cases_are_read_in_pages(store, monkeypatch):
    """Also when several came in the same moment."""
    monkeypatch.setattr("triage_ml.storage.simulate.PAGE", 2)
    expected = {(await report(store, f"i-{n}")).case_id for n in range(5)}
    found = await ids(store)
    assert (len(found), set(found)) == (5, expected)
    assert found == sorted(found)


async def test_recorded_scores_are_of_the_model_and_of_the_newest_text(store):
    """The last word counts; what was said of an older text does not."""
    scored = await report(store, scores=make_scores(0.3))
    edited = await report(store, "i-2", scores=make_scores(0.4))
    await report(store, "i-2", text="another text")
    other = await report(store, "i-3", scores=make_scores(0.5, "m-2"))
    wanted = [scored.case_id, edited.case_id, other.case_id]
    found = await store.recorded_scores(wanted, "m-1")
    assert {key: row.p_violation for key, row in found.items()} == {scored.case_id: 0.3}
    assert found[scored.case_id].labels == make_scores(0.3).labels
    await add_scores(store, edited.case_id, 0.6)
    found = await store.recorded_scores(wanted, "m-1")
    assert found[edited.case_id].p_violation == 0.6
    assert await store.recorded_scores([], "m-1") == {}


async def test_what_a_shadow_said_is_recorded_too(store):
    """A model on trial need not score again."""
    receipt = await report(store, scores=make_scores(0.3))
    case = await store.get_case(receipt.case_id)
    item, scores = case.item, make_scores(0.9, "m-2")
    row = ScoreRecord.of(case.case_id, item.version_sha256, 6, scores, Arm.SHADOW, NOW)
    await store.add_shadow_scores([row])
    found = await store.recorded_scores([case.case_id], "m-2")
    assert found[case.case_id].p_violation == 0.9


async def test_handling_times_are_medians_of_enough_decisions_by_enough_people(store):
    """Of all, by language, by the gravest label found; what took a second was not read."""
    for n, seconds in enumerate((10, 20, 60, 1)):
        await report(store, f"i-{n}")
        case = await claim_one(store, f"r-{n}")
        await decide(store, case, now=NOW + timedelta(seconds=seconds))
    found = await store.handling_facts(NOW, 3, 3)
    assert [(row.language, row.label, row.n) for row in found] == [
        (None, None, 3),
        (Language.EN, None, 3),
        (Language.EN, "harassment", 3),
    ]
    assert all(row.seconds == pytest.approx((15.0, 20.0, 40.0)) for row in found)
    assert await store.handling_facts(NOW, 4, 1) == []
    assert await store.handling_facts(NOW, 1, 4) == []
    assert await store.handling_facts(NOW + HOUR, 1, 1) == []


PAIRS = [
    pair(1, harm=2.5, labels=(Label.HATE, Label.HARASSMENT), after=stand(tier=4)),
    pair(2, decided=Severity.S3, before=stand(tier=1), after=stand(tier=2)),
    replace(pair(3, decided=Severity.S0), language=Language.KO),
    pair(4, restricted=True, before=stand(queue="child"), after=stand(tier=4)),
]


async def test_a_comparison_is_kept_whole(store):
    """Every number, every move, what speaks against it."""
    comparison = made(PAIRS)
    await store.add_comparison(comparison)
    assert await store.get_comparison(comparison.comparison_id) == comparison
    assert comparison.breaches


async def test_comparisons_are_listed_without_moves(store):
    """Newest first, and not more than asked for."""
    for number in (1, 2, 3):
        await store.add_comparison(made(PAIRS, number=number, at=NOW + number * HOUR))
    found = await store.comparisons(2)
    assert [row.comparison_id.int for row in found] == [3, 2]
    assert [row.diff.moves + row.restricted.moves for row in found] == [(), ()]
    assert found[0].diff.total == made(PAIRS).diff.total


async def test_the_newest_comparison_of_two_models_is_found(store):
    """In that order, and no simulation."""
    await store.add_comparison(made(PAIRS, number=1, at=NOW))
    await store.add_comparison(made(PAIRS, number=2, at=NOW + HOUR))
    await store.add_comparison(made(PAIRS, number=3, at=NOW + 2 * HOUR, kind=Kind.SIMULATION))
    found = await store.find_comparison("m-1", "m-2")
    assert found.comparison_id == UUID(int=2)
    assert await store.find_comparison("m-2", "m-1") is None


async def test_an_unknown_comparison_is_not_found(store):
    """With its id."""
    with pytest.raises(NotFound, match="no comparison"):
        await store.get_comparison(uuid4())
