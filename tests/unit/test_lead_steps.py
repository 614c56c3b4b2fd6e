"""Steps of leads: giving back what somebody else holds, and giving it to another person."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.unit.builders import (
    CLAIM_ID,
    NOW,
    REVIEWER,
    make_case,
    make_claimed_case,
    make_facts,
    make_report,
    make_summary,
    shipped_policy,
)
from triage_ml.domain.admission import join_report
from triage_ml.domain.case import CaseState, Step
from triage_ml.domain.report import Source
from triage_ml.domain.review import reassign, release_for
from triage_ml.domain.scores import LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Tier
from triage_ml.errors import Conflict, InvalidInput, LeaseExpired

OVER = NOW + timedelta(minutes=10)


def test_a_lead_gives_back_what_another_holds() -> None:
    """The log names the lead as who did it, and for whom."""
    change = release_for(make_claimed_case(), CLAIM_ID, "lena", "end of the shift", NOW)
    [event] = change.events
    assert (change.case.state, change.case.claim) == (CaseState.QUEUED, None)
    assert (event.step, event.actor, change.claim_ended) == (Step.RELEASED, "lena", Step.RELEASED)
    assert event.detail == {"reason": "end of the shift", "released_for": REVIEWER}


def test_a_case_is_given_to_somebody_else() -> None:
    """It waits in the queue it was in, with a name on it."""
    case = make_claimed_case()
    change = reassign(case, CLAIM_ID, "lena", "otto", "he speaks it", NOW)
    assert (change.case.owner, change.case.state) == ("otto", CaseState.QUEUED)
    assert change.case.placement == case.placement
    assert change.events[0].detail["owner"] == "otto"


def test_a_name_on_a_case_does_not_keep_danger_from_the_people_on_call() -> None:
    """It is no escalation: a report of danger moves the case as it moves any other."""
    given = reassign(make_claimed_case(), CLAIM_ID, "lena", "otto", "he speaks it", NOW).case
    danger = make_report(Label.SELF_HARM, source=Source.AUTHORITY)
    facts = make_facts(summary=make_summary(make_report(), danger))
    guess = LanguageGuess(Language.EN, 0.99)
    moved = join_report(given, shipped_policy(), facts, guess, None, NOW, "intake").case
    assert (moved.placement.priority.tier, moved.placement.queue) == (Tier.T0, "imminent")
    assert moved.owner == "otto"


@pytest.mark.parametrize("claim_id", [UUID(int=9), CLAIM_ID])
def test_a_claim_that_is_over_is_left_alone(claim_id: UUID) -> None:
    """Somebody else's by now, or run out."""
    now = NOW if claim_id != CLAIM_ID else OVER
    with pytest.raises(LeaseExpired):
        release_for(make_claimed_case(), claim_id, "lena", "why", now)
    with pytest.raises(LeaseExpired):
        reassign(make_claimed_case(), claim_id, "lena", "otto", "why", now)


def test_a_case_nobody_holds_cannot_be_given_back() -> None:
    with pytest.raises(LeaseExpired):
        release_for(make_case(), CLAIM_ID, "lena", "why", NOW)


def test_the_first_decider_is_never_named() -> None:
    """A complaint is for another person, whoever sends it on."""
    case = make_claimed_case(barred_reviewer="otto")
    with pytest.raises(Conflict, match="first decider"):
        reassign(case, CLAIM_ID, "lena", "otto", "why", NOW)


@pytest.mark.parametrize(
    ("owner", "reason", "field"), [("otto", " ", "reason"), ("", "x", "owner")]
)
def test_reason_and_person_are_needed(owner: str, reason: str, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        reassign(make_claimed_case(), CLAIM_ID, "lena", owner, reason, NOW)
