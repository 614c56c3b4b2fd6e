"""Where each step puts a case: pure functions of policy, facts, scores and the place before.

The steps take them when they happen, and a replay takes them again years later.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from triage_ml.domain.labelling import LABEL_NEXT
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Circumstances
from triage_ml.domain.routing import Placement, is_restricted, place
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Tier

LEAST_URGENT = Tier.T3
"""Cases of this tier and below may be chosen to learn from; what is more urgent never waits."""


def placed_anew(
    policy: Policy,
    facts: Circumstances,
    scores: LabelScores | None,
    before: Placement,
    now: datetime,
) -> Placement:
    """Place a case anew; where people sent it (escalation, policy gap, appeal) it stays.

    So does one that was chosen to learn from, until something makes it urgent. A restricted queue
    goes before that, and is not left again: scores change, and what is behind the restriction must
    not come into open view by itself.
    """
    after = place(policy, facts, scores, now, before.priority.tier, before.due_at)
    if after.due_at == before.due_at:
        after = replace(after, clock=before.clock)
    closed = is_restricted(policy, before.queue)
    if closed or _sent_by_people(policy, before.queue):
        after = _not_lower(after, before)
        if closed or not is_restricted(policy, after.queue):
            after = replace(after, queue=before.queue, route_reason=before.route_reason)
    elif stays_chosen(policy, before, after):
        after = replace(after, queue=before.queue, route_reason=before.route_reason)
    return after


def placed_for_appeal(
    policy: Policy,
    facts: Circumstances,
    scores: LabelScores | None,
    stood_in: str,
    now: datetime,
) -> Placement:
    """Place a case for the complaint against its decision; its clock begins anew."""
    fresh = place(policy, facts, scores, now)
    return _moved_to(policy, fresh, stood_in, policy.appeal_queue, "appeal", now)


def sent_up(policy: Policy, before: Placement, owner: str, now: datetime) -> Placement:
    """Move a case to the escalation queue, as T2 at least."""
    queue, reason = policy.escalation_queue, f"escalated to {owner}"
    after = _moved_to(policy, before, before.queue, queue, reason, now)
    if after.priority.tier <= Tier.T2:
        return after
    raised = replace(after.priority, tier=Tier.T2, tier_reason="escalated")
    return replace(after, priority=raised)


def sent_to_gap(policy: Policy, before: Placement, now: datetime) -> Placement:
    """Move a case to where the policy itself is looked after."""
    queue, reason = policy.policy_gap_queue, "the policy has no word for it"
    return _moved_to(policy, before, before.queue, queue, reason, now)


def sent_to_label(policy: Policy, before: Placement, reason: str, now: datetime) -> Placement:
    """Move a case that was chosen to learn from; its clock goes on, and is never set later."""
    return _moved_to(policy, before, before.queue, policy.labelling.queue, reason, now)


def is_chosen(placement: Placement) -> bool:
    """Whether a case stands where it does because it was chosen to learn from."""
    return placement.route_reason.startswith(LABEL_NEXT)


def stays_chosen(policy: Policy, before: Placement, after: Placement) -> bool:
    """Whether a chosen case stays where it is labelled although something new came in.

    It leaves for where its route leads as soon as it is urgent or belongs behind a restriction.
    """
    urgent = after.priority.tier < LEAST_URGENT
    return is_chosen(before) and not urgent and not is_restricted(policy, after.queue)


def _sent_by_people(policy: Policy, queue: str) -> bool:
    # A name on a case elsewhere sends it nowhere: danger must still reach the people on call.
    return queue in (policy.escalation_queue, policy.policy_gap_queue, policy.appeal_queue)


def _not_lower(after: Placement, before: Placement) -> Placement:
    if after.priority.tier <= before.priority.tier:
        return after
    tier, reason = before.priority.tier, before.priority.tier_reason
    return replace(after, priority=replace(after.priority, tier=tier, tier_reason=reason))


def _moved_to(
    policy: Policy, placement: Placement, stood_in: str, queue: str, reason: str, now: datetime
) -> Placement:
    """Put a case into `queue`, unless it stood in a restricted one: that is never left."""
    queue = stood_in if is_restricted(policy, stood_in) else queue
    due_at = now + timedelta(hours=policy.queues[queue].hours)
    if placement.due_at < due_at:
        return replace(placement, queue=queue, route_reason=reason)
    return replace(placement, queue=queue, route_reason=reason, due_at=due_at, clock=queue)
