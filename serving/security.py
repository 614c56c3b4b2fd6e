"""Who calls, and what the key allows."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from starlette.requests import Request

from triage_ml.errors import ScopeMissing, Unauthenticated
from triage_ml.ports import ApiKey, CaseStore
from triage_ml.workflow.access import authenticate, hash_key

ADMIN = "admin"
"""Opens every route; restricted queues still need the scope `restricted` by name."""

MAX_REMEMBERED = 1_000


class Keys:
    """Valid keys, remembered for a short while so that a request needs no look-up.

    A revoked key therefore works until its memory ends (`key_ttl`).
    """

    def __init__(
        self, store: CaseStore, ttl: timedelta, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._ttl = ttl.total_seconds()
        self._seconds = seconds
        self._known: dict[str, tuple[float, ApiKey]] = {}
        self._asked: dict[str, asyncio.Task[ApiKey]] = {}

    async def find(self, secret: str | None) -> ApiKey:
        """Raises: Unauthenticated, StoreUnavailable."""
        digest = hash_key(secret or "")
        known = self._known.get(digest)
        if known is not None and known[0] > self._seconds():
            return known[1]
        self._known.pop(digest, None)
        asked = self._asked.get(digest)
        if asked is None:  # many requests of one caller ask once
            asked = asyncio.create_task(authenticate(self._store, secret))
            self._asked[digest] = asked
            asked.add_done_callback(lambda task: self._remember(digest, task))
        return await asyncio.shield(asked)

    def _remember(self, digest: str, asked: asyncio.Task[ApiKey]) -> None:
        del self._asked[digest]
        if asked.cancelled() or asked.exception() is not None:
            return
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[digest] = (self._seconds() + self._ttl, asked.result())


def scoped(*scopes: str) -> Callable[[Request], Awaitable[ApiKey]]:
    """Make a dependency that lets in keys with one of the scopes, or with `admin`."""

    async def who(request: Request) -> ApiKey:
        return await authorise(request, *scopes)

    return who


async def authorise(request: Request, *scopes: str) -> ApiKey:
    """Give the caller's key. Raises: Unauthenticated, ScopeMissing, StoreUnavailable."""
    keys: Keys = request.app.state.service.keys
    key = await keys.find(_bearer(request))
    if not key.scopes.intersection((*scopes, ADMIN)):
        raise ScopeMissing(scopes[0])
    return key


def _bearer(request: Request) -> str | None:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind and kind.lower() != "bearer":
        raise Unauthenticated
    return secret.strip() or None
