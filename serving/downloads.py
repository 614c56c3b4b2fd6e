"""Models of the database on this machine's disk: fetched, checked, loaded, tidied."""

import asyncio
import re
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog

from triage_ml.errors import ArtifactInvalid
from triage_ml.inference.artifact import MANIFEST, file_hash
from triage_ml.ports import ModelStore, Scorer

SPARED = timedelta(minutes=10)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_log = structlog.stdlib.get_logger("triage.swap")

Load = Callable[[Path], Scorer]


class Downloads:
    """One folder each, named by its hash: a folder of that name holds that model or is damaged,
    whichever database it came from. `load` is blocking. `spared` is not tidied away.
    """

    def __init__(self, store: ModelStore, folder: Path, load: Load) -> None:
        self._store = store
        self._folder = folder
        self._load = load
        self.spared: set[str] = set()

    async def obtain(self, version: str, sha256: str) -> Scorer:
        """Load what was downloaded before, or download it. Raises: ArtifactInvalid, NotFound."""
        folder = self._folder / sha256
        if folder.exists():
            try:
                return await self.load(sha256)
            except ArtifactInvalid as error:
                _log.warning("a downloaded model is damaged: fetched again", reason=error.reason)
                await asyncio.to_thread(shutil.rmtree, folder)
        await self._store.fetch_model(version, folder)
        try:
            return await self.load(sha256)
        except ArtifactInvalid:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise

    def has(self, sha256: str) -> bool:
        return (self._folder / sha256).exists()

    async def load(self, sha256: str) -> Scorer:
        """Load a folder that is here. Raises: ArtifactInvalid, and what loading raises."""
        return await asyncio.to_thread(self._load_checked, self._folder / sha256)

    def _load_checked(self, folder: Path) -> Scorer:
        if not (folder / MANIFEST).is_file() or file_hash(folder / MANIFEST) != folder.name:
            raise ArtifactInvalid(str(folder), f"{MANIFEST} is not the published one")
        return self._load(folder)

    async def tidy(self, kept: set[str | None]) -> None:
        """Remove downloads but those."""
        await asyncio.to_thread(_remove_but, self._folder, kept | self.spared)


def _remove_but(folder: Path, kept: set[str | None]) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        # Another server of this folder may have fetched it a moment ago.
        old = time.time() - path.stat().st_mtime > SPARED.total_seconds()
        if old and _SHA256.fullmatch(path.name) and path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
