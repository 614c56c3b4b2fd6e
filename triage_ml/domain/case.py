"""The case: one item under review, its states, and the steps between them.

    received ─routed→ queued ─claimed→ claimed ─decided→ decided
                        ↑  ↖─released, lease_expired,─┘      │
                        │     escalated, policy_gap          │
                        └───────────appealed─────────────────┘
    received, queued, claimed ─withdrawn→ withdrawn

In every state the item's text can be erased; the case stays where it is.

The steps themselves stand in `domain.admission` (reports and scores), `domain.review` (people)
and `domain.erasure`; each is a pure function from a case to a `Change`, which the store applies
whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from triage_ml.domain.care import Exposure
from triage_ml.domain.decision import Appeal, Decision, Verdict
from triage_ml.domain.report import Item, ReportSummary
from triage_ml.domain.routing import Placement
from triage_ml.domain.scores import Arm, LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Tier
from triage_ml.errors import IllegalTransition


class CaseState(StrEnum):
    RECEIVED = "received"
    QUEUED = "queued"
    CLAIMED = "claimed"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What can happen to a case; also the kind of the event that records it."""

    REPORTED = "reported"
    SCORED = "scored"
    ROUTED = "routed"
    CLAIMED = "claimed"
    RENEWED = "renewed"
    HELD = "held"
    RELEASED = "released"
    LEASE_EXPIRED = "lease_expired"
    ESCALATED = "escalated"
    POLICY_GAP = "policy_gap"
    DECIDED = "decided"
    APPEALED = "appealed"
    REPORT_WITHDRAWN = "report_withdrawn"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class Stage(StrEnum):
    FIRST = "first"
    APPEAL = "appeal"


_S, _T = CaseState, Step
OPEN_STATES = frozenset({_S.RECEIVED, _S.QUEUED, _S.CLAIMED})
TRANSITIONS: Mapping[tuple[CaseState, Step], CaseState] = {
    **{(state, _T.REPORTED): state for state in OPEN_STATES},
    **{(state, _T.SCORED): state for state in OPEN_STATES},
    **{(state, _T.REPORT_WITHDRAWN): state for state in OPEN_STATES},
    **{(state, _T.WITHDRAWN): _S.WITHDRAWN for state in OPEN_STATES},
    (_S.RECEIVED, _T.ROUTED): _S.QUEUED,
    (_S.QUEUED, _T.ROUTED): _S.QUEUED,
    (_S.CLAIMED, _T.ROUTED): _S.CLAIMED,
    (_S.QUEUED, _T.CLAIMED): _S.CLAIMED,
    (_S.CLAIMED, _T.RENEWED): _S.CLAIMED,
    (_S.CLAIMED, _T.HELD): _S.CLAIMED,
    (_S.CLAIMED, _T.RELEASED): _S.QUEUED,
    (_S.CLAIMED, _T.LEASE_EXPIRED): _S.QUEUED,
    (_S.QUEUED, _T.ESCALATED): _S.QUEUED,
    (_S.CLAIMED, _T.ESCALATED): _S.QUEUED,
    (_S.CLAIMED, _T.POLICY_GAP): _S.QUEUED,
    (_S.CLAIMED, _T.DECIDED): _S.DECIDED,
    (_S.DECIDED, _T.APPEALED): _S.QUEUED,
    **{(state, _T.ERASED): state for state in _S},
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on a case. `propensity` is the chance with which this claim drew this case.

    `hints_withheld`: the reviewer decides without the model's hints. `held_until` is set while
    something is waited for, so that the lease outlasts a reviewer who is away.
    """

    claim_id: UUID
    reviewer: str
    claimed_at: datetime
    lease_expires_at: datetime
    drawn_at_random: bool = False
    propensity: float = 1.0
    hints_withheld: bool = False
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One item under review, merging its reports.

    `awaits_scores`: the newest text has none; `scores` may still be those of an older one.
    `gap` is what a reviewer wrote who found no word for it in the policy.
    """

    case_id: UUID
    state: CaseState
    stage: Stage
    item: Item
    summary: ReportSummary
    language: LanguageGuess
    scores: LabelScores | None
    placement: Placement
    received_at: datetime
    repeat_actor: bool = False
    claim: Claim | None = None
    decision: Decision | None = None
    barred_reviewer: str | None = None
    owner: str | None = None
    awaits_scores: bool = False
    scoring_failures: int = 0
    gap: Verdict | None = None

    @property
    def degraded(self) -> bool:
        """Whether the case stands where it does without scores of its newest text."""
        return self.awaits_scores

    def hides_hints_from(self, name: str, now: datetime) -> bool:
        """Whether this person holds the case blind; everybody else sees the hints.

        A case that has become T0 meanwhile is blind no longer: a person may be in danger.
        """
        claim = self.claim
        return (
            claim is not None
            and claim.hints_withheld
            and claim.reviewer == name
            and claim.lease_expires_at > now
            and self.placement.priority.tier > Tier.T0
        )


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One line of the event log. `detail` never holds item text or a reporter's identity."""

    step: Step
    actor: str
    from_state: CaseState | None
    to_state: CaseState
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A case as it is after a step, and what to record with it.

    `announcement` goes to the webhook outbox; `claim_ended` says how a lease ended;
    `withdrawn_report` marks one report; `reports_upheld` is the outcome for its reporters;
    `appeal` is stored beside the event, because its text never enters the log, and `exposure`
    because it is the reviewer's own. `scored` is what a model said just now of the case's text;
    the case may carry it joined with what was said before.
    """

    case: Case
    events: tuple[NewEvent, ...]
    announcement: Mapping[str, Any] | None = None
    claim_ended: Step | None = None
    withdrawn_report: UUID | None = None
    reports_upheld: bool | None = None
    appeal: Appeal | None = None
    exposure: Exposure | None = None
    scored: tuple[LabelScores, Arm] | None = None


def next_state(state: CaseState, step: Step) -> CaseState:
    """Look up where a step leads. Raises: IllegalTransition."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise IllegalTransition(state, step) from None


def claim_detail(claim: Claim) -> dict[str, Any]:
    return {
        "claim_id": str(claim.claim_id),
        "lease_expires_at": claim.lease_expires_at.isoformat(),
        "drawn_at_random": claim.drawn_at_random,
        "propensity": claim.propensity,
        "hints_withheld": claim.hints_withheld,
    }


def placement_detail(case: Case) -> dict[str, Any]:
    """Record why a case stands where it does, for the log."""
    return {
        **case.placement.as_detail(),
        "model_version": case.scores.model_version if case.scores else None,
        "degraded": case.degraded,
    }


def decision_detail(decision: Decision) -> dict[str, Any]:
    verdict = decision.verdict
    return {
        "findings": {label.value: int(severity) for label, severity in verdict.findings.items()},
        "action": verdict.action.value,
        "claim_id": str(decision.claim_id),
        "stage": decision.stage,
        "dsa_category": decision.dsa_category,
        "policy_version": decision.policy_version,
        "decided_at": decision.decided_at.isoformat(),
        "hints_withheld": decision.hints_withheld,
        "asked": sorted(label.value for label in verdict.asked),
    }
