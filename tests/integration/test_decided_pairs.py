"""What the guard counts of decided cases is kept as they are decided; it is what all say."""

import asyncio
import random
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count

import psycopg
import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    POLICY,
    UPHELD,
    appeal,
    claim_one,
    decide,
    make_scores,
    report,
)
from tests.contract.test_rollout import asked, publish
from triage_ml.domain.guard import Decided, GuardLimits, judge
from triage_ml.domain.rollout import RolloutStage
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Language
from triage_ml.ports import ScoreRecord
from triage_ml.storage import pool
from triage_ml.storage.migrate import FOLDER
from triage_ml.workflow.erasure import Eraser

pytestmark = pytest.mark.anyio
MIGRATION = (FOLDER / "0022_decided_pairs.sql").read_text(encoding="utf-8")
BACKFILL = MIGRATION[MIGRATION.rindex("INSERT INTO decided_pair") :]
QUEUES = sorted(POLICY.queues)
EVERYTHING = """
SELECT beside.language, t.upheld, beside.p_violation >= 0.5 AS beside,
    live.p_violation >= 0.5 AS live, count(*) AS n
FROM triage_case t CROSS JOIN LATERAL (
    SELECT language, p_violation FROM score
    WHERE case_id = t.case_id AND version_sha256 = t.version_sha256 AND arm = 'shadow'
        AND model_version = %(version)s AND at >= %(since)s AND at <= t.decided_at
    ORDER BY score_id DESC LIMIT 1
) beside CROSS JOIN LATERAL (
    SELECT p_violation FROM score
    WHERE case_id = t.case_id AND version_sha256 = t.version_sha256 AND arm = 'live'
        AND model_version = %(against)s
    ORDER BY score_id DESC LIMIT 1
) live
WHERE t.decided_at >= %(since)s AND t.state = 'decided' AND t.queue = ANY (%(queues)s)
    AND NOT coalesce((t.decision ->> 'unread')::boolean, false)
GROUP BY 1, 2, 3, 4
"""


def everything(url, trial) -> list[Decided]:
    """Read all decisions since a trial began."""
    asked_for = {"version": trial.version, "against": trial.against, "since": trial.at}
    with psycopg.connect(url) as connection:
        rows = connection.execute(EVERYTHING, {**asked_for, "queues": QUEUES}).fetchall()
    if trial.stage is RolloutStage.PROBATION:
        rows = [(language, upheld, live, beside, n) for language, upheld, beside, live, n in rows]
    return in_order(Decided(Language(row[0]), *row[1:]) for row in rows)


def in_order(rows) -> list[Decided]:
    return sorted(rows, key=lambda row: (row.language, row.upheld, row.watched, row.other))


class Walk:
    """Steps that service, reviewers and complainants take, drawn by chance."""

    def __init__(self, store, clock, dice) -> None:
        self.store, self.clock, self.dice = store, clock, dice
        self.numbers = count()
        self.waiting, self.closed, self.unwritten = [], [], []

    async def step(self) -> None:
        self.clock.advance(timedelta(seconds=30))
        await self.dice.choices(
            (self.come, self.write, self.judge, self.complain, self.erase), (5, 3, 5, 1, 1)
        )[0]()

    async def come(self) -> None:
        """A report; the model beside speaks mostly, is written later, and at times anew."""
        now, live = self.clock.now(), self.dice.random()
        trial = await self.store.open_trial()
        language = self.dice.choice((Language.EN, Language.DE))
        found = await report(
            self.store, f"i-{next(self.numbers)}", at=now, language=language,
            scores=make_scores(live, trial.against if self.dice.random() < 0.9 else "older"),
        )  # fmt: skip
        self.waiting.append(found.case_id)
        item = (await self.store.get_case(found.case_id)).item
        for _ in range(self.dice.choice((0, 1, 1, 1, 2))):
            said = make_scores(self.dice.random(), trial.version)
            self.unwritten.append(
                ScoreRecord.of(found.case_id, item.version_sha256, 6, said, Arm.SHADOW, now)
            )

    async def write(self) -> None:
        records, self.unwritten = self.unwritten, []
        await self.store.add_shadow_scores(records)

    async def judge(self) -> None:
        if not self.waiting:
            return
        case_id = self.waiting.pop(self.dice.randrange(len(self.waiting)))
        case = await self.store.get_case(case_id)
        queue = case.placement.queue
        who = f"{self.dice.choice(('rita', 'ben'))}-{next(self.numbers)}"
        claimed = await claim_one(self.store, who, queue=queue, now=self.clock.now())
        if claimed.case_id != case_id:
            self.waiting.append(case_id)
            self.waiting.remove(claimed.case_id)
        gone = claimed.item.erased is not None
        verdict = UPHELD if not gone and self.dice.random() < 0.5 else DISMISSED
        await decide(self.store, claimed, verdict, self.clock.now())
        self.closed.append(claimed.case_id)

    async def complain(self) -> None:
        if self.closed:
            case_id = self.closed.pop(self.dice.randrange(len(self.closed)))
            if (await self.store.get_case(case_id)).stage == "first":
                await appeal(self.store, case_id, self.clock.now())
                self.waiting.append(case_id)

    async def erase(self) -> None:
        if self.waiting and self.dice.random() < 0.5:
            case = await self.store.get_case(self.dice.choice(self.waiting))
            await Eraser(self.store, self.clock).erase("anna", case.item.item_id, "asked for")


@pytest.fixture
async def store(postgres_store, tmp_path):
    for version in "ab":
        await publish(postgres_store, tmp_path, version)
    await postgres_store.make_live("a", NOW, "anna", "first")
    return postgres_store


async def test_a_look_finds_what_reading_everything_finds(store, database_url, clock):
    """Through shadow, canary and probation, with complaints, erasures and late scores."""
    walk, n_compared = Walk(store, clock, random.Random(5)), 0
    limits = GuardLimits(min_decisions=1)
    for stage in (RolloutStage.SHADOW, RolloutStage.CANARY, RolloutStage.PROBATION):
        clock.advance(timedelta(minutes=1))
        if stage is RolloutStage.PROBATION:
            await store.make_live("b", clock.now(), "anna", "good")
        else:
            share = 0.2 if stage is RolloutStage.CANARY else 0.0
            wanted = replace(asked("b", stage, share), at=clock.now(), limits=limits)
            await store.begin_trial(wanted)
        trial = await store.open_trial()
        assert (trial.stage, await store.decided(trial, QUEUES)) == (stage, [])
        for _ in range(12):
            for _ in range(8):
                await walk.step()
            found, expected = await store.decided(trial, QUEUES), everything(database_url, trial)
            assert in_order(found) == expected
            assert judge({}, found, limits) == judge({}, expected, limits)
        n_compared += sum(row.n for row in expected)
    assert n_compared >= 30


async def test_a_trial_that_runs_already_is_taken_over(store, database_url, clock):
    """By the migration."""
    await store.begin_trial(asked("b"))
    trial, walk = await store.open_trial(), Walk(store, clock, random.Random(6))
    for _ in range(60):
        await walk.step()
    found = await store.decided(trial, QUEUES)
    assert found
    with psycopg.connect(database_url) as connection:
        connection.execute("TRUNCATE decided_pair")
        connection.execute(BACKFILL)
    assert await store.decided(trial, QUEUES) == found
    await store.end_trial(clock.now(), "anna", "enough")
    with psycopg.connect(database_url) as connection:
        connection.execute(BACKFILL)
        assert connection.execute("SELECT count(*) FROM decided_pair").fetchone() == (0,)


SHADOW = """
INSERT INTO score (case_id, version_sha256, at, arm, model_version, language, n_chars, p_violation,
    labels)
VALUES (%s, %s, %s, 'shadow', 'b', 'en', 6, %s, '{}')
"""


def say_beside(connection, case, p_violation) -> None:
    given = (case.case_id, case.item.version_sha256, NOW, p_violation)
    connection.execute(SHADOW, given)


async def reported(store, number):
    found = await report(store, f"i-{number}", scores=make_scores(0.9, "a"))
    return await store.get_case(found.case_id)


@pytest.fixture
def early_trigger(database_url):
    """Run the trigger before the check of the foreign key, which waits for a decision, too."""
    rename = "ALTER TRIGGER {} ON score RENAME TO {}"
    names = ("shadow_has_pair", '"A_shadow_has_pair"')
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(rename.format(*names))
        yield
        connection.execute(rename.format(*reversed(names)))


async def test_a_score_beside_a_decision_under_way_is_counted(
    store, database_url, early_trigger, monkeypatch
):
    """Neither sees what the other one wrote: the later one waits."""
    trial = await store.begin_trial(asked("b"))
    case = await reported(store, 1)
    claimed = await claim_one(store, queue=case.placement.queue)
    written = pool.transaction
    waiting = []

    def write() -> None:
        with psycopg.connect(database_url) as connection:
            say_beside(connection, case, 0.1)

    @asynccontextmanager
    async def left_open(connections):
        async with written(connections) as connection:
            yield connection
            waiting.append(asyncio.create_task(asyncio.to_thread(write)))
            await asyncio.to_thread(until_somebody_waits, database_url)

    monkeypatch.setattr(pool, "transaction", left_open)
    await decide(store, claimed, UPHELD)
    monkeypatch.undo()
    await waiting[0]
    assert [row.n for row in await store.decided(trial, QUEUES)] == [1]


def until_somebody_waits(url) -> None:
    """Return when a statement waits for a lock."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(query).fetchone() == (0,):
            time.sleep(0.01)


async def test_a_trial_ends_while_a_server_writes_scores(store, database_url):
    """It waits for none of them, so they cannot wait for each other."""
    trial = await store.begin_trial(asked("b"))
    cases = [await reported(store, number) for number in range(2)]
    with psycopg.connect(database_url) as connection:
        for case in cases:
            say_beside(connection, case, 0.1)
    for case in cases:
        await decide(store, await claim_one(store, queue=case.placement.queue), UPHELD)
    assert sum(row.n for row in await store.decided(trial, QUEUES)) == 2
    with psycopg.connect(database_url) as connection:
        say_beside(connection, cases[1], 0.2)
        assert await store.end_trial(NOW, "anna", "enough", trial.number)
        say_beside(connection, cases[0], 0.2)
    again = await store.begin_trial(asked("b"))
    assert await store.decided(again, QUEUES) == []
