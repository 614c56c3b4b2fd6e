"""From a priority to a queue and a due time: ordered first-match routes and clocks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from triage_ml.domain.policy import Policy, QueuePolicy
from triage_ml.domain.priority import (
    Circumstances,
    Evidence,
    Priority,
    expected_severity,
    gather_evidence,
    prioritise,
)
from triage_ml.domain.rules import RuleContext
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Label, Severity, Tier

LIKELY = 0.5
"""A label at least this probable counts for the clock and for reviewers' opt-outs."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a case stands and why.

    `clock` names the limit that set `due_at`; `labels` are those that are likely or reported.
    """

    priority: Priority
    queue: str
    route_reason: str
    due_at: datetime
    clock: str
    labels: tuple[Label, ...]

    def as_detail(self) -> dict[str, Any]:
        """Give it as the log has it."""
        priority = self.priority
        return {
            "queue": self.queue,
            "route_reason": self.route_reason,
            "tier": int(priority.tier),
            "tier_reason": priority.tier_reason,
            "base_index": priority.base,
            "due_at": self.due_at.isoformat(),
            "clock": self.clock,
            "policy_version": priority.policy_version,
        }


def place(
    policy: Policy,
    facts: Circumstances,
    scores: LabelScores | None,
    now: datetime,
    previous_tier: Tier | None = None,
    previous_due_at: datetime | None = None,
) -> Placement:
    """Prioritise and route a case whose newest fact arrived at `now`.

    A clock that runs is never stopped: `due_at` is never later than `previous_due_at`.
    """
    evidence = gather_evidence(policy, facts, scores)
    priority = prioritise(policy, facts, scores, previous_tier, evidence)
    context = RuleContext(
        {
            **evidence.context,
            "tier": int(priority.tier),
            "degraded": scores is None or facts.awaits_scores,
        }
    )
    queue, reason = policy.default_queue, "no route matched"
    for route in policy.routes:
        if route.when.holds(context):
            queue, reason = route.queue, route.reason
            break
    labels = _likely_labels(facts, evidence)
    severity = max((expected_severity(policy.labels[x], x, scores) for x in labels), default=0.0)
    due = [(now + _queue_clock(policy.queues[queue], severity), queue)]
    due += [
        (now + timedelta(hours=clock.hours) * (1 - policy.safety_margin), clock.name)
        for clock in policy.clocks
        if clock.when.holds(context)
    ]
    deadline = facts.summary.legal_deadline
    if deadline is not None and deadline > now:
        left = deadline - now
        due.append((now + left * (1 - policy.safety_margin), "the report's legal deadline"))
    if previous_due_at is not None:
        due.append((previous_due_at, "the clock that already ran"))
    due_at, clock = min(due)
    return Placement(priority, queue, reason, due_at, clock, labels)


def is_restricted(policy: Policy, queue: str) -> bool:
    return queue in policy.queues and policy.queues[queue].restricted


def _likely_labels(facts: Circumstances, evidence: Evidence) -> tuple[Label, ...]:
    return tuple(
        label
        for label, (p, _) in evidence.probabilities.items()
        if p >= LIKELY or label in facts.summary.reason_labels
    )


def _queue_clock(queue: QueuePolicy, severity: float) -> timedelta:
    hours = queue.hours
    for floor in sorted(queue.hours_by_severity):
        if severity >= Severity(floor):
            hours = queue.hours_by_severity[floor]
    return timedelta(hours=hours)
