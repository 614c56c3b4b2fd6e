"""Holding a case, deciding one blind, and taking one that was handed over."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.unit.builders import (
    CLAIM_ID,
    NOW,
    REVIEWER,
    make_case,
    make_claim,
    make_claimed_case,
    make_facts,
    make_report,
    make_summary,
    make_verdict,
    shipped_policy,
)
from triage_ml.domain.account import Account
from triage_ml.domain.admission import join_report
from triage_ml.domain.case import Case, Change, Step
from triage_ml.domain.report import Source
from triage_ml.domain.review import decide, escalate, hold, renew, take_handed
from triage_ml.domain.scores import LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Tier
from triage_ml.errors import Conflict, IllegalTransition, InvalidInput, LeaseExpired, TooLarge

POLICY = shipped_policy()
LEASE = timedelta(minutes=10)
HOUR = timedelta(hours=1)
DANGER = make_report(Label.SELF_HARM, source=Source.AUTHORITY)


def keep(case: Case, until: datetime = NOW + HOUR, reason: str = "a translation") -> Change:
    return hold(case, CLAIM_ID, REVIEWER, until, reason, NOW, 4 * HOUR)


def blind(case: Case) -> Case:
    assert case.claim is not None
    return replace(case, claim=replace(case.claim, hints_withheld=True))


def in_danger(case: Case) -> Case:
    """Let an authority report danger to life."""
    summary = make_summary(make_report(), DANGER)
    facts = make_facts(summary=summary)
    guess = LanguageGuess(Language.EN, 0.99)
    return join_report(case, POLICY, facts, guess, None, NOW, "intake").case


def test_a_held_case_is_kept_until_then() -> None:
    """The lease lasts as long as was asked for; the log says so, and what is waited for."""
    change = keep(make_claimed_case())
    claim = change.case.claim
    assert claim is not None
    assert (claim.lease_expires_at, claim.held_until) == (NOW + HOUR, NOW + HOUR)
    [event] = change.events
    assert (event.step, event.actor) == (Step.HELD, REVIEWER)
    assert event.detail["reason"] == "a translation"
    assert event.detail["held_until"] == (NOW + HOUR).isoformat()


def test_renewing_never_shortens_a_hold() -> None:
    """A page that is open renews; the longer of the two ends counts."""
    held = keep(make_claimed_case()).case
    renewed = renew(held, CLAIM_ID, REVIEWER, LEASE, NOW + LEASE).case.claim
    assert renewed is not None
    assert (renewed.lease_expires_at, renewed.held_until) == (NOW + HOUR, NOW + HOUR)
    late = renew(held, CLAIM_ID, REVIEWER, LEASE, NOW + HOUR - timedelta(minutes=1)).case.claim
    assert late is not None
    assert late.lease_expires_at == NOW + HOUR + timedelta(minutes=9)


def test_a_later_hold_takes_the_place_of_a_longer_one() -> None:
    """The lease ends with it, as the log says, but leaves the time of a usual lease."""
    held = keep(make_claimed_case(), NOW + 4 * HOUR).case
    for until, ends_at in ((NOW + HOUR, NOW + HOUR), (NOW + LEASE / 2, NOW + LEASE)):
        claim = keep(held, until).case.claim
        assert claim is not None
        assert (claim.held_until, claim.lease_expires_at) == (until, ends_at)


def test_a_short_hold_does_not_shorten_the_lease() -> None:
    """Asking for less than one has changes nothing about the lease."""
    claim = keep(make_claimed_case(), NOW + timedelta(minutes=5)).case.claim
    assert claim is not None
    assert claim.lease_expires_at == NOW + LEASE


@pytest.mark.parametrize(
    ("until", "reason"),
    [
        (NOW, "must lie in the future"),
        (NOW - HOUR, "must lie in the future"),
        (NOW + 4 * HOUR + timedelta(seconds=1), "must lie within 240 minutes"),
    ],
)
def test_a_hold_has_bounds(until: datetime, reason: str) -> None:
    """Neither in the past nor for longer than the setting says."""
    with pytest.raises(InvalidInput, match=reason) as caught:
        keep(make_claimed_case(), until)
    assert caught.value.field == "until"


def test_a_case_is_never_held_beyond_its_due_time() -> None:
    """Up to it, not after it; and what is past due cannot be held at all."""
    case = make_claimed_case()
    due_at = NOW + timedelta(minutes=30)
    urgent = replace(case, placement=replace(case.placement, due_at=due_at))
    assert keep(urgent, due_at).case.claim is not None
    for placement in (urgent.placement, replace(case.placement, due_at=NOW - HOUR)):
        with pytest.raises(InvalidInput, match="must not lie after") as caught:
            keep(replace(case, placement=placement))
        assert caught.value.field == "until"


@pytest.mark.parametrize(("reason", "error"), [(" ", InvalidInput), ("x" * 2_001, TooLarge)])
def test_a_hold_needs_a_reason(reason: str, error: type[InvalidInput]) -> None:
    """As giving back does."""
    with pytest.raises(error) as caught:
        keep(make_claimed_case(), reason=reason)
    assert caught.value.field == "reason"


def test_only_the_holder_of_a_running_lease_may_hold() -> None:
    """Neither somebody else nor too late."""
    case = make_claimed_case()
    for who, now in (("otto", NOW), (REVIEWER, NOW + LEASE)):
        with pytest.raises(LeaseExpired):
            hold(case, CLAIM_ID, who, NOW + HOUR, "a translation", now, 4 * HOUR)


def test_a_case_that_turns_urgent_is_not_held_for_long() -> None:
    """A person may be in danger while the holder is away: the hold ends with the new due time."""
    held = keep(make_claimed_case(), NOW + 4 * HOUR).case
    urgent = in_danger(held)
    assert urgent.claim is not None
    assert urgent.placement.due_at < NOW + 4 * HOUR
    assert urgent.claim.lease_expires_at == urgent.claim.held_until == urgent.placement.due_at


def test_a_report_that_changes_no_clock_leaves_a_hold_alone() -> None:
    """Another user's report is no reason to take a case from who waits for a translation."""
    held = keep(make_claimed_case()).case
    facts = make_facts(make_report(), make_report())
    guess = LanguageGuess(Language.EN, 0.99)
    joined = join_report(held, POLICY, facts, guess, None, NOW, "intake").case
    assert joined.claim == held.claim


def test_hints_are_hidden_from_the_holder_alone_and_while_the_lease_runs() -> None:
    """Others who read the case see it as always."""
    case = blind(make_claimed_case())
    assert case.hides_hints_from(REVIEWER, NOW)
    assert not case.hides_hints_from("otto", NOW)
    assert not case.hides_hints_from(REVIEWER, NOW + LEASE)
    assert not make_claimed_case().hides_hints_from(REVIEWER, NOW)
    assert not make_case().hides_hints_from(REVIEWER, NOW)


def test_a_case_that_comes_into_danger_is_blind_no_longer() -> None:
    """In T0 a hint may save time that matters; the decision is not counted as a blind one."""
    urgent = in_danger(blind(make_claimed_case()))
    assert urgent.placement.priority.tier is Tier.T0
    assert not urgent.hides_hints_from(REVIEWER, NOW)
    decision = decide(urgent, POLICY, CLAIM_ID, REVIEWER, make_verdict(), NOW).case.decision
    assert decision is not None
    assert not decision.hints_withheld


@pytest.mark.parametrize("withheld", [True, False])
def test_a_decision_says_for_ever_whether_it_was_made_blind(withheld: bool) -> None:
    """In the decision, in the log and in what is announced."""
    case = make_claimed_case()
    case = blind(case) if withheld else case
    change = decide(case, POLICY, CLAIM_ID, REVIEWER, make_verdict(), NOW)
    assert change.case.decision is not None
    assert change.case.decision.hints_withheld is withheld
    assert change.events[-1].detail["hints_withheld"] is withheld
    assert change.announcement is not None
    assert change.announcement["hints_withheld"] is withheld


def handed() -> Case:
    return escalate(make_case(), POLICY, "otto", REVIEWER, "press asks", NOW).case


def test_a_case_is_taken_by_whom_it_was_handed_to() -> None:
    """It is a claim like any other, drawn with certainty."""
    change = take_handed(handed(), make_claim())
    assert change.case.claim == make_claim()
    assert change.events[-1].step is Step.CLAIMED
    assert change.events[-1].detail["propensity"] == 1


def test_a_case_is_not_taken_by_anybody_else() -> None:
    """Nor by its owner while somebody holds it, nor after it is closed."""
    with pytest.raises(Conflict, match="not handed"):
        take_handed(handed(), make_claim("otto"))
    with pytest.raises(Conflict, match="not handed"):
        take_handed(make_case(), make_claim())
    held = replace(make_claimed_case(), owner="olga")
    with pytest.raises(Conflict, match="somebody holds"):
        take_handed(held, make_claim("olga", NOW + timedelta(minutes=1)))
    taken = take_handed(handed(), make_claim()).case
    closed = decide(taken, POLICY, CLAIM_ID, REVIEWER, make_verdict(), NOW).case
    with pytest.raises(IllegalTransition):
        take_handed(closed, make_claim())


def test_an_owner_takes_a_case_whose_lease_has_run_out() -> None:
    """The lease of before ends with it, and both are in the log."""
    held = replace(make_claimed_case(), owner="olga")
    change = take_handed(held, make_claim("olga", NOW + LEASE))
    assert [event.step for event in change.events] == [Step.LEASE_EXPIRED, Step.CLAIMED]
    assert change.claim_ended is Step.LEASE_EXPIRED


@pytest.mark.parametrize(
    ("scopes", "disabled_at", "can"),
    [
        ({"review"}, None, True),
        ({"admin"}, None, True),
        ({"intake"}, None, False),
        ({"review"}, NOW, False),
    ],
)
def test_who_can_review(scopes: set[str], disabled_at: datetime | None, can: bool) -> None:
    """By scope, and not after the account was disabled."""
    account = Account("olga", "Olga", frozenset(scopes), NOW, disabled_at=disabled_at)
    assert account.can_review is can
