"""Model artifacts in the database, and which of them is live.

What is stored is checked where it is read: each file against its SHA-256, and the caller holds
the manifest against the hash by which the version is known.
"""

import asyncio
import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import psycopg

from triage_ml.errors import ArtifactInvalid, Conflict, NotFound, StoreUnavailable
from triage_ml.ports import LiveModel, ModelArtifact
from triage_ml.storage.pool import QUERIES, Connection, Transactions
from triage_ml.storage.rollout import follow_live

CHANNEL = "model_live"
CHUNK_BYTES = 2**20
N_KEPT = 3
"""Versions, the last that were live, whose files are kept: to fetch and to roll back to."""

KEPT_AFTER_UPLOAD = timedelta(days=1)
RESERVE_BYTES = 200 * 2**20
"""Left free on the disk that a model is fetched to: the database's own log may be on it."""

ABANDONED = timedelta(hours=1)
_PART = ".part-"


class Models(Transactions):
    """Keeps artifacts in pieces; see `triage_ml.ports.ModelStore`."""

    async def publish_model(self, model: ModelArtifact, at: datetime) -> bool:
        async def work(connection: Connection) -> bool:
            await QUERIES.add_model(
                connection, version=model.version, manifest_sha256=model.sha256, at=at
            )
            known = await QUERIES.find_model(connection, version=model.version)
            if known["manifest_sha256"] != model.sha256:
                raise Conflict(f"another model was published as {model.version} before")
            if await QUERIES.keep_model_files(connection, version=model.version, at=at):
                return False
            for name in sorted(model.files):
                await _upload(connection, model, name, at)
            return True

        return await self._run(work)

    async def is_published(self, version: str) -> bool:
        async with self._connection() as connection:
            found = await QUERIES.has_model_files(connection, version=version)
        return bool(found["there"])

    async def make_live(self, version: str, at: datetime, by: str, why: str) -> bool:
        async def work(connection: Connection) -> bool:
            await QUERIES.lock_live_model(connection)
            live = await _history(connection, 1)
            if live and live[0].version == version:
                return False
            given = {"version": version, "at": at, "by": by, "why": why}
            if not await QUERIES.make_model_live(connection, **given):
                raise NotFound("published model", version)
            before = live[0].version if live else None
            await follow_live(connection, before, version, at, by, why)
            long_ago = at - KEPT_AFTER_UPLOAD
            await QUERIES.forget_models(connection, before=long_ago, n_kept=N_KEPT)
            return True

        return await self._run(work)

    async def live_model(self) -> LiveModel | None:
        return next(iter(await self.model_history(1)), None)

    async def model_history(self, limit: int = 100) -> list[LiveModel]:
        async with self._connection() as connection:
            return await _history(connection, limit)

    async def fetch_model(self, version: str, folder: Path) -> None:
        async with self._connection() as connection:
            files = [row async for row in QUERIES.model_files(connection, version=version)]
        if not files:
            raise NotFound("published model", version)
        part = await asyncio.to_thread(_make_part, folder, sum(row["n_bytes"] for row in files))
        try:
            for row in files:
                await self._fetch_file(version, row["name"], row["sha256"], part / row["name"])
            await asyncio.to_thread(_put_in_place, part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    async def model_notices(self) -> AsyncGenerator[None]:
        try:
            # Not of the pool: it would be held for as long as the process listens.
            url = str(self._pool.conninfo)
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, connect_timeout=5, application_name="triage"
            )
            async with connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                yield
                async with aclosing(connection.notifies()) as notices:
                    async for _ in notices:
                        yield
        except psycopg.Error as error:
            raise StoreUnavailable("the connection that listens was refused or lost") from error

    async def _fetch_file(self, version: str, name: str, sha256: str, path: Path) -> None:
        """Write one file. Each piece is a transaction: a slow disk must not keep one open."""
        found = hashlib.sha256()
        with await asyncio.to_thread(path.open, "xb") as file:
            number = 0
            while (piece := await self._piece(version, name, number)) is not None:
                await asyncio.to_thread(_append, file, piece, found)
                number += 1
        if found.hexdigest() != sha256:
            raise ArtifactInvalid(version, f"{name} in the database does not match its checksum")

    async def _piece(self, version: str, name: str, number: int) -> bytes | None:
        async with self._connection() as connection:
            row = await QUERIES.model_chunk(connection, version=version, name=name, number=number)
        return None if row is None else bytes(row["bytes"])


async def _history(connection: Connection, limit: int) -> list[LiveModel]:
    return [LiveModel(**row) async for row in QUERIES.live_models(connection, limit=limit)]


async def _upload(connection: Connection, model: ModelArtifact, name: str, at: datetime) -> None:
    """Store one file in pieces. Raises: ArtifactInvalid when it is not what the artifact says."""
    path, found = model.folder / name, hashlib.sha256()
    place = {"version": model.version, "name": name}
    try:
        with path.open("rb") as file:
            n_bytes = os.fstat(file.fileno()).st_size
            sha256 = model.files[name]
            await QUERIES.add_model_file(connection, **place, sha256=sha256, n_bytes=n_bytes, at=at)
            number = 0
            while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
                found.update(piece)
                await QUERIES.add_model_chunk(connection, **place, number=number, bytes=piece)
                number += 1
    except OSError as error:
        raise ArtifactInvalid(str(path), error.strerror or "cannot be read") from error
    if found.hexdigest() != sha256:
        raise ArtifactInvalid(str(model.folder), f"{name} does not match its checksum")


def _append(file: BinaryIO, piece: bytes, found: "hashlib._Hash") -> None:
    found.update(piece)
    file.write(piece)


def _make_part(folder: Path, n_bytes: int) -> Path:
    """Make the folder that is filled first, and remove those of downloads that were killed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for old in folder.parent.glob(f"{_PART}*"):
        if time.time() - old.stat().st_mtime > ABANDONED.total_seconds():
            shutil.rmtree(old, ignore_errors=True)
    if shutil.disk_usage(folder.parent).free < n_bytes + RESERVE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder.parent))
    return Path(tempfile.mkdtemp(prefix=_PART, dir=folder.parent))


def _put_in_place(part: Path, folder: Path) -> None:
    try:
        part.rename(folder)
    except OSError as error:
        # Another process that shares the disk was faster: the same files are there.
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
