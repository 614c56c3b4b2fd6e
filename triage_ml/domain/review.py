"""Steps that people take: claim, renew, hold, release, decide, escalate, appeal, withdraw."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from triage_ml.domain.admission import LAST_OF_A_HOLD, circumstances
from triage_ml.domain.case import (
    OPEN_STATES,
    Case,
    Change,
    Claim,
    NewEvent,
    Stage,
    Step,
    claim_detail,
    decision_detail,
    next_state,
)
from triage_ml.domain.decision import (
    Appeal,
    Decision,
    Verdict,
    check_note,
    check_verdict,
    dsa_category,
)
from triage_ml.domain.erasure import check_readable
from triage_ml.domain.facts import Used, routed_detail
from triage_ml.domain.placing import placed_for_appeal, sent_to_gap, sent_up
from triage_ml.domain.policy import Policy
from triage_ml.domain.report import check_ref
from triage_ml.domain.routing import Placement, is_restricted, place
from triage_ml.domain.taxonomy import Tier
from triage_ml.errors import Conflict, IllegalTransition, InvalidInput, LeaseExpired

FIRST_DECIDER = "an appeal is never reviewed by the first decider"


def take(case: Case, claim: Claim) -> Change:
    """Claim a queued case, or one whose lease has run out."""
    events = []
    ended = None
    state = case.state
    if case.claim is not None and case.claim.lease_expires_at <= claim.claimed_at:
        state = next_state(state, Step.LEASE_EXPIRED)
        ended = Step.LEASE_EXPIRED
        detail = {"claim_id": str(case.claim.claim_id)}
        events.append(NewEvent(ended, case.claim.reviewer, case.state, state, detail))
    if case.barred_reviewer == claim.reviewer:
        raise Conflict(FIRST_DECIDER)
    after = next_state(state, Step.CLAIMED)
    events.append(NewEvent(Step.CLAIMED, claim.reviewer, state, after, claim_detail(claim)))
    return Change(replace(case, state=after, claim=claim), tuple(events), claim_ended=ended)


def take_handed(case: Case, claim: Claim) -> Change:
    """Claim the one case that was handed to this person. Raises: Conflict, IllegalTransition."""
    if case.owner != claim.reviewer:
        raise Conflict("this case was not handed to who asks for it")
    if case.claim is not None and case.claim.lease_expires_at > claim.claimed_at:
        raise Conflict("somebody holds this case")
    return take(case, claim)


def renew(case: Case, claim_id: UUID, reviewer: str, lease: timedelta, now: datetime) -> Change:
    """Prolong a lease that still runs; the longer one of a held case stays.

    Raises: LeaseExpired.
    """
    claim = _held(case, claim_id, reviewer, now)
    longer = replace(claim, lease_expires_at=max(claim.lease_expires_at, now + lease))
    event = _event(case, Step.RENEWED, reviewer, claim_detail(longer))
    return Change(replace(case, claim=longer), (event,))


def hold(
    case: Case,
    claim_id: UUID,
    reviewer: str,
    until: datetime,
    reason: str,
    now: datetime,
    max_hold: timedelta,
) -> Change:
    """Keep a case beyond a lease while something is waited for, but not beyond its due time.

    A later hold takes the place of an earlier one, also of a longer one.
    Raises: LeaseExpired, InvalidInput.
    """
    claim = _held(case, claim_id, reviewer, now)
    check_note("reason", reason)
    if until <= now:
        raise InvalidInput("until", "must lie in the future")
    if until > now + max_hold:
        minutes = int(max_hold.total_seconds() // 60)
        raise InvalidInput("until", f"must lie within {minutes} minutes from now")
    if until > case.placement.due_at:
        raise InvalidInput("until", "must not lie after the time at which the case is due")
    least = claim.lease_expires_at
    if claim.held_until == least:  # an earlier hold alone made the lease as long as it is
        least = min(least, now + LAST_OF_A_HOLD)
    ends_at = max(least, until)
    longer = replace(claim, lease_expires_at=ends_at, held_until=until)
    detail = {**claim_detail(longer), "held_until": until.isoformat(), "reason": reason}
    event = _event(case, Step.HELD, reviewer, detail)
    return Change(replace(case, claim=longer), (event,))


def release(case: Case, claim_id: UUID, reviewer: str, reason: str, now: datetime) -> Change:
    """Give a case back to its queue."""
    _held(case, claim_id, reviewer, now)
    check_note("reason", reason)
    event = _event(case, Step.RELEASED, reviewer, {"reason": reason})
    freed = replace(case, state=event.to_state, claim=None)
    return Change(freed, (event,), claim_ended=Step.RELEASED)


def release_for(case: Case, claim_id: UUID, lead: str, reason: str, now: datetime) -> Change:
    """Give back a case that somebody else holds. Raises: LeaseExpired, InvalidInput."""
    return _freed(case, claim_id, lead, reason, now, {})


def reassign(
    case: Case, claim_id: UUID, lead: str, owner: str, reason: str, now: datetime
) -> Change:
    """Take a case from who holds it, and name who shall have it; the queue stays.

    Raises: LeaseExpired, InvalidInput; Conflict for the first decider of an appealed case.
    """
    check_ref("owner", owner)
    if owner == case.barred_reviewer:
        raise Conflict(FIRST_DECIDER)
    change = _freed(case, claim_id, lead, reason, now, {"owner": owner})
    return replace(change, case=replace(change.case, owner=owner))


def decide(
    case: Case, policy: Policy, claim_id: UUID, reviewer: str, verdict: Verdict, now: datetime
) -> Change:
    """Conclude a case, or send it to the policy-gap queue when the policy has no word for it.

    Raises: IllegalTransition, LeaseExpired, InvalidInput; ContentErased where the text is gone,
    but for closing the case without a finding.
    """
    if case.state not in OPEN_STATES:
        next_state(case.state, Step.DECIDED)
    # A case that waits again was claimed before by who asks, or never: the claim is over.
    _held(case, claim_id, reviewer, now)
    check_readable(case, verdict)
    check_verdict(policy, verdict)
    if verdict.needs_classification:
        return _to_policy_gap(case, policy, reviewer, verdict, now)
    decision = Decision(
        verdict=verdict,
        reviewer=reviewer,
        decided_at=now,
        claim_id=claim_id,
        policy_version=policy.version,
        stage=case.stage,
        dsa_category=dsa_category(policy, verdict),
        hints_withheld=case.hides_hints_from(reviewer, now),
        unread=case.item.erased is not None,
    )
    detail = decision_detail(decision)
    noted = {**detail, "unread": True} if decision.unread else detail
    event = _event(case, Step.DECIDED, reviewer, noted)
    placement = _behind_restriction(case, policy, verdict, now)
    decided = replace(
        case, state=event.to_state, claim=None, decision=decision, placement=placement
    )
    announcement = {"type": "case.decided", "item_id": case.item.item_id, **detail}
    return Change(
        decided,
        (event,),
        announcement=announcement,
        claim_ended=Step.DECIDED,
        reports_upheld=decision.upheld,
    )


def escalate(
    case: Case,
    policy: Policy,
    actor: str,
    owner: str,
    reason: str,
    now: datetime,
    claim_id: UUID | None = None,
) -> Change:
    """Hand a case up to a named owner; a claimed one only by who holds it."""
    check_ref("owner", owner)
    check_note("reason", reason)
    if owner == case.barred_reviewer:
        raise Conflict(FIRST_DECIDER)
    state = next_state(case.state, Step.ESCALATED)
    ended = None
    if case.claim is not None:
        running = case.claim.lease_expires_at > now
        ended = Step.ESCALATED if running else Step.LEASE_EXPIRED
        if running and claim_id is None:
            raise InvalidInput("claim_id", "is needed while the case is claimed")
        if running:
            _held(case, claim_id, actor, now)
    placement = sent_up(policy, case.placement, owner, now)
    moved = replace(case, state=state, claim=None, owner=owner, placement=placement)
    detail = {"owner": owner, "reason": reason, **_moved_detail(moved, policy, now, case)}
    event = NewEvent(Step.ESCALATED, actor, case.state, state, detail)
    return Change(moved, (event,), claim_ended=ended)


def appeal(case: Case, policy: Policy, complaint: Appeal, now: datetime, actor: str) -> Change:
    """Reopen a decided case for another reviewer than the one who decided it."""
    state = next_state(case.state, Step.APPEALED)
    decision = case.decision
    if decision is None or case.stage is Stage.APPEAL:
        raise IllegalTransition(case.state, Step.APPEALED, "an appeal was already decided")
    if now - decision.decided_at > policy.appeal_window:
        raise IllegalTransition(case.state, Step.APPEALED, "the appeal window is over")
    fresh = replace(case, stage=Stage.APPEAL, received_at=now, owner=None)
    facts, stood_in = circumstances(fresh), case.placement.queue
    reopened = replace(
        fresh,
        state=state,
        barred_reviewer=decision.reviewer,
        placement=placed_for_appeal(policy, facts, case.scores, stood_in, now),
    )
    detail = _moved_detail(reopened, policy, now, case)
    event = NewEvent(Step.APPEALED, actor, case.state, state, detail)
    announcement = {"type": "case.appealed", "item_id": case.item.item_id}
    return Change(reopened, (event,), announcement=announcement, appeal=complaint)


def withdraw(case: Case, report_id: UUID, reason: str, actor: str) -> Change:
    """Take back one report; the last one closes the case, unless it is a T0 or T1 case.

    A report about danger or under a legal clock may be taken back under pressure, so such a
    case stays for a reviewer to decide. An appeal stays too: it is the complainant's.
    """
    check_note("reason", reason)
    summary = case.summary.withdraw_one()
    first = _event(case, Step.REPORT_WITHDRAWN, actor, {"reason": reason})
    kept = replace(case, summary=summary)
    appealed = case.stage is Stage.APPEAL
    if summary.n_active > 0 or appealed or case.placement.priority.tier <= Tier.T1:
        return Change(kept, (first,), withdrawn_report=report_id)
    last = _event(kept, Step.WITHDRAWN, actor, {})
    ended = Step.WITHDRAWN if case.claim else None
    closed = replace(kept, state=last.to_state, claim=None)
    announcement = {"type": "case.withdrawn", "item_id": case.item.item_id}
    return Change(closed, (first, last), announcement, ended, report_id)


def _to_policy_gap(
    case: Case, policy: Policy, reviewer: str, verdict: Verdict, now: datetime
) -> Change:
    placement = sent_to_gap(policy, case.placement, now)
    state = next_state(case.state, Step.POLICY_GAP)
    # What the reviewer wrote may quote the item, so it stands with the case and not in the log.
    moved = replace(case, state=state, claim=None, placement=placement, gap=verdict)
    detail = _moved_detail(moved, policy, now, case)
    event = NewEvent(Step.POLICY_GAP, reviewer, case.state, state, detail)
    return Change(moved, (event,), claim_ended=Step.POLICY_GAP)


def _freed(
    case: Case, claim_id: UUID, lead: str, reason: str, now: datetime, detail: Mapping[str, Any]
) -> Change:
    holder = case.claim.reviewer if case.claim else ""
    _held(case, claim_id, holder, now)
    check_note("reason", reason)
    said = {"reason": reason, "released_for": holder, **detail}
    event = _event(case, Step.RELEASED, lead, said)
    freed = replace(case, state=event.to_state, claim=None)
    return Change(freed, (event,), claim_ended=Step.RELEASED)


def _held(case: Case, claim_id: UUID | None, reviewer: str, now: datetime) -> Claim:
    claim = case.claim
    if (
        claim is None
        or claim.claim_id != claim_id
        or claim.reviewer != reviewer
        or claim.lease_expires_at <= now
    ):
        raise LeaseExpired(str(claim_id))
    return claim


def _event(case: Case, step: Step, actor: str, detail: Mapping[str, Any]) -> NewEvent:
    return NewEvent(step, actor, case.state, next_state(case.state, step), detail)


def _moved_detail(moved: Case, policy: Policy, now: datetime, before: Case) -> dict[str, Any]:
    used = Used.KEPT if moved.scores else Used.NONE
    return routed_detail(moved, circumstances(moved), policy, now, used, before)


def _behind_restriction(case: Case, policy: Policy, verdict: Verdict, now: datetime) -> Placement:
    """Give the case's placement, in a restricted queue if the findings belong into one.

    What a reviewer found counts as if it had been reported, so that a case nobody reported
    for child safety is hidden from then on, and its appeal too.
    """
    found = {label.value: 1 for label, severity in verdict.findings.items() if severity}
    summary = replace(case.summary, reasons={**case.summary.reasons, **found})
    facts = replace(circumstances(case), summary=summary)
    queue = place(policy, facts, case.scores, now).queue
    if not is_restricted(policy, queue) or is_restricted(policy, case.placement.queue):
        return case.placement
    return replace(case.placement, queue=queue, route_reason="a reviewer's finding")
