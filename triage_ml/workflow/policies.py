"""Policies are kept as they come into use, to be asked for years later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from triage_ml.domain.policy import Policy
from triage_ml.domain.replay import Gone
from triage_ml.errors import PolicyInvalid
from triage_ml.ports import (
    Clock,
    KeptPolicy,
    LiveModel,
    ModelStore,
    ModelUse,
    PolicyStore,
    PolicyUse,
    ReplayStore,
)

Files = Mapping[str, str]
ReadPolicy = Callable[[Files], Policy]

AROUND = timedelta(hours=1)
"""Scores of so long before a moment tell which models were at work."""

MAX_CHANGES = 10_000


class HistoryStore(PolicyStore, ModelStore, ReplayStore, Protocol):
    """What a moment of the past is told from."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was in use at a time; None where nothing is known of it.

    `model` is the one that servers followed; without one they had the shipped one or a folder's.
    `scored` are the models whose scores were recorded in the hour before.
    """

    at: datetime
    model: LiveModel | None
    policy: PolicyUse | None
    scored: tuple[ModelUse, ...]


async def keep_policy(store: PolicyStore, policy: Policy, files: Files, clock: Clock) -> list[str]:
    """Keep the policy that a server or worker begins with.

    Gives the hashes of other contents of the same version: none, if people raise the version with
    every change.
    """
    return await store.keep_policy(KeptPolicy(policy.version, policy.sha256, files, clock.now()))


async def check_version(store: PolicyStore, policy: Policy) -> None:
    """Raises: PolicyInvalid where this version was in use with other contents."""
    for kept in await store.find_policies(policy.version):
        if kept.sha256 != policy.sha256:
            since = f"{kept.first_seen_at:%Y-%m-%d %H:%M} UTC"
            reason = f"{policy.version} was in use with other contents since {since}; raise it"
            raise PolicyInvalid("policy.toml", "version", reason)


async def in_use_at(store: HistoryStore, at: datetime) -> Moment:
    """Tell which model and which policy were in use at a time."""
    models = await store.model_history(MAX_CHANGES)
    policies = await store.policy_history(MAX_CHANGES)
    scored = await store.models_used(at - AROUND, at + timedelta(microseconds=1))
    return Moment(
        at=at,
        model=next((row for row in models if row.at <= at), None),
        policy=next((row for row in policies if row.at <= at), None),
        scored=tuple(scored),
    )


class PastPolicies:
    """Policies by version and content: the one of today, and those that were kept."""

    def __init__(self, store: PolicyStore, read: ReadPolicy, today: Policy) -> None:
        self._store = store
        self._read = read
        self._known = {(today.version, today.sha256): today}

    async def get(self, version: str, sha256: str) -> Policy:
        """Raises: Gone."""
        name = (version, sha256)
        if name not in self._known:
            self._known[name] = self._readable(version, await self._kept(version, sha256))
        return self._known[name]

    async def at(self, at: datetime) -> Policy | None:
        """Give the policy in use at a time, as far as starts of servers tell."""
        for row in await self._store.policy_history(MAX_CHANGES):
            if row.at <= at:
                return await self.get(row.version, row.sha256)
        return None

    async def _kept(self, version: str, sha256: str) -> KeptPolicy:
        for kept in await self._store.find_policies(version):
            if kept.sha256 == sha256:
                return kept
        raise Gone(f"policy {version} ({sha256[:12]}) was not kept in this database")

    def _readable(self, version: str, kept: KeptPolicy) -> Policy:
        try:
            found = self._read(kept.files)
        except PolicyInvalid as error:
            reason = f"policy {version} cannot be read by this release: {error}"
            raise Gone(reason) from error
        if found.sha256 != kept.sha256:
            raise Gone(f"policy {version} is not what its hash says: it was changed")
        return found
