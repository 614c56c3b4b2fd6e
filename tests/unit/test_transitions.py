"""The state machine: exactly the listed steps are possible, and no step writes what is private."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.builders import (
    CASE_ID,
    CLAIM_ID,
    NOW,
    REPORT_ID,
    REVIEWER,
    make_case,
    make_case_in,
    make_claim,
    make_decided_case,
    make_facts,
    make_item,
    make_report,
    make_scores,
    make_verdict,
    shipped_policy,
)
from triage_ml.domain.admission import add_scores, circumstances, join_report, open_case
from triage_ml.domain.case import (
    OPEN_STATES,
    TRANSITIONS,
    Case,
    CaseState,
    Change,
    Step,
    next_state,
)
from triage_ml.domain.decision import Action, Appeal
from triage_ml.domain.erasure import erase
from triage_ml.domain.review import (
    appeal,
    decide,
    escalate,
    hold,
    release,
    renew,
    take,
    withdraw,
)
from triage_ml.domain.scores import LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.errors import IllegalTransition, TriageError

POLICY = shipped_policy()
GUESS = LanguageGuess(Language.EN, 0.9)
LEASE = timedelta(minutes=10)
LATER = NOW + timedelta(hours=1)


def _join(case: Case) -> Change:
    return join_report(case, POLICY, circumstances(case), GUESS, make_scores(), NOW, "intake")


def _take_over(case: Case) -> Change:
    return take(case, make_claim("otto", LATER))


def _decide(case: Case) -> Change:
    verdict = make_verdict({Label.HATE: Severity.S2}, Action.WARN_AUTHOR, explanation="clause 1.1")
    return decide(case, POLICY, CLAIM_ID, REVIEWER, verdict, NOW)


def _gap(case: Case) -> Change:
    verdict = make_verdict(needs_classification=True)
    return decide(case, POLICY, CLAIM_ID, REVIEWER, verdict, NOW)


def _escalate(case: Case) -> Change:
    return escalate(case, POLICY, REVIEWER, "olga", "press asks", NOW, CLAIM_ID)


def _hold(case: Case) -> Change:
    until = NOW + timedelta(minutes=30)
    return hold(case, CLAIM_ID, REVIEWER, until, "a translation", NOW, timedelta(hours=1))


STEPS: dict[Step, Callable[[Case], Change]] = {
    Step.REPORTED: _join,
    Step.SCORED: lambda case: add_scores(case, POLICY, make_scores(), NOW, "worker"),
    Step.CLAIMED: lambda case: take(case, make_claim()),
    Step.RENEWED: lambda case: renew(case, CLAIM_ID, REVIEWER, LEASE, NOW),
    Step.HELD: _hold,
    Step.RELEASED: lambda case: release(case, CLAIM_ID, REVIEWER, "a break", NOW),
    Step.LEASE_EXPIRED: _take_over,
    Step.ESCALATED: _escalate,
    Step.POLICY_GAP: _gap,
    Step.DECIDED: _decide,
    Step.APPEALED: lambda case: appeal(case, POLICY, Appeal("author-1", "no"), NOW, "intake"),
    Step.REPORT_WITHDRAWN: lambda case: withdraw(case, REPORT_ID, "mistaken", "intake"),
    Step.WITHDRAWN: lambda case: withdraw(case, REPORT_ID, "mistaken", "intake"),
    Step.ERASED: lambda case: erase(case, "anna", "the author asked"),
}
PAIRS = [(state, step) for state in CaseState for step in Step]


@pytest.mark.parametrize(("state", "step"), PAIRS)
def test_next_state_allows_exactly_the_listed_pairs(state: CaseState, step: Step) -> None:
    """A pair that is not listed is refused with the state and the step as facts."""
    if (state, step) in TRANSITIONS:
        assert next_state(state, step) is TRANSITIONS[state, step]
        return
    with pytest.raises(IllegalTransition) as caught:
        next_state(state, step)
    assert (caught.value.state, caught.value.step) == (state, step)


@pytest.mark.parametrize(("state", "step"), [p for p in PAIRS if p[1] in STEPS])
def test_each_step_is_possible_exactly_where_it_is_listed(state: CaseState, step: Step) -> None:
    """The functions agree with the table: same refusals, same next states, events in a chain."""
    case = make_case_in(state)
    if (state, step) not in TRANSITIONS and not _takes_without_expiry(state, step):
        with pytest.raises(TriageError):
            STEPS[step](case)
        return
    change = STEPS[step](case)
    assert [event.step for event in change.events].count(step) <= 1
    assert change.events[0].from_state is state
    for event, following in zip(change.events, change.events[1:], strict=False):
        assert event.to_state is following.from_state
    for event in change.events:
        assert TRANSITIONS[event.from_state, event.step] is event.to_state
    assert change.events[-1].to_state is change.case.state


def _takes_without_expiry(state: CaseState, step: Step) -> bool:
    """Taking a queued case needs no lease to expire first."""
    return (state, step) == (CaseState.QUEUED, Step.LEASE_EXPIRED)


def test_the_listed_pairs_are_all_walked() -> None:
    """Every step of the table has its function here; routing happens inside other steps."""
    assert {step for _, step in TRANSITIONS} - set(STEPS) == {Step.ROUTED}


def test_nothing_leaves_a_withdrawn_case_and_only_an_appeal_a_decided_one() -> None:
    """The two ends of a case are ends; erasing the text leaves a case where it is."""
    closed = {CaseState.DECIDED, CaseState.WITHDRAWN}
    leaving = {pair for pair, to in TRANSITIONS.items() if pair[0] in closed and to != pair[0]}
    assert leaving == {(CaseState.DECIDED, Step.APPEALED)}
    assert frozenset(CaseState) - OPEN_STATES == closed


SECRET, REPORTER, AUTHOR = "the-words-of-the-item", "reporter-4711", "author-4711"
PRIVATE = (SECRET, REPORTER, AUTHOR, "grounds-of-the-appeal")


def _private(case: Case) -> Case:
    item = make_item(text=SECRET, author_ref=AUTHOR)
    return replace(case, item=item)


def _changes() -> list[Change]:
    """Do every step that succeeds, in every state, on a case with private words in it."""
    report = make_report(reporter_ref=REPORTER)
    facts = make_facts(report, item=make_item(text=SECRET, author_ref=AUTHOR))
    changes = [open_case(CASE_ID, POLICY, facts, GUESS, make_scores(), NOW, "intake")]
    complaint = Appeal(REPORTER, "grounds-of-the-appeal")
    decided = _private(make_decided_case(report))
    changes.append(appeal(decided, POLICY, complaint, NOW, "intake"))
    for state, step in TRANSITIONS:
        if step in STEPS and step is not Step.APPEALED:
            changes.append(STEPS[step](_private(make_case_in(state))))
    return changes


def test_no_step_records_or_announces_private_words() -> None:
    """Events and announcements hold neither item text, nor who reported, nor who wrote it."""
    changes = _changes()
    assert len(changes) > 20
    for change in changes:
        written = [event.detail for event in change.events], change.announcement
        text = json.dumps(written)
        assert not [word for word in PRIVATE if word in text]


def test_events_can_be_written_as_json_and_say_who_and_what() -> None:
    """Every detail is plain data, and every event has an actor."""
    for change in _changes():
        for event in change.events:
            assert json.loads(json.dumps(event.detail)) == event.detail
            assert event.actor


def test_a_placement_is_recorded_with_its_versions() -> None:
    """Each routing event records the versions of policy and model it was made under."""
    case = make_case(scores=make_scores())
    change = STEPS[Step.REPORTED](case)
    detail = change.events[-1].detail
    assert detail["policy_version"] == POLICY.version
    assert detail["model_version"] == "m-1"
    assert detail["degraded"] is False
