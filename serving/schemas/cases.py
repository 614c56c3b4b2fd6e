"""Cases as reviewers see them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from serving.schemas.base import Answer, Labels, LanguageOut, labels_out
from triage_ml.domain.case import Case, CaseState, Claim, Stage, Step
from triage_ml.domain.decision import Action, Decision
from triage_ml.domain.report import Item, Source
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.ports import CaseEvent, ItemVersion, StoredAppeal, StoredReport


class ContextOut(Answer):
    relation: str
    text: str


class ItemOut(Answer):
    id: str
    text: str
    surface: str
    author_ref: str
    language_hint: Language | None
    context: list[ContextOut]
    views_per_hour: float | None
    high_profile: bool
    erased_at: datetime | None = Field(description="Since when text and context are gone.")

    @classmethod
    def of(cls, item: Item) -> "ItemOut":
        return cls(
            id=item.item_id,
            text=item.text,
            surface=item.surface,
            author_ref=item.author_ref,
            language_hint=item.language_hint,
            context=[ContextOut(relation=row.relation, text=row.text) for row in item.context],
            views_per_hour=item.views_per_hour,
            high_profile=item.high_profile,
            erased_at=item.erased.erased_at if item.erased else None,
        )


class StoredReportOut(Answer):
    """One report, without who made it."""

    report_id: UUID
    source: Source
    reason: str
    jurisdiction: str | None
    legal_deadline: datetime | None
    reported_at: datetime
    withdrawn_at: datetime | None

    @classmethod
    def of(cls, row: StoredReport) -> "StoredReportOut":
        return cls(
            report_id=row.report_id,
            source=row.source,
            reason=row.reason.value if row.reason else "other",
            jurisdiction=row.jurisdiction,
            legal_deadline=row.legal_deadline,
            reported_at=row.reported_at,
            withdrawn_at=row.withdrawn_at,
        )


class VersionOut(Answer):
    """A text the item had when it was reported; erased ones are not given."""

    text: str
    first_seen_at: datetime


class AppealOut(Answer):
    """A complaint against the decision."""

    complainant_ref: str
    grounds: str
    appealed_at: datetime


_WITHHELD = " Null while hints are withheld from you."


class LeaseOut(Answer):
    """A lease on a case; decide, release, hold or renew it before it ends."""

    claim_id: UUID
    reviewer: str
    claimed_at: datetime
    lease_expires_at: datetime
    drawn_at_random: bool = Field(description="Drawn to estimate error rates, not by urgency.")
    propensity: float = Field(description="The chance with which this case was drawn.")
    hints_withheld: bool = Field(
        description="Drawn to be decided without hints: until the decision the scores, and what "
        "was placed by them, are null for who holds the claim, and for nobody else."
    )
    held_until: datetime | None = Field(
        description="Until when the case was put on hold; the lease lasts at least as long."
    )

    @classmethod
    def of(cls, claim: Claim) -> "LeaseOut":
        return cls(
            claim_id=claim.claim_id,
            reviewer=claim.reviewer,
            claimed_at=claim.claimed_at,
            lease_expires_at=claim.lease_expires_at,
            drawn_at_random=claim.drawn_at_random,
            propensity=claim.propensity,
            hints_withheld=claim.hints_withheld,
            held_until=claim.held_until,
        )


class DecisionOut(Answer):
    findings: dict[Label, str] = Field(description="Each label that applies, S0 to S4.")
    action: Action
    facts: str
    explanation: str
    reviewer: str
    decided_at: datetime
    policy_version: str
    stage: Stage
    dsa_category: str | None = Field(description="DSA Transparency Database category.")
    hints_withheld: bool = Field(description="Decided without seeing what the model said.")
    asked: list[Label] = Field(description="Labels the reviewer looked for one by one.")

    @classmethod
    def of(cls, decision: Decision) -> "DecisionOut":
        verdict = decision.verdict
        return cls(
            findings={label: level.name for label, level in verdict.findings.items()},
            action=verdict.action,
            facts=verdict.facts,
            explanation=verdict.explanation,
            reviewer=decision.reviewer,
            decided_at=decision.decided_at,
            policy_version=decision.policy_version,
            stage=Stage(decision.stage),
            dsa_category=decision.dsa_category,
            hints_withheld=decision.hints_withheld,
            asked=sorted(verdict.asked),
        )


class CaseStatus(Answer):
    """Where a case stands, without its content."""

    case_id: UUID
    state: CaseState
    stage: Stage
    queue: str
    tier: str
    due_at: datetime
    owner: str | None = Field(description="Who an escalated case was handed to.")
    degraded: bool


class CaseOut(CaseStatus):
    """All that a reviewer needs of a case."""

    item: ItemOut
    language: LanguageOut
    labels: Labels | None = Field(description="What the model says per label." + _WITHHELD)
    p_violation: float | None = Field(
        description="Chance of any violation, where there are scores." + _WITHHELD
    )
    n_windows: int | None
    model_version: str | None
    policy_version: str
    tier_reason: str | None = Field(description="Why this tier." + _WITHHELD)
    route_reason: str | None = Field(description="Why this queue." + _WITHHELD)
    clock: str
    received_at: datetime
    repeat_actor: bool
    n_reports: int
    n_active_reports: int
    reports: list[StoredReportOut] | None = Field(
        None, description="Given for a single case: its newest hundred, newest first."
    )
    versions: list[VersionOut] | None = Field(
        None, description="Given for a single case: the item's newest twenty texts, newest first."
    )
    appeals: list[AppealOut] | None = Field(None, description="Given for a single case.")
    claim: LeaseOut | None
    decision: DecisionOut | None
    policy_gap: str | None = Field(
        description="What a reviewer wrote who found no word for the case in the policy."
    )


class EventOut(Answer):
    """One line of the append-only log."""

    sequence: int
    at: datetime
    step: Step
    actor: str
    from_state: CaseState | None
    to_state: CaseState
    detail: Mapping[str, Any]

    @classmethod
    def of(cls, event: CaseEvent) -> "EventOut":
        return cls(
            sequence=event.sequence,
            at=event.at,
            step=event.step,
            actor=event.actor,
            from_state=event.from_state,
            to_state=event.to_state,
            detail=event.detail,
        )


class EventsOut(Answer):
    case_id: UUID
    events: list[EventOut]
    next_after: int | None = Field(
        description="Ask for what comes `after` this; null at the log's end."
    )


def status_out(case: Case) -> CaseStatus:
    return CaseStatus(**_status(case))


def case_out(
    case: Case,
    reports: Sequence[StoredReport] | None = None,
    versions: Sequence[ItemVersion] | None = None,
    appeals: Sequence[StoredAppeal] | None = None,
    *,
    withheld: bool = False,
) -> CaseOut:
    """Lay out a case; `withheld` leaves out what the model says and what was placed by it."""
    scores, placement = None if withheld else case.scores, case.placement
    return CaseOut(
        **_status(case),
        item=ItemOut.of(case.item),
        language=LanguageOut.of(case.language),
        labels=None if withheld else labels_out(scores),
        p_violation=round(scores.p_violation, 6) if scores else None,
        n_windows=scores.n_windows if scores else None,
        model_version=scores.model_version if scores else None,
        policy_version=placement.priority.policy_version,
        tier_reason=None if withheld else placement.priority.tier_reason,
        route_reason=None if withheld else placement.route_reason,
        clock=placement.clock,
        received_at=case.received_at,
        repeat_actor=case.repeat_actor,
        n_reports=case.summary.n_reports,
        n_active_reports=case.summary.n_active,
        reports=None if reports is None else [StoredReportOut.of(row) for row in reports],
        versions=None if versions is None else [VersionOut(**asdict(row)) for row in versions],
        appeals=None if appeals is None else [AppealOut(**asdict(row)) for row in appeals],
        claim=LeaseOut.of(case.claim) if case.claim else None,
        decision=DecisionOut.of(case.decision) if case.decision else None,
        policy_gap=case.gap.explanation if case.gap else None,
    )


def _status(case: Case) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "state": case.state,
        "stage": case.stage,
        "queue": case.placement.queue,
        "tier": case.placement.priority.tier.name,
        "due_at": case.placement.due_at,
        "owner": case.owner,
        "degraded": case.degraded,
    }
