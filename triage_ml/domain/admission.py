"""Steps that come from outside: a first report, another report, scores."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from triage_ml.domain.case import (
    Case,
    CaseState,
    Change,
    Claim,
    NewEvent,
    Stage,
    Step,
    next_state,
)
from triage_ml.domain.facts import Used, routed_detail
from triage_ml.domain.placing import placed_anew
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Circumstances
from triage_ml.domain.routing import is_restricted, place
from triage_ml.domain.scores import Arm, LabelScores, LanguageGuess, keep_worst

LAST_OF_A_HOLD = timedelta(minutes=10)
"""What a reviewer keeps of a hold at least when it is cut short."""


def circumstances(case: Case) -> Circumstances:
    return Circumstances(
        item=case.item,
        summary=case.summary,
        language=case.language.language,
        stage=case.stage,
        repeat_actor=case.repeat_actor,
        awaits_scores=case.awaits_scores,
    )


def open_case(
    case_id: UUID,
    policy: Policy,
    facts: Circumstances,
    language: LanguageGuess,
    scores: LabelScores | None,
    now: datetime,
    actor: str,
    arm: Arm = Arm.LIVE,
) -> Change:
    """Make a case of a first report."""
    facts = replace(facts, awaits_scores=scores is None)
    placement = place(policy, facts, scores, now)
    case = Case(
        case_id=case_id,
        state=CaseState.QUEUED,
        stage=Stage.FIRST,
        item=facts.item,
        summary=facts.summary,
        language=language,
        scores=scores,
        placement=placement,
        received_at=now,
        repeat_actor=facts.repeat_actor,
        awaits_scores=scores is None,
        scoring_failures=0 if scores else 1,
    )
    received, queued = CaseState.RECEIVED, CaseState.QUEUED
    used = Used.RECORDED if scores else Used.NONE
    detail = routed_detail(case, facts, policy, now, used)
    events = (
        NewEvent(Step.REPORTED, actor, None, received, {"n_reports": 1}),
        NewEvent(Step.ROUTED, actor, received, queued, detail),
    )
    return Change(case, events, scored=(scores, arm) if scores else None)


def join_report(
    case: Case,
    policy: Policy,
    facts: Circumstances,
    language: LanguageGuess,
    scores: LabelScores | None,
    now: datetime,
    actor: str,
    arm: Arm = Arm.LIVE,
) -> Change:
    """Add a report to an open case and re-prioritise it.

    A claim goes on undisturbed, unless the item was edited: a reviewer must not decide a text
    they have not seen.
    """
    state = next_state(case.state, Step.REPORTED)
    edited = facts.item.text != case.item.text
    joined = replace(
        case,
        item=facts.item,
        summary=facts.summary,
        language=language,
        repeat_actor=facts.repeat_actor,
    )
    scored = None
    used = Used.KEPT if case.scores else Used.NONE
    if scores is not None:
        repeats = not (edited or case.awaits_scores) and _same_maker(case.scores, scores)
        if not repeats:  # else it says nothing new, and the worst of older texts stays
            scored, used = (scores, arm), Used.JOINED if case.scores else Used.RECORDED
            joined = replace(joined, scores=keep_worst(case.scores, scores), awaits_scores=False)
    elif edited:
        joined = replace(joined, awaits_scores=True, scoring_failures=1)
    reported = NewEvent(
        Step.REPORTED, actor, case.state, state, {"n_reports": facts.summary.n_reports}
    )
    ends_claim = "the item was edited" if edited else None
    moved = _moved(joined, reported, policy, now, actor, used, ends_claim)
    return replace(moved, scored=scored)


def add_scores(
    case: Case, policy: Policy, scores: LabelScores, now: datetime, actor: str
) -> Change:
    """Give an open case the scores it lacked, and move it where they put it."""
    state = next_state(case.state, Step.SCORED)
    detail = {"model_version": scores.model_version, "n_windows": scores.n_windows}
    scored = NewEvent(Step.SCORED, actor, case.state, state, detail)
    complete = replace(case, scores=keep_worst(case.scores, scores), awaits_scores=False)
    used = Used.JOINED if case.scores else Used.RECORDED
    moved = _moved(complete, scored, policy, now, actor, used)
    return replace(moved, scored=(scores, Arm.LIVE))


def _same_maker(old: LabelScores | None, new: LabelScores) -> bool:
    """Say whether the newest of the old scores are of the same model, for the same language."""
    if old is None or old.language is not new.language:
        return False
    return old.model_version.rpartition("+")[2] == new.model_version


def fail_scoring(case: Case) -> Change:
    """Count a failed attempt, so that one unscorable case does not hold up the others."""
    return Change(replace(case, scoring_failures=case.scoring_failures + 1), ())


def _replaced(case: Case, policy: Policy, now: datetime) -> Case:
    after = placed_anew(policy, circumstances(case), case.scores, case.placement, now)
    return replace(case, placement=after, state=next_state(case.state, Step.ROUTED))


def _moved(
    case: Case,
    first: NewEvent,
    policy: Policy,
    now: datetime,
    actor: str,
    used: Used,
    ends_claim: str | None = None,
) -> Change:
    """Place a case anew after `first`, ending a claim that may not go on.

    That is so for the reason in `ends_claim`, and when the case has come behind a restriction
    that its reviewer may not be allowed to pass.
    """
    events = [first]
    moved = _replaced(case, policy, now)
    moved = replace(moved, claim=_within_due(moved.claim, moved.placement.due_at, now))
    before, after = case.placement.queue, moved.placement.queue
    if is_restricted(policy, after) and not is_restricted(policy, before):
        ends_claim = "the case became restricted"
    ended = None
    if case.claim is not None and ends_claim is not None:
        ended, state = Step.RELEASED, next_state(case.state, Step.RELEASED)
        detail = {"reason": ends_claim, "claim_id": str(case.claim.claim_id)}
        events.append(NewEvent(ended, actor, case.state, state, detail))
        moved = replace(moved, state=next_state(state, Step.ROUTED), claim=None)
    came_from = events[-1].to_state
    detail = routed_detail(moved, circumstances(moved), policy, now, used, case)
    events.append(NewEvent(Step.ROUTED, actor, came_from, moved.state, detail))
    return Change(moved, tuple(events), claim_ended=ended)


def _within_due(claim: Claim | None, due_at: datetime, now: datetime) -> Claim | None:
    """Cut a hold short when the case has become due before its end.

    Who is at the desk renews the lease; who is away must not keep an urgent case from others.
    """
    if claim is None or claim.held_until is None or claim.held_until <= due_at:
        return claim
    if claim.lease_expires_at > claim.held_until:  # renewed: somebody works on it
        return replace(claim, held_until=due_at)
    ends_at = min(claim.lease_expires_at, max(due_at, now + LAST_OF_A_HOLD))
    return replace(claim, held_until=due_at, lease_expires_at=ends_at)
