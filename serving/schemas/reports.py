"""Reports in, receipts out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from serving.schemas.base import Answer, Body, Labels, LanguageOut, Problem, Ref, Text, labels_out
from serving.schemas.priority import IndexOut, Term, index_out, terms
from triage_ml.domain.case import CaseState
from triage_ml.domain.policy import PriorityPolicy
from triage_ml.domain.priority import IndexNow
from triage_ml.domain.report import MAX_CONTEXT_ITEMS, ContextItem, Item, Report, Source
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import InvalidInput
from triage_ml.ports import Receipt

MAX_BATCH = 1_000
Reason = Annotated[
    str,
    Field(
        json_schema_extra={"enum": [*(label.value for label in Label), "other"]},
        description="What the reporter says is wrong.",
    ),
]


class ContextIn(Body):
    relation: Ref = Field(description="How it stands to the item.", examples=["parent", "quote"])
    text: Text


class ItemIn(Body):
    """One piece of content."""

    id: Ref = Field(description="Your identifier; reports on the same one join one case.")
    text: Text = Field(description="Never cut: long text is scored in overlapping windows.")
    surface: Ref = Field(description="Where it stands.", examples=["post", "comment", "bio"])
    author_ref: Ref = Field(description="Your pseudonymous reference to its author.")
    language_hint: Language | None = None
    context: tuple[ContextIn, ...] = Field(
        (), json_schema_extra={"maxItems": MAX_CONTEXT_ITEMS}, description="Texts that stood by."
    )
    views_per_hour: float | None = Field(
        None, json_schema_extra={"minimum": 0}, description="Unknown: the surface's usual number."
    )
    high_profile: bool = False

    def to_domain(self) -> Item:
        """Raises: InvalidInput."""
        return Item(
            item_id=self.id,
            text=self.text,
            surface=self.surface,
            author_ref=self.author_ref,
            language_hint=self.language_hint,
            context=tuple(ContextItem(row.relation, row.text) for row in self.context),
            views_per_hour=self.views_per_hour,
            high_profile=self.high_profile,
        )


class NoticeIn(Body):
    """Who reported the item, for what."""

    reporter_ref: Ref = Field(description="Your pseudonymous reference to who reported it.")
    source: Source
    reason: Reason = "other"
    jurisdiction: str | None = Field(
        None, json_schema_extra={"pattern": "^[A-Z]{2}$"}, examples=["DE", "EU"]
    )
    legal_deadline: AwareDatetime | None = Field(None, description="Must lie in the future.")

    def to_domain(self) -> Report:
        """Raises: InvalidInput."""
        return Report(
            reporter_ref=self.reporter_ref,
            source=self.source,
            reason=_label(self.reason),
            jurisdiction=self.jurisdiction,
            legal_deadline=self.legal_deadline,
        )


class ReportIn(Body):
    """A report about an item."""

    item: ItemIn
    report: NoticeIn


class BatchReportIn(ReportIn):
    """A report inside a batch."""

    idempotency_key: Ref | None = Field(
        None, description="As the header of a single report: repeat it to repeat the answer."
    )


class ReceiptOut(Answer):
    """What became of a report at the moment it was accepted."""

    report_id: UUID
    case_id: UUID
    joined: bool = Field(description="Whether the report joined a case that was open.")
    state: CaseState
    language: LanguageOut
    labels: Labels = Field(description="Every label the model scored; empty while degraded.")
    p_violation: float | None = Field(description="Probability that any violation applies.")
    n_windows: int | None = Field(description="Over 1: long text, read in overlapping windows.")
    tier: str
    tier_reason: str
    index: IndexOut
    terms: list[Term] = Field(description="Every term of the index.")
    queue: str
    route_reason: str
    due_at: datetime
    clock: str = Field(description="Which time limit set due_at.")
    received_at: datetime
    model_version: str | None = Field(description="Null while degraded.")
    policy_version: str
    degraded: bool = Field(description="Queued without scores; they follow as soon as possible.")


class BatchLine(Answer):
    """One report of a batch: its receipt, or what is wrong with it."""

    index: int = Field(description="Place in the batch, from 0.")
    status: int = Field(description="What the report alone would have been answered.")
    receipt: ReceiptOut | None = None
    problem: Problem | None = None


class BatchOut(Answer):
    n_accepted: int
    n_refused: int
    results: list[BatchLine]


def receipt_out(row: PriorityPolicy, receipt: Receipt, index: IndexNow) -> ReceiptOut:
    placement, scores = receipt.placement, receipt.scores
    return ReceiptOut(
        report_id=receipt.report_id,
        case_id=receipt.case_id,
        joined=receipt.joined,
        state=receipt.state,
        language=LanguageOut.of(receipt.language),
        labels=labels_out(scores),
        p_violation=round(scores.p_violation, 6) if scores else None,
        n_windows=scores.n_windows if scores else None,
        tier=placement.priority.tier.name,
        tier_reason=placement.priority.tier_reason,
        index=index_out(index),
        terms=terms(row, placement.priority, index),
        queue=placement.queue,
        route_reason=placement.route_reason,
        due_at=placement.due_at,
        clock=placement.clock,
        received_at=receipt.received_at,
        model_version=scores.model_version if scores else None,
        policy_version=placement.priority.policy_version,
        degraded=receipt.degraded,
    )


def batch_line(index: int, problem: Mapping[str, Any]) -> BatchLine:
    return BatchLine(index=index, status=problem["status"], problem=Problem.model_validate(problem))


def _label(reason: str) -> Label | None:
    """Raises: InvalidInput."""
    if reason == "other":
        return None
    try:
        return Label(reason)
    except ValueError:
        known = ", ".join(label.value for label in Label)
        raise InvalidInput("report.reason", f"must be one of {known} or other") from None
