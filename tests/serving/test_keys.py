"""Keys are looked up once for all who ask at the same time."""

import asyncio
from datetime import timedelta

import pytest

from serving.security import Keys
from triage_ml.errors import StoreUnavailable, Unauthenticated
from triage_ml.ports import ApiKey
from triage_ml.testing import FixedClock
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.access import PREFIX, hash_key

pytestmark = pytest.mark.anyio
SECRET = f"{PREFIX}test"


class Store(MemoryCaseStore):
    """Counts look-ups, and may be away."""

    n_asked = 0
    away = False

    async def find_key(self, key_sha256: str) -> ApiKey | None:
        self.n_asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("it is away")
        return await super().find_key(key_sha256)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def store() -> Store:
    clock = FixedClock()
    found = Store(now=clock.now)
    await found.add_key(ApiKey("a", frozenset({"intake"}), clock.now()), hash_key(SECRET))
    return found


async def test_many_at_once_ask_once(store: Store) -> None:
    """When a key's memory ends, a burst of requests does not become a burst of queries."""
    now = 0.0
    keys = Keys(store, timedelta(seconds=5), lambda: now)
    for _ in range(2):
        found = await asyncio.gather(*(keys.find(SECRET) for _ in range(100)))
        assert {key.name for key in found} == {"a"}
        now += 6.0
    assert store.n_asked == 2


async def test_a_failed_look_up_reaches_all_and_is_not_kept(store: Store) -> None:
    """Each of them is refused; the next request asks again."""
    keys = Keys(store, timedelta(seconds=5))
    store.away = True
    waiting = (keys.find(SECRET) for _ in range(10))
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(error, StoreUnavailable)
    store.away = False
    assert (await keys.find(SECRET)).name == "a"
    assert store.n_asked == 2
    with pytest.raises(Unauthenticated):
        await keys.find(f"{PREFIX}other")


async def test_a_caller_who_leaves_takes_nobody_along(store: Store) -> None:
    """The look-up goes on for the others."""
    keys = Keys(store, timedelta(seconds=5))
    first, second = (asyncio.create_task(keys.find(SECRET)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).name == "a"
