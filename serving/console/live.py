"""One look at the queues for everybody who watches them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import timedelta

from fastapi import FastAPI

from serving.service import Service
from triage_ml.errors import StoreUnavailable
from triage_ml.ports import QueueDepth

INTERVAL = timedelta(seconds=2)
Depths = Sequence[QueueDepth]


class Live:
    """Asks for the depths at most once an interval, and only while somebody listens.

    Listeners wait for the same turn, so a hundred pages cost one query, and none of them holds
    a connection of the database while it waits.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[Depths]], interval: timedelta = INTERVAL
    ) -> None:
        self._ask = ask
        self._seconds = interval.total_seconds()
        self._turn: asyncio.Task[Depths | None] | None = None
        self._asked_at = float("-inf")
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Let every listener go at once: the server stops."""
        self._ended.set()
        if self._turn is not None:
            self._turn.cancel()

    async def turns(self) -> AsyncGenerator[Depths | None]:
        """Give the depths once per turn until the end; None while the database is away."""
        ended = asyncio.create_task(self._ended.wait())
        try:
            while not self._ended.is_set():
                turn = self._next_turn()
                # Unlike `gather`, this leaves the turn to the others when one listener goes.
                await asyncio.wait({turn, ended}, return_when=asyncio.FIRST_COMPLETED)
                if self._ended.is_set():
                    return
                yield turn.result()
        finally:
            ended.cancel()

    def _next_turn(self) -> asyncio.Task[Depths | None]:
        if self._turn is None or self._turn.done():
            self._turn = asyncio.create_task(self._take_turn())
        return self._turn

    async def _take_turn(self) -> Depths | None:
        now = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, self._asked_at + self._seconds - now()))
        self._asked_at = now()
        try:
            return await self._ask()
        except StoreUnavailable:
            return None


def live_of(app: FastAPI) -> Live:
    """Give the app's one `Live`."""
    live: Live | None = getattr(app.state, "live", None)
    if live is None:
        service: Service = app.state.service
        live = Live(lambda: service.store.queue_depths(service.clock.now()))
        app.state.live = live
    return live


def end_live(app: FastAPI) -> None:
    """Let the listeners of an app go; call it when the server is told to stop."""
    live: Live | None = getattr(app.state, "live", None)
    if live is not None:
        live.end()
