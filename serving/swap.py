"""The served model follows the one that is live in the database.

A change is heard of by a notice, or seen at the next look. The new model is fetched, checked and
loaded beside the one in use, and takes its place only when it has scored a first text. One that
cannot be used is refused, and the model in use goes on.
"""

import asyncio
import errno
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import structlog

from serving.metrics import Metrics
from serving.telemetry import describe
from triage_ml.errors import ArtifactInvalid, NotFound, StoreUnavailable
from triage_ml.inference.artifact import MANIFEST, file_hash
from triage_ml.ports import LiveModel, ModelStore, Scorer

LOOK_EVERY = timedelta(seconds=5)
LISTEN_AGAIN = timedelta(seconds=5)
CANCEL_AGAIN = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
SPARED = timedelta(minutes=10)
START_PATIENCE = timedelta(seconds=20)
"""Longest that a start waits for the live model; on a local network its 60 MB take one or two."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_log = structlog.stdlib.get_logger("triage.swap")

Load = Callable[[Path], Scorer]
Use = Callable[[Scorer], None]


class Follower:
    """Keeps up with the live model of a store.

    Downloads go to `folder`, one folder each, named by their hash: a folder of that name holds
    that model or is damaged, whichever database it came from. `load` is blocking.
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
        self._folder = folder
        self._load = load
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
            _report(error)
        return None

    async def _one_before(self) -> Scorer | None:
        if not self._refused_until:
            return None
        for row in (await self._store.model_history())[1:]:
            folder = self._folder / row.sha256
            if folder.exists():
                with suppress(Exception):  # why it cannot be used was said when it was live
                    scorer = await asyncio.to_thread(self._load_checked, folder)
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
            scorer = await self._obtain(live)
        except (StoreUnavailable, OSError):
            self._metrics.model_changes.labels("failed").inc()
            raise
        except Exception as error:  # mostly the model's own fault; memory may be there later
            self._metrics.model_changes.labels("refused").inc()
            self._settle(live, behind=True)
            self._refused_until = time.monotonic() + LONGEST_PAUSE.total_seconds()
            write = _log.warning if known else _log.error
            write("model REFUSED: the one before goes on", **_named(live), **_reason(error))
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

    async def _obtain(self, live: LiveModel) -> Scorer:
        """Load what was downloaded before, or download it. Raises: ArtifactInvalid, NotFound."""
        folder = self._folder / live.sha256
        if folder.exists():
            try:
                return await asyncio.to_thread(self._load_checked, folder)
            except ArtifactInvalid as error:
                _log.warning("a downloaded model is damaged: fetched again", reason=error.reason)
                await asyncio.to_thread(shutil.rmtree, folder)
        await self._store.fetch_model(live.version, folder)
        try:
            return await asyncio.to_thread(self._load_checked, folder)
        except ArtifactInvalid:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

    def _load_checked(self, folder: Path) -> Scorer:
        if not (folder / MANIFEST).is_file() or file_hash(folder / MANIFEST) != folder.name:
            raise ArtifactInvalid(str(folder), f"{MANIFEST} is not the published one")
        return self._load(folder)

    async def _tidy(self) -> None:
        """Remove downloads, except of the live model and the one before: to go back at once."""
        try:
            history = await self._store.model_history()
            known = list(dict.fromkeys(row.sha256 for row in history))
            await asyncio.to_thread(_remove_but, self._folder, {self._in_use, *known[:2]})
        except Exception as error:  # the next change tries again
            _report(error)

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
                _report(error)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self) -> None:
        """Look as soon as the store tells of a change. Without it, looking alone is enough."""
        while True:
            try:
                async for _ in self._store.model_notices():
                    self._told.set()
            except StoreUnavailable as error:
                _log.debug("not listening", reason=error.reason)
            except Exception as error:
                _report(error)
            await asyncio.sleep(LISTEN_AGAIN.total_seconds())


@asynccontextmanager
async def following(follower: Follower, use: Use) -> AsyncIterator[None]:
    """Follow beside what is inside."""
    task = asyncio.create_task(follower.run(use))
    try:
        yield
    finally:
        while not task.done():  # a library may lose a cancellation to an answer that comes with it
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_AGAIN.total_seconds())


def _remove_but(folder: Path, kept: set[str | None]) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        # Another server of this folder may have fetched it a moment ago.
        old = time.time() - path.stat().st_mtime > SPARED.total_seconds()
        if old and _SHA256.fullmatch(path.name) and path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _report(error: Exception) -> None:
    _log.warning("the live model cannot be followed now", **_reason(error))


def _named(live: LiveModel) -> dict[str, str]:
    return {"version": live.version, "sha256": live.sha256[:12]}


def _reason(error: Exception) -> dict[str, object]:
    """Say why, in words where the words are our own."""
    if isinstance(error, ArtifactInvalid | StoreUnavailable):
        return {"reason": error.reason}
    if isinstance(error, NotFound):
        return {"reason": str(error)}
    if isinstance(error, OSError):
        return {"reason": error.strerror or errno.errorcode.get(error.errno or 0, "disk")}
    return describe(error)
