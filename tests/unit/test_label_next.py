"""A chosen case moves with a reason, keeps its clock, and leaves when it becomes urgent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.builders import (
    CASE_ID,
    NOW,
    make_case,
    make_claimed_case,
    make_decided_case,
    make_facts,
    make_report,
    make_score,
    make_scores,
    make_summary,
    shipped_policy,
)
from triage_ml.domain.admission import add_scores, join_report
from triage_ml.domain.case import CaseState, Step
from triage_ml.domain.label_next import reason_of, send_to_label, unfit_queues
from triage_ml.domain.labelling import Pick, Strategy
from triage_ml.domain.report import Source
from triage_ml.domain.review import escalate
from triage_ml.domain.scores import LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Tier
from triage_ml.errors import Conflict

PICK = Pick(CASE_ID, Language.TR, Strategy.UNCERTAINTY, 0.9, Label.VIOLENT_THREAT, 1.0)
LATER = NOW + timedelta(hours=2)


def waiting(**more):
    return make_case(scores=make_scores(), **more)


def chosen(case=None):
    return send_to_label(case or waiting(), shipped_policy(), PICK, LATER, "worker")


def joined(case, *reports, scores=None):
    facts = make_facts(*reports, summary=make_summary(make_report(), *reports))
    guess = LanguageGuess(Language.EN, 0.9)
    return join_report(case, shipped_policy(), facts, guess, scores, LATER, "intake").case


def test_the_event_tells_why_by_which_strategy_and_with_what_chance():
    change = chosen()
    [event] = change.events
    assert (event.step, event.from_state, event.to_state) == (
        Step.ROUTED, CaseState.QUEUED, CaseState.QUEUED,
    )  # fmt: skip
    assert event.detail["queue"] == "qa"
    assert event.detail["route_reason"] == "label next: uncertain violent threat in Turkish"
    assert event.detail["label_next"] == {
        "strategy": "uncertainty", "label": "violent_threat", "score": 0.9, "chance": 1.0,
    }  # fmt: skip
    assert change.case.placement.queue == "qa"


def test_the_clock_goes_on_and_is_never_set_later():
    before = waiting()
    assert chosen(before).case.placement.due_at == before.placement.due_at
    far = replace(before.placement, due_at=NOW + timedelta(days=30))
    moved = chosen(replace(before, placement=far)).case.placement
    assert (moved.due_at, moved.clock) == (LATER + timedelta(hours=168), "qa")


@pytest.mark.parametrize(
    "case",
    [
        make_claimed_case(scores=make_scores()),
        make_decided_case(),
        make_case(),
        waiting(owner="olga"),
        make_case(make_report(Label.CHILD_SAFETY), scores=make_scores()),
        make_case(make_report(source=Source.TRUSTED_FLAGGER), scores=make_scores()),
        escalate(waiting(), shipped_policy(), "rita", "olga", "help", NOW).case,
        chosen().case,
    ],
    ids=["held", "decided", "unscored", "handed", "restricted", "T1", "escalated", "chosen"],
)
def test_what_may_not_be_kept_waiting_is_not_chosen(case):
    with pytest.raises(Conflict):
        chosen(case)


def test_another_harmless_report_does_not_take_it_away():
    case = joined(chosen().case, make_report(reporter_ref="u-2"))
    assert (case.placement.queue, case.placement.priority.tier) == ("qa", Tier.T3)
    assert case.placement.route_reason.startswith("label next: ")


def test_a_report_of_danger_sends_it_where_its_route_leads():
    danger = make_report(Label.SELF_HARM, reporter_ref="u-2")
    case = joined(chosen().case, danger)
    assert (case.placement.queue, case.placement.priority.tier) == ("std-en-safety", Tier.T2)


def test_a_report_of_child_safety_takes_it_behind_the_restriction():
    case = joined(chosen().case, make_report(Label.CHILD_SAFETY, reporter_ref="u-2"))
    assert case.placement.queue == "child-safety"


def test_new_scores_that_speak_of_danger_send_it_on():
    grave = make_scores({Label.VIOLENT_THREAT: make_score(0.95)})
    unscored = replace(chosen().case, awaits_scores=True)
    case = add_scores(unscored, shipped_policy(), grave, LATER, "worker").case
    assert case.placement.queue == "std-en-safety"
    assert case.placement.due_at <= chosen().case.placement.due_at


def test_nothing_is_chosen_from_queues_that_people_filled_or_that_are_restricted():
    assert unfit_queues(shipped_policy()) == {
        "appeal", "escalation", "policy-gap", "child-safety", "qa",
    }  # fmt: skip


def test_the_reason_of_a_random_pick_names_no_label():
    drawn = replace(PICK, strategy=Strategy.RANDOM, label=None)
    assert reason_of(drawn) == "label next: drawn by chance in Turkish"
