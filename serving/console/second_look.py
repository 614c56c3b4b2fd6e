"""What a second look shows of a case: its text and why it was reported, and nothing of the first.

No hint of the model, no place in a queue, no author's record, no decision, no link to the case.
"""

from dataclasses import dataclass

from serving.console.view import (
    Clause,
    ContextView,
    ReportGroup,
    Segment,
    clauses_of,
    cut,
    groups_of,
    is_masked,
)
from triage_ml.domain.policy import Policy
from triage_ml.domain.taxonomy import Language
from triage_ml.workflow.quality import SecondLook


@dataclass(frozen=True, slots=True)
class BareCase:
    """A case without anything that could lead whoever judges it.

    `n_newest`: so many reports stand in `groups`, if there are more; 0 if all of them do.
    """

    segments: tuple[Segment, ...]
    context: tuple[ContextView, ...]
    masked: bool
    language: str
    surface: str
    groups: tuple[ReportGroup, ...]
    n_newest: int
    clauses: tuple[Clause, ...]


def bare_case(look: SecondLook, policy: Policy, language: Language) -> BareCase:
    """Lay out a case for a second look; the policy speaks the reader's `language` if it can."""
    case, reports = look.dossier.case, look.dossier.reports
    return BareCase(
        segments=tuple(cut(case.item.text)),
        context=tuple(ContextView(row.relation, tuple(cut(row.text))) for row in case.item.context),
        masked=is_masked(policy, case),
        language=case.language.language.value,
        surface=case.item.surface,
        groups=groups_of(reports),
        n_newest=len(reports) if case.summary.n_reports > len(reports) else 0,
        clauses=clauses_of(policy, language),
    )
