"""Reports into a store: nothing acknowledged is lost, nothing is stored twice."""

import asyncio
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from uuid import uuid4

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    WINDOW,
    add_scores,
    admit,
    appeal,
    claim_one,
    decide,
    decided,
    make_scores,
    report,
    submission,
    withdraw,
)
from triage_ml.domain.case import CaseState, Step
from triage_ml.domain.report import ContextItem, Source
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import IdempotencyMismatch, InvalidInput, NotFound
from triage_ml.ports import History, HistoryWindow

pytestmark = pytest.mark.anyio


async def test_a_first_report_opens_a_queued_case(store):
    """What the receipt says is what is stored, with the log of both steps."""
    receipt = await report(store)
    case = await store.get_case(receipt.case_id)
    assert (receipt.state, receipt.joined) == (CaseState.QUEUED, False)
    assert (case.placement, case.item) == (receipt.placement, submission().item)
    events = await store.events(receipt.case_id)
    assert [event.step for event in events] == [Step.REPORTED, Step.ROUTED]
    assert [event.from_state for event in events] == [None, CaseState.RECEIVED]
    assert {event.at for event in events} == {NOW}


async def test_a_case_comes_back_as_it_was_stored(store):
    """Every field survives: context, hint, views, scores, deadline, jurisdiction."""
    deadline = NOW + timedelta(days=2)
    sent = submission(jurisdiction="DE", legal_deadline=deadline, source=Source.LEGAL)
    context = (ContextItem("parent", "what was said before"),)
    item = replace(sent.item, context=context, language_hint=Language.TR, views_per_hour=12.5)
    sent = replace(sent, item=item)
    saved = []

    def remember(case, history, case_id):
        saved.append(admit(sent, make_scores())(case, history, case_id).case)
        return admit(sent, make_scores())(case, history, case_id)

    receipt = await store.submit(sent, WINDOW, remember)
    assert await store.get_case(receipt.case_id) == saved[-1]


@pytest.mark.parametrize(
    "text", ["ı İ ß 한국어 ñ", "emoji 👍🏽", "a\\u0000b \\ \" ' %s :name", "x" * 99]
)
async def test_any_text_comes_back_unchanged(store, text):
    """No text is special to the database."""
    receipt = await report(store, text=text)
    assert (await store.get_case(receipt.case_id)).item.text == text


async def test_more_reports_join_the_open_case(store):
    """One item has one open case, whoever reports it for whatever."""
    first = await report(store)
    second = await report(store, reporter_ref="u-2", reason=Label.HATE, at=NOW + timedelta(hours=1))
    assert (second.case_id, second.joined) == (first.case_id, True)
    case = await store.get_case(first.case_id)
    assert case.summary.reasons == {"harassment": 1, "hate": 1}
    assert [row.report_id for row in await store.reports(first.case_id)] == [
        second.report_id,
        first.report_id,
    ]
    assert [row.report_id for row in await store.reports(first.case_id, limit=1)] == [
        second.report_id
    ]


async def test_a_report_joins_a_claimed_case_without_disturbing_the_claim(store):
    """The reviewer keeps the lease; the case knows of one more report."""
    await report(store)
    claimed = await claim_one(store)
    receipt = await report(store, reporter_ref="u-2")
    case = await store.get_case(receipt.case_id)
    assert (case.state, case.claim) == (CaseState.CLAIMED, claimed.claim)
    assert case.summary.n_reports == 2


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_report_after_the_decision_opens_a_new_case(store, reopened):
    """A closed case stays closed, and an appeal does not swallow new reports."""
    case = await decided(store)
    if reopened:
        await appeal(store, case.case_id)
    receipt = await report(store)
    assert (receipt.joined, receipt.case_id != case.case_id) == (False, True)


async def test_a_new_text_of_the_item_is_kept_with_the_case(store):
    """The case shows the newest version."""
    first = await report(store, text="one")
    await report(store, text="two")
    assert (await store.get_case(first.case_id)).item.text == "two"


async def test_concurrent_first_reports_make_one_case(store):
    """Two at the same moment neither fail nor open two cases."""
    reports = [report(store, reporter_ref=f"u-{n}") for n in range(8)]
    receipts = await asyncio.gather(*reports)
    assert len({receipt.case_id for receipt in receipts}) == 1
    assert sum(not receipt.joined for receipt in receipts) == 1
    assert len(await store.reports(receipts[0].case_id)) == 8


async def test_a_repeated_request_gets_the_first_answer(store):
    """The same key and body store nothing new, even after the case has moved on."""
    first = await report(store, key="k-1", scores=make_scores())
    await claim_one(store, queue=first.placement.queue)
    again = await report(store, key="k-1", scores=make_scores(), at=NOW + timedelta(hours=1))
    assert again == first
    assert len(await store.reports(first.case_id)) == 1


async def test_a_key_with_another_body_is_refused(store):
    """It would answer a question that was not asked."""
    first = await report(store, key="k-1")
    with pytest.raises(IdempotencyMismatch):
        await report(store, "i-2", key="k-1", body="other")
    assert len(await store.reports(first.case_id)) == 1


async def test_keys_of_two_actors_do_not_meet(store):
    """A key is the caller's own."""
    first = await report(store, key="k-1")
    sent = replace(submission("i-2", key="k-1"), actor="another")
    assert (await store.submit(sent, WINDOW, admit(sent))).case_id != first.case_id


async def test_concurrent_repeats_store_one_report(store):
    """Whoever comes second waits and gets the answer of the first."""
    receipts = await asyncio.gather(*(report(store, key="k-1") for _ in range(6)))
    assert all(receipt == receipts[0] for receipt in receipts)
    assert len(await store.reports(receipts[0].case_id)) == 1


async def test_a_refused_report_leaves_nothing(store):
    """When admission refuses, key and case are as before."""

    def refuse(case, history, case_id):
        raise InvalidInput("report", "is wrong")

    with pytest.raises(InvalidInput):
        await store.submit(submission(key="k-1"), WINDOW, refuse)
    receipt = await report(store, key="k-1", body="corrected")
    assert receipt.joined is False


async def test_history_counts_the_newest_outcomes_of_reporter_and_source(store):
    """Reports that were right, wrong and under review, within the window."""
    for n, verdict in enumerate([DISMISSED, None, None]):
        await decided(store, f"i-{n}", **({"verdict": verdict} if verdict else {}))
    await report(store, "i-3")
    seen = []
    await report(store, "i-4", seen=seen, author_ref="nobody")
    await report(store, "i-5", seen=seen, author_ref="nobody", source=Source.AUTHORITY)
    sent = submission("i-6", author_ref="nobody")
    window = HistoryWindow(2, NOW)
    await store.submit(sent, window, admit(sent, seen=seen))
    assert seen[:2] == [History(3, 2, 0), History(0, 0, 0)]
    assert seen[2].n_outcomes == 2


async def test_history_counts_an_authors_upheld_cases_since(store):
    """Dismissed cases, older ones and those of other authors do not count."""
    await decided(store, "i-1")
    await decided(store, "i-2", DISMISSED)
    await decided(store, "i-3", author_ref="author-2")
    seen = []
    for since in (NOW, NOW + timedelta(seconds=1)):
        sent = submission(f"i-{since}", reporter_ref="u-9")
        await store.submit(sent, HistoryWindow(100, since), admit(sent, seen=seen))
    assert seen == [History(0, 0, 1), History(0, 0, 0)]


async def test_an_appeal_corrects_the_outcome_of_its_reports(store):
    """A report counts once, by the newest decision on it."""
    case = await decided(store)
    reopened = await appeal(store, case.case_id)
    again = await claim_one(store, "ben", queue=reopened.placement.queue)
    await decide(store, again, DISMISSED)
    seen = []
    await report(store, "i-2", seen=seen)
    assert seen == [History(1, 0, 0)]


async def test_a_withdrawn_report_counts_neither_way(store):
    """Its reporter took it back before it was judged."""
    first = await report(store)
    await report(store, reporter_ref="u-2")
    await withdraw(store, first.case_id, first.report_id)
    await decide(store, await claim_one(store))
    seen = []
    await report(store, "i-2", seen=seen, author_ref="nobody")
    await report(store, "i-3", seen=seen, author_ref="nobody", reporter_ref="u-2")
    assert seen == [History(0, 0, 0), History(1, 1, 0)]


async def test_times_are_kept_as_moments(store):
    """A deadline given in another zone is the same moment when it comes back."""
    zone = timezone(timedelta(hours=9))
    deadline = (NOW + timedelta(days=3)).astimezone(zone)
    receipt = await report(store, legal_deadline=deadline)
    [stored] = await store.reports(receipt.case_id)
    assert stored.legal_deadline == deadline.astimezone(UTC)


async def test_the_worker_finds_unscored_cases(store):
    """Fewest failures first, then the most urgent, then the oldest; scored ones are left out."""
    for n in range(3):
        await report(store, f"i-{n}", at=NOW + timedelta(minutes=n))
    urgent = await report(store, "i-4", reason=Label.SELF_HARM, at=NOW + timedelta(hours=1))
    await report(store, "i-5", scores=make_scores())
    found = [case.item.item_id for case in await store.unscored(10, 5)]
    assert found == ["i-4", "i-0", "i-1", "i-2"]
    assert [case.item.item_id for case in await store.unscored(2, 5)] == ["i-4", "i-0"]
    assert await store.unscored(10, 1) == []
    await add_scores(store, urgent.case_id)
    assert (await store.get_case(urgent.case_id)).degraded is False
    assert "i-4" not in [case.item.item_id for case in await store.unscored(10, 5)]


async def test_what_is_not_there_is_not_found(store):
    """Cases, claims and logs that never were; a case without reports has none."""
    for ask in (store.get_case, store.case_of_claim, store.events):
        with pytest.raises(NotFound):
            await ask(uuid4())
    with pytest.raises(NotFound):
        await store.change(uuid4(), lambda case: None)
    assert await store.reports(uuid4()) == []


async def test_the_log_is_read_in_pages(store):
    """Each page begins after the last line of the one before; past the end it is empty."""
    sent = await report(store)
    everything = await store.events(sent.case_id)
    first = await store.events(sent.case_id, limit=1)
    rest = await store.events(sent.case_id, after=first[-1].sequence)
    assert first + rest == everything
    assert await store.events(sent.case_id, after=everything[-1].sequence) == []


async def test_no_text_is_thrown_away_by_an_edit(store):
    """A case shows every text its item was reported with, the newest first."""
    first = await report(store, text="the reported words")
    await report(store, text="kind words", at=NOW + timedelta(hours=1))
    found = await store.versions(first.case_id)
    assert [version.text for version in found] == ["kind words", "the reported words"]
    assert found[1].first_seen_at == NOW
    assert len(await store.versions(first.case_id, limit=1)) == 1
