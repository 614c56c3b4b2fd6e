"""Decisions as the log in memory tells them (see `triage_ml.testing.memory`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from triage_ml.domain.case import Case, Stage, Step
from triage_ml.domain.decision import Action
from triage_ml.domain.quality import Judgement
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.ports import CaseEvent


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as the log tells it; also one that a complaint replaced.

    `queue` and `due_at` are those that the case had then.
    """

    case: Case
    claim_id: UUID
    reviewer: str
    stage: str
    judgement: Judgement
    upheld: bool
    decided_at: datetime
    claimed_at: datetime
    drawn_at_random: bool
    queue: str
    due_at: datetime
    unread: bool


def decisions(
    cases: Mapping[UUID, Case], events: Mapping[UUID, Sequence[CaseEvent]]
) -> Iterator[Decided]:
    """Give every decision, also those that a complaint replaced."""
    for case_id, log in events.items():
        claims = {event.detail["claim_id"]: event for event in log if event.step is Step.CLAIMED}
        for event in log:
            if event.step is Step.DECIDED:
                claimed = claims[event.detail["claim_id"]]
                yield _decided(cases[case_id], event, claimed, *_placed(cases[case_id], event, log))


def _placed(case: Case, decided: CaseEvent, log: Sequence[CaseEvent]) -> tuple[str, datetime]:
    complaints = [event.sequence for event in log if event.step is Step.APPEALED]
    if not complaints or decided.detail["stage"] != Stage.FIRST:
        return case.placement.queue, case.placement.due_at
    before = [e.detail for e in log if "due_at" in e.detail and e.sequence < complaints[0]]
    return before[-1]["queue"], datetime.fromisoformat(before[-1]["due_at"])


def _decided(
    case: Case, event: CaseEvent, claimed: CaseEvent, queue: str, due_at: datetime
) -> Decided:
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
        queue=queue,
        due_at=due_at,
        unread=detail.get("unread", False),
    )


def _judgement(detail: Mapping[str, Any]) -> Judgement:
    found = {Label(label): Severity(severity) for label, severity in detail["findings"].items()}
    return Judgement(found, Action(detail["action"]))
