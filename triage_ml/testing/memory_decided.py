"""Decisions as the log in memory tells them (see `triage_ml.testing.memory`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from triage_ml.domain.case import Case, Step
from triage_ml.domain.decision import Action
from triage_ml.domain.quality import Judgement
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.ports import CaseEvent


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as the log tells it; also one that a complaint replaced."""

    case: Case
    claim_id: UUID
    reviewer: str
    stage: str
    judgement: Judgement
    upheld: bool
    decided_at: datetime
    claimed_at: datetime
    drawn_at_random: bool


def decisions(
    cases: Mapping[UUID, Case], events: Mapping[UUID, Sequence[CaseEvent]]
) -> Iterator[Decided]:
    """Give every decision, also those that a complaint replaced."""
    for case_id, log in events.items():
        claims = {event.detail["claim_id"]: event for event in log if event.step is Step.CLAIMED}
        for event in log:
            if event.step is Step.DECIDED:
                yield _decided(cases[case_id], event, claims[event.detail["claim_id"]])


def _decided(case: Case, event: CaseEvent, claimed: CaseEvent) -> Decided:
    detail = event.detail
    return Decided(
        case=case,
        claim_id=UUID(detail["claim_id"]),
        reviewer=event.actor,
        stage=detail["stage"],
        judgement=_judgement(detail),
        upheld=detail["dsa_category"] is not None,
        decided_at=datetime.fromisoformat(detail["decided_at"]),
        claimed_at=claimed.at,
        drawn_at_random=claimed.detail["drawn_at_random"],
    )


def _judgement(detail: Mapping[str, Any]) -> Judgement:
    found = {Label(label): Severity(severity) for label, severity in detail["findings"].items()}
    return Judgement(found, Action(detail["action"]))
