"""Past cases replayed under two sides, over both stores' promises."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.steps import NOW, POLICY, claim_one, decide, make_scores, report
from tests.unit.pairs import made, pair, stand
from triage_ml.domain.comparison import Kind
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Label, Language, Severity, Tier
from triage_ml.errors import Conflict, InvalidInput, ScoringFailed
from triage_ml.testing import FixedClock, StubScorer
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.side_by_side import Placing, Scored
from triage_ml.workflow.simulate import (
    Question,
    compare_sides,
    load_history,
    models_of,
    require_comparison,
    score_history,
    stored_scores,
)

pytestmark = pytest.mark.anyio
QUESTION = Question(Kind.MODELS, "mara", n_repeats=5)
THREAT = Label.VIOLENT_THREAT


@pytest.fixture
def store() -> MemoryCaseStore:
    clock = FixedClock()
    return MemoryCaseStore(random.Random(1), clock.now)


async def history_of(store, n=6):
    for number in range(n):
        at = NOW + timedelta(minutes=number)
        await report(store, f"i-{number}", at=at, scores=make_scores(0.2))
    return await load_history(store, NOW + timedelta(days=1), 100)


def threats(history, probability: float, version="m-2") -> dict:
    """Scores that find a threat, or not, in every case."""
    row = make_scores(0.2, version)
    score = replace(row.labels[Label.HARASSMENT], probability=probability, severity=3.0)
    labels = {**row.labels, THREAT: score}
    return {case.case_id: replace(row, labels=labels) for case in history.cases}


def compared(history, before, after, policies=(POLICY, POLICY), learned=((None, True),) * 2):
    one, two = (
        Placing(Scored(f"m-{n}", scores, *known), policy)
        for n, policy, scores, known in zip((1, 2), policies, (before, after), learned, strict=True)
    )
    return compare_sides(history, one, two, QUESTION, NOW)


async def test_the_same_model_moves_nothing(store):
    """And nothing speaks against it."""
    history = await history_of(store)
    scores = threats(history, 0.7)
    found = compared(history, scores, scores)
    assert (found.diff.moves, found.breaches, found.n_unscored) == ((), (), 0)
    assert (found.n_cases, found.first_at) == (6, NOW)
    assert found.last_at == NOW + timedelta(minutes=5)


async def test_a_model_that_misses_a_threat_lets_cases_sink(store):
    """From T2, by the shipped policy, and each is named."""
    history = await history_of(store)
    found = compared(history, threats(history, 0.7, "m-1"), threats(history, 0.1))
    assert found.diff.total.n_sink == 6
    [flow] = found.diff.tiers
    assert (flow.before, flow.after, flow.n) == ("T2", "T3", 6)
    assert {move.before.tier for move in found.diff.moves} == {Tier.T2}
    assert found.before.model == "m-1"
    assert found.delay.rows[0].n_cases == 6


async def test_cases_that_no_model_can_remember_are_summed_up_apart(store):
    """The later end of both holds; restricted cases and repeats of a text are left out."""
    texts = [f"text {n}" for n in range(5)] + ["text 0"]
    for n, text in enumerate(texts):
        at = NOW + timedelta(minutes=n)
        await report(store, f"i-{n}", text=text, at=at, scores=make_scores(0.2))
    await report(store, "i-c", text="c", at=NOW + timedelta(minutes=9), reason=Label.CHILD_SAFETY)
    history = await load_history(store, NOW + timedelta(days=1), 100)
    sides = threats(history, 0.7, "m-1"), threats(history, 0.1)
    first, last = (NOW + timedelta(minutes=n) for n in (1, 3))
    for ends in ((first, last), (last, first), (None, last), (last, None)):
        found = compared(history, *sides, learned=[(end, True) for end in ends])
        assert found.learned_until == last
        assert (found.came_later.n_cases, found.came_later.n_sink) == (1, 1)  # the fifth alone
        assert (found.diff.total.n_cases, found.unknown_learners) == (6, ())
    long_after = NOW + timedelta(days=1)
    assert compared(history, *sides, learned=[(long_after, True)] * 2).came_later.n_cases == 0
    assert compared(history, *sides).came_later is None


async def test_where_it_is_not_known_until_when_a_model_learned_nothing_is_set_apart(store):
    """What one is known to have learned says nothing about the other."""
    history = await history_of(store)
    scores = threats(history, 0.7)
    found = compared(history, scores, scores, learned=((NOW, True), (None, False)))
    assert (found.came_later, found.unknown_learners) == (None, ("m-2",))


async def test_another_policy_is_another_side(store):
    """The same scores under other rules; the harm is that of the first policy."""
    history = await history_of(store)
    scores = stored_scores(history.cases)
    low = replace(POLICY, low_tier=replace(POLICY.low_tier, tier=Tier.T4), score_tiers=())
    found = compared(history, threats(history, 0.7), threats(history, 0.7), (POLICY, low))
    assert found.diff.total.n_sink == 6
    assert models_of(scores) == "m-1"
    assert models_of({}) == "no model"


async def test_decided_cases_weigh_what_was_found(store):
    """Nothing, where reviewers found no violation."""
    await history_of(store, 2)
    case = await claim_one(store)
    await decide(store, case)
    history = await load_history(store, NOW + timedelta(days=1), 100)
    found = compared(history, threats(history, 0.7), threats(history, 0.1))
    decided = {move.case_id: move for move in found.diff.moves}[case.case_id]
    assert decided.decided is Severity.S2
    reach = case.placement.priority.reach
    assert decided.harm == pytest.approx(POLICY.priority.severity_weights[2] * reach)


async def test_child_safety_stands_apart(store):
    """Whatever queue it would come to."""
    await report(store, "i-1", reason=Label.CHILD_SAFETY)
    history = await load_history(store, NOW + timedelta(days=1), 9)
    found = compared(history, {}, {})
    assert (found.diff.total.n_cases, found.restricted.total.n_cases) == (0, 1)
    assert {row.kind for row in found.delay.rows} == {"restricted"}
    assert found.n_unscored == 1


async def test_recorded_scores_are_not_made_again(store):
    """A model is loaded only for what it never saw."""
    history = await history_of(store)

    def load():
        raise AssertionError("nothing has to be scored")

    found = await score_history(store, history.cases, "m-1", load)
    assert set(found) == {case.case_id for case in history.cases}
    with pytest.raises(Conflict, match="m-9 never scored 6 of the 6 cases"):
        await score_history(store, history.cases, "m-9", None)


class Choosy(StubScorer):
    """Fails at one text."""

    def score(self, texts, languages):
        if any("bad" in text for text in texts):
            raise ScoringFailed("this one")
        return super().score(texts, languages)


async def test_a_text_that_cannot_be_scored_fails_alone(store):
    """It is placed without scores."""
    await report(store, "i-1", text="a bad text")
    await report(store, "i-2", text="a good text")
    history = await load_history(store, NOW + timedelta(days=1), 9)
    done = []
    found = await score_history(
        store, history.cases, "stub", Choosy, tick=lambda *row: done.append(row)
    )
    assert [case.item.item_id for case in history.cases if case.case_id in found] == ["i-2"]
    assert done == [("scoring with stub", 2, 2)]
    assert all(isinstance(row, LabelScores) for row in found.values())
    assert compared(history, found, found).n_unscored == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [({"last": 0}, "last: must"), ({"last": 10**6}, "last: must"), ({"days": 0}, "days: must")],
)
async def test_a_wrong_span_is_named(store, given, told):
    """Before anything is read."""
    with pytest.raises(InvalidInput, match=told):
        await load_history(store, NOW, **{"last": 10, **given})


async def test_without_cases_there_is_nothing_to_replay(store):
    """Nor with too few repetitions for an interval."""
    with pytest.raises(Conflict, match="no case to replay"):
        await load_history(store, NOW, 10)
    with pytest.raises(InvalidInput, match="repeat: must lie within 5 and 200"):
        Question(Kind.MODELS, "mara", n_repeats=2)


async def test_a_comparison_of_a_few_of_many_cases_is_none(store):
    for number in range(5):
        await report(store, f"i-{number}")
    await store.add_comparison(made([pair(1), pair(2)], at=NOW))
    with pytest.raises(Conflict, match="holds 2 cases of 5 and more"):
        await require_comparison(store, "m-2", "m-1")
    enough = made([pair(n) for n in range(1, 6)], at=NOW + timedelta(hours=1), number=2)
    await store.add_comparison(enough)
    assert await require_comparison(store, "m-2", "m-1") is not None


async def test_a_promotion_needs_a_comparison_that_does_not_speak_against_it(store):
    """A first champion, or the same one, needs none."""
    assert await require_comparison(store, "m-2", None) is None
    assert await require_comparison(store, "m-2", "m-2") is None
    with pytest.raises(Conflict, match="m-2 was not compared with the champion"):
        await require_comparison(store, "m-2", "m-1")
    await store.add_comparison(made([pair(1), pair(2)], at=NOW))
    assert (await require_comparison(store, "m-2", "m-1")).after.model == "m-2"
    sinks = pair(1, before=stand(tier=0), after=stand(), decided=Severity.S4)
    later = made([sinks, pair(2)], at=NOW + timedelta(hours=1), number=2)
    await store.add_comparison(later)
    with pytest.raises(Conflict, match=r"speaks against m-2: .*1 cases of a violation S3"):
        await require_comparison(store, "m-2", "m-1")
    assert Language.EN in {move.language for move in later.diff.moves}
