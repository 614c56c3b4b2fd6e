"""Past cases placed twice: by two models, two policies, or both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import log
from statistics import fmean
from uuid import UUID

from triage_ml.domain.admission import circumstances
from triage_ml.domain.case import Case
from triage_ml.domain.comparison import Subject
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Priority
from triage_ml.domain.queue_diff import Pair, Stand
from triage_ml.domain.routing import Placement, is_restricted, place
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.staffing import Staffing
from triage_ml.domain.taxonomy import Severity
from triage_ml.ports import HandlingFact
from triage_ml.workflow.trends import RESTRICTED_LABELS

ASSUMED_SPREAD = 0.5
"""Standard deviation of log handling times where none was measured: an assumption."""

QUARTILES_APART = 1.349
"""Of a normal distribution, in standard deviations."""

Tick = Callable[[str, int, int], None]
"""Progress: what is done, how much of it, of how much."""

Scores = Mapping[UUID, LabelScores]


def silent(_step: str, _done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a version of a model says of cases; until when it learned, as in `Subject`."""

    model: str
    scores: Scores
    learned_until: datetime | None = None
    learning_known: bool = False


@dataclass(frozen=True, slots=True)
class Placing:
    """One side: scores by case and the policy that places with them. No `staffing`: assumed."""

    scored: Scored
    policy: Policy
    staffing: Staffing | None = None

    @property
    def scores(self) -> Scores:
        return self.scored.scores

    @property
    def subject(self) -> Subject:
        scored = self.scored
        version = self.policy.version
        return Subject(scored.model, version, scored.learned_until, scored.learning_known)


@dataclass(frozen=True, slots=True)
class History:
    """Cases in the order in which they came, and how long people took over such cases."""

    cases: Sequence[Case]
    handling: Sequence[HandlingFact]


def pairs_of(history: History, before: Placing, after: Placing, tick: Tick) -> Iterator[Pair]:
    for number, case in enumerate(history.cases, start=1):
        sides = [_placed(case, side) for side in (before, after)]
        yield _pair(case, history.handling, before.policy, after.policy, *sides)
        if number % 500 == 0 or number == len(history.cases):
            tick("placing", number, len(history.cases))


def _placed(case: Case, side: Placing) -> Placement:
    """Place a case as if all that is known of it had come at once."""
    scores = side.scores.get(case.case_id)
    facts = replace(circumstances(case), awaits_scores=scores is None)
    return place(side.policy, facts, scores, case.received_at)


def _pair(
    case: Case,
    handling: Sequence[HandlingFact],
    policy: Policy,
    other: Policy,
    one: Placement,
    two: Placement,
) -> Pair:
    decided = _decided(case, policy)
    labels = tuple(sorted({*one.labels, *two.labels}, key=lambda label: label.value))
    if decided is None:
        weight = fmean((_expected(one.priority), _expected(two.priority)))
    else:
        weight = policy.priority.severity_weights[decided]
    return Pair(
        case_id=case.case_id,
        language=case.language.language,
        labels=labels,
        arrived_at=case.received_at,
        handling_seconds=_handling_seconds(case, handling, policy),
        harm=weight * one.priority.reach,
        decided=decided,
        restricted=_is_restricted(case, labels, (policy, one.queue), (other, two.queue)),
        before=_stand(one),
        after=_stand(two),
    )


def _stand(placement: Placement) -> Stand:
    priority = placement.priority
    return Stand(priority.tier, placement.queue, placement.due_at, priority.base)


def _expected(priority: Priority) -> float:
    """Give the expected severity weight: that of the labels, or of a violation without one."""
    known = sum(term.weight * term.probability for term in priority.harm_terms)
    return max(known, priority.unspecified * priority.handling_seconds / 60)


def _findings(case: Case, policy: Policy) -> dict[str, Severity]:
    """Give the violations that were found, the gravest first."""
    if case.decision is None:
        return {}
    rows = case.decision.verdict.findings.items()
    found = [(x.value, s) for x, s in rows if policy.labels[x].is_violation and s >= Severity.S1]
    return dict(sorted(found, key=lambda row: (-row[1], row[0])))


def _decided(case: Case, policy: Policy) -> Severity | None:
    if case.decision is None:
        return None
    return max(_findings(case, policy).values(), default=Severity.S0)


def _is_restricted(case: Case, labels: Sequence[str], *places: tuple[Policy, str]) -> bool:
    """Say whether only few may see a case: by where it stands, would stand, or is about."""
    about = {*labels, *(case.decision.verdict.findings if case.decision else ())}
    if not about.isdisjoint(RESTRICTED_LABELS):
        return True
    if any(is_restricted(policy, queue) for policy, queue in places):
        return True
    queue = case.placement.queue
    policies = [policy for policy, _ in places]
    # A queue that no policy has any more may have been a restricted one.
    unknown = all(queue not in policy.queues for policy in policies)
    return unknown or any(is_restricted(policy, queue) for policy in policies)


def _handling_seconds(case: Case, facts: Sequence[HandlingFact], policy: Policy) -> float:
    """Give the measured median of the closest cell, else what the policy says of the label."""
    found = next(iter(_findings(case, policy)), "") if case.decision else None
    known = {(fact.language, fact.label): fact.seconds[1] for fact in facts}
    language = case.language.language
    for key in ((language, found), (language, None), (None, None)):
        if key in known:
            return known[key]
    labels = [label for label in case.placement.labels if policy.labels[label].is_violation]
    if labels:
        return 60 * policy.labels[labels[0]].handling_minutes
    return 60 * policy.priority.default_handling_minutes


def spread_of_handling(facts: Sequence[HandlingFact]) -> float:
    """Give the standard deviation of log handling times, from the quartiles of all decisions."""
    for fact in facts:
        if fact.language is None and fact.seconds[0] > 0:
            return log(fact.seconds[2] / fact.seconds[0]) / QUARTILES_APART
    return ASSUMED_SPREAD
