"""What reviewers send, and the queues they work from."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field
from pydantic.config import JsonDict

from serving.schemas.base import Answer, Body, Ref
from serving.schemas.cases import CaseOut, LeaseOut
from triage_ml.domain.decision import (
    MAX_EXPLANATION_CHARS,
    MAX_FACTS_CHARS,
    MAX_NOTE_CHARS,
    Action,
    Appeal,
    Verdict,
)
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.workflow.queues import QueueRow
from triage_ml.workflow.review import MAX_CLAIMS

SeverityName = Literal["S0", "S1", "S2", "S3", "S4"]
_NOTE: JsonDict = {"minLength": 1, "maxLength": MAX_NOTE_CHARS}


class ClaimIn(Body):
    """Ask for the most urgent cases of a queue."""

    n: int = Field(
        1, json_schema_extra={"minimum": 1, "maximum": MAX_CLAIMS}, description="How many."
    )
    languages: tuple[Language, ...] = Field((), description="Only these; empty: any.")
    excluded_labels: tuple[Label, ...] = Field(
        (), description="Leave out cases where such a label is likely or reported."
    )


class ReleaseIn(Body):
    reason: str = Field(json_schema_extra=_NOTE)


class HoldIn(Body):
    until: AwareDatetime = Field(
        description="The lease lasts until then: not later than the case is due, and not longer "
        "than TRIAGE_HOLD_MAX from now."
    )
    reason: str = Field(json_schema_extra=_NOTE, description="What is waited for.")


class DecisionIn(Body):
    """A reviewer's conclusion; the reviewer is who the API key belongs to."""

    claim_id: UUID
    findings: dict[Label, SeverityName] = Field(
        {}, description="Each label that applies with its severity; empty: none applies."
    )
    action: Action
    facts: str = Field(
        "", json_schema_extra={"maxLength": MAX_FACTS_CHARS}, description="What was found."
    )
    explanation: str = Field(
        "",
        json_schema_extra={"maxLength": MAX_EXPLANATION_CHARS},
        description="Statement of reasons; needed with any action against content or author.",
    )
    needs_classification: bool = Field(
        False, description="The policy has no word for this: goes to the policy-gap queue."
    )

    asked: frozenset[Label] = Field(
        frozenset(),
        description="Labels the reviewer looked for one by one; one without a finding is absent. "
        "Of labels that were neither asked for nor found nothing is concluded.",
    )

    def to_domain(self) -> Verdict:
        """Raises: InvalidInput."""
        findings = {label: Severity[name] for label, name in self.findings.items()}
        return Verdict(
            findings,
            self.action,
            self.facts,
            self.explanation,
            self.needs_classification,
            self.asked,
        )


class EscalationIn(Body):
    owner: Ref = Field(
        description="Who takes the case over: an account or a key with the scope review."
    )
    reason: str = Field(json_schema_extra=_NOTE)
    claim_id: UUID | None = Field(None, description="Needed while the case is claimed.")


class AppealIn(Body):
    complainant_ref: Ref
    grounds: str = Field(json_schema_extra=_NOTE)

    def to_domain(self) -> Appeal:
        """Raises: InvalidInput."""
        return Appeal(self.complainant_ref, self.grounds)


class WithdrawalIn(Body):
    report_id: UUID
    reason: str = Field(json_schema_extra=_NOTE)


class ClaimedCase(Answer):
    claim: LeaseOut
    case: CaseOut


class ClaimsOut(Answer):
    claims: list[ClaimedCase] = Field(description="Most urgent first; empty: nothing to do.")


class QueueOut(Answer):
    """How full a queue is. Breached: not claimed and past due; next: due within an hour.

    Drained: decided in the last hour.
    """

    queue: str
    fed_by: str
    restricted: bool
    n_open: int
    n_claimed: int
    n_breached: int
    n_next: int
    n_degraded: int
    n_drained: int
    oldest_received_at: datetime | None
    next_due_at: datetime | None
    by_tier: dict[str, int]
    by_language: dict[Language, int]
    by_age: dict[Literal["under_hour", "under_day", "over_day"], int]

    @classmethod
    def of(cls, row: QueueRow) -> "QueueOut":
        return cls(
            queue=row.name,
            fed_by=row.fed_by,
            restricted=row.restricted,
            n_open=row.n_open,
            n_claimed=row.n_claimed,
            n_breached=row.n_breached,
            n_next=row.n_next,
            n_degraded=row.n_degraded,
            n_drained=row.n_drained,
            oldest_received_at=row.oldest_received_at,
            next_due_at=row.next_due_at,
            by_tier=dict(row.by_tier),
            by_language=dict(row.by_language),
            by_age=row.by_age,
        )


class QueuesOut(Answer):
    queues: list[QueueOut]
