"""Policies as they were, and which of them was in use when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy whole: `files` is the text of each by its name; `sha256` that of what they say."""

    version: str
    sha256: str
    files: Mapping[str, str]
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyUse:
    """A server or worker began with a policy. `number` grows with every change."""

    number: int
    version: str
    sha256: str
    at: datetime


class PolicyStore(Protocol):
    """Keeps every policy that was ever in use. Raises, everywhere: StoreUnavailable."""

    async def keep_policy(self, policy: KeptPolicy) -> list[str]:
        """Keep a policy that begins to be in use, unless it is kept already.

        The start is noted when the last one noted had another policy. Gives the hashes of other
        contents that were kept under the same version, oldest first.
        """
        ...

    async def kept_policies(self) -> list[KeptPolicy]:
        """Give every policy with its files, oldest first."""
        ...

    async def find_policies(self, version: str) -> list[KeptPolicy]:
        """Give what was kept under a version, oldest first: one, unless it was changed unnamed."""
        ...

    async def policy_history(self, limit: int = 100) -> list[PolicyUse]:
        """Give the newest changes, newest first."""
        ...
