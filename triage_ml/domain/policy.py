"""The policy a deployment works under, read from data and checked whole before use."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from triage_ml.domain.care import CarePolicy, care_policy
from triage_ml.domain.document import Document, Table
from triage_ml.domain.guideline import Guidelines, parse_guidelines
from triage_ml.domain.labelling import LabellingPolicy, labelling_policy
from triage_ml.domain.report import Source
from triage_ml.domain.rules import FACTS, PLACEMENT, SCORES, Condition
from triage_ml.domain.taxonomy import Label, Severity, Tier
from triage_ml.errors import PolicyInvalid

_GENERAL = (
    "version",
    "default_queue",
    "appeal_queue",
    "escalation_queue",
    "policy_gap_queue",
    "safety_margin",
    "appeal_window_days",
    "priority",
    "care",
    "quality",
    "labelling",
)

DOCUMENTS = ("policy", "labels", "tiers", "queues", "routes", "clocks")
"""Names of the files of a policy folder, without `.toml`."""


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """What a label means here. `is_violation` False: a hint only, without weight."""

    scope: str
    clause: str
    dsa_category: str
    typical_severity: Severity
    handling_minutes: float
    is_violation: bool


@dataclass(frozen=True, slots=True)
class PriorityPolicy:
    """Constants of the index; the formula stands in `domain.priority`."""

    severity_weights: tuple[float, ...]  # S0 .. S4
    urgency_weight: float  # lambda
    age_weight: float  # alpha
    default_handling_minutes: float
    reach_cap: float
    default_views_per_hour: float
    views_per_hour_by_surface: Mapping[str, float]
    reason_prior: Mapping[Source, float]
    reporter_prior: Mapping[Source, tuple[float, float]]  # Beta(a, b)
    reporter_bounds: tuple[float, float]
    reporter_window: int
    repeat_actor_violations: int
    repeat_actor_days: int
    random_share: float
    blind_share: float


@dataclass(frozen=True, slots=True)
class QualityPolicy:
    """How much is looked at again: `double_share` of decisions, and how often a golden case."""

    double_share: float
    golden_share: float


@dataclass(frozen=True, slots=True)
class TierRule:
    tier: Tier
    when: Condition
    reason: str


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """`hours` is the clock; `hours_by_severity` replaces it from that severity upwards."""

    name: str
    fed_by: str
    hours: float
    hours_by_severity: Mapping[Severity, float]
    restricted: bool


@dataclass(frozen=True, slots=True)
class Route:
    queue: str
    when: Condition
    reason: str


@dataclass(frozen=True, slots=True)
class LegalClock:
    """A statutory time limit. `source` says where it comes from; confirm with counsel."""

    name: str
    when: Condition
    hours: float
    source: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of all rules. Rules are tried in order, the first match wins.

    `sha256` is that of what the documents say, guidelines included: comments do not count.
    """

    version: str
    labels: Mapping[Label, LabelPolicy]
    priority: PriorityPolicy
    fact_tiers: tuple[TierRule, ...]
    score_tiers: tuple[TierRule, ...]
    low_tier: TierRule
    queues: Mapping[str, QueuePolicy]
    routes: tuple[Route, ...]
    default_queue: str
    appeal_queue: str
    escalation_queue: str
    policy_gap_queue: str
    clocks: tuple[LegalClock, ...]
    safety_margin: float
    appeal_window: timedelta
    guidelines: Guidelines
    care: CarePolicy
    quality: QualityPolicy
    labelling: LabellingPolicy
    sha256: str = ""

    @property
    def typical_severities(self) -> dict[Label, float]:
        """What stands in for the severity of a label that a model has not learned."""
        return {label: float(row.typical_severity) for label, row in self.labels.items()}


def parse_policy(
    documents: Mapping[str, Document], guidelines: Mapping[str, Document] | None = None
) -> Policy:
    """Build a policy from its documents. Raises: PolicyInvalid for the first thing wrong.

    `guidelines` are documents by language; without any the labels' own English words stand in.
    """
    for name in DOCUMENTS:
        if name not in documents:
            raise PolicyInvalid(f"{name}.toml", "-", "is missing")
    general = Table("policy.toml", documents["policy"])
    general.only(_GENERAL)
    queues = _queues(Table("queues.toml", documents["queues"]))
    tiers = Table("tiers.toml", documents["tiers"])
    policy = Policy(
        version=general.get("version", str),
        labels=_labels(Table("labels.toml", documents["labels"])),
        priority=_priority(general.part("priority")),
        fact_tiers=_tier_rules(tiers, "facts", FACTS),
        score_tiers=_tier_rules(tiers, "scores", FACTS | SCORES),
        low_tier=_low_tier(tiers),
        queues=queues,
        routes=_routes(Table("routes.toml", documents["routes"])),
        default_queue=general.get("default_queue", str),
        appeal_queue=general.get("appeal_queue", str),
        escalation_queue=general.get("escalation_queue", str),
        policy_gap_queue=general.get("policy_gap_queue", str),
        clocks=_clocks(Table("clocks.toml", documents["clocks"])),
        safety_margin=general.number("safety_margin", 0, 0.9),
        appeal_window=timedelta(days=general.number("appeal_window_days", 1, 3650)),
        guidelines=parse_guidelines(guidelines or {}),
        care=care_policy(general.part("care")),
        quality=_quality(general.part("quality")),
        labelling=labelling_policy(
            general.part("labelling") if "labelling" in general.document else None
        ),
        sha256=_digest({name: documents[name] for name in DOCUMENTS}, guidelines or {}),
    )
    _check_queue_names(policy)
    return policy


def _digest(*documents: Mapping[str, Document]) -> str:
    canonical = json.dumps(documents, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _check_queue_names(policy: Policy) -> None:
    for field in ("default_queue", "appeal_queue", "escalation_queue", "policy_gap_queue"):
        name = getattr(policy, field)
        if name not in policy.queues:
            raise PolicyInvalid("policy.toml", field, f"no queue {name} in queues.toml")
    _check_labelling_queue(policy)
    for number, route in enumerate(policy.routes):
        if route.queue not in policy.queues:
            raise PolicyInvalid("routes.toml", f"route[{number}].queue", f"no queue {route.queue}")


def _check_labelling_queue(policy: Policy) -> None:
    """A folder without a section for it needs no such queue."""
    name = policy.labelling.queue
    if policy.labelling.per_day and name not in policy.queues:
        raise PolicyInvalid("policy.toml", "labelling.queue", f"no queue {name} in queues.toml")
    if name in policy.queues and policy.queues[name].restricted:
        raise PolicyInvalid("policy.toml", "labelling.queue", "must not be a restricted queue")


def _labels(table: Table) -> dict[Label, LabelPolicy]:
    unknown = set(table.document) - set(Label)
    if unknown:
        raise PolicyInvalid(table.file, min(unknown), "is not a label of the taxonomy")
    return {label: _label(table.part(label.value)) for label in Label}


def _label(row: Table) -> LabelPolicy:
    row.only(LabelPolicy.__annotations__)
    return LabelPolicy(
        scope=row.get("scope", str),
        clause=row.get("clause", str),
        dsa_category=row.get("dsa_category", str),
        typical_severity=row.severity(row.get("typical_severity", str), "typical_severity"),
        handling_minutes=row.number("handling_minutes", 0.1, 600),
        is_violation=row.get("is_violation", bool),
    )


def _priority(row: Table) -> PriorityPolicy:
    row.only(PriorityPolicy.__annotations__)
    weights = row.numbers("severity_weights", len(Severity))
    low, high = row.numbers("reporter_bounds", 2)
    for key in ("severity_weights", "reporter_bounds"):
        if row.document[key] != sorted(row.document[key]):
            raise PolicyInvalid(row.file, row.at(key), "must rise")
    surfaces = row.part("views_per_hour_by_surface")
    priors = row.part("reason_prior")
    betas = row.part("reporter_prior")
    priors.only(Source)
    betas.only(Source)
    return PriorityPolicy(
        severity_weights=weights,
        urgency_weight=row.number("urgency_weight", 0, 1e6),
        age_weight=row.number("age_weight", 0, 1e6),
        default_handling_minutes=row.number("default_handling_minutes", 0.1, 600),
        reach_cap=row.number("reach_cap", 1, 100),
        default_views_per_hour=row.number("default_views_per_hour", 0, 1e9),
        views_per_hour_by_surface={s: surfaces.number(s, 0, 1e9) for s in surfaces.document},
        reason_prior={source: priors.number(source.value, 0, 1) for source in Source},
        reporter_prior={source: _beta(betas, source) for source in Source},
        reporter_bounds=(low, high),
        reporter_window=row.whole("reporter_window", 1, 10_000),
        repeat_actor_violations=row.whole("repeat_actor_violations", 1, 1000),
        repeat_actor_days=row.whole("repeat_actor_days", 1, 3650),
        random_share=row.number("random_share", 0, 0.5),
        blind_share=row.number("blind_share", 0, 1),
    )


def _quality(row: Table) -> QualityPolicy:
    row.only(QualityPolicy.__annotations__)
    return QualityPolicy(
        double_share=row.number("double_share", 0, 1),
        golden_share=row.number("golden_share", 0, 0.5),
    )


def _beta(row: Table, source: Source) -> tuple[float, float]:
    a, b = row.numbers(source.value, 2)
    if min(a, b) == 0:
        raise PolicyInvalid(row.file, row.at(source.value), "must be two numbers over 0")
    return a, b


def _tier_rules(table: Table, section: str, allowed: frozenset[str]) -> tuple[TierRule, ...]:
    return tuple(
        TierRule(Tier(row.whole("tier", 0, 4)), row.condition(allowed), row.get("reason", str))
        for row in table.rows(section, TierRule)
    )


def _low_tier(table: Table) -> TierRule:
    table.only(("facts", "scores", "low"))
    row = table.part("low")
    row.only(("when", "reason"))
    return TierRule(Tier.T4, row.condition(FACTS | SCORES), row.get("reason", str))


def _queues(table: Table) -> dict[str, QueuePolicy]:
    return {name: _queue(name, table.part(name)) for name in table.document}


def _queue(name: str, row: Table) -> QueuePolicy:
    row.only(QueuePolicy.__annotations__)
    limits = row.part("hours_by_severity") if "hours_by_severity" in row.document else None
    return QueuePolicy(
        name=name,
        fed_by=row.get("fed_by", str),
        hours=row.number("hours", 0.01, 8760),
        hours_by_severity={
            limits.severity(key, key): limits.number(key, 0.01, 8760) for key in limits.document
        }
        if limits
        else {},
        restricted="restricted" in row.document and row.get("restricted", bool),
    )


def _routes(table: Table) -> tuple[Route, ...]:
    return tuple(
        Route(
            row.get("queue", str),
            row.condition(FACTS | SCORES | PLACEMENT),
            row.get("reason", str),
        )
        for row in table.rows("route", Route)
    )


def _clocks(table: Table) -> tuple[LegalClock, ...]:
    return tuple(
        LegalClock(
            row.get("name", str),
            row.condition(FACTS | SCORES | PLACEMENT),
            row.number("hours", 0.01, 8760),
            row.get("source", str),
        )
        for row in table.rows("clock", LegalClock)
    )
