"""Second looks, and what leads measure by them."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from triage_ml.domain.account import Account
from triage_ml.domain.decision import Action, Appeal, Verdict
from triage_ml.domain.quality import Judgement, Outcome, SampleKind
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import Conflict, InvalidInput, NotFound, ScopeMissing
from triage_ml.workflow.measures import KEPT, Measures
from triage_ml.workflow.quality import DRAWN_FROM, Quality
from triage_ml.workflow.review import Review

pytestmark = pytest.mark.anyio
QUEUE = "std-en-safety"
INSULT = Verdict({Label.HARASSMENT: Severity.S2}, Action.WARN_AUTHOR, "", "clause 1.2")
FOUND = Judgement(INSULT.findings, INSULT.action)
NOTHING = Judgement({}, Action.NO_ACTION)
NO_VERDICT = Verdict({}, Action.NO_ACTION)


class Chance(random.Random):
    """Always draws the same number."""

    def __init__(self, value: float) -> None:
        self.value = value
        super().__init__()

    def random(self) -> float:
        return self.value


@pytest.fixture
def policy(desk):
    """Every decision is judged again."""
    shares = replace(desk.policy.quality, double_share=1.0, golden_share=0.5)
    return replace(desk.policy, quality=shares)


@pytest.fixture
def quality(desk, policy) -> Quality:
    return Quality(desk.store, desk.review, policy, desk.clock, Chance(0.9))


def person(desk, name, *scopes) -> Account:
    return Account(name, name.title(), frozenset(scopes or ("review",)), desk.clock.now())


async def decided(desk, item="i1", by="anna", verdict=INSULT, queue=QUEUE, **facts):
    who = desk.key(by, "review", "restricted")
    await desk.report(item, **facts)
    [case] = await desk.review.claim(who, queue)
    return await desk.review.decide(who, case.case_id, case.claim.claim_id, verdict)


async def judged(desk, quality, by="ben", judgement=NOTHING):
    """Draw and judge the next case; give its sample."""
    who = person(desk, by)
    return await quality.judge(who, await quality.draw(who), judgement, "")


async def test_a_second_verdict_leaves_the_case_alone(desk, quality):
    """Nothing of it is in the log, and the first verdict is not part of what is shown."""
    case = await decided(desk)
    ben = person(desk, "ben")
    sample_id = await quality.draw(ben)
    look = await quality.look(ben, sample_id)
    assert (look.dossier.case.case_id, look.mine) == (case.case_id, None)
    n_events = len(await desk.store.events(case.case_id))
    await quality.judge(ben, sample_id, NOTHING, "a quotation")
    assert await desk.store.get_case(case.case_id) == case
    assert len(await desk.store.events(case.case_id)) == n_events
    assert (await quality.look(ben, sample_id)).mine == NOTHING
    with pytest.raises(Conflict):
        await quality.judge(ben, sample_id, NOTHING, "")


async def test_nobody_judges_what_they_decided(desk, quality):
    case = await decided(desk)
    anna = person(desk, "anna")
    assert await quality.draw(anna) is None
    with pytest.raises(NotFound):
        await quality.look(anna, case.decision.claim_id)
    with pytest.raises(NotFound):
        await quality.judge(anna, case.decision.claim_id, NOTHING, "")


async def test_what_is_not_sampled_cannot_be_judged(desk):
    """Knowing the number of a decision's claim opens nothing."""
    policy = replace(desk.policy, quality=replace(desk.policy.quality, double_share=0.0))
    quality = Quality(desk.store, desk.review, policy, desk.clock)
    case = await decided(desk)
    with pytest.raises(NotFound):
        await quality.look(person(desk, "ben"), case.decision.claim_id)


async def test_old_decisions_are_not_drawn(desk, quality):
    await decided(desk)
    desk.clock.advance(DRAWN_FROM + timedelta(seconds=1))
    assert await quality.draw(person(desk, "ben")) is None


async def test_restricted_cases_need_the_scope(desk, quality):
    case = await decided(desk, queue="child-safety", reason=Label.CHILD_SAFETY)
    ben, rosa = person(desk, "ben"), person(desk, "rosa", "review", "restricted")
    assert await quality.draw(ben) is None
    with pytest.raises(NotFound):
        await quality.look(ben, case.decision.claim_id)
    with pytest.raises(ScopeMissing):
        await quality.mark(ben, case.case_id, FOUND, "why")
    assert await quality.draw(rosa) == case.decision.claim_id


async def test_a_verdict_that_does_not_hold_together_is_refused(desk, quality):
    await decided(desk)
    ben = person(desk, "ben")
    sample_id = await quality.draw(ben)
    with pytest.raises(InvalidInput, match="action"):
        await quality.judge(ben, sample_id, Judgement({}, Action.WARN_AUTHOR), "")
    assert (await quality.look(ben, sample_id)).mine is None


async def test_golden_cases_are_mixed_in(desk, policy, quality):
    """By chance, and where there is nothing else to look at."""
    golden = await decided(desk, "i1")
    await decided(desk, "i2")
    await quality.mark(person(desk, "lena", "lead"), golden.case_id, NOTHING, "a quotation")
    lucky = Quality(desk.store, desk.review, policy, desk.clock, Chance(0.1))
    sample = await judged(desk, lucky)
    assert (sample.kind, sample.known, sample.note) == (SampleKind.GOLDEN, NOTHING, "a quotation")
    kinds = [(await judged(desk, quality, "cem")).kind for _ in range(3)]
    assert kinds == [SampleKind.DOUBLE, SampleKind.DOUBLE, SampleKind.GOLDEN]


async def test_only_a_decided_case_can_be_golden(desk, quality):
    receipt = await desk.report()
    lena = person(desk, "lena", "lead")
    with pytest.raises(Conflict, match="decided"):
        await quality.mark(lena, receipt.case_id, NOTHING, "why")
    case = await decided(desk, "i2")
    with pytest.raises(InvalidInput, match="note"):
        await quality.mark(lena, case.case_id, NOTHING, " ")
    assert await quality.golden_cases(lena) == []


async def test_leads_settle_what_differs(desk, quality):
    await decided(desk)
    await judged(desk, quality)
    lena = person(desk, "lena", "lead")
    [pair] = await quality.disagreements(lena)
    assert (pair.first, pair.second) == (FOUND, NOTHING)
    with pytest.raises(InvalidInput, match="note"):
        await quality.settle(lena, pair.review_id, Outcome.FIRST, "")
    with pytest.raises(NotFound):
        await quality.settle(lena, pair.case_id, Outcome.FIRST, "why")
    await quality.settle(lena, pair.review_id, Outcome.SECOND, "it quotes")
    assert await quality.disagreements(lena) == []
    with pytest.raises(Conflict):
        await quality.settle(lena, pair.review_id, Outcome.FIRST, "why")


@pytest.mark.parametrize("name", ["anna", "ben"])
async def test_nobody_settles_their_own_verdict(desk, quality, name):
    """A lead who reviews as well is one of two sides."""
    await decided(desk)
    await judged(desk, quality)
    lead = person(desk, name, "lead", "review")
    [pair] = await quality.disagreements(lead)
    with pytest.raises(Conflict, match="verdicts"):
        await quality.settle(lead, pair.review_id, Outcome.FIRST, "why")


async def test_agreement_is_measured_by_label_and_language(desk, policy, quality):
    """Twenty decisions: on 18 both agree; a language with few says nothing of its own."""
    measures = Measures(desk.store, policy, desk.clock)
    for number in range(20):
        harmful = number % 2 == 0
        await decided(desk, f"i{number}", verdict=INSULT if harmful else NO_VERDICT)
        again = harmful if number > 1 else not harmful
        await judged(desk, quality, judgement=FOUND if again else NOTHING)
    table = (await measures.measured(person(desk, "lena", "lead"))).agreement
    assert table.languages == [Language.EN, None]
    cell = table.by_label[Label.HARASSMENT, Language.EN]
    # 40 values, half of them 1, and 2 of 20 pairs that differ: 1 - 39 * 4 / (2 * 20 * 20).
    assert (cell.n, cell.alpha) == (20, pytest.approx(1 - 39 * 4 / 800))
    assert cell.low < cell.alpha < cell.high
    assert cell == table.by_label[Label.HARASSMENT, None]
    assert table.by_label[Label.HATE, Language.EN].alpha is None
    assert table.by_severity[None].n == 20


async def test_measures_are_kept_for_a_while(desk, policy, quality):
    """They read every decision of a month; each set of queues has its own."""
    measures = Measures(desk.store, policy, desk.clock)
    lena, lea = person(desk, "lena", "lead"), person(desk, "lea", "lead", "restricted")
    await decided(desk, queue="child-safety", reason=Label.CHILD_SAFETY)
    assert (await measures.measured(lena)).handling == []
    assert len((await measures.measured(lea)).handling) == 2
    await decided(desk, "i2")
    assert (await measures.measured(lena)).handling == []
    desk.clock.advance(KEPT)
    assert [row.n for row in (await measures.measured(lena)).handling] == [1, 1]


async def test_unclear_policy_is_counted_by_label(desk, policy, quality):
    await decided(desk)
    await judged(desk, quality)
    lena = person(desk, "lena", "lead")
    [pair] = await quality.disagreements(lena)
    await quality.settle(lena, pair.review_id, Outcome.POLICY_UNCLEAR, "is a nickname a slur?")
    measured = await Measures(desk.store, policy, desk.clock).measured(lena)
    assert measured.unclear == {Label.HARASSMENT: 1}


async def test_overturned_decisions_are_counted_by_label_and_language(desk, policy):
    """One complaint upheld, one not; the short window holds the later one alone."""
    case = await decided(desk, "i1")
    await contested(desk, case, NO_VERDICT)
    desk.clock.advance(timedelta(days=40))
    await contested(desk, await decided(desk, "i2"), INSULT)
    measured = await Measures(desk.store, policy, desk.clock).measured(person(desk, "lena", "lead"))
    [row] = measured.overturns
    assert (row.label, row.language) == (Label.HARASSMENT, Language.EN)
    assert (row.long.n, row.long.n_overturned) == (2, 1)
    assert (row.short.n, row.short.n_overturned) == (1, 0)
    assert row.long.low < 0.5 < row.long.high
    assert (measured.overturned.n, measured.overturned_short.n) == (2, 1)


async def contested(desk, case, verdict) -> None:
    """Complain about a decision, and have somebody else decide."""
    review: Review = desk.review
    await review.appeal(desk.key("intake"), case.case_id, Appeal("author-1", "not so"))
    cem = desk.key("cem")
    [again] = await review.claim(cem, "appeal")
    await review.decide(cem, again.case_id, again.claim.claim_id, verdict)
