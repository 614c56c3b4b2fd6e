"""Decided texts with every verdict on them, in both stores."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    UPHELD,
    appeal,
    claim_one,
    decide,
    decided,
    report,
    request,
)
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.example import Exclusion, GivenKind
from triage_ml.domain.quality import Judgement, Outcome, SampleKind
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.ports import Place
from triage_ml.ports.leads import GoldenCase, Sample, SecondVerdict, Settlement
from triage_ml.workflow.erasure import Eraser

pytestmark = pytest.mark.anyio
QUEUES = ["std-en-safety", "appeal", "std-en-integrity"]
DAY = timedelta(days=1)
MILD = Judgement({Label.HARASSMENT: Severity.S1}, Action.WARN_AUTHOR)


async def texts(store, queues=QUEUES, after=None, limit=100):
    return await store.decided_texts(NOW - DAY, NOW + DAY, queues, after, limit)


async def look_again(store, case, outcome=None):
    known = Judgement(case.decision.verdict.findings, case.decision.verdict.action)
    sample = Sample(case.decision.claim_id, SampleKind.DOUBLE, case.case_id, known, "")
    verdict = SecondVerdict(uuid4(), sample, "ben", NOW + timedelta(minutes=1), MILD, "a note")
    await store.add_second_verdict(verdict)
    if outcome:
        await store.settle(verdict.review_id, Settlement(outcome, "lea", "so it is", NOW))


async def test_a_decision_comes_with_its_text_and_its_circumstances(store):
    asked = replace(UPHELD, asked=frozenset({Label.HATE, Label.HARASSMENT}))
    case = await decided(store, verdict=asked, text="these words")
    [found] = await texts(store)
    assert (found.case_id, found.text, found.language) == (case.case_id, "these words", Language.EN)
    assert (found.reasons, found.excluded) == (frozenset({Label.HARASSMENT}), None)
    [given] = found.given
    assert (given.kind, given.at, given.stage) == (GivenKind.DECISION, NOW, "first")
    assert (given.findings, given.action) == (asked.findings, asked.action)
    assert given.asked == asked.asked
    assert (given.upheld, given.blind, given.drawn_at_random) == (True, False, False)
    assert given.propensity == 1.0
    assert given.policy_version == case.decision.policy_version
    assert "rita" not in given.reviewer


async def test_a_reviewer_has_one_key(store):
    await decided(store, "i-1")
    await decided(store, "i-2")
    await report(store, "i-3")
    await decide(store, await claim_one(store, "ben"))
    keys = [row.given[0].reviewer for row in await texts(store)]
    assert len(keys) == 3
    assert len(set(keys)) == 2


async def test_a_random_blind_draw_says_so(store):
    await report(store)
    [case] = await store.claim(request(share=1.0, blind_share=1.0))
    await decide(store, case)
    [[given]] = [row.given for row in await texts(store)]
    assert (given.blind, given.drawn_at_random) == (True, True)


async def test_second_looks_settlements_and_golden_verdicts_come_too(store):
    case = await decided(store)
    await look_again(store, case, Outcome.SECOND)
    golden = GoldenCase(
        golden_id=uuid4(),
        case_id=case.case_id,
        queue=QUEUES[0],
        language=Language.EN,
        marked_by="lea",
        marked_at=NOW + timedelta(minutes=2),
        judgement=MILD,
        note="n",
    )
    await store.add_golden(golden)
    [found] = await texts(store)
    assert [row.kind for row in found.given] == ["decision", "second_look", "golden"]
    _, second, right = found.given
    assert (second.outcome, second.claim_id) == (Outcome.SECOND, case.decision.claim_id)
    assert (second.upheld, second.policy_version, second.propensity) == (None, None, None)
    assert right.findings == MILD.findings
    await store.retire_golden(golden.golden_id, QUEUES, NOW)
    assert len((await texts(store))[0].given) == 2


async def test_a_complaint_keeps_a_case_back_until_it_is_decided(store):
    case = await decided(store)
    await appeal(store, case.case_id)
    [waiting] = await texts(store)
    assert (waiting.excluded, waiting.text, waiting.given) == (Exclusion.UNDER_APPEAL, "", ())
    later = NOW + timedelta(hours=1)
    again = await claim_one(store, "ben", queue="appeal", now=later)
    await decide(store, again, DISMISSED, later)
    [found] = await texts(store)
    assert [row.stage for row in found.given] == ["first", "appeal"]
    assert found.decided_at == later


async def test_of_restricted_queues_and_child_safety_nothing_is_given(store):
    await decided(store, "i-1")
    await report(store, "i-2")
    finding = Verdict(
        {Label.CHILD_SAFETY: Severity.S2}, Action.REMOVE_CONTENT, explanation="clause 8"
    )
    await decide(store, await claim_one(store), finding)
    found = await texts(store)
    hidden = [row for row in found if row.excluded is Exclusion.RESTRICTED]
    assert len(found) == 2
    assert [(row.text, row.given, row.reasons) for row in hidden] == [("", (), frozenset())]
    nothing = await texts(store, queues=["std-de-safety"])
    assert {row.excluded for row in nothing} == {Exclusion.RESTRICTED}
    assert {row.text for row in nothing} == {""}


async def test_a_child_safety_verdict_of_anybody_hides_a_case(store):
    case = await decided(store)
    known = Judgement(case.decision.verdict.findings, case.decision.verdict.action)
    sample = Sample(case.decision.claim_id, SampleKind.DOUBLE, case.case_id, known, "")
    other = Judgement({Label.CHILD_SAFETY: Severity.S1}, Action.REMOVE_CONTENT)
    await store.add_second_verdict(SecondVerdict(uuid4(), sample, "ben", NOW, other, ""))
    assert [row.excluded for row in await texts(store)] == [Exclusion.RESTRICTED]


async def test_what_was_erased_is_excluded(store, clock):
    case = await decided(store)
    await Eraser(store, clock).erase("anna", "i-1", "asked for")
    [found] = await texts(store)
    assert (found.case_id, found.excluded) == (case.case_id, Exclusion.ERASED)
    assert (found.text, found.given) == ("", ())


async def test_pages_give_every_case_once_in_order(store):
    for n in range(5):
        await report(store, f"i-{n}")
        await decide(store, await claim_one(store), now=NOW + timedelta(minutes=n // 2))
    every = await texts(store)
    order = [(row.decided_at, row.case_id) for row in every]
    assert order == sorted(order)
    seen, after = [], None
    while page := await texts(store, after=after, limit=2):
        seen += page
        after = Place(page[-1].decided_at, page[-1].case_id)
    assert seen == every


async def test_the_window_leaves_out_its_end(store):
    await decided(store)
    assert await store.decided_texts(NOW, NOW, QUEUES, None, 10) == []
    inside = await store.decided_texts(NOW, NOW + timedelta(seconds=1), QUEUES, None, 10)
    assert len(inside) == 1
    assert (
        await store.decided_texts(NOW, NOW + DAY, QUEUES, Place(NOW, UUID(int=2**128 - 1)), 10)
        == []
    )
