"""What two models say of the same text, as the guard of a trial counts it."""

from collections.abc import Iterator
from datetime import datetime

from triage_ml.domain.guard import DOWN, LABEL, SAME, UP, URGENT, Key
from triage_ml.domain.policy import Policy
from triage_ml.domain.priority import Circumstances
from triage_ml.domain.routing import place
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import HEADS, Label, Tier


def compare_scores(watched: LabelScores, other: LabelScores, alarm_at: float) -> Iterator[Key]:
    """Give one outcome for each label that one of them scored."""
    language = other.language.value
    for label in HEADS:
        if label in watched.labels or label in other.labels:
            alarms = (_alarms(scores, label, alarm_at) for scores in (watched, other))
            yield f"{LABEL}{label.value}", language, _outcome(*alarms)


def compare_tiers(
    policy: Policy, facts: Circumstances, watched: LabelScores, other: LabelScores, now: datetime
) -> Key:
    """Give the outcome of placing the case by each of them alone."""
    urgent = (_is_urgent(policy, facts, scores, now) for scores in (watched, other))
    return URGENT, other.language.value, _outcome(*urgent)


def _is_urgent(policy: Policy, facts: Circumstances, scores: LabelScores, now: datetime) -> bool:
    return place(policy, facts, scores, now).priority.tier <= Tier.T1


def _alarms(scores: LabelScores, label: Label, alarm_at: float) -> bool:
    score = scores.labels.get(label)
    return score is not None and score.trusted >= alarm_at


def _outcome(watched: bool, other: bool) -> str:
    if watched == other:
        return SAME
    return UP if watched else DOWN
