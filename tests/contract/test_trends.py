"""Numbers over time: both stores give the same."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    QUEUE,
    UPHELD,
    appeal,
    claim_one,
    decide,
    decided,
    report,
)
from triage_ml.domain.decision import Action, Verdict
from triage_ml.domain.prevalence import WeightedSample
from triage_ml.domain.taxonomy import Label, Language, Severity
from triage_ml.domain.terms import Emerging
from triage_ml.ports.trends import DayCount, Measure, Slice, Split

pytestmark = pytest.mark.anyio
TODAY = NOW.date()
WEEK = Slice(TODAY - timedelta(days=6), TODAY)
LATER = timedelta(minutes=10)


async def counts(store, wanted=WEEK, split=Split.LABEL) -> set[tuple[str, str, int]]:
    await store.count_days(NOW, ())
    rows = await store.daily_counts(wanted, split)
    assert all(isinstance(row, DayCount) and row.day == TODAY for row in rows)
    return {(row.measure.value, row.part, row.n) for row in rows}


async def test_reports_count_by_reason(store):
    """A report without a reason is of another one."""
    await report(store)
    await report(store)
    await report(store, "i-2", reason=None)
    assert await counts(store) == {("reports", "harassment", 2), ("reports", "other", 1)}
    assert await counts(store, split=Split.NONE) == {("reports", "", 3)}
    assert await counts(store, split=Split.SURFACE) == {("reports", "post", 3)}


async def test_decisions_count_what_they_found(store):
    """A mention is no violation, and a hint is none either."""
    findings = {
        Label.HATE: Severity.S0,
        Label.HARASSMENT: Severity.S2,
        Label.PROFANITY: Severity.S1,
    }
    await decided(store, verdict=Verdict(findings, Action.REMOVE_CONTENT, explanation="clause 1"))
    await decided(store, "i-2", DISMISSED)
    hints = replace(WEEK, hint_labels=("profanity",))
    assert await counts(store, hints) == {
        ("reports", "harassment", 2),
        ("decisions", "", 2),
        ("upheld", "", 1),
        ("violations", "harassment", 1),
    }


async def test_filters_narrow(store):
    """A label narrows reports and violations, and leaves decisions as they are."""
    await decided(store)
    await report(store, "i-2", language=Language.DE, reason=Label.HATE)
    assert await counts(store, replace(WEEK, language="de")) == {("reports", "hate", 1)}
    assert await counts(store, replace(WEEK, label="hate")) == {
        ("reports", "hate", 1),
        ("decisions", "", 1),
        ("upheld", "", 1),
    }
    assert await counts(store, replace(WEEK, surface="chat")) == set()
    assert await counts(store, replace(WEEK, queues=())) == set()
    assert ("reports", "hate", 1) not in await counts(store, replace(WEEK, hidden_labels=("hate",)))
    assert await store.surfaces(WEEK) == ["post"]


async def test_other_days_are_left_out(store):
    await report(store)
    await store.count_days(NOW, ())
    yesterday = TODAY - timedelta(days=1)
    assert await store.daily_counts(Slice(yesterday, yesterday), Split.LABEL) == []


async def test_the_sample_is_of_random_draws(store):
    """A draw among two weighs two over the share; what nobody decided weighs nothing."""
    await report(store)
    await report(store, "i-2")
    case = await claim_one(store, share=1.0)
    assert case.claim.drawn_at_random
    weight = 1 / case.claim.propensity
    assert weight == pytest.approx(2)
    await decide(store, case)
    await claim_one(store, share=1.0)
    found = {row.label: row for row in await store.sample(WEEK)}
    assert {row.language for row in found.values()} == {Language.EN}
    assert found[""].sample == WeightedSample(2, 1, 2.0, 4.0, 1, 2.0, 4.0)
    assert found["harassment"].sample == WeightedSample(0, 0, 0.0, 0.0, 1, 2.0, 4.0)
    assert await store.sample(replace(WEEK, queues=())) == []


async def test_ranked_claims_are_no_sample(store):
    await decided(store)
    assert await store.sample(WEEK) == []


@pytest.mark.parametrize("measure", Measure)
async def test_the_cases_behind_a_number(store, measure):
    """Listed once, without what is hidden from who asks."""
    await report(store)
    case = await claim_one(store, share=1.0)
    await decide(store, case, UPHELD)
    [line] = await store.trend_cases(replace(WEEK, label="harassment"), measure, 10)
    assert (line.case_id, line.queue, line.upheld) == (case.case_id, QUEUE, True)
    assert line.labels == ("harassment",)
    for hidden in ({"queues": ()}, {"hidden_labels": ("harassment",)}, {"surface": "chat"}):
        assert await store.trend_cases(replace(WEEK, **hidden), measure, 10) == []
    assert [row.case_id for row in await store.cases_among([case.case_id], WEEK)] == [case.case_id]
    none = replace(WEEK, hidden_labels=("harassment",))
    assert await store.cases_among([case.case_id], none) == []


async def test_the_newest_cases_come_first(store):
    receipts = [await report(store, f"i-{n}", at=NOW - timedelta(minutes=n)) for n in range(4)]
    lines = await store.trend_cases(WEEK, Measure.REPORTS, 3)
    assert [line.case_id for line in lines] == [receipt.case_id for receipt in receipts[:3]]


async def test_queues_keep_a_record_of_their_clocks(store, clock):
    """A decision after the due time is late; handling runs from claim to decision."""
    await report(store)
    case = await claim_one(store)
    clock.advance(timedelta(minutes=2))
    await decide(store, case, now=clock.now())
    [record] = await store.queue_records(WEEK, 1)
    assert (record.queue, record.n_decided, record.n_late) == (QUEUE, 1, 0)
    assert record.median_handling_seconds == pytest.approx(120)


async def test_few_people_have_no_time_of_their_own(store):
    """A queue that one person decides would tell how long that person takes."""
    await decided(store)
    [record] = await store.queue_records(WEEK, 2)
    assert (record.n_decided, record.median_handling_seconds) == (1, None)


async def test_a_complaint_does_not_make_a_late_decision_timely(store, clock):
    """It gives the case another queue and another clock; the first decision keeps its own."""
    await report(store, at=NOW - timedelta(days=3))
    case = await claim_one(store)
    assert case.placement.due_at < NOW
    await appeal(store, (await decide(store, case)).case_id)
    [record] = await store.queue_records(WEEK, 1)
    assert (record.queue, record.n_decided, record.n_late) == (QUEUE, 1, 1)


async def test_reported_texts_come_with_their_author(store):
    """Of the days before and of the recent ones, none with a hidden label."""
    await report(store, text="an old text", at=NOW - timedelta(days=20))
    await report(store, "i-2", text="a new text", author_ref="author-2")
    month = Slice(TODAY - timedelta(days=30), TODAY)
    found = await store.reported_texts(month, TODAY - timedelta(days=6), 10)
    assert {(row.text, row.author_ref, row.recent) for row in found} == {
        ("an old text", "author-1", False),
        ("a new text", "author-2", True),
    }
    hidden = replace(month, hidden_labels=("harassment",))
    assert await store.reported_texts(hidden, TODAY, 10) == []


async def test_what_emerges_replaces_what_did(store):
    """Terms come before clusters, the strongest first in each language."""
    rows = [
        Emerging(kind, Language.EN, words, 5, 3, 0, score, NOW, NOW, ())
        for kind, words, score in (("cluster", "c", 5.0), ("term", "a", 4.0), ("term", "b", 6.0))
    ]
    assert await store.emerging() == ([], None)
    await store.save_emerging(rows[:1], NOW - LATER)
    await store.save_emerging(rows, NOW)
    found, at = await store.emerging()
    assert [row.words for row in found] == ["b", "a", "c"]
    assert set(found) == set(rows)
    assert at == NOW


async def test_a_count_says_when_it_was_made(store):
    assert await store.counted_at() is None
    await store.count_days(NOW, ("child-safety",))
    assert await store.counted_at() == NOW


async def test_counts_say_with_which_day_they_begin(store):
    """The earliest, in whatever order reports came."""
    assert await store.counted_from() is None
    await report(store)
    await report(store, "i-2", at=NOW - timedelta(days=3))
    await store.count_days(NOW, ())
    assert await store.counted_from() == TODAY - timedelta(days=3)
