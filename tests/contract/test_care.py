"""Ledgers of exposure, alike in both stores."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from tests.contract.steps import NOW, QUEUE, claim_one, report, request
from triage_ml.domain.account import Account
from triage_ml.domain.care import Exposure, PersonDose
from triage_ml.domain.case import Change
from triage_ml.domain.report import Source
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import Conflict

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
ROW = Exposure("rita", NOW, NOW + timedelta(minutes=2), 6.0, (Label.SELF_HARM,))


async def note(store, *rows):
    """Write rows as every row is written: with a step of a case."""
    receipt = await report(store, f"i-{rows[0].at.isoformat()}-{rows[0].reviewer}")
    for row in rows:
        await store.change(receipt.case_id, lambda case, row=row: Change(case, (), exposure=row))


async def open_account(store, name, language=Language.EN):
    account = Account(name, name, frozenset({"review"}), NOW, locale=language)
    await store.add_account(account, None)


async def test_a_row_is_written_with_its_step(store):
    """And read as it was, by its owner's name alone."""
    await note(store, ROW, replace(ROW, reviewer="ben", points=1.0))
    assert await store.exposures("rita", NOW) == [ROW]
    assert await store.exposures("nobody", NOW) == []


async def test_a_step_that_is_refused_leaves_no_row(store):
    """Nothing is counted that did not happen."""
    receipt = await report(store)

    def refuse(case):
        raise Conflict("no")

    with pytest.raises(Conflict):
        await store.change(receipt.case_id, refuse)
    assert await store.exposures("rita", NOW) == []


async def test_rows_come_oldest_first_from_a_time_on(store):
    """The time itself is among them."""
    rows = [replace(ROW, at=ROW.at + n * DAY) for n in range(3)]
    await note(store, *reversed(rows))
    assert await store.exposures("rita", rows[1].at) == rows[1:]


async def test_a_person_erases_their_own_rows(store):
    """All of them, and nobody else's."""
    await note(store, ROW, replace(ROW, reviewer="ben"))
    assert await store.erase_exposures("rita") == 1
    assert await store.erase_exposures("rita") == 0
    assert len(await store.exposures("ben", NOW)) == 1


async def test_doses_are_sums_without_names(store):
    """Per account in the span, with the heaviest day; keys of programs are left out."""
    await open_account(store, "rita")
    await open_account(store, "ben", Language.TR)
    rows = [replace(ROW, at=NOW + DAY), replace(ROW, at=NOW + DAY * 1.1), ROW]
    await note(store, *rows, replace(ROW, reviewer="key-program"))
    await note(store, replace(ROW, reviewer="ben", at=NOW + 2 * DAY))
    found = await store.doses(NOW, NOW + 2 * DAY)
    assert found == [PersonDose(Language.EN, 18.0, 12.0)]
    found = await store.doses(NOW + 2 * DAY, NOW + 3 * DAY)
    assert found == [PersonDose(Language.TR, 6.0, 6.0)]


async def test_old_rows_are_forgotten(store):
    """Those before a time; the others stay."""
    rows = [replace(ROW, at=ROW.at + n * DAY) for n in range(3)]
    await note(store, *rows)
    assert await store.forget_exposures(rows[2].at) == 2
    assert await store.forget_exposures(rows[2].at) == 0
    assert await store.exposures("rita", NOW) == rows[2:]


async def test_an_urgent_case_waits_until_somebody_holds_it(store):
    """T0 and T1 alone, of that queue alone, and again when the lease has ended."""
    assert not await store.urgent_waits(QUEUE, NOW)
    await report(store)
    assert not await store.urgent_waits(QUEUE, NOW)
    receipt = await report(store, "i-2", source=Source.AUTHORITY)
    queue = receipt.placement.queue
    assert await store.urgent_waits(queue, NOW)
    assert not await store.urgent_waits(QUEUE, NOW)
    case = await claim_one(store, queue=queue)
    assert not await store.urgent_waits(queue, NOW)
    assert await store.urgent_waits(queue, case.claim.lease_expires_at)
    assert await store.claim(request(queue="nowhere")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE exposure SET points = 0",
        "INSERT INTO exposure (reviewer, began_at, at, points, labels)"
        " VALUES ('rita', now(), now() - interval '1 s', 1, '{}')",
        "INSERT INTO exposure (reviewer, began_at, at, points, labels)"
        " VALUES ('rita', now(), now(), 'NaN', '{}')",
        "INSERT INTO exposure (reviewer, began_at, at, points, labels)"
        " VALUES ('rita', now(), now(), -1, '{}')",
    ],
)
async def test_the_database_itself_keeps_rows_as_they_were(postgres_store, database_url, statement):
    """A row is deleted by its owner or by age, and never changed."""
    await note(postgres_store, ROW)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.IntegrityError):
        connection.execute(statement)
