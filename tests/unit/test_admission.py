"""Steps from outside: a first report, another one, scores that come late."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.builders import (
    CASE_ID,
    NOW,
    make_case,
    make_claimed_case,
    make_facts,
    make_item,
    make_report,
    make_score,
    make_scores,
    make_summary,
    shipped_policy,
)
from triage_ml.domain.admission import (
    add_scores,
    circumstances,
    fail_scoring,
    join_report,
    open_case,
)
from triage_ml.domain.case import Case, CaseState, Step
from triage_ml.domain.priority import Circumstances
from triage_ml.domain.report import Report, Source
from triage_ml.domain.review import escalate
from triage_ml.domain.scores import LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Tier

POLICY = shipped_policy()
GUESS = LanguageGuess(Language.EN, 0.9)
LATER = NOW + timedelta(hours=1)
HARMLESS = make_scores(p_violation=0.0)
CHILD = make_report(Label.CHILD_SAFETY)


def join(case: Case, report: Report, scores: LabelScores | None = None) -> Case:
    facts = replace(circumstances(case), summary=case.summary.add(report, 1.0))
    return join_report(case, POLICY, facts, GUESS, scores, LATER, "intake").case


def rescore(case: Case, scores: LabelScores) -> Case:
    return add_scores(case, POLICY, scores, LATER, "worker").case


def test_a_first_report_opens_a_queued_case() -> None:
    """The case is received and routed in one step, with one event for each."""
    facts = make_facts(repeat_actor=True)
    change = open_case(CASE_ID, POLICY, facts, GUESS, make_scores(), NOW, "intake")
    assert [event.step for event in change.events] == [Step.REPORTED, Step.ROUTED]
    assert (change.case.state, change.case.received_at) == (CaseState.QUEUED, NOW)
    assert circumstances(change.case) == facts
    assert (change.case.degraded, change.case.scoring_failures) == (False, 0)


def test_an_unscored_case_is_degraded_and_not_lost() -> None:
    """Without scores a case stands by its reason, is flagged, and the attempt is counted."""
    case = make_case(make_report(Label.SELF_HARM))
    assert (case.degraded, case.scoring_failures) == (True, 1)
    assert case.placement.priority.tier is Tier.T2
    assert fail_scoring(case).case.scoring_failures == 2
    assert fail_scoring(case).events == ()


def test_a_second_report_may_raise_a_case() -> None:
    """A graver reason moves the case at once, and its clock with it."""
    joined = join(make_case(), CHILD)
    assert (joined.placement.queue, joined.placement.priority.tier) == ("child-safety", Tier.T0)
    assert joined.placement.due_at == LATER + timedelta(minutes=30)
    assert joined.summary.n_reports == 2


def test_a_report_on_a_claimed_case_leaves_the_claim_alone() -> None:
    """The reviewer keeps the case while its priority changes."""
    case = make_claimed_case()
    joined = join(case, make_report(source=Source.TRUSTED_FLAGGER))
    assert (joined.state, joined.claim) == (CaseState.CLAIMED, case.claim)


@pytest.mark.parametrize("text", ["another text", None])
def test_a_claim_ends_when_the_item_is_edited_or_becomes_restricted(text: str | None) -> None:
    """Nobody decides a text they have not seen, or a case they may not see."""
    case = make_claimed_case()
    item = replace(case.item, text=text or case.item.text)
    report = make_report() if text else CHILD
    facts = replace(circumstances(case), item=item, summary=case.summary.add(report, 1.0))
    change = join_report(case, POLICY, facts, GUESS, None, NOW, "intake")
    steps = [(event.step, event.from_state, event.to_state) for event in change.events]
    claimed, queued = CaseState.CLAIMED, CaseState.QUEUED
    assert (change.case.state, change.case.claim) == (queued, None)
    assert change.claim_ended is Step.RELEASED
    assert steps == [
        (Step.REPORTED, claimed, claimed),
        (Step.RELEASED, claimed, queued),
        (Step.ROUTED, queued, queued),
    ]


def test_an_edit_that_was_not_scored_keeps_the_old_scores_and_waits() -> None:
    """The older text's scores stay, answer nothing for the newer one, and say so in the log."""
    threat = make_scores({Label.VIOLENT_THREAT: make_score(0.97, 3)}, p_violation=0.97)
    case = make_case(scores=threat)
    facts = replace(circumstances(case), item=replace(case.item, text="kind words"))
    change = join_report(case, POLICY, facts, GUESS, None, NOW, "intake")
    assert change.case.degraded
    assert change.events[-1].detail["degraded"] is True
    assert change.case.placement.priority.tier <= case.placement.priority.tier
    late = add_scores(change.case, POLICY, HARMLESS, NOW, "worker").case
    assert not late.degraded
    assert late.placement.priority.tier <= case.placement.priority.tier
    assert late.placement.priority.base >= case.placement.priority.base


def test_low_scores_of_an_older_text_do_not_answer_the_newer_one() -> None:
    """Until the edit is scored, the report's word counts as if nothing had been measured."""
    case = make_case(scores=make_scores({Label.HARASSMENT: make_score(0.01)}))
    facts = replace(circumstances(case), item=replace(case.item, text="something else"))
    edited = join_report(case, POLICY, facts, GUESS, None, NOW, "intake").case
    [term] = [t for t in edited.placement.priority.harm_terms if t.label is Label.HARASSMENT]
    assert (term.basis, term.probability) == ("report", 0.4)


def test_a_report_without_scores_keeps_those_there_are() -> None:
    """A model that fails on the second report does not undo what it said on the first."""
    case = make_case(scores=make_scores())
    assert join(case, make_report()).scores == case.scores


def test_an_edit_after_a_report_does_not_lower_the_case() -> None:
    """Scores of a harmless new text do not take away those of the reported one."""
    case = make_case(scores=make_scores({Label.HATE: make_score(0.9)}, p_violation=0.9))
    facts = Circumstances(make_item(text="edited"), make_summary(), Language.EN, case.stage)
    joined = join_report(case, POLICY, facts, GUESS, HARMLESS, LATER, "intake").case
    assert joined.item.text == "edited"
    assert joined.scores.labels[Label.HATE].trusted == 0.9
    assert joined.placement.priority.base == pytest.approx(case.placement.priority.base)


def test_late_scores_place_a_degraded_case() -> None:
    """When the model is back, the case gets its scores and its tier, and both are recorded."""
    change = add_scores(make_case(), POLICY, HARMLESS, LATER, "worker")
    assert [event.step for event in change.events] == [Step.SCORED, Step.ROUTED]
    assert not change.case.degraded
    assert change.case.placement.priority.tier is Tier.T4


def test_scores_do_not_stop_a_clock_or_rename_it() -> None:
    """Placed anew an hour later, a case keeps its due time and the name of its clock."""
    case = make_case(make_report(jurisdiction="TR", source=Source.AUTHORITY))
    moved = rescore(case, HARMLESS).placement
    assert (moved.due_at, moved.clock) == (case.placement.due_at, case.placement.clock)
    assert moved.clock == "TR Law 5651, ruling"


@pytest.mark.parametrize("report", [CHILD, make_report(source=Source.LEGAL)])
def test_scores_never_take_a_case_out_of_the_first_two_tiers(report: Report) -> None:
    """However harmless a model finds a case, danger and legal clocks stay."""
    case = make_case(report)
    assert rescore(case, HARMLESS).placement.priority.tier is case.placement.priority.tier


def test_a_case_stays_with_its_owner_when_placed_anew() -> None:
    """Queue, reason and tier of an escalation survive new scores and new reports."""
    case = escalate(make_case(), POLICY, "rita", "olga", "press asks", NOW).case
    for moved in (rescore(case, HARMLESS), join(case, make_report(Label.HATE))):
        assert (moved.owner, moved.placement.queue) == ("olga", "escalation")
        assert moved.placement.route_reason == "escalated to olga"
        assert (moved.placement.priority.tier, moved.placement.priority.tier_reason) == (
            Tier.T2,
            "escalated",
        )


def test_an_escalated_case_may_still_be_raised() -> None:
    """A report about danger raises the tier where the case stands."""
    case = escalate(make_case(), POLICY, "rita", "olga", "press asks", NOW).case
    threat = make_report(Label.VIOLENT_THREAT, source=Source.AUTHORITY)
    moved = join(case, threat).placement
    assert (moved.queue, moved.priority.tier) == ("escalation", Tier.T0)


def test_a_restriction_goes_before_an_escalation() -> None:
    """Reported for child safety, an escalated case leaves the open queue and keeps its owner."""
    case = escalate(make_case(), POLICY, "rita", "olga", "press asks", NOW).case
    moved = join(case, CHILD)
    assert (moved.owner, moved.placement.queue) == ("olga", "child-safety")


def test_a_restricted_case_is_not_opened_by_scores() -> None:
    """A later model that sees no child safety does not put the case into open view."""
    suspicious = make_scores({Label.CHILD_SAFETY: make_score(0.7)})
    case = make_case(scores=suspicious)
    moved = rescore(case, replace(HARMLESS, model_version="m-2"))
    assert moved.placement.queue == case.placement.queue == "child-safety"


def test_what_one_model_saw_stays_when_another_disagrees() -> None:
    """Put into T0 by model and report together, a case stays there, for the same reason."""
    sure = make_scores({Label.SELF_HARM: make_score(0.95, 3)})
    case = make_case(make_report(Label.SELF_HARM), scores=sure)
    facts = circumstances(case)
    other = replace(HARMLESS, model_version="m-2")
    moved = join_report(case, POLICY, facts, GUESS, other, NOW, "intake").case.placement.priority
    assert case.placement.priority.tier is moved.tier is Tier.T0
    assert moved.tier_reason == case.placement.priority.tier_reason


def test_a_report_of_the_milder_text_does_not_take_back_what_the_first_text_was() -> None:
    """Edited from harmful to mild, a case must not sink with the next report of the mild text."""
    case = make_case(scores=make_scores({Label.HATE: make_score(0.9)}))
    edited = replace(circumstances(case), item=replace(case.item, text="something mild"))
    for model_version in ("m-1", "m-1", "m-2", "m-2"):
        said = replace(HARMLESS, model_version=model_version)
        case = join_report(case, POLICY, edited, GUESS, said, NOW, "intake").case
        assert case.scores.labels[Label.HATE].trusted == 0.9
    assert case.scores.model_version == "m-1+m-2"


def test_late_scores_are_joined_with_those_there_are() -> None:
    """Scores of the same model never take back what earlier ones saw."""
    case = make_case(scores=make_scores({Label.HATE: make_score(0.9)}))
    assert rescore(case, HARMLESS).scores.labels[Label.HATE].trusted == 0.9
