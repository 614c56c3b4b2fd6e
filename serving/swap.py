"""The served model follows the one that is live in the database.

A change is heard of by a notice, or seen at the next look. The new model is fetched, checked and
loaded beside the one in use, and takes its place only when it has scored a first text. One that
cannot be used is refused, and the model in use goes on.
"""

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from serving.downloads import Downloads, Load
from serving.metrics import Metrics
from serving.telemetry import describe
from triage_ml.errors import ArtifactInvalid, NotFound, StoreUnavailable
from triage_ml.ports import LiveModel, ModelStore, Scorer

LOOK_EVERY = timedelta(seconds=5)
LISTEN_AGAIN = timedelta(seconds=5)
CANCEL_AGAIN = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
START_PATIENCE = timedelta(seconds=20)
"""Longest that a start waits for the live model; on a local network its 60 MB take one or two."""

_log = structlog.stdlib.get_logger("triage.swap")

Use = Callable[[Scorer], None]


class Follower:
    """Keeps up with the live model of a store. Downloads go to `folder`.

    Who is in `told` is told of every notice.
    """

    def __init__(
        self,
        store: ModelStore,
        folder: Path,
        load: Load,
        metrics: Metrics,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        self._store = store
        self.downloads = Downloads(store, folder, load)
        self.told: list[asyncio.Event] = []
        self._metrics = metrics
        self._look_every = look_every
        self._settled = 0  # number of the last change that was taken or refused
        self._refused_until = 0.0  # on the clock of time.monotonic
        self._in_use: str | None = None  # hash of the model that was given last
        self._told = asyncio.Event()

    async def first(self) -> Scorer | None:
        """Give the live model for the start, None where there is none or not in time.

        Instead of a refused one it is the newest before it that is still here.
        """
        try:
            async with asyncio.timeout(START_PATIENCE.total_seconds()):
                return await self.look() or await self._one_before()
        except TimeoutError:
            _log.warning("the live model takes long to fetch: started without it")
        except (StoreUnavailable, OSError) as error:
            report(error)
        return None

    async def _one_before(self) -> Scorer | None:
        if not self._refused_until:
            return None
        for row in (await self._store.model_history())[1:]:
            if self.downloads.has(row.sha256):
                with suppress(Exception):  # why it cannot be used was said when it was live
                    scorer = await self.downloads.load(row.sha256)
                    self._in_use = row.sha256
                    _log.warning("started with a model that was live before", version=row.version)
                    return scorer
        return None

    async def run(self, use: Use) -> None:
        """Give `use` every model that goes live, until cancelled."""
        async with asyncio.TaskGroup() as group:  # cancelled, it waits until both have ended
            group.create_task(self._follow(use))
            group.create_task(self._listen())

    async def look(self) -> Scorer | None:
        """Give the live model when it is another one than before and can be used.

        Raises: StoreUnavailable, OSError; another look may then succeed.
        """
        live = await self._store.live_model()
        known = live is not None and live.number == self._settled
        if live is None or (known and not 0 < self._refused_until <= time.monotonic()):
            return None
        if live.sha256 == self._in_use:
            self._settle(live, behind=False)
            return None
        self._metrics.model_behind.set(1)
        try:
            scorer = await self.downloads.obtain(live.version, live.sha256)
        except (StoreUnavailable, OSError):
            self._metrics.model_changes.labels("failed").inc()
            raise
        except Exception as error:  # mostly the model's own fault; memory may be there later
            self._metrics.model_changes.labels("refused").inc()
            self._settle(live, behind=True)
            self._refused_until = time.monotonic() + LONGEST_PAUSE.total_seconds()
            write = _log.warning if known else _log.error
            write("model REFUSED: the one before goes on", **_named(live), **reason_of(error))
            return None
        self._in_use = live.sha256
        self._metrics.model_changes.labels("taken").inc()
        self._settle(live, behind=False)
        _log.info("model goes live", **_named(live), by=live.by)
        return scorer

    def _settle(self, live: LiveModel, *, behind: bool) -> None:
        self._settled = live.number
        self._refused_until = 0.0
        self._metrics.model_behind.set(behind)

    async def _tidy(self) -> None:
        """Remove downloads, except of the live model and the one before: to go back at once."""
        try:
            history = await self._store.model_history()
            known = list(dict.fromkeys(row.sha256 for row in history))
            await self.downloads.tidy({self._in_use, *known[:2]})
        except Exception as error:  # the next change tries again
            report(error)

    async def _follow(self, use: Use) -> None:
        await self._tidy()
        pause = self._look_every
        while True:
            with suppress(TimeoutError):
                # Not wait_for: when both come at once, that of Python 3.11 loses a cancellation.
                async with asyncio.timeout(pause.total_seconds()):
                    await self._told.wait()
            self._told.clear()
            try:
                scorer = await self.look()
                if scorer is not None:
                    use(scorer)
                    await self._tidy()
                pause = self._look_every
            except Exception as error:
                report(error)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self) -> None:
        """Look as soon as the store tells of a change. Without it, looking alone is enough."""
        while True:
            try:
                async for _ in self._store.model_notices():
                    for event in (self._told, *self.told):
                        event.set()
            except StoreUnavailable as error:
                _log.debug("not listening", reason=error.reason)
            except Exception as error:
                report(error)
            await asyncio.sleep(LISTEN_AGAIN.total_seconds())


@asynccontextmanager
async def following(follower: Follower, use: Use) -> AsyncIterator[None]:
    """Follow beside what is inside."""
    async with beside(follower.run(use)):
        yield


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do endless work beside what is inside."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        while not task.done():  # a library may lose a cancellation to an answer that comes with it
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_AGAIN.total_seconds())


def report(error: Exception) -> None:
    _log.warning("the live model cannot be followed now", **reason_of(error))


def _named(live: LiveModel) -> dict[str, str]:
    return {"version": live.version, "sha256": live.sha256[:12]}


def reason_of(error: Exception) -> dict[str, object]:
    """Say why, in words where the words are our own."""
    if isinstance(error, ArtifactInvalid | StoreUnavailable):
        return {"reason": error.reason}
    if isinstance(error, NotFound):
        return {"reason": str(error)}
    if isinstance(error, OSError):
        return {"reason": error.strerror or errno.errorcode.get(error.errno or 0, "disk")}
    return describe(error)
