"""The claim under load: an index serves it, and nobody gets what another has."""

import asyncio
import threading
from datetime import timedelta
from functools import partial

import psycopg
import pytest

from tests.contract.steps import LEASE, NOW, QUEUE, report, request
from triage_ml.domain.review import release
from triage_ml.storage.migrate import migrate
from triage_ml.storage.pool import QUERIES, make_pool
from triage_ml.storage.postgres import PostgresCaseStore

pytestmark = pytest.mark.anyio
USED = {"Index Scan", "Bitmap Heap Scan", "ModifyTable"}

MANY = """
INSERT INTO triage_case
SELECT copy.* FROM triage_case one, generate_series(1, 100000) n, jsonb_populate_record(
    one, jsonb_build_object(
        'case_id', gen_random_uuid(), 'item_id', 'bulk-' || n, 'tier', n % 3 + 2,
        'base_index', random() * 10, 'lot', random(),
        'due_at', due_at + random() * interval '2 days',
        'language', (ARRAY['en', 'de', 'tr', 'es', 'ko'])[n % 5 + 1]
    )
) copy
"""
VERSIONS = """
INSERT INTO item_version
SELECT item_id, version_sha256, 'a text', '[]', received_at FROM triage_case
ON CONFLICT DO NOTHING
"""


MOVE = """
UPDATE triage_case SET queue = CASE queue WHEN %s THEN 'elsewhere' ELSE %s END
WHERE state = 'queued'
"""


@pytest.fixture(scope="module")
def crowded_url(new_database):
    """A queue of 100,000 open cases, copies of one, for tests that leave them as they are."""
    url = new_database()
    migrate(url)
    asyncio.run(report_once(url))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role TO replica")  # no foreign keys: faster
        connection.execute(MANY)
        connection.execute(VERSIONS)
        connection.execute("VACUUM ANALYZE triage_case")
    return url


async def report_once(url):
    async with PostgresCaseStore.at(url) as store:
        await report(store)


def claim_parameters(asked):
    return {
        "queue": asked.queue,
        "reviewer": asked.reviewer,
        "n": asked.n,
        "now": asked.now,
        "lease_expires_at": asked.now + asked.lease,
        "lease_text": "then",
        "urgency_weight": asked.urgency_weight,
        "age_weight": asked.age_weight,
        "random_share": asked.random_share,
        "blind_share": asked.blind_share,
        "any_language": not asked.languages,
        "languages": [language.value for language in asked.languages],
        "excluded_labels": [label.value for label in asked.excluded_labels],
    }


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize("share", [0.0, 1.0])
async def test_an_index_serves_the_claim(crowded_url, share):
    """Among 100,000 open cases a claim, ranked or drawn, reads some hundreds of them."""
    sql = f"EXPLAIN (ANALYZE, FORMAT JSON) {QUERIES.claim.sql}"
    async with make_pool(crowded_url) as pool, pool.connection() as connection:
        cursor = await connection.execute(sql, claim_parameters(request(share=share)))
        row = await cursor.fetchone()
        await connection.rollback()
    plan = list(nodes(row["QUERY PLAN"][0]["Plan"]))
    on_cases = [node for node in plan if node.get("Relation Name") == "triage_case"]
    assert {node["Node Type"] for node in on_cases} <= USED
    names = {node.get("Index Name") for node in plan}
    drawn = {"open_by_lot"} if share else set()
    assert names >= {"waiting_by_index", "waiting_by_due", "claimed_by_lease"} | drawn
    n_read = sum(node["Actual Rows"] * node["Actual Loops"] for node in on_cases)
    assert n_read < 2_500


async def test_a_random_draw_among_many_reaches_them_all(crowded_url):
    """Every tenth of a tier of 33,000 is drawn about as often, at a propensity near 1 / N."""
    n_draws, by_tenth, propensities = 300, [0] * 10, []
    async with make_pool(crowded_url) as pool, pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT count(*) AS n FROM triage_case WHERE tier = 2 AND queue = %s", (QUEUE,)
        )
        n_cases = (await cursor.fetchone())["n"]
        for _ in range(n_draws):
            cursor = await connection.execute(
                QUERIES.claim.sql, claim_parameters(request(share=1.0))
            )
            row = await cursor.fetchone()
            assert row["drawn_at_random"]
            propensities.append(row["propensity"])
            cursor = await connection.execute(
                "SELECT item_id FROM triage_case WHERE case_id = %s", (row["case_id"],)
            )
            # Items are numbered; the tier takes every third, and a tenth of them are neighbours.
            by_tenth[int((await cursor.fetchone())["item_id"].removeprefix("bulk-")) // 10_001] += 1
            await connection.rollback()
    assert min(by_tenth) > 10  # 30 expected; 10 or fewer is five standard deviations away
    assert max(by_tenth) < 60
    assert 1 / (sum(propensities) / n_draws) == pytest.approx(n_cases, rel=0.05)
    assert all(1 / p == pytest.approx(n_cases, rel=0.5) for p in propensities)


async def test_a_random_draw_of_few_counts_them(postgres_store):
    """Where the window holds all there are, each has exactly one chance in N."""
    for n in range(7):
        await report(postgres_store, f"i-{n}")
    [case] = await postgres_store.claim(request(share=1.0))
    assert case.claim.propensity == pytest.approx(1 / 7)


async def test_about_the_share_of_claims_is_blind(postgres_store):
    """Each case of a claim has its own draw: neither all of a batch nor none."""
    for n in range(100):
        await report(postgres_store, f"i-{n}")
    n_blind = 0
    for _ in range(2):
        cases = await postgres_store.claim(request(n=50, blind_share=0.5))
        n_blind += sum(case.claim.hints_withheld for case in cases)
    assert 20 < n_blind < 80  # 50 expected, with a standard deviation of 5


async def test_a_claim_among_many_finds_the_most_urgent(crowded_url):
    """The candidates of the two indexes hold the best of all 100,000."""
    asked = request(n=5, now=NOW + timedelta(hours=30))
    with psycopg.connect(crowded_url) as connection:
        rows = connection.execute(
            "SELECT case_id FROM triage_case WHERE queue = %s ORDER BY tier, live_index("
            "base_index, handling_seconds, received_at, due_at, %s, %s, %s) DESC LIMIT 5",
            (QUEUE, asked.urgency_weight, asked.age_weight, asked.now),
        ).fetchall()
    async with PostgresCaseStore.at(crowded_url) as store:
        assert [case.case_id for case in await store.claim(asked)] == [row[0] for row in rows]


async def test_concurrent_claims_never_meet(postgres_store, database_url):
    """Eight at once, until nothing is left: every case is leased, none twice."""
    for n in range(60):
        await report(postgres_store, f"i-{n}", at=NOW + timedelta(minutes=n))
    for round_number in range(2):  # the second recovers the leases of the first
        now = NOW + timedelta(hours=2) + round_number * LEASE
        async with PostgresCaseStore.at(database_url, max_size=8) as store:

            async def work(name, store=store, now=now):
                taken = []
                while cases := await store.claim(request(name, n=3, share=0.1, now=now)):
                    taken += [case.case_id for case in cases]
                return taken

            shares = await asyncio.gather(*(work(f"reviewer-{n}") for n in range(8)))
        taken = [case_id for share in shares for case_id in share]
        assert len(taken) == len(set(taken)) == 60
        assert sum(bool(share) for share in shares) > 1


async def test_a_claim_passes_over_a_case_that_is_being_changed(postgres_store, database_url):
    """It does not wait for another transaction's lock; it takes the next one."""
    first = await report(postgres_store, "i-1")
    second = await report(postgres_store, "i-2", at=NOW + timedelta(minutes=1))
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM triage_case WHERE case_id = %s FOR UPDATE", (first.case_id,))
        cases = await postgres_store.claim(request(n=2))
    assert [case.case_id for case in cases] == [second.case_id]


async def test_a_case_that_moves_away_meanwhile_is_not_claimed(postgres_store, database_url):
    """What was read is looked at again under the lock: a queue may be closed to this reviewer."""
    receipt = await report(postgres_store)
    done = threading.Event()

    def move_to_and_fro():
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not done.is_set():
                connection.execute(MOVE, (QUEUE, QUEUE))

    mover = asyncio.create_task(asyncio.to_thread(move_to_and_fro))
    found = []
    try:
        for n in range(150):
            for case in await postgres_store.claim(request(now=NOW + n * LEASE)):
                found += await where_it_is(database_url)
                free = partial(release, claim_id=case.claim.claim_id, reviewer="rita")
                now = case.claim.claimed_at
                await postgres_store.change(receipt.case_id, partial(free, reason="x", now=now))
    finally:
        done.set()
        await mover
    assert set(found) == {QUEUE}


async def where_it_is(url):
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("SELECT queue FROM triage_case")
        return [queue for (queue,) in await cursor.fetchall()]
