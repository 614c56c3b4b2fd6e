"""What the desk does for the people at it."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from triage_ml.domain.account import Account
from triage_ml.domain.care import Exposure
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.report import Source
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import ScoringFailed, StoreUnavailable
from triage_ml.workflow.care import KEPT, Care

pytestmark = pytest.mark.anyio
NOTHING = Verdict({}, Action.NO_ACTION)
QUEUE = "std-en-safety"


@pytest.fixture(autouse=True)
def care(desk):
    """Care for a desk without a model: each label is as severe as is typical."""
    desk.scorer.failure = ScoringFailed("off")
    return Care(desk.store, desk.policy, desk.clock)


async def hold(desk, who, item_id="i1", reason=Label.SELF_HARM):
    await desk.report(item_id, reason=reason)
    [case] = await desk.review.claim(who, QUEUE)
    return case


async def read_heavy(desk, who, n):
    """Conclude so many heavy cases, a minute each."""
    for number in range(n):
        case = await hold(desk, who, f"heavy-{number}-{desk.clock.now()}")
        desk.clock.advance(timedelta(minutes=1))
        await desk.review.decide(who, case.case_id, case.claim.claim_id, NOTHING)


async def rows_of(desk, who):
    return await desk.store.exposures(who.name, desk.clock.now() - timedelta(days=30))


async def test_a_decision_counts_what_was_expected(desk):
    """The gravest label that is likely or reported, at its typical severity without scores."""
    anna = desk.key("anna")
    case = await hold(desk, anna)
    desk.clock.advance(timedelta(minutes=3))
    await desk.review.decide(anna, case.case_id, case.claim.claim_id, NOTHING)
    [row] = await rows_of(desk, anna)
    assert row.labels == (Label.SELF_HARM,)
    assert row.points == desk.policy.care.weigh({Label.SELF_HARM: Severity.S3})
    assert (row.began_at, row.at) == (case.claim.claimed_at, desk.clock.now())


async def test_what_somebody_found_counts_as_grave_as_they_found_it(desk):
    """A quotation weighs less than was expected, and what nobody foresaw counts as well."""
    anna = desk.key("anna")
    for number, findings in enumerate(
        ({Label.SELF_HARM: Severity.S0}, {Label.GRAPHIC_VIOLENCE: Severity.S4})
    ):
        reason = Label.SELF_HARM if number == 0 else Label.HARASSMENT
        case = await hold(desk, anna, f"i{number}", reason)
        verdict = Verdict(findings, Action.NO_ACTION)
        await desk.review.decide(anna, case.case_id, case.claim.claim_id, verdict)
    quoted, found = await rows_of(desk, anna)
    assert quoted.points == desk.policy.care.weigh({Label.SELF_HARM: 0})
    assert found.points == desk.policy.care.weigh({Label.GRAPHIC_VIOLENCE: 4})


async def test_every_way_to_conclude_counts_once(desk):
    """Deciding, finding a gap in the policy, giving back, handing up."""
    await desk.person("olga")
    anna = desk.key("anna")
    case = await hold(desk, anna)
    await desk.review.release(anna, case.claim.claim_id, "not my language")
    [case] = await desk.review.claim(anna, QUEUE)
    await desk.review.escalate(anna, case.case_id, "olga", "press", case.claim.claim_id)
    case = await hold(desk, anna, "i2")
    gap = Verdict({}, Action.NO_ACTION, "", "no word", needs_classification=True)
    await desk.review.decide(anna, case.case_id, case.claim.claim_id, gap)
    assert [row.points for row in await rows_of(desk, anna)] == [6.0, 6.0, 6.0]


async def test_who_hands_up_a_case_they_did_not_hold_was_not_exposed(desk):
    """They may have known it by its number alone."""
    await desk.person("olga")
    receipt = await desk.report(reason=Label.SELF_HARM)
    anna = desk.key("anna")
    await desk.review.escalate(anna, receipt.case_id, "olga", "press asks", None)
    assert await rows_of(desk, anna) == []


async def test_nothing_of_it_stands_in_the_log(desk):
    """A case's events say what they always said."""
    anna = desk.key("anna")
    await read_heavy(desk, anna, 1)
    [case_id] = desk.store._cases
    told = str(await desk.store.events(case_id))
    assert not any(word in told for word in ("points", "exposure", "dose"))


async def test_a_light_case_is_preferred_after_heavy_ones(desk, care):
    """The heavy labels are left out of the next claim, and only of that person's."""
    anna = desk.key("anna")
    n = desk.policy.care.interleave_after
    await read_heavy(desk, anna, n - 1)
    assert await care.excluded_for(anna, QUEUE) == ()
    await read_heavy(desk, anna, 1)
    assert set(await care.excluded_for(anna, QUEUE)) == set(desk.policy.care.points)
    assert await care.excluded_for(desk.key("ben"), QUEUE) == ()


async def test_an_urgent_case_is_never_passed_over(desk, care):
    """While one waits in that queue the claim is the usual one."""
    anna = desk.key("anna")
    await read_heavy(desk, anna, desk.policy.care.interleave_after)
    await desk.report("now", source=Source.AUTHORITY)
    assert await care.excluded_for(anna, "legal") == ()
    assert await care.excluded_for(anna, QUEUE) != ()


async def test_a_break_is_proposed_after_heavy_reading(desk, care):
    """Just after the case that fills the measure."""
    anna = desk.key("anna")
    measure = desk.policy.care.break_after_points
    asked = []
    for _ in range(8):
        await read_heavy(desk, anna, 1)
        asked.append(await care.rest_due(anna))
    assert 6 * 6.0 < measure <= 7 * 6.0
    assert asked == [False] * 6 + [True, False]


async def test_a_store_that_is_away_after_a_decision_is_no_failure(desk, care, monkeypatch):
    """The decision is saved; only the question is left out."""

    async def away(reviewer, since):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(desk.store, "exposures", away)
    assert not await care.rest_due(desk.key("anna"))


async def test_the_ledger_is_of_one_shift_and_seven_days(desk, care):
    """By the owner's clock, and of nobody else."""
    anna, zone = desk.key("anna"), ZoneInfo("Asia/Seoul")
    await read_heavy(desk, anna, 1)
    desk.clock.advance(timedelta(days=1))
    began_at = desk.clock.now()
    await read_heavy(desk, anna, 2)
    await read_heavy(desk, desk.key("ben"), 1)
    ledger = await care.ledger(anna, zone)
    assert (ledger.began_at, ledger.n_cases, ledger.n_heavy) == (began_at, 2, 2)
    assert (ledger.points, ledger.level) == (12.0, "low")
    assert [row.points for row in ledger.days] == [12.0, 6.0, 0, 0, 0, 0, 0]
    assert ledger.days[0].day == desk.clock.now().astimezone(zone).date()


async def test_the_ledger_is_its_owners_to_delete(desk, care):
    """Afterwards nothing is left of it, for breaks and light cases neither."""
    anna = desk.key("anna")
    await read_heavy(desk, anna, 3)
    assert await care.erase(anna) == 3
    ledger = await care.ledger(anna, UTC)
    assert (ledger.began_at, ledger.points) == (None, 0)
    assert await care.excluded_for(anna, QUEUE) == ()


async def test_rows_are_kept_for_thirty_days(desk, care):
    """Not longer, whatever else is."""
    anna = desk.key("anna")
    await read_heavy(desk, anna, 1)
    desk.clock.advance(KEPT)
    await care.forget()
    assert len(await rows_of(desk, anna)) == 1
    desk.clock.advance(timedelta(seconds=1))
    await care.forget()
    assert await desk.store.exposures("anna", desk.clock.now() - 2 * KEPT) == []


async def test_groups_are_of_the_week_that_is_over(desk, care):
    """A case of this week changes nothing; five people of the last one are told together."""
    for n in range(5):
        account = Account(f"p{n}", "P", frozenset({"review"}), desk.clock.now(), Language.TR)
        await desk.store.add_account(account, None)
        await read_heavy(desk, desk.key(f"p{n}"), 2)
    assert (await care.groups()).everybody is None
    desk.clock.advance(timedelta(days=7))
    told = await care.groups()
    assert told.everybody is not None
    assert told.by_language == {Language.TR: told.everybody}
    await read_heavy(desk, desk.key("p1"), 20)
    assert await care.groups() == told
    last_week = desk.clock.now() - timedelta(days=6)
    desk.store._exposures.append(Exposure("a-program", last_week, last_week, 900.0))
    assert await care.groups() == told
