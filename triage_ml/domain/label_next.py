"""The step that sends a chosen case to the queue where it is labelled, and when it stays there."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from triage_ml.domain.admission import circumstances
from triage_ml.domain.case import (
    Case,
    CaseState,
    Change,
    NewEvent,
    Stage,
    Step,
    next_state,
)
from triage_ml.domain.facts import Used, routed_detail
from triage_ml.domain.labelling import LABEL_NEXT, Pick, Strategy
from triage_ml.domain.placing import LEAST_URGENT, sent_to_label
from triage_ml.domain.policy import Policy
from triage_ml.domain.routing import is_restricted
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import Conflict

LANGUAGE_NAMES = {
    Language.EN: "English",
    Language.DE: "German",
    Language.TR: "Turkish",
    Language.ES: "Spanish",
    Language.KO: "Korean",
    Language.UND: "an undetermined language",
}


def reason_of(pick: Pick) -> str:
    """Say in English why a case was chosen, for the log; never with a word of its text."""
    label = pick.label.value.replace("_", " ") if pick.label else "any violation"
    why = {
        Strategy.RANDOM: "drawn by chance",
        Strategy.UNCERTAINTY: f"uncertain {label}",
        Strategy.DISAGREEMENT: f"opinions differ on {label}",
        Strategy.CLUSTER: "a new group of similar items",
    }
    return f"{LABEL_NEXT}{why[pick.strategy]} in {LANGUAGE_NAMES[pick.language]}"


def send_to_label(case: Case, policy: Policy, pick: Pick, now: datetime, actor: str) -> Change:
    """Move a chosen case; its clock goes on, and is never set later.

    Raises: Conflict when it has become one that may not be chosen.
    """
    if reason := _unfit(case, policy):
        raise Conflict(reason)
    placement = sent_to_label(policy, case.placement, reason_of(pick), now)
    moved = replace(case, placement=placement, state=next_state(case.state, Step.ROUTED))
    routed = routed_detail(moved, circumstances(moved), policy, now, Used.KEPT, case)
    detail = {**routed, "label_next": _told(pick)}
    return Change(moved, (NewEvent(Step.ROUTED, actor, case.state, moved.state, detail),))


def unfit_queues(policy: Policy) -> frozenset[str]:
    """Name the queues that nothing is chosen from."""
    by_hand = {policy.appeal_queue, policy.escalation_queue, policy.policy_gap_queue}
    hidden = {name for name in policy.queues if is_restricted(policy, name)}
    return frozenset({*by_hand, *hidden, policy.labelling.queue})


def _told(pick: Pick) -> dict[str, Any]:
    return {
        "strategy": pick.strategy.value,
        "label": pick.label.value if pick.label else None,
        "score": round(pick.score, 6),
        "chance": pick.chance,
    }


def _unfit(case: Case, policy: Policy) -> str | None:
    """Say why a case may not be chosen, or nothing."""
    if case.state is not CaseState.QUEUED:
        return "the case does not wait in a queue"
    if case.stage is not Stage.FIRST or case.owner is not None:
        return "the case is under complaint or was handed to somebody"
    if case.item.erased is not None:
        return "the item's text was erased"
    if case.scores is None or case.awaits_scores:
        return "the case has no scores of its newest text"
    if case.placement.priority.tier < LEAST_URGENT:
        return "the case has become urgent"
    if case.placement.queue not in policy.queues or case.placement.queue in unfit_queues(policy):
        return "the case stands in a queue that nothing is chosen from"
    return None
