"""What a placement was computed from, as the log keeps it, so that it can be computed again.

Holds no item text and nobody's name. The scores themselves stand in the record of scores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from triage_ml.domain.case import Case, placement_detail
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Circumstances
from triage_ml.domain.report import Item, ReportSummary, Source
from triage_ml.domain.taxonomy import Language

FACTS_KEY = "facts"
"""Where the facts stand in the detail of an event."""

NOT_KEPT = "(not kept)"
"""Stands in for the text: no rule of a placement reads it."""


class Used(StrEnum):
    """Which scores a placement was computed from."""

    RECORDED = "recorded"  # those recorded with it
    JOINED = "joined"  # those recorded with it, joined with the ones before by `keep_worst`
    KEPT = "kept"  # those of the placement before
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PlacedFrom:
    """The facts of one placement, made at `at` under the policy of this version and content.

    `stood_in` is the queue before, None for a first placement.
    """

    at: datetime
    policy_version: str
    policy_sha256: str
    used: Used
    stood_in: str | None
    facts: Circumstances

    def as_detail(self) -> dict[str, Any]:
        item, summary = self.facts.item, self.facts.summary
        deadline = summary.legal_deadline
        return {
            "at": self.at.isoformat(),
            "policy_version": self.policy_version,
            "policy_sha256": self.policy_sha256,
            "scores": self.used.value,
            "stood_in": self.stood_in,
            "surface": item.surface,
            "views_per_hour": item.views_per_hour,
            "high_profile": item.high_profile,
            "language": self.facts.language.value,
            "stage": str(self.facts.stage),
            "repeat_actor": self.facts.repeat_actor,
            "incident": self.facts.incident,
            "awaits_scores": self.facts.awaits_scores,
            "n_reports": summary.n_reports,
            "sources": [source.value for source in summary.sources],
            "reasons": dict(summary.reasons),
            "jurisdictions": list(summary.jurisdictions),
            "legal_deadline": deadline.isoformat() if deadline else None,
            "reporter_factor": summary.reporter_factor,
        }


def routed_detail(
    case: Case,
    facts: Circumstances,
    policy: Policy,
    now: datetime,
    used: Used,
    before: Case | None = None,
) -> dict[str, Any]:
    """Record where a case stands, why, and what that was computed from."""
    stood_in = before.placement.queue if before else None
    origin = PlacedFrom(now, policy.version, policy.sha256, used, stood_in, facts)
    return {**placement_detail(case), FACTS_KEY: origin.as_detail()}


def find_facts(detail: Mapping[str, Any]) -> PlacedFrom | None:
    """Read the facts of an event; None where it was made before they were kept.

    Raises: ValueError, KeyError, TypeError for facts that were damaged.
    """
    row = detail.get(FACTS_KEY)
    if row is None:
        return None
    deadline = row["legal_deadline"]
    summary = ReportSummary(
        n_reports=row["n_reports"],
        n_active=row["n_reports"],
        sources=tuple(Source(name) for name in row["sources"]),
        reasons=row["reasons"],
        jurisdictions=tuple(row["jurisdictions"]),
        legal_deadline=datetime.fromisoformat(deadline) if deadline else None,
        reporter_factor=row["reporter_factor"],
    )
    item = Item(
        item_id=NOT_KEPT,
        text=NOT_KEPT,
        surface=row["surface"],
        author_ref=NOT_KEPT,
        views_per_hour=row["views_per_hour"],
        high_profile=row["high_profile"],
    )
    facts = Circumstances(
        item=item,
        summary=summary,
        language=Language(row["language"]),
        stage=row["stage"],
        repeat_actor=row["repeat_actor"],
        incident=row["incident"],
        awaits_scores=row["awaits_scores"],
    )
    return PlacedFrom(
        at=datetime.fromisoformat(row["at"]),
        policy_version=row["policy_version"],
        policy_sha256=row["policy_sha256"],
        used=Used(row["scores"]),
        stood_in=row["stood_in"],
        facts=facts,
    )
