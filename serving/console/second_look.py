"""What a second look shows of a case: its text and why it was reported, and nothing of the first.

No hint of the model, no place in a queue, no author's record, no decision, no link to the case.
"""

from collections import Counter
from dataclasses import dataclass

from serving.console.view import (
    GRAPHIC,
    Clause,
    ContextView,
    ReportGroup,
    Segment,
    clauses_of,
    cut,
)
from triage_ml.domain.policy import Policy
from triage_ml.domain.report import OTHER_REASON
from triage_ml.domain.routing import is_restricted
from triage_ml.domain.taxonomy import Severity
from triage_ml.workflow.quality import SecondLook


@dataclass(frozen=True, slots=True)
class BareCase:
    """A case without anything that could lead whoever judges it."""

    segments: tuple[Segment, ...]
    context: tuple[ContextView, ...]
    masked: bool
    language: str
    surface: str
    groups: tuple[ReportGroup, ...]
    clauses: tuple[Clause, ...]


def bare_case(look: SecondLook, policy: Policy) -> BareCase:
    """Lay out a case for a second look; graphic or severe text is folded away."""
    case = look.dossier.case
    counts = Counter(
        (row.reason.value if row.reason else OTHER_REASON, row.source.value)
        for row in look.dossier.reports
    )
    severe = any(t.severity >= Severity.S3 for t in case.placement.priority.harm_terms)
    return BareCase(
        segments=tuple(cut(case.item.text)),
        context=tuple(ContextView(row.relation, tuple(cut(row.text))) for row in case.item.context),
        masked=severe
        or not GRAPHIC.isdisjoint(case.placement.labels)
        or is_restricted(policy, case.placement.queue),
        language=case.language.language.value,
        surface=case.item.surface,
        groups=tuple(ReportGroup(*key, n) for key, n in counts.most_common()),
        clauses=clauses_of(policy),
    )
