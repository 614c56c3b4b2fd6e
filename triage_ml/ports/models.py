"""Published models, and which of them is live."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ModelArtifact:
    """A verified model folder to publish.

    `files` is file name -> SHA-256, the manifest among them; `sha256` is the manifest's, and
    since it holds the others, that of the whole.
    """

    version: str
    sha256: str
    folder: Path
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A version was made live. `number` grows with every change."""

    number: int
    version: str
    sha256: str
    at: datetime
    by: str
    why: str


class ModelStore(Protocol):
    """Published models and which of them is live. Raises, everywhere: StoreUnavailable."""

    async def publish_model(self, model: ModelArtifact, at: datetime) -> bool:
        """Store an artifact's files whole; False when they were there.

        Raises: Conflict when the version was published with another manifest;
        ArtifactInvalid when a file is not what the artifact says.
        """
        ...

    async def is_published(self, version: str) -> bool:
        """Say whether the files of a version are there."""
        ...

    async def make_live(self, version: str, at: datetime, by: str, why: str) -> bool:
        """Make a published version the live one and tell who listens; False when it is already.

        A trial follows: its version goes on probation, any other ends it. Files of versions that
        were not live for long are dropped. Raises: NotFound.
        """
        ...

    async def live_model(self) -> LiveModel | None: ...

    async def model_history(self, limit: int = 100) -> list[LiveModel]:
        """Give the newest changes, newest first."""
        ...

    async def fetch_model(self, version: str, folder: Path) -> None:
        """Write the files of a version into the new folder `folder`, which appears whole.

        Raises: NotFound; ArtifactInvalid when a file does not match its checksum; OSError when
        the disk does not take it.
        """
        ...

    def model_notices(self) -> AsyncGenerator[None]:
        """Listen: give once when it begins, then after each change. A notice may get lost."""
        ...
