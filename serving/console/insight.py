"""What a page shows beside a case: similar decided ones and the author's past, without words."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from serving.console.view import GRAPHIC, Segment, cut, is_masked
from triage_ml.domain.case import Case
from triage_ml.domain.decision import Decision
from triage_ml.domain.policy import Policy
from triage_ml.domain.sketch import NEAR_DUPLICATE
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.ports import AuthorHistory
from triage_ml.workflow.insight import AUTHOR_WINDOW, CaseInsight

MAX_EXCERPT_CHARS = 120


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What was decided on another case; findings gravest first."""

    case_id: UUID
    findings: tuple[tuple[Label, Severity], ...]
    action: str
    reviewer: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class SimilarView:
    """A decided case like this one, with the beginning of its text."""

    similarity: float
    near_duplicate: bool
    segments: tuple[Segment, ...]
    more: bool
    masked: bool
    outcome: DecisionView


@dataclass(frozen=True, slots=True)
class InsightView:
    similar: tuple[SimilarView, ...]
    author: AuthorHistory
    past: tuple[DecisionView, ...]
    n_days: int


def view_insight(insight: CaseInsight, policy: Policy, *, masked: bool) -> InsightView:
    """Lay out what stands beside a case; `masked` says that the case's own text is hidden."""
    return InsightView(
        similar=tuple(
            _similar(row.case, row.case.decision, row.similarity, policy, masked)
            for row in insight.similar
            if row.case.decision is not None
        ),
        author=insight.author,
        past=tuple(_decision(row.case_id, row.decision) for row in insight.author.newest),
        n_days=AUTHOR_WINDOW.days,
    )


def _similar(
    case: Case, decision: Decision, similarity: float, policy: Policy, masked: bool
) -> SimilarView:
    return SimilarView(
        similarity=similarity,
        near_duplicate=similarity >= NEAR_DUPLICATE,
        segments=tuple(cut(case.item.text[:MAX_EXCERPT_CHARS])),
        more=len(case.item.text) > MAX_EXCERPT_CHARS,
        masked=masked or is_masked(policy, case) or _is_grave(decision),
        outcome=_decision(case.case_id, decision),
    )


def _is_grave(decision: Decision) -> bool:
    """Whether what was found would hide a text, had it been likely or reported."""
    return any(
        severity >= Severity.S1 and (label in GRAPHIC or severity >= Severity.S3)
        for label, severity in decision.verdict.findings.items()
    )


def _decision(case_id: UUID, decision: Decision) -> DecisionView:
    findings = decision.verdict.findings.items()
    return DecisionView(
        case_id=case_id,
        findings=tuple(sorted(findings, key=lambda row: (-row[1], row[0]))),
        action=decision.verdict.action.value,
        reviewer=decision.reviewer,
        decided_at=decision.decided_at,
    )
