"""Erasing the text of an item: what stays of its cases, and what can still be done with them."""

from dataclasses import replace

from triage_ml.domain.case import Case, Change, NewEvent, Step, next_state
from triage_ml.domain.decision import Action, Verdict, check_note
from triage_ml.errors import ContentErased


def erase(case: Case, actor: str, reason: str) -> Change:
    """Note on a case that its item's text was erased, and drop what points into it or quotes it.

    The case stays where it is: an open one waits for a person to close it, because reporters
    wait for an answer. Raises: InvalidInput.
    """
    check_note("reason", reason)
    state = next_state(case.state, Step.ERASED)
    event = NewEvent(Step.ERASED, actor, case.state, state, {"reason": reason})
    return Change(_without_traces(case), (event,))


def check_readable(case: Case, verdict: Verdict) -> None:
    """Refuse a verdict on a text that is gone, but the one that finds nothing and does nothing.

    Raises: ContentErased.
    """
    if case.item.erased is None:
        return
    harmless = verdict.action is Action.NO_ACTION and not verdict.needs_classification
    if verdict.findings or not harmless:
        raise ContentErased(case.item.item_id)


def _without_traces(case: Case) -> Case:
    scores, gap = case.scores, case.gap
    if scores is not None:
        bare = {label: replace(score, spans=()) for label, score in scores.labels.items()}
        scores = replace(scores, labels=bare)
    if gap is not None:
        gap = replace(gap, facts="", explanation="")
    return replace(case, scores=scores, gap=gap)
