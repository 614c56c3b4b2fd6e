"""Small valid values for tests; every argument that is not given has a plain default."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from triage_ml.domain.admission import open_case
from triage_ml.domain.case import Case, CaseState, Claim, Stage
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.drift_watch import Reading
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Circumstances, Priority, prioritise
from triage_ml.domain.report import Item, Report, ReportSummary, Source
from triage_ml.domain.review import decide, take
from triage_ml.domain.routing import Placement, place
from triage_ml.domain.scores import LabelScore, LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import HEADS, Label, Language, Severity, Support
from triage_ml.policy import load_policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CASE_ID = UUID(int=1)
CLAIM_ID = UUID(int=2)
REPORT_ID = UUID(int=3)
REVIEWER = "rita"


@cache
def shipped_policy() -> Policy:
    return load_policy()


def make_item(**changes: Any) -> Item:
    fields = {"item_id": "i-1", "text": "a text", "surface": "post", "author_ref": "author-1"}
    return Item(**{**fields, **changes})


def make_report(reason: Label | None = Label.HARASSMENT, **changes: Any) -> Report:
    return Report(**{"reporter_ref": "u-1", "source": Source.USER, "reason": reason, **changes})


def make_summary(*reports: Report, factor: float = 1.0) -> ReportSummary:
    summary = ReportSummary()
    for report in reports or (make_report(),):
        summary = summary.add(report, factor)
    return summary


def make_facts(*reports: Report, **changes: Any) -> Circumstances:
    fields = {
        "item": make_item(),
        "summary": make_summary(*reports),
        "language": Language.EN,
        "stage": Stage.FIRST,
    }
    return Circumstances(**{**fields, **changes})


def make_score(
    probability: float = 0.1,
    severity: float = 2.0,
    support: Support = Support.MEASURED,
    upper: float | None = None,
) -> LabelScore:
    return LabelScore(probability, probability if upper is None else upper, severity, support)


def make_scores(
    labels: Mapping[Label, LabelScore] | None = None,
    *,
    support: Support = Support.MEASURED,
    p_violation: float = 0.1,
    language: Language = Language.EN,
    model_version: str = "m-1",
) -> LabelScores:
    """Score every head with 0.1 and `support`, except for those given."""
    every = {head: make_score(support=support) for head in HEADS}
    return LabelScores({**every, **(labels or {})}, p_violation, language, model_version)


def make_placement(
    *reports: Report, scores: LabelScores | None = None, **changes: Any
) -> Placement:
    return place(shipped_policy(), make_facts(*reports, **changes), scores, NOW)


def make_priority(*reports: Report, scores: LabelScores | None = None, **changes: Any) -> Priority:
    return prioritise(shipped_policy(), make_facts(*reports, **changes), scores)


def make_case(
    *reports: Report,
    scores: LabelScores | None = None,
    language: Language = Language.EN,
    **changes: Any,
) -> Case:
    """Make a queued case of these reports; `changes` replace fields of it afterwards."""
    facts = make_facts(*reports, language=language)
    guess = LanguageGuess(language, 0.99)
    change = open_case(CASE_ID, shipped_policy(), facts, guess, scores, NOW, "intake")
    return replace(change.case, **changes)


def make_claim(reviewer: str = REVIEWER, at: datetime = NOW, minutes: float = 10) -> Claim:
    return Claim(CLAIM_ID, reviewer, at, at + timedelta(minutes=minutes))


def make_claimed_case(*reports: Report, **changes: Any) -> Case:
    return take(make_case(*reports, **changes), make_claim()).case


def make_verdict(
    findings: Mapping[Label, Severity] | None = None,
    action: Action = Action.NO_ACTION,
    **changes: Any,
) -> Verdict:
    return Verdict(findings if findings is not None else {}, action, **changes)


def make_decided_case(*reports: Report, **changes: Any) -> Case:
    verdict = make_verdict(
        {Label.HARASSMENT: Severity.S2}, Action.REMOVE_CONTENT, explanation="clause 1.2"
    )
    case = make_claimed_case(*reports)
    decided = decide(case, shipped_policy(), CLAIM_ID, REVIEWER, verdict, NOW).case
    return replace(decided, **changes)


def make_case_in(state: CaseState) -> Case:
    """Make a case that stands in `state`."""
    if state is CaseState.CLAIMED:
        return make_claimed_case()
    if state is CaseState.DECIDED:
        return make_decided_case()
    return make_case(state=state)


def longer_texts(day: date, **changes: Any) -> Reading:
    """Turkish texts have been longer for three days, enough for an alarm."""
    fields = {
        "day": day,
        "measure": "length",
        "language": "tr",
        "model_version": "",
        "have": 28,
        "need": 28,
        "n": 900,
        "before": 61.0,
        "after": 112.0,
        "z": 7.5,
        "limit": 4.7,
        "matters": True,
        "since": day - timedelta(days=3),
    }
    return Reading(**{**fields, **changes})
