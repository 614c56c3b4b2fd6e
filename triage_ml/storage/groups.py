"""Calls that wait at the same time, done together: one commit serves them all."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from psycopg_pool import PoolTimeout

from triage_ml.errors import StoreUnavailable

MAX_GROUP = 64
"""Calls in one group."""
MAX_GROUP_CHARS = 2_000_000
"""Characters after which a group takes no further call: what the longest bodies need of memory."""
MAX_WRITERS = 2
"""Groups at once: while one waits for the disk, the next one is worked out."""
CLOSE_SECONDS = 10.0
"""Longest that closing waits for a database that does not answer."""
MAX_WAITING = 1_024
"""Calls that may wait; more are refused at once."""


class Work(Protocol):
    """What a call asks for."""

    @property
    def slots(self) -> frozenset[Hashable]:
        """What no two calls may work on at once."""

    @property
    def n_chars(self) -> int: ...


W = TypeVar("W", bound=Work)
A = TypeVar("A")


@dataclass(frozen=True, slots=True, eq=False)
class _Call(Generic[W, A]):
    work: W
    answer: asyncio.Future[A]

    def settle(self, outcome: A | Exception) -> None:
        """Pass on the outcome, unless the caller has left."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class Groups(Generic[W, A]):
    """Gathers calls and has `do` work on them, group by group.

    There is no timer: a group is what waits when a writer is free, so an idle store does a
    call at once and a busy one does many together. Calls that share a slot are done one after
    the other, in the order in which they were added.

    `do` gives an answer or an error for each call, in order. What it raises speaks for the
    whole group: after StoreUnavailable nobody is tried again, because what became of the
    group is not known; after anything else each call is done alone and keeps its own error.
    """

    def __init__(self, do: Callable[[Sequence[W]], Awaitable[Sequence[A | Exception]]]) -> None:
        self._do = do
        self._waiting: list[_Call[W, A]] = []
        self._slots_in_work: set[Hashable] = set()
        self._n_writers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def add(self, work: W) -> A:
        """Wait until the work is done. Whoever stops waiting does not stop work that has begun.

        Raises: StoreUnavailable; whatever `do` gives for this call.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailable("too many reports wait for it")
        loop = asyncio.get_running_loop()
        call: _Call[W, A] = _Call(work, loop.create_future())
        self._waiting.append(call)
        loop.call_soon(self._start)  # not now: calls of the same moment go together
        return await call.answer

    async def close(self) -> None:
        """Refuse the calls that wait, and finish those in work, or give them up after a while.

        What was given up was not acknowledged, and may be stored or not.
        """
        self._closed = True
        self._refuse_waiting("the store is closed")
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()

    def _start(self) -> None:
        while self._n_writers < MAX_WRITERS and (group := self._take()):
            self._n_writers += 1
            self._spawn(self._write(group))

    def _take(self) -> list[_Call[W, A]]:
        """Take what can be done now; a call that cannot holds up those after it in its slots."""
        group: list[_Call[W, A]] = []
        left: list[_Call[W, A]] = []
        room, taken = MAX_GROUP_CHARS, set(self._slots_in_work)
        for call in self._waiting:
            if call.answer.done():
                continue  # its caller has left
            if room > 0 and len(group) < MAX_GROUP and taken.isdisjoint(call.work.slots):
                group.append(call)
                room -= call.work.n_chars
                self._slots_in_work |= call.work.slots
            else:
                left.append(call)
            taken |= call.work.slots
        self._waiting = left
        return group

    async def _write(self, group: list[_Call[W, A]]) -> None:
        try:
            answered = await self._settle(group)
        finally:
            self._n_writers -= 1
        if answered:
            self._release(group)
        else:
            for call in group:
                self._spawn(self._write_alone(call))
            self._start()

    async def _write_alone(self, call: _Call[W, A]) -> None:
        await self._settle([call])
        self._release([call])

    async def _settle(self, group: list[_Call[W, A]]) -> bool:
        """Answer every call of a group, or none: then each is to be tried alone."""
        outcomes: Sequence[A | Exception]
        try:
            outcomes = await self._do([call.work for call in group])
        except StoreUnavailable as error:
            if isinstance(error.__cause__, PoolTimeout):
                self._refuse_waiting(error.reason)  # they would wait as long, and in vain
            outcomes = [StoreUnavailable(error.reason) for _ in group]
        except Exception as error:
            if len(group) > 1:
                return False
            outcomes = [error]
        for call, outcome in zip(group, outcomes, strict=True):
            call.settle(outcome)
        return True

    def _release(self, group: list[_Call[W, A]]) -> None:
        for call in group:
            self._slots_in_work -= call.work.slots
        self._start()

    def _refuse_waiting(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call.settle(StoreUnavailable(reason))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task that is no part of the request that happened to cause it."""
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
