"""Between the domain's values and the rows that hold them.

A row holds a case in columns that queries ask for and in JSON documents for the rest. Item
text and context stand in `item_version` alone.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from triage_ml.domain.account import Account
from triage_ml.domain.case import Case, CaseState, Change, Claim, Stage, Step
from triage_ml.domain.decision import Decision, Verdict
from triage_ml.domain.report import ContextItem, Item, ReportSummary, Source
from triage_ml.domain.routing import Placement
from triage_ml.domain.scores import Arm, LabelScore, LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Support, Tier
from triage_ml.ports import (
    ApiKey,
    CaseEvent,
    Delivery,
    HintOutcomes,
    History,
    HistoryWindow,
    PastDecision,
    QueueDepth,
    Receipt,
    ScoreRecord,
    StoredReport,
    Submission,
)

Row = Mapping[str, Any]

_ITEM = TypeAdapter(Item)
_CONTEXT = TypeAdapter(tuple[ContextItem, ...])
_SUMMARY = TypeAdapter(ReportSummary)
_LANGUAGE = TypeAdapter(LanguageGuess)
_SCORES = TypeAdapter(LabelScores | None)
_SOME_SCORES = TypeAdapter(LabelScores)
_PLACEMENT = TypeAdapter(Placement)
_DECISION = TypeAdapter(Decision | None)
_VERDICT = TypeAdapter(Verdict | None)
_RECEIPT = TypeAdapter(Receipt)

_TEXT_FIELDS = {"text", "context", "erased"}


def case_of(row: Row) -> Case:
    """Read a case from a row of `load_case`, `find_past`, `unscored` or `claim`."""
    erased = (
        {"erased_at": row["erased_at"], "version_sha256": row["version_sha256"]}
        if row["erased_at"]
        else None
    )
    item = {**row["item"], "text": row["body"], "context": row["context"], "erased": erased}
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
        hints_withheld=row["hints_withheld"],
        held_until=row["held_until"],
    )


def change_text(change: Change, at: datetime) -> str:
    """Lay out a change for the statement `save_cases`, as JSON."""
    return json_text(
        {
            "at": at,
            **_case_columns(change.case),
            **_claim_columns(change.case.claim),
            **_decision_columns(change.case.decision),
            "claim_ended": change.claim_ended,
            "reports_upheld": change.reports_upheld,
            "complainant_ref": change.appeal.complainant_ref if change.appeal else None,
            "grounds": change.appeal.grounds if change.appeal else None,
            "announcement": _announcement(change),
            "events": change.events,
            "scored": _scored(change),
        }
    )


def _scored(change: Change) -> dict[str, Any] | None:
    """Lay out what `save_cases` does not know from the case itself."""
    if change.scored is None:
        return None
    scores, arm = change.scored
    return _said(scores, arm, len(change.case.item.text))


def score_columns(record: ScoreRecord) -> dict[str, Any]:
    """Lay out a record of scores for `add_scores`."""
    return {
        "case_id": record.case_id,
        "version_sha256": record.version_sha256,
        "at": record.at,
        **_said(record, record.arm, record.n_chars),
    }


def _said(said: LabelScores | ScoreRecord, arm: Arm, n_chars: int) -> dict[str, Any]:
    return {
        "arm": arm,
        "model_version": said.model_version,
        "language": said.language,
        "n_chars": n_chars,
        "p_violation": said.p_violation,
        "labels": {
            label.value: [score.probability, score.upper, score.severity, score.support]
            for label, score in said.labels.items()
        },
    }


def scores_of(document: object) -> LabelScores:
    """Read the scores of a case that has some."""
    return _SOME_SCORES.validate_python(document)


def summary_of(document: object) -> ReportSummary:
    return _SUMMARY.validate_python(document)


def recorded_labels(document: Mapping[str, Any]) -> dict[Label, LabelScore]:
    """Read the labels of a record of scores."""
    return {
        Label(name): LabelScore(probability, upper, severity, Support(support))
        for name, (probability, upper, severity, support) in document.items()
    }


def _case_columns(case: Case) -> dict[str, Any]:
    item, placement = case.item, case.placement
    return {
        "case_id": case.case_id,
        "item_id": item.item_id,
        "version_sha256": item.version_sha256,
        "author_ref": item.author_ref,
        "body": item.text,
        "context": _plain(_CONTEXT, item.context),
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
        "gap": _plain(_VERDICT, case.gap),
        "barred_reviewer": case.barred_reviewer,
        "owner": case.owner,
        "item": _ITEM.dump_python(item, mode="json", exclude=_TEXT_FIELDS),
        "summary": _plain(_SUMMARY, case.summary),
        "language_guess": _plain(_LANGUAGE, case.language),
        "scores": _plain(_SCORES, case.scores),
        "placement": _plain(_PLACEMENT, placement),
    }


def _claim_columns(claim: Claim | None) -> dict[str, Any]:
    return {
        "claim_id": claim.claim_id if claim else None,
        "reviewer": claim.reviewer if claim else None,
        "claimed_at": claim.claimed_at if claim else None,
        "lease_expires_at": claim.lease_expires_at if claim else None,
        "drawn_at_random": claim.drawn_at_random if claim else None,
        "propensity": claim.propensity if claim else None,
        "hints_withheld": claim.hints_withheld if claim else None,
        "held_until": claim.held_until if claim else None,
    }


def _decision_columns(decision: Decision | None) -> dict[str, Any]:
    return {
        "decision": _plain(_DECISION, decision),
        "decided_at": decision.decided_at if decision else None,
        "upheld": decision.upheld if decision else None,
        "decision_claim_id": decision.claim_id if decision else None,
        "decided_by": decision.reviewer if decision else None,
        "policy_version": decision.policy_version if decision else None,
    }


def _announcement(change: Change) -> dict[str, Any] | None:
    if change.announcement is None:
        return None
    return {"case_id": change.case.case_id, **change.announcement}


def _plain(kind: TypeAdapter[Any], value: object) -> Any:
    return kind.dump_python(value, mode="json")


def json_text(value: object) -> str:
    return to_json(value).decode()


def json_list(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"


def lookup_text(submission: Submission, window: HistoryWindow) -> str:
    """Lay out what is looked up for a submission: a row of the statements' `:group`, as JSON."""
    return json_text(
        {
            "item_id": submission.item.item_id,
            "actor": submission.actor,
            "key": submission.idempotency_key,
            "author_ref": submission.item.author_ref,
            "reporter_ref": submission.report.reporter_ref,
            "source": submission.report.source,
            "n_outcomes": window.n_outcomes,
            "violations_since": window.violations_since,
        }
    )


def report_text(submission: Submission, receipt: Receipt) -> str:
    """Lay out a report for the statement `add_reports`, as JSON."""
    report = submission.report
    return json_text(
        {
            "report_id": receipt.report_id,
            "case_id": receipt.case_id,
            "reporter_ref": report.reporter_ref,
            "source": report.source,
            "reason": report.reason,
            "jurisdiction": report.jurisdiction,
            "legal_deadline": report.legal_deadline,
            "reported_at": submission.received_at,
        }
    )


def receipt_text(submission: Submission, receipt: Receipt) -> str:
    """Lay out the answer to a submission for the statement `keep_receipts`, as JSON."""
    return json_text(
        {
            "actor": submission.actor,
            "key": submission.idempotency_key,
            "body_sha256": submission.body_sha256,
            "receipt": _plain(_RECEIPT, receipt),
            "created_at": submission.received_at,
        }
    )


def history_of(row: Row) -> History:
    return History(row["n_outcomes"], row["n_upheld"], row["n_violations"])


def receipt_of(document: object) -> Receipt:
    return _RECEIPT.validate_python(document)


def context_of(document: object) -> tuple[ContextItem, ...]:
    return _CONTEXT.validate_python(document)


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


def past_decision_of(row: Row) -> PastDecision:
    decision = _DECISION.validate_python(row["decision"])
    if decision is None:
        raise ValueError("a decided case without a decision")
    return PastDecision(row["case_id"], decision)


def hint_outcomes_of(row: Row) -> HintOutcomes:
    return HintOutcomes(
        **{**row, "language": Language(row["language"]), "label": Label(row["label"])}
    )


def key_of(row: Row) -> ApiKey:
    return ApiKey(
        name=row["name"],
        scopes=frozenset(row["scopes"]),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )


def account_of(row: Row) -> Account:
    return Account(
        name=row["name"],
        display_name=row["display_name"],
        scopes=frozenset(row["scopes"]),
        created_at=row["created_at"],
        locale=Language(row["locale"]),
        time_zone=row["time_zone"],
        excluded_labels=frozenset(map(Label, row["excluded_labels"])),
        disabled_at=row["disabled_at"],
    )


def account_columns(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "display_name": account.display_name,
        "scopes": sorted(account.scopes),
        "locale": account.locale.value,
        "time_zone": account.time_zone,
        "excluded_labels": sorted(label.value for label in account.excluded_labels),
        "disabled_at": account.disabled_at,
    }
