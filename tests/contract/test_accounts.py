"""Accounts and sessions, alike in both stores."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from triage_ml.domain.account import Account
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import Conflict, NotFound
from triage_ml.storage import outbox
from triage_ml.testing.doubles import FIXED_START as NOW

pytestmark = pytest.mark.anyio
ANNA = Account("anna", "Anna A.", frozenset({"review", "lead"}), NOW)
TOKEN, OTHER = "a" * 64, "b" * 64
IDLE, DAY = timedelta(hours=1), timedelta(days=1)


async def open_session(store, token=TOKEN, name="anna", at=NOW):
    await store.open_session(token, name, at, at + DAY)


async def test_an_account_is_found_by_its_name(store):
    """With the hash of its password, if it has one; others are not there."""
    await store.add_account(ANNA, "hash")
    await store.add_account(replace(ANNA, name="ben"), None)
    assert await store.find_account("anna") == (ANNA, "hash")
    assert await store.find_account("ben") == (replace(ANNA, name="ben"), None)
    assert await store.find_account("carl") is None


async def test_a_name_is_given_once(store):
    """Also when its account is disabled: what was done under it was done by one person."""
    await store.add_account(replace(ANNA, disabled_at=NOW), "hash")
    with pytest.raises(Conflict):
        await store.add_account(ANNA, "another")
    assert await store.find_account("anna") == (replace(ANNA, disabled_at=NOW), "hash")


async def test_what_changed_is_saved(store):
    """All but the name, the password and when it was made."""
    await store.add_account(ANNA, "hash")
    changed = replace(
        ANNA,
        display_name="Anna 안나",
        scopes=frozenset({"admin"}),
        locale=Language.TR,
        time_zone="Europe/Istanbul",
        excluded_labels=frozenset({Label.SELF_HARM, Label.HATE}),
        disabled_at=NOW,
    )
    await store.save_account(replace(changed, created_at=NOW + DAY))
    assert await store.find_account("anna") == (changed, "hash")


async def test_accounts_are_listed_by_name(store):
    """Disabled ones too, in the same order everywhere."""
    names = ["9", "a", "a-b", "a_b", "b"]
    for name in reversed(names):
        await store.add_account(replace(ANNA, name=name, disabled_at=NOW), None)
    assert [account.name for account in await store.list_accounts()] == names


async def test_nothing_is_changed_or_opened_for_an_unknown_name(store):
    """It is not found."""
    for refused in (
        store.save_account(ANNA),
        store.set_password("anna", "hash"),
        open_session(store),
    ):
        with pytest.raises(NotFound, match="no account anna"):
            await refused
    await store.renew_hash("anna", "old", "new")
    await store.close_sessions("anna")


async def test_a_hash_is_renewed_unless_the_password_changed(store):
    """An old password cannot come back that way."""
    await store.add_account(ANNA, "old")
    await store.renew_hash("anna", "old", "stronger")
    assert await store.find_account("anna") == (ANNA, "stronger")
    await store.set_password("anna", "new")
    await store.renew_hash("anna", "stronger", "stronger still")
    assert await store.find_account("anna") == (ANNA, "new")


async def test_a_session_is_found_until_it_is_closed(store):
    """By its hash alone; the others stay."""
    await store.add_account(ANNA, None)
    await open_session(store)
    await open_session(store, OTHER)
    assert await store.find_session(TOKEN, NOW, IDLE) == ANNA
    assert await store.find_session("c" * 64, NOW, IDLE) is None
    await store.close_session(TOKEN)
    await store.close_session(TOKEN)
    assert await store.find_session(TOKEN, NOW, IDLE) is None
    assert await store.find_session(OTHER, NOW, IDLE) == ANNA


async def test_all_sessions_of_an_account_are_closed(store):
    """And nobody else's."""
    await store.add_account(ANNA, None)
    await store.add_account(replace(ANNA, name="ben"), None)
    await open_session(store, TOKEN)
    await open_session(store, OTHER)
    await open_session(store, "c" * 64, "ben")
    await store.close_sessions("anna")
    found = [await store.find_session(token, NOW, IDLE) for token in (TOKEN, OTHER, "c" * 64)]
    assert found == [None, None, replace(ANNA, name="ben")]


async def test_a_session_ends_though_it_is_used(store):
    """At its time, to the moment."""
    await store.add_account(ANNA, None)
    await open_session(store)
    for n_hours in range(24):
        assert await store.find_session(TOKEN, NOW + timedelta(hours=n_hours), 2 * IDLE) == ANNA
    assert await store.find_session(TOKEN, NOW + DAY, 2 * IDLE) is None


async def test_a_session_ends_when_it_is_not_used(store):
    """Each use counts from anew."""
    await store.add_account(ANNA, None)
    await open_session(store)
    almost = IDLE - timedelta(seconds=1)
    assert await store.find_session(TOKEN, NOW + almost, IDLE) == ANNA
    assert await store.find_session(TOKEN, NOW + 2 * almost, IDLE) == ANNA
    assert await store.find_session(TOKEN, NOW + 2 * almost + IDLE, IDLE) is None


async def test_the_use_of_a_session_is_written_once_a_minute(store):
    """What comes within the minute counts as the use before it."""
    await store.add_account(ANNA, None)
    await open_session(store)
    assert await store.find_session(TOKEN, NOW + timedelta(seconds=59), IDLE) == ANNA
    assert await store.find_session(TOKEN, NOW + IDLE, IDLE) is None
    await open_session(store, OTHER)
    assert await store.find_session(OTHER, NOW + timedelta(seconds=60), IDLE) == ANNA
    assert await store.find_session(OTHER, NOW + IDLE, IDLE) == ANNA


async def test_a_short_idle_time_is_kept_too(store):
    """A session in use does not end because its use was not written."""
    await store.add_account(ANNA, None)
    await open_session(store)
    idle = timedelta(seconds=30)
    for n in range(1, 20):
        assert await store.find_session(TOKEN, NOW + n * timedelta(seconds=15), idle) == ANNA


async def test_a_disabled_account_has_no_session(store):
    """Whether or not its sessions were closed."""
    await store.add_account(ANNA, None)
    await open_session(store)
    await store.save_account(replace(ANNA, disabled_at=NOW))
    assert await store.find_session(TOKEN, NOW, IDLE) is None


async def test_expired_sessions_are_forgotten(store, monkeypatch):
    """However many; those that run stay, and so do the accounts."""
    monkeypatch.setattr(outbox, "FORGET_AT_ONCE", 2)
    await store.add_account(ANNA, None)
    for n in range(5):
        await open_session(store, f"{n:064x}")
    await open_session(store, TOKEN, at=NOW + timedelta(seconds=1))
    assert await store.forget(NOW + DAY) == 0
    assert await store.forget(NOW + DAY + timedelta(seconds=1)) == 5
    assert await store.find_session(TOKEN, NOW + timedelta(seconds=1), IDLE) == ANNA
    assert await store.find_account("anna") == (ANNA, None)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM account",
        "TRUNCATE account CASCADE",
        "UPDATE account SET name = 'ben'",
        "UPDATE account SET scopes = '{}'",
        "INSERT INTO account_session VALUES ('token', 'anna', now(), now(), now())",
        "INSERT INTO account SELECT 'Anna', display_name, scopes, created_at, locale, time_zone,"
        " excluded_labels FROM account",
    ],
)
async def test_the_database_itself_keeps_names_and_refuses_bare_tokens(
    postgres_store, database_url, statement
):
    """Whatever is typed at it."""
    await postgres_store.add_account(ANNA, None)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.IntegrityError):
        connection.execute(statement)
