"""What stands beside a case, for who may see it, and how often the store is asked."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.workflow.conftest import Desk
from triage_ml.domain.case import Case
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.ports import HintOutcomes
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.insight import (
    MIN_DECISIONS,
    RECORD_LASTS,
    HintRecord,
    Insight,
    sketch_decided,
)
from triage_ml.workflow.scoring import score_backlog

pytestmark = pytest.mark.anyio
QUEUE = "std-en-safety"
TEXT = "This is plain harassment of the man next door."
FOUND = Verdict({Label.HARASSMENT: Severity.S2}, Action.REMOVE_CONTENT, explanation="1.2")
NOTHING = Verdict({}, Action.NO_ACTION)
CELL = (Language.EN, Label.HARASSMENT, "very_likely")


class Counting(MemoryCaseStore):
    """Says what it is told of hints, and counts how often it is asked."""

    n_asked = 0
    rows: tuple[HintOutcomes, ...] = ()

    async def hint_outcomes(
        self, since: datetime, floors: Sequence[float], queues: Sequence[str]
    ) -> list[HintOutcomes]:
        self.n_asked += 1
        await asyncio.sleep(0)
        return list(self.rows)


async def conclude(
    desk: Desk, item_id: str, verdict: Verdict = FOUND, queue: str = QUEUE, **more: object
) -> Case:
    await desk.report(item_id, TEXT, **more)
    await score_backlog(desk.store, desk.scoring, desk.policy, desk.clock)  # if it came too late
    who = desk.key("rita", "review", "restricted")
    [case] = await desk.review.claim(who, queue)
    assert case.claim is not None
    return await desk.review.decide(who, case.case_id, case.claim.claim_id, verdict)


async def open_one(desk: Desk) -> Case:
    receipt = await desk.report("open", TEXT)
    return await desk.store.get_case(receipt.case_id)


def insight_of(desk: Desk) -> Insight:
    return Insight(desk.store, desk.policy, desk.clock)


async def test_similar_cases_and_the_author_are_found(desk: Desk) -> None:
    """By the text of an open case, once the worker has been at the decided ones."""
    await conclude(desk, "i-1")
    case, who = await open_one(desk), desk.key("mara")
    assert (await insight_of(desk).of(who, case)).similar == []
    assert await sketch_decided(desk.store) == 1
    found = await insight_of(desk).of(who, case)
    assert [(row.case.item.item_id, row.similarity) for row in found.similar] == [("i-1", 1.0)]
    assert (found.author.n_open, found.author.n_upheld) == (0, 1)


async def test_texts_are_sketched_in_batches(desk: Desk) -> None:
    """Until none is left, wherever it was interrupted."""
    for n in range(3):
        await conclude(desk, f"i-{n}")
    assert [await sketch_decided(desk.store, 2) for _ in range(3)] == [2, 1, 0]


async def test_restricted_cases_need_their_scope(desk: Desk) -> None:
    """Among similar ones and in the author's past alike."""
    await conclude(desk, "i-1", queue="child-safety", reason=Label.CHILD_SAFETY)
    await sketch_decided(desk.store)
    case, insight = await open_one(desk), insight_of(desk)
    without = await insight.of(desk.key("mara"), case)
    assert without.similar == []
    assert (without.author.n_upheld, without.author.newest) == (0, ())
    scoped = await insight.of(desk.key("lea", "review", "restricted"), case)
    assert len(scoped.similar) == scoped.author.n_upheld == 1


async def test_hints_are_judged_by_enough_decisions(desk: Desk) -> None:
    """One fewer says too little; a cell without any says the same."""
    for n in range(MIN_DECISIONS - 1):
        await conclude(desk, f"i-{n}", NOTHING if n % 4 == 3 else FOUND)
    case, who = await open_one(desk), desk.key("mara")
    records = (await insight_of(desk).of(who, case)).records
    record = records.of(*CELL)
    assert record == HintRecord(19, 15)
    assert not record.enough
    assert records.of(Language.KO, Label.HATE, "likely") == HintRecord()
    await desk.review.claim(desk.key("rita"), QUEUE)  # out of the way
    await conclude(desk, "i-last", NOTHING)
    record = (await insight_of(desk).of(who, case)).records.of(*CELL)
    assert record is not None
    assert record.enough
    assert record.share == 0.75
    low, high = record.interval
    assert 0.5 < low < 0.75 < high < 0.9


async def test_hints_are_asked_for_once_a_minute(desk: Desk) -> None:
    """However many pages are opened, also at the same time."""
    case, who, store = await open_one(desk), desk.key("mara"), Counting()
    insight = Insight(store, desk.policy, desk.clock)
    await asyncio.gather(*(insight.of(who, case) for _ in range(5)))
    desk.clock.advance(RECORD_LASTS - timedelta(seconds=1))
    await insight.of(who, case)
    assert store.n_asked == 1
    desk.clock.advance(timedelta(seconds=1))
    await insight.of(who, case)
    assert store.n_asked == 2


@pytest.mark.parametrize(
    ("n_hidden", "told"), [(0, HintRecord(95, 80)), (5, HintRecord(95, 80)), (6, None)]
)
async def test_a_share_that_hides_much_is_not_told(
    desk: Desk, n_hidden: int, told: HintRecord | None
) -> None:
    """Where many of a hint's cases are restricted, the rest would say the opposite of all."""
    store = Counting()
    store.rows = (HintOutcomes(Language.EN, Label.HARASSMENT, 4, 95, 80, n_hidden, n_hidden),)
    insight, case = Insight(store, desk.policy, desk.clock), await open_one(desk)
    assert (await insight.of(desk.key("mara"), case)).records.of(*CELL) == told
    lead = desk.key("lea", "review", "restricted")
    whole = (await insight.of(lead, case)).records.of(*CELL)
    assert whole == HintRecord(95 + n_hidden, 80 + n_hidden)
