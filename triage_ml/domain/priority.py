"""Tier and index of a case, with every term explained.

    harm(label) = weight[E[severity]] · p / E[handling minutes]
    base        = max(Σ_label harm(label), unspecified) · reach · reporter · context
    index(now)  = base + λ · urgency(slack) + α · age / SLA

`p` is the calibrated probability where the cell is measured, its upper bound elsewhere, and
at least the prior of the report's source where the report names a label that is not measured.
Handling time divides inside the sum, so that the index stays monotone in every probability.
Source: POLICY model of the project, docs/decisions/0003-priority.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log10
from typing import Protocol

from triage_ml.domain.policy import LabelPolicy, Policy, PriorityPolicy, TierRule
from triage_ml.domain.report import OTHER_REASON, Item, ReportSummary, Source
from triage_ml.domain.rules import RuleContext
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Label, Language, Severity, Support, Tier


@dataclass(frozen=True, slots=True)
class HarmTerm:
    """One label's share of the harm. `basis` says where the probability comes from."""

    label: Label
    probability: float
    basis: str
    severity: float
    weight: float
    handling_minutes: float
    value: float


@dataclass(frozen=True, slots=True)
class Priority:
    """Everything of the priority that does not move with the clock.

    `harm` is the sum of its terms, or `unspecified` where that is more.
    """

    tier: Tier
    tier_reason: str
    harm_terms: tuple[HarmTerm, ...]
    harm: float
    reach: float
    reporter: float
    context: float
    base: float
    handling_seconds: float
    policy_version: str
    unspecified: float = 0.0


class IndexWeights(Protocol):
    """Weights of the terms that grow with time: `PriorityPolicy` or a claim's request."""

    @property
    def urgency_weight(self) -> float: ...  # lambda
    @property
    def age_weight(self) -> float: ...  # alpha


@dataclass(frozen=True, slots=True)
class IndexNow:
    """The index at one moment: `base` plus the two terms that grow with time."""

    base: float
    urgency: float
    age: float
    value: float


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a case beside its text.

    `awaits_scores`: the item's newest text was not scored yet, so that low scores of an older
    text answer nothing.
    """

    item: Item
    summary: ReportSummary
    language: Language
    stage: str
    repeat_actor: bool = False
    incident: bool = False
    awaits_scores: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What tier, harm, route and clocks are computed from, worked out once per placement."""

    probabilities: Mapping[Label, tuple[float, str]]
    context: Mapping[str, object]


def gather_evidence(policy: Policy, facts: Circumstances, scores: LabelScores | None) -> Evidence:
    answered = not facts.awaits_scores
    probabilities = usable_probabilities(policy, facts.summary, scores, answered=answered)
    return Evidence(probabilities, rule_context(policy, facts, scores, probabilities))


def prioritise(
    policy: Policy,
    facts: Circumstances,
    scores: LabelScores | None,
    previous: Tier | None = None,
    evidence: Evidence | None = None,
) -> Priority:
    """Order a case. `previous` is its tier so far: T0 and T1 are never left through a score."""
    evidence = evidence or gather_evidence(policy, facts, scores)
    tier, reason = _tier(policy, evidence.context)
    if previous is not None and previous <= Tier.T1 and tier > previous:
        tier, reason = previous, "stays where it was put before"
    terms = tuple(
        _harm_term(policy, label, p, basis, scores)
        for label, (p, basis) in evidence.probabilities.items()
    )
    row = policy.priority
    unspecified = _unspecified(policy, facts.summary, scores)
    if facts.awaits_scores:
        unspecified = max(unspecified, _unspecified(policy, facts.summary, None))
    harm = max(sum(term.value for term in terms), unspecified)
    reach = reach_factor(row, facts.item)
    reporter = facts.summary.reporter_factor
    surroundings = 1 + 0.5 * (facts.item.high_profile + facts.repeat_actor + facts.incident)
    return Priority(
        tier=tier,
        tier_reason=reason,
        harm_terms=tuple(sorted(terms, key=lambda term: -term.value)),
        harm=harm,
        reach=reach,
        reporter=reporter,
        context=surroundings,
        base=harm * reach * reporter * surroundings,
        handling_seconds=60 * row.default_handling_minutes,
        policy_version=policy.version,
        unspecified=unspecified,
    )


def index_at(
    row: IndexWeights,
    base: float,
    handling: timedelta,
    received_at: datetime,
    due_at: datetime,
    now: datetime,
) -> IndexNow:
    """Compute the index at `now`; the SQL function `live_index` is the same formula."""
    horizon = 4 * handling.total_seconds()
    slack = (due_at - now).total_seconds()
    sla = max((due_at - received_at).total_seconds(), 1.0)
    urgency = row.urgency_weight * max(0.0, (horizon - slack) / horizon)
    age = row.age_weight * max(0.0, (now - received_at).total_seconds()) / sla
    return IndexNow(base=base, urgency=urgency, age=age, value=base + urgency + age)


def usable_probabilities(
    policy: Policy,
    summary: ReportSummary,
    scores: LabelScores | None,
    *,
    answered: bool = True,
) -> dict[Label, tuple[float, str]]:
    """Give, per violation label with any evidence, the probability to act on and its basis.

    Only scores that answer the newest text may weigh less than a report's word.
    """
    found: dict[Label, tuple[float, str]] = {}
    prior = _prior(policy, summary)
    for label in Label:
        if not policy.labels[label].is_violation:
            continue
        score = scores.labels.get(label) if scores else None
        candidates = []
        if score is not None:
            basis = "calibrated" if score.support is Support.MEASURED else "upper bound"
            candidates.append((score.trusted, basis))
        measured = answered and score is not None and score.support is Support.MEASURED
        if label in summary.reason_labels and not measured:
            candidates.append((prior, "report"))
        if candidates:
            found[label] = max(candidates)
    return found


def rule_context(
    policy: Policy,
    facts: Circumstances,
    scores: LabelScores | None,
    probabilities: Mapping[Label, tuple[float, str]],
) -> dict[str, object]:
    """Lay out the facts and scores that conditions may ask for (see `domain.rules`)."""
    summary, item = facts.summary, facts.item
    return {
        "reasons": list(summary.reasons),
        "sources": [source.value for source in summary.sources],
        "jurisdictions": list(summary.jurisdictions),
        "has_deadline": summary.legal_deadline is not None,
        "n_reports": summary.n_reports,
        "high_profile": item.high_profile,
        "views_per_hour": views_per_hour(policy.priority, item),
        "repeat_actor": facts.repeat_actor,
        "incident": facts.incident,
        "stage": facts.stage,
        "surface": item.surface,
        "language": facts.language.value,
        "scored": scores is not None,
        "p": {label.value: probabilities.get(label, (0.0, ""))[0] for label in Label},
        "severity": {
            label.value: expected_severity(policy.labels[label], label, scores) for label in Label
        },
        "p_violation": scores.p_violation if scores else 0.0,
        "reason_measured": scores is not None
        and not facts.awaits_scores
        and _every_reason_measured(summary, scores),
    }


def _every_reason_measured(summary: ReportSummary, scores: LabelScores) -> bool:
    """Say whether a low score answers every reason; nothing answers "other"."""
    return OTHER_REASON not in summary.reasons and all(
        scores.support(reason) is Support.MEASURED for reason in summary.reason_labels
    )


def _tier(policy: Policy, known: Mapping[str, object]) -> tuple[Tier, str]:
    """Take the most urgent tier that a fact or a score asks for; scores only ever raise."""
    context = RuleContext(known)
    facts = _first_match(policy.fact_tiers, context)
    best = (facts.tier, facts.reason) if facts else (Tier.T3, "no rule asks for more")
    raised = _first_match(policy.score_tiers, context) if known["scored"] else None
    if raised is not None and raised.tier < best[0]:
        best = (raised.tier, raised.reason)
    if facts is None and raised is None and policy.low_tier.when.holds(context):
        return Tier.T4, policy.low_tier.reason
    return best


def _first_match(rules: tuple[TierRule, ...], context: RuleContext) -> TierRule | None:
    return next((rule for rule in rules if rule.when.holds(context)), None)


def _harm_term(
    policy: Policy, label: Label, p: float, basis: str, scores: LabelScores | None
) -> HarmTerm:
    meaning = policy.labels[label]
    severity = expected_severity(meaning, label, scores)
    weight = severity_weight(policy.priority, severity)
    value = weight * p / meaning.handling_minutes
    return HarmTerm(label, p, basis, severity, weight, meaning.handling_minutes, value)


def _unspecified(policy: Policy, summary: ReportSummary, scores: LabelScores | None) -> float:
    """Harm of a violation without a label: the model sees one, or a report names none.

    Only a model measured on some label of the language may weigh less than such a report.
    """
    p = scores.p_violation if scores else 0.0
    measured = scores is not None and any(
        score.support is Support.MEASURED for score in scores.labels.values()
    )
    if not measured and any(_names_no_violation(policy, name) for name in summary.reasons):
        p = max(p, _prior(policy, summary))
    weight = policy.priority.severity_weights[Severity.S2]
    return weight * p / policy.priority.default_handling_minutes


def _names_no_violation(policy: Policy, reason: str) -> bool:
    return reason == OTHER_REASON or not policy.labels[Label(reason)].is_violation


def _prior(policy: Policy, summary: ReportSummary) -> float:
    return max((policy.priority.reason_prior[source] for source in summary.sources), default=0.0)


def expected_severity(meaning: LabelPolicy, label: Label, scores: LabelScores | None) -> float:
    """Give the model's severity; where it is not measured, never less than the typical one."""
    typical = float(meaning.typical_severity)
    score = scores.labels.get(label) if scores else None
    if score is None:
        return typical
    return score.severity if score.support is Support.MEASURED else max(score.severity, typical)


def severity_weight(row: PriorityPolicy, severity: float) -> float:
    """Interpolate the weight of a fractional severity linearly between its neighbours."""
    low = min(int(severity), Severity.S3)
    share = min(severity - low, 1.0)
    weights = row.severity_weights
    return weights[low] + share * (weights[low + 1] - weights[low])


def views_per_hour(row: PriorityPolicy, item: Item) -> float:
    if item.views_per_hour is not None:
        return item.views_per_hour
    return row.views_per_hour_by_surface.get(item.surface, row.default_views_per_hour)


def reach_factor(row: PriorityPolicy, item: Item) -> float:
    return min(1 + log10(1 + views_per_hour(row, item)), row.reach_cap)


def reporter_factor(row: PriorityPolicy, source: Source, n_outcomes: int, n_upheld: int) -> float:
    """Twice the posterior mean of the reporter's precision, kept within the bounds.

    The prior Beta(a, b) is that of the source; a reporter who is right half the time gets 1.
    """
    a, b = row.reporter_prior[source]
    mean = (a + n_upheld) / (a + b + n_outcomes)
    low, high = row.reporter_bounds
    return min(max(2 * mean, low), high)
