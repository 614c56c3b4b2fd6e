"""The simulated order is the one of the claim; comparisons and their index."""

import random
from datetime import timedelta

import psycopg
import pytest

from tests.contract.steps import LEASE, NOW, QUEUE, report, request
from tests.contract.test_simulate import PAIRS
from tests.unit.pairs import made
from triage_ml.domain.claim_order import OrderRules, Waiter, Waiting
from triage_ml.domain.taxonomy import Language

pytestmark = pytest.mark.anyio
SPREAD = """
UPDATE triage_case SET tier = %s, base_index = %s, received_at = %s, due_at = %s, language = %s
WHERE case_id = %s
"""


async def waiting_cases(store, url, chance, n=60):
    """Report cases and spread them over tiers, indices, ages, clocks and languages."""
    found = []
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(n):
            receipt = await report(store, f"i-{number}")
            at = NOW - timedelta(minutes=chance.randrange(600))
            due = at + timedelta(hours=chance.choice([0.25, 4, 24]))
            tier, base = (
                chance.choice([1, 2, 3, 3, 3, 4]),
                chance.choice([0.5, 1, 1, chance.random()]),
            )
            language = chance.choice(["en", "de", "ko"])
            row = (tier, base, at, due, language, receipt.case_id)
            connection.execute(SPREAD, row)
            pool = (QUEUE, language)
            key = (receipt.case_id.int, 0)
            found.append(
                Waiter(at.timestamp(), key, due.timestamp(), pool, tier, float(base), number)
            )
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_the_simulation_claims_as_the_database_does(postgres_store, database_url, seed):
    """One by one, while the clock goes on and cases come near their due times."""
    chance = random.Random(seed)
    asked = request()
    waiting = Waiting(OrderRules(asked.urgency_weight, asked.age_weight, 120.0, 0.0))
    for case in await waiting_cases(postgres_store, database_url, chance):
        waiting.add(case)
    languages = [("en", "de", "ko"), ("ko",), ("en", "de")]
    now, simulated, claimed = NOW, [], []
    while True:
        now += timedelta(seconds=chance.randrange(1, 400))
        own = languages[len(simulated) % 3] if len(simulated) < 45 else languages[0]
        case = waiting.take([(QUEUE, x) for x in own], now.timestamp(), chance)
        found = await postgres_store.claim(request(now=now, languages=tuple(map(Language, own))))
        simulated.append(case.key[0] if case else None)
        claimed.append(found[0].case_id.int if found else None)
        if case is None and own == languages[0]:
            break
        assert now < NOW + 60 * LEASE
        with psycopg.connect(database_url, autocommit=True) as connection:  # no lease runs out
            connection.execute(
                "UPDATE triage_case SET lease_expires_at = 'infinity' WHERE state = 'claimed'"
            )
    assert simulated == claimed
    assert len({x for x in simulated if x}) == 60


async def test_a_comparison_is_never_changed(postgres_store, database_url):
    """A promotion rests on it."""
    await postgres_store.add_comparison(made(PAIRS))
    with psycopg.connect(database_url) as connection:
        for change in ("UPDATE comparison SET made_by = 'x'", "DELETE FROM comparison"):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                connection.execute(change)
            connection.rollback()
