"""Reports that arrive together: one commit, and yet each as if it were alone."""

import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from tests.contract.steps import NOW, WINDOW, admit, claim_one, decided, report, submission
from triage_ml.domain.case import CaseState, NewEvent, Step
from triage_ml.domain.report import Source
from triage_ml.errors import IdempotencyMismatch, InvalidInput, StoreUnavailable
from triage_ml.ports import History
from triage_ml.storage import submissions
from triage_ml.storage.pool import QUERIES, make_pool
from triage_ml.storage.postgres import PostgresCaseStore

pytestmark = pytest.mark.anyio

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'triage'"
BLOCKED = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
HOLD_ITEM = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
N_TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM report"
SECRET = "words that nobody may log"
NOWHERE = "postgresql://somebody:secret@127.0.0.1:1/nothing"


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def impatient(monkeypatch):
    """A group gives its locks up soon."""
    monkeypatch.setattr(submissions, "LOCK_PATIENCE", "50ms")


@pytest.fixture
def patient(monkeypatch):
    """On a busy machine, too, a group waits for its locks: it is not split into single reports."""
    monkeypatch.setattr(submissions, "LOCK_PATIENCE", "20s")


def begin(store, *sent):
    return [asyncio.ensure_future(store.submit(one, WINDOW, admit(one))) for one in sent]


async def settled(tasks):
    return await asyncio.gather(*tasks, return_exceptions=True)


async def blocked(store, connection):
    """Wait until some transaction waits for another one."""
    while not connection.execute(BLOCKED).fetchone()[0]:
        await store.ping()


def stored_items(connection):
    found = connection.execute("SELECT item_id FROM triage_case JOIN report USING (case_id)")
    return sorted(item_id for (item_id,) in found)


async def test_many_reports_share_a_few_commits(postgres_store, connection):
    """Each is answered with its own case, report and state, and is there for others to see."""
    sent = [submission(f"i-{n}", reporter_ref=f"u-{n}", text=f"text {n}") for n in range(64)]
    receipts = await settled(begin(postgres_store, *sent))
    found = {
        row[0]: row[1:]
        for row in connection.execute(
            "SELECT report_id, case_id, item_id, reporter_ref, body"
            " FROM report JOIN triage_case USING (case_id) JOIN item_version USING (item_id)"
        )
    }
    for one, receipt in zip(sent, receipts, strict=True):
        facts = (one.item.item_id, one.report.reporter_ref, one.item.text)
        assert found[receipt.report_id] == (receipt.case_id, *facts)
    assert connection.execute(N_TRANSACTIONS).fetchone()[0] <= 3


async def test_each_submission_finds_its_own_past(postgres_store):
    """History, open case and earlier answer are those of the report, wherever it stands."""
    await decided(postgres_store, "i-1", reporter_ref="u-1", author_ref="author-1")
    open_case = await report(postgres_store, "i-2", reporter_ref="u-2", author_ref="author-2")
    earlier = await report(postgres_store, "i-3", key="k-3", author_ref="author-3")
    seen = []
    sent = [
        submission("i-4", reporter_ref="u-1", author_ref="author-4"),
        submission("i-2", reporter_ref="u-2", author_ref="author-2"),
        submission("i-3", key="k-3", author_ref="author-3"),
        submission("i-6", reporter_ref="u-6", author_ref="author-1"),
        submission("i-7", reporter_ref="u-1", author_ref="author-7", source=Source.AUTHORITY),
    ]
    tasks = [postgres_store.submit(one, WINDOW, admit(one, seen=seen)) for one in sent]
    receipts = await asyncio.gather(*tasks)
    assert seen == [History(1, 1, 0), History(0, 0, 0), History(0, 0, 1), History(0, 0, 0)]
    assert [receipt.joined for receipt in receipts] == [False, True, False, False, False]
    assert receipts[1].case_id == open_case.case_id
    assert receipts[2] == earlier


async def test_reports_on_one_item_come_in_their_order(postgres_store):
    """The first opens the case, each other joins it and sees those before, among neighbours."""
    seen = []

    def remember(one):
        def decide(case, history, case_id):
            seen.append((one.report.reporter_ref, case.summary.n_reports if case else 0))
            return admit(one)(case, history, case_id)

        return decide

    hot = [submission("hot", reporter_ref=f"u-{n}") for n in range(5)]
    others = [submission(f"i-{n}") for n in range(5)]
    sent = [one for pair in zip(hot, others, strict=True) for one in pair]
    tasks = [
        postgres_store.submit(one, WINDOW, remember(one) if one in hot else admit(one))
        for one in sent
    ]
    receipts = (await asyncio.gather(*tasks))[::2]
    assert seen == [(f"u-{n}", n) for n in range(5)]
    assert [receipt.joined for receipt in receipts] == [False, True, True, True, True]
    events = await postgres_store.events(receipts[0].case_id)
    counts = [event.detail["n_reports"] for event in events if event.step is Step.REPORTED]
    assert counts == [1, 2, 3, 4, 5]


async def test_a_group_ends_the_claims_it_must_and_no_other(postgres_store, connection):
    """Edited items take their cases back from the reviewer; a mere further report does not."""
    for n in range(4):
        await report(postgres_store, f"i-{n}", text="old")
        await claim_one(postgres_store, f"reviewer-{n}")
    later = NOW + timedelta(minutes=1)
    sent = [submission(f"i-{n}", text="old" if n == 2 else "new", at=later) for n in range(4)]
    receipts = await settled(begin(postgres_store, *sent))
    queued, claimed = CaseState.QUEUED, CaseState.CLAIMED
    assert [receipt.state for receipt in receipts] == [queued, queued, claimed, queued]
    ended = connection.execute("SELECT ended_at, ended_by::text FROM claim ORDER BY reviewer")
    expected = [(later, "released")] * 4
    expected[2] = (None, None)
    assert ended.fetchall() == expected
    freed = connection.execute("SELECT freed_at FROM triage_case ORDER BY item_id").fetchall()
    assert freed == [(at,) for at, _ in expected]


async def test_what_admission_refuses_fails_alone(postgres_store, connection):
    """So does a key that was used with another body; the others share their transaction."""
    await report(postgres_store, "i-0", key="k-0")

    def refuse(case, history, case_id):
        raise InvalidInput("report", "is wrong")

    sent = [submission(f"i-{n}", key=f"k-{n}") for n in range(1, 6)]
    tasks = begin(postgres_store, *sent[:2])
    tasks.append(asyncio.ensure_future(postgres_store.submit(sent[2], WINDOW, refuse)))
    tasks += begin(postgres_store, submission("i-9", key="k-0", body="other"), *sent[3:])
    answers = await settled(tasks)
    kinds = [type(answer).__name__ for answer in answers]
    assert (kinds[2], kinds[3]) == (InvalidInput.__name__, IdempotencyMismatch.__name__)
    assert set(kinds[:2] + kinds[4:]) == {"Receipt"}
    assert stored_items(connection) == ["i-0", "i-1", "i-2", "i-4", "i-5"]
    assert connection.execute(N_TRANSACTIONS).fetchone()[0] == 2
    again = await report(postgres_store, "i-3", key="k-3", body="corrected")
    assert again.joined is False


def moved_illegally(one):
    def decide(case, history, case_id):
        change = admit(one)(case, history, case_id)
        event = NewEvent(Step.DECIDED, "x", CaseState.QUEUED, CaseState.DECIDED, {"why": SECRET})
        return replace(change, events=(event,))

    return decide


@pytest.mark.parametrize(
    ("facts", "decide", "error"),
    [
        ({"actor": f"{SECRET}\x00"}, admit, psycopg.DataError),
        ({"idempotency_key": secrets.token_hex(9_000)}, admit, StoreUnavailable),
        ({"actor": f"{SECRET}\ud800"}, admit, ValueError),
        ({}, moved_illegally, psycopg.IntegrityError),
    ],
    ids=["a NUL", "too long a key", "a lone surrogate", "an illegal step"],
)
async def test_what_the_database_refuses_fails_alone(
    postgres_store, connection, caplog, facts, decide, error
):
    """Its neighbours are stored, once, and the values are named nowhere."""
    caplog.set_level("DEBUG")
    sent = [submission(f"i-{n}", text=SECRET, reporter_ref=SECRET) for n in range(5)]
    bad = replace(sent[2], **facts)
    tasks = begin(postgres_store, *sent[:2])
    tasks.append(asyncio.ensure_future(postgres_store.submit(bad, WINDOW, decide(bad))))
    tasks += begin(postgres_store, *sent[3:])
    answers = await settled(tasks)
    assert isinstance(answers[2], error)
    assert SECRET not in f"{answers[2]!r} {answers[2].__context__!r}"
    assert SECRET not in caplog.text
    assert stored_items(connection) == ["i-0", "i-1", "i-3", "i-4"]
    assert (await report(postgres_store, "i-2")).joined is False


async def test_a_lost_race_is_run_again_by_the_whole_group(postgres_store, database_url, patient):
    """Another process stored one of the keys in between, unseen by the group's snapshot."""
    seen = []
    with psycopg.connect(database_url) as other:
        other.execute(
            "INSERT INTO idempotency (actor, key, body_sha256, receipt, created_at)"
            " VALUES ('intake', 'k-1', 'other', '{}', now())"
        )
        sent = [submission(f"i-{n}", key=f"k-{n}") for n in range(3)]
        tasks = [
            asyncio.ensure_future(postgres_store.submit(one, WINDOW, admit(one, seen=seen)))
            for one in sent
        ]
        await blocked(postgres_store, other)
        other.commit()
        answers = await settled(tasks)
        assert stored_items(other) == ["i-0", "i-2"]
    assert isinstance(answers[1], IdempotencyMismatch)
    assert len(seen) == 5


async def test_an_item_that_is_locked_for_long_holds_up_no_other(
    postgres_store, database_url, impatient
):
    """Its report waits for it alone, and is stored in the end."""
    with psycopg.connect(database_url) as other:
        other.execute(HOLD_ITEM, ("i-2",))
        tasks = begin(postgres_store, *(submission(f"i-{n}") for n in range(5)))
        others = await settled(tasks[:2] + tasks[3:])
        later = begin(postgres_store, submission("i-2"), submission("i-7"))
        others.append(await later[1])
        assert [receipt.joined for receipt in others] == [False] * 5
        assert not tasks[2].done()
        assert not later[0].done()
    assert ((await tasks[2]).joined, (await later[0]).joined) == (False, True)


async def test_groups_of_two_processes_do_not_deadlock(database_url, patient):
    """Whatever the order of their items, locks are taken in one order: nothing is run twice."""
    seen = []

    def round_of(store, numbers, who):
        sent = [submission(f"i-{n}", reporter_ref=who, key=f"{who}-{n}") for n in numbers]
        return [store.submit(one, WINDOW, admit(one, seen=seen)) for one in sent]

    async with PostgresCaseStore.at(database_url) as one, PostgresCaseStore.at(database_url) as two:
        for n in range(10):
            receipts = await asyncio.gather(
                *round_of(one, range(20), f"u-{n}"), *round_of(two, range(19, -1, -1), f"v-{n}")
            )
        assert len({receipt.case_id for receipt in receipts}) == 20
        case = await one.get_case(receipts[0].case_id)
    assert case.summary.n_reports == 20
    assert len(seen) == 400


async def test_a_database_that_is_away_is_reported_to_everybody():
    """Soon, however many wait."""
    loop = asyncio.get_running_loop()
    async with PostgresCaseStore.at(NOWHERE, timeout_seconds=0.3) as store:
        began = loop.time()
        sent = [submission(f"i-{n}", text=SECRET) for n in range(300)]
        answers = await settled(begin(store, *sent))
    assert {str(answer) for answer in answers} == {
        "the database cannot be reached: no connection became free in time"
    }
    assert loop.time() - began < 3  # 0.3 s on an idle machine


async def test_a_connection_lost_in_a_group_is_reported_to_all_of_it(postgres_store, connection):
    """Nothing is acknowledged, nothing is stored, and nothing is tried again unasked."""

    def cut(case, history, case_id):
        connection.execute(CUT)
        return admit(submission("i-1"))(case, history, case_id)

    tasks = begin(postgres_store, submission("i-0"))
    tasks.append(asyncio.ensure_future(postgres_store.submit(submission("i-1"), WINDOW, cut)))
    answers = await settled(tasks)
    assert [type(answer) for answer in answers] == [StoreUnavailable, StoreUnavailable]
    assert stored_items(connection) == []
    assert (await report(postgres_store, "i-0")).joined is False


async def test_who_leaves_does_not_harm_the_others(postgres_store, database_url):
    """Its report is stored whole, as it had begun; the others get their own answers."""
    with psycopg.connect(database_url) as other:
        other.execute(HOLD_ITEM, ("i-1",))
        tasks = begin(postgres_store, *(submission(f"i-{n}", key=f"k-{n}") for n in range(3)))
        await blocked(postgres_store, other)
        tasks[1].cancel()
    answers = await settled(tasks)
    assert isinstance(answers[1], asyncio.CancelledError)
    for n in (0, 2):
        assert (await postgres_store.get_case(answers[n].case_id)).item.item_id == f"i-{n}"
    again = await report(postgres_store, "i-1", key="k-1")
    assert len(await postgres_store.reports(again.case_id)) == 1


async def test_a_store_that_closes_leaves_nobody_waiting(database_url):
    """What has begun is stored; what waits, and what comes later, is refused."""
    store = PostgresCaseStore.at(database_url)
    await store.open()
    with psycopg.connect(database_url) as other:
        other.execute(HOLD_ITEM, ("i-1",))
        tasks = begin(store, submission("i-1"))
        await blocked(store, other)
        tasks += begin(store, submission("i-1"))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(store.close())
        with pytest.raises(StoreUnavailable, match="closed"):
            await tasks[1]
    await closing
    assert (await tasks[0]).joined is False
    with pytest.raises(StoreUnavailable, match="closed"):
        await report(store)


@pytest.mark.parametrize("name", ["lock_open_cases", "find_past", "save_cases"])
async def test_the_statements_of_a_group_read_by_an_index(postgres_store, database_url, name):
    """However full the tables are: no scan, and no join that would read one whole."""
    await decided(postgres_store, key="k-1")
    facts = {"group": "[]", "changes": "[]"}
    async with make_pool(database_url) as connections, connections.connection() as connection:
        statement = getattr(QUERIES, name).sql
        cursor = await connection.execute(f"EXPLAIN {statement}", facts)
        plan = "\n".join([row["QUERY PLAN"] for row in await cursor.fetchall()])
    assert "Index Scan" in plan
    for kind in ("Seq Scan", "Hash Join", "Hash Left Join", "Merge"):
        assert kind not in plan
