"""The first cases of every state: real ones, that the model has read and people have decided.

They come in over HTTP and are claimed and decided by the rules of the service.
"""

import asyncio
import copy
import random
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import psycopg

from benchmarks.load.processes import StartFailed
from serving.demo import demo_reports
from triage_ml.domain.account import Account
from triage_ml.domain.case import Case, CaseState
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.policy import Policy
from triage_ml.domain.taxonomy import Severity
from triage_ml.workflow.review import Review

SCORE_PATIENCE = 60.0
"""Seconds until the model must have read the first cases."""
CLAIMED_AT_ONCE = 3
ACTIONS = (Action.WARN_AUTHOR, Action.LABEL_CONTENT, Action.REDUCE_REACH, Action.REMOVE_CONTENT)


async def make_templates(
    client: httpx.AsyncClient,
    url: str,
    review: Review,
    policy: Policy,
    people: Sequence[Account],
    counts: Mapping[CaseState, int],
) -> None:
    """Bring in the first cases of each state, in the order in which nothing else is claimed.

    Raises: StartFailed.
    """
    for state in (CaseState.DECIDED, CaseState.CLAIMED, CaseState.QUEUED):
        bodies = _bodies(state, counts[state])
        for body in bodies:
            answer = await client.post("/v1/reports", json=body)
            if answer.status_code != 201:
                raise StartFailed(f"a report was answered {answer.status_code}")
        await _wait_for_scores(url)
        n_cases = len({body["item"]["id"] for body in bodies})  # some are reported twice
        if state is not CaseState.QUEUED:
            held = await _hold_all(review, policy, people)
            if len(held) != n_cases:
                raise StartFailed(f"{len(held)} of {n_cases} cases could be claimed")
            if state is CaseState.DECIDED:
                for number, (who, case) in enumerate(held):
                    assert case.claim is not None
                    verdict = _verdict(policy, case, number)
                    await review.decide(who, case.case_id, case.claim.claim_id, verdict)


def _bodies(state: CaseState, most: int) -> list[dict[str, Any]]:
    """Give reports of the demo's texts, as items of their own; decided ones twice."""
    rounds = 2 if state is CaseState.DECIDED else 1
    bodies = [(copy.deepcopy(body), number) for body in demo_reports() for number in range(rounds)]
    random.Random(state.value).shuffle(bodies)
    for body, number in bodies:
        body["item"]["id"] += f"-{state.value}-{number}"
        body["report"]["reporter_ref"] += f"-{number}"
    return [body for body, _ in bodies[:most]]


async def _wait_for_scores(url: str) -> None:
    """Wait for the worker where the model was late: a copy of an unscored case would be work."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as db:
        for _ in range(round(SCORE_PATIENCE / 0.2)):
            found = await db.execute("SELECT count(*) FROM triage_case WHERE awaits_scores")
            row = await found.fetchone()
            if row == (0,):
                return
            await asyncio.sleep(0.2)
    raise StartFailed(f"the model has not read the first cases within {SCORE_PATIENCE:g} s")


async def _hold_all(
    review: Review, policy: Policy, people: Sequence[Account]
) -> list[tuple[Account, Case]]:
    """Claim every case that waits, a few for each person in turn."""
    held: list[tuple[Account, Case]] = []
    turn = 0
    for queue in policy.queues:
        while True:
            who = people[turn % len(people)]
            turn += 1
            found = await review.claim(who, queue, CLAIMED_AT_ONCE)
            if not found:
                break
            held += [(who, case) for case in found]
    return held


def _verdict(policy: Policy, case: Case, number: int) -> Verdict:
    """Find a violation in every second case that has a label for one."""
    for label in case.placement.labels if number % 2 else ():
        if policy.labels[label].is_violation:
            action = ACTIONS[number // 2 % len(ACTIONS)]
            reasons = "The text breaks the rule named in the finding."
            return Verdict({label: Severity(1 + number % 3)}, action, "", reasons)
    return Verdict({}, Action.NO_ACTION)
