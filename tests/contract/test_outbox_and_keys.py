"""Announcements on their way, and API keys."""

import asyncio
from datetime import timedelta

import pytest

from tests.contract.steps import NOW, appeal, decided, report
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports import ApiKey
from triage_ml.storage import outbox

pytestmark = pytest.mark.anyio
LEASE = timedelta(minutes=2)
KEY = ApiKey("intake", frozenset({"reports", "score"}), NOW)


async def take(store, now=NOW, limit=10):
    return await store.take_deliveries(limit, now, LEASE)


async def test_announcements_of_a_case_come_in_order(store):
    """The second waits until the first has arrived; other cases do not wait."""
    first = await decided(store, "i-1")
    await appeal(store, first.case_id)
    await decided(store, "i-2")
    taken = await take(store)
    assert [d.payload["type"] for d in taken] == ["case.decided", "case.decided"]
    assert [d.n_attempts for d in taken] == [1, 1]
    assert await take(store, NOW + LEASE / 2) == []
    await store.settle_delivery(taken[0].delivery_id, NOW, None)
    [follower] = await take(store)
    assert (follower.case_id, follower.payload["type"]) == (first.case_id, "case.appealed")


async def test_a_failed_announcement_waits_for_its_retry(store):
    """It comes back then, counted once more, and goes for good when it arrived."""
    await decided(store)
    [delivery] = await take(store)
    retry_at = NOW + timedelta(hours=1)
    await store.settle_delivery(delivery.delivery_id, NOW, retry_at, "status 500")
    assert await take(store, retry_at - timedelta(seconds=1)) == []
    [again] = await take(store, retry_at)
    assert (again.delivery_id, again.n_attempts) == (delivery.delivery_id, 2)
    await store.settle_delivery(delivery.delivery_id, retry_at, None)
    assert await take(store, retry_at + timedelta(days=1)) == []


async def test_a_dead_workers_announcement_comes_back(store):
    """The lease of a delivery runs out like that of a claim."""
    await decided(store)
    [delivery] = await take(store)
    [again] = await take(store, NOW + LEASE)
    assert (again.delivery_id, again.n_attempts) == (delivery.delivery_id, 2)


async def test_settling_twice_or_nothing_changes_nothing(store):
    """The first word about a delivery stands."""
    await decided(store)
    [delivery] = await take(store)
    await store.settle_delivery(delivery.delivery_id, NOW, None)
    await store.settle_delivery(delivery.delivery_id, NOW, NOW, "late")
    await store.settle_delivery(10**9, NOW, None)
    assert await take(store, NOW + timedelta(days=1)) == []


async def test_concurrent_workers_share_the_announcements(store):
    """Each goes to one of them, and none stays behind."""
    for n in range(6):
        await decided(store, f"i-{n}")
    shares = await asyncio.gather(*(take(store, limit=2) for _ in range(4)))
    taken = [delivery.delivery_id for share in shares for delivery in share]
    assert len(taken) == len(set(taken)) == 6
    assert max(len(share) for share in shares) == 2


async def test_undelivered_announcements_are_counted(store):
    """Leased ones count until they have arrived."""
    assert await store.n_undelivered() == 0
    await decided(store)
    [delivery] = await take(store)
    assert await store.n_undelivered() == 1
    await store.settle_delivery(delivery.delivery_id, NOW, None)
    assert await store.n_undelivered() == 0


async def test_only_what_arrived_and_is_old_is_forgotten(store):
    """Waiting announcements stay however old, as do the cases and their log."""
    case = await decided(store, "i-1")
    await decided(store, "i-2")
    [delivery, _] = await take(store)
    await store.settle_delivery(delivery.delivery_id, NOW, None)
    assert await store.forget(NOW) == 0
    assert await store.forget(NOW + timedelta(seconds=1)) == 1
    assert await store.n_undelivered() == 1
    assert [event.step for event in await store.events(case.case_id)][-1] == "decided"


@pytest.mark.parametrize("n", [4, 5])
async def test_more_is_forgotten_than_one_statement_drops(store, monkeypatch, n):
    """Whether or not the last one is full."""
    monkeypatch.setattr(outbox, "FORGET_AT_ONCE", 2)
    for number in range(n):
        await report(store, f"i-{number}", key=f"k-{number}")
    await decided(store, "i-0")
    [delivery] = await take(store)
    await store.settle_delivery(delivery.delivery_id, NOW, None)
    assert await store.forget(NOW + timedelta(days=1)) == n + 1
    assert await store.forget(NOW + timedelta(days=1)) == 0


async def test_a_forgotten_key_may_be_used_again(store):
    """After that time the same request is a new report."""
    first = await report(store, key="k-1")
    assert await store.forget(NOW + timedelta(days=1)) == 1
    second = await report(store, key="k-1")
    assert second.report_id != first.report_id
    assert second.case_id == first.case_id


async def test_a_key_is_found_until_it_is_revoked(store):
    """By its hash alone."""
    await store.add_key(KEY, "hash-1")
    assert await store.find_key("hash-1") == KEY
    assert await store.find_key("hash-2") is None
    await store.revoke_key("intake", NOW)
    assert await store.find_key("hash-1") is None


async def test_a_name_is_free_again_after_revoking(store):
    """Two valid keys of one name would not be told apart in the log."""
    await store.add_key(KEY, "hash-1")
    with pytest.raises(Conflict):
        await store.add_key(KEY, "hash-2")
    await store.revoke_key("intake", NOW)
    await store.add_key(KEY, "hash-2")
    assert [key.revoked_at for key in await store.list_keys()].count(None) == 1


async def test_the_same_hash_is_refused(store):
    """Even for another name."""
    await store.add_key(KEY, "hash-1")
    with pytest.raises(Conflict):
        await store.add_key(ApiKey("other", frozenset(), NOW), "hash-1")


async def test_only_a_valid_key_can_be_revoked(store):
    """An unknown name and one revoked before are not found."""
    with pytest.raises(NotFound):
        await store.revoke_key("nobody", NOW)
    await store.add_key(KEY, "hash-1")
    await store.revoke_key("intake", NOW)
    with pytest.raises(NotFound):
        await store.revoke_key("intake", NOW)


async def test_a_living_store_answers(store):
    """The sign of life that readiness asks for."""
    await store.ping()
