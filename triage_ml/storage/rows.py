"""Between the domain's values and the rows that hold them.

A row holds a case in columns that queries ask for and in JSON documents for the rest. Item
text and context stand in `item_version` alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from triage_ml.domain.case import Case, CaseState, Change, Claim, Stage, Step
from triage_ml.domain.decision import Decision, Verdict
from triage_ml.domain.report import ContextItem, Item, ReportSummary, Source
from triage_ml.domain.routing import Placement
from triage_ml.domain.scores import LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Tier
from triage_ml.ports import ApiKey, CaseEvent, Delivery, QueueDepth, Receipt, StoredReport

Row = Mapping[str, Any]

_ITEM = TypeAdapter(Item)
_CONTEXT = TypeAdapter(tuple[ContextItem, ...])
_SUMMARY = TypeAdapter(ReportSummary)
_LANGUAGE = TypeAdapter(LanguageGuess)
_SCORES = TypeAdapter(LabelScores | None)
_PLACEMENT = TypeAdapter(Placement)
_DECISION = TypeAdapter(Decision | None)
_VERDICT = TypeAdapter(Verdict | None)
_RECEIPT = TypeAdapter(Receipt)

_TEXT_FIELDS = {"text", "context"}


def case_of(row: Row) -> Case:
    """Read a case from a row of `load_case`, `lock_case`, `unscored` or `claim`."""
    item = {**row["item"], "text": row["body"], "context": row["context"]}
    return Case(
        case_id=row["case_id"],
        state=CaseState(row["state"]),
        stage=Stage(row["stage"]),
        item=_ITEM.validate_python(item),
        summary=_SUMMARY.validate_python(row["summary"]),
        language=_LANGUAGE.validate_python(row["language_guess"]),
        scores=_SCORES.validate_python(row["scores"]),
        placement=_PLACEMENT.validate_python(row["placement"]),
        received_at=row["received_at"],
        repeat_actor=row["repeat_actor"],
        claim=_claim_of(row),
        decision=_DECISION.validate_python(row["decision"]),
        barred_reviewer=row["barred_reviewer"],
        owner=row["owner"],
        awaits_scores=row["awaits_scores"],
        scoring_failures=row["scoring_failures"],
        gap=_VERDICT.validate_python(row["gap"]),
    )


def _claim_of(row: Row) -> Claim | None:
    if row["claim_id"] is None:
        return None
    return Claim(
        claim_id=row["claim_id"],
        reviewer=row["reviewer"],
        claimed_at=row["claimed_at"],
        lease_expires_at=row["lease_expires_at"],
        drawn_at_random=row["drawn_at_random"],
        propensity=row["propensity"],
    )


def change_parameters(change: Change, at: datetime) -> dict[str, Any]:
    """Lay out a change for the statement `save_case`."""
    return {
        "at": at,
        **_case_columns(change.case),
        **_claim_columns(change.case.claim),
        **_decision_columns(change.case.decision),
        "claim_ended": change.claim_ended,
        "reports_upheld": change.reports_upheld,
        "complainant_ref": change.appeal.complainant_ref if change.appeal else None,
        "grounds": change.appeal.grounds if change.appeal else None,
        "announcement": announcement(change),
        "events": json_text([asdict(event) for event in change.events]),
    }


def _case_columns(case: Case) -> dict[str, Any]:
    item, placement = case.item, case.placement
    context = _CONTEXT.dump_json(item.context).decode()
    version = hashlib.sha256(f"{item.text}\x00{context}".encode()).hexdigest()
    return {
        "case_id": case.case_id,
        "item_id": item.item_id,
        "version_sha256": version,
        "author_ref": item.author_ref,
        "body": item.text,
        "context": context,
        "state": case.state,
        "stage": case.stage,
        "queue": placement.queue,
        "tier": int(placement.priority.tier),
        "base_index": placement.priority.base,
        "handling_seconds": placement.priority.handling_seconds,
        "received_at": case.received_at,
        "due_at": placement.due_at,
        "language": case.language.language.value,
        "labels": [label.value for label in placement.labels],
        "repeat_actor": case.repeat_actor,
        "awaits_scores": case.awaits_scores,
        "scoring_failures": case.scoring_failures,
        "gap": _VERDICT.dump_json(case.gap).decode() if case.gap else None,
        "barred_reviewer": case.barred_reviewer,
        "owner": case.owner,
        "item": _ITEM.dump_json(item, exclude=_TEXT_FIELDS).decode(),
        "summary": _SUMMARY.dump_json(case.summary).decode(),
        "language_guess": _LANGUAGE.dump_json(case.language).decode(),
        "scores": _SCORES.dump_json(case.scores).decode() if case.scores else None,
        "placement": _PLACEMENT.dump_json(placement).decode(),
    }


def _claim_columns(claim: Claim | None) -> dict[str, Any]:
    return {
        "claim_id": claim.claim_id if claim else None,
        "reviewer": claim.reviewer if claim else None,
        "claimed_at": claim.claimed_at if claim else None,
        "lease_expires_at": claim.lease_expires_at if claim else None,
        "drawn_at_random": claim.drawn_at_random if claim else None,
        "propensity": claim.propensity if claim else None,
    }


def _decision_columns(decision: Decision | None) -> dict[str, Any]:
    return {
        "decision": _DECISION.dump_json(decision).decode() if decision else None,
        "decided_at": decision.decided_at if decision else None,
        "upheld": decision.upheld if decision else None,
        "decision_claim_id": decision.claim_id if decision else None,
        "decided_by": decision.reviewer if decision else None,
        "policy_version": decision.policy_version if decision else None,
    }


def announcement(change: Change) -> str | None:
    if change.announcement is None:
        return None
    return json_text({"case_id": change.case.case_id, **change.announcement})


def json_text(value: object) -> str:
    return to_json(value).decode()


def receipt_text(receipt: Receipt) -> str:
    return _RECEIPT.dump_json(receipt).decode()


def receipt_of(document: object) -> Receipt:
    return _RECEIPT.validate_python(document)


def event_of(row: Row) -> CaseEvent:
    return CaseEvent(
        sequence=row["sequence"],
        at=row["at"],
        step=Step(row["step"]),
        actor=row["actor"],
        from_state=CaseState(row["from_state"]) if row["from_state"] else None,
        to_state=CaseState(row["to_state"]),
        detail=row["detail"],
    )


def report_of(row: Row) -> StoredReport:
    return StoredReport(
        report_id=row["report_id"],
        source=Source(row["source"]),
        reason=Label(row["reason"]) if row["reason"] else None,
        jurisdiction=row["jurisdiction"],
        legal_deadline=row["legal_deadline"],
        reported_at=row["reported_at"],
        withdrawn_at=row["withdrawn_at"],
    )


def depth_of(row: Row) -> QueueDepth:
    return QueueDepth(**{**row, "tier": Tier(row["tier"]), "language": Language(row["language"])})


def delivery_of(row: Row) -> Delivery:
    return Delivery(**row)


def key_of(row: Row) -> ApiKey:
    return ApiKey(
        name=row["name"],
        scopes=frozenset(row["scopes"]),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
