"""From the registry to the servers: the champion is published to their database and made live.

The registry's log decides what is live, and the database follows it. It is written last and can
be brought in line at any time, so an interruption leaves servers on the champion before. One change
goes the other way: the guard of a probation has only the database, and the registry takes its
rollback over before anything else is done.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from training.release.history import was_taken_over
from training.release.records import Version
from training.release.registry import Registry
from triage_ml.domain.rollout import GUARD
from triage_ml.errors import Conflict, NotFound, TriageError
from triage_ml.inference.artifact import to_publish
from triage_ml.ports import Clock, LiveModel, ModelStore


class NotTold(TriageError):
    """The champion changed in the registry, but the servers' database does not say so yet."""

    def __init__(self, version: Version, reason: TriageError) -> None:
        super().__init__(
            f"version {version.number} ({version.model_version}) is the champion, but servers "
            f"still follow the one before: {reason}; run `triage model publish` to tell them"
        )
        self.version = version
        self.reason = reason


async def take_over(registry: Registry, store: ModelStore) -> Version | None:
    """Bring into the registry that the guard made the former model live again in the database.

    Only there the guard can act, so this is the one change that the registry takes from it. None
    when there is nothing to take over. Raises: Conflict when the registry does not know the
    version: what the guard put away must not come back by itself.
    """
    changes = registry.changes()
    back = _sent_away(await store.model_history(), changes[-1].model_version) if changes else None
    if back is None or was_taken_over(changes, back.at):
        return None
    try:
        known = registry.get(back.version)
    except NotFound:
        raise Conflict(
            f"the guard made {back.version} live, which the registry does not know, instead of "
            f"{changes[-1].model_version}: promote a registered version to go on"
        ) from None
    return registry.take_back(known, back.at, GUARD, back.why)


def _sent_away(rows: Sequence[LiveModel], champion: str) -> LiveModel | None:
    """Find the guard's rollback from the champion, unless that went live again afterwards.

    `rows` are newest first; people may have made others live since, in the database alone.
    """
    for after, row in pairwise(rows):
        if after.version == champion:
            return None
        if row.version == champion:
            return after if after.by == GUARD else None
    return None


async def release(
    registry: Registry, chosen: Version, change: Callable[[], Version], store: ModelStore, at: Clock
) -> Version:
    """Publish `chosen`, `change` the champion to it, and make it live for the servers.

    What the database refuses does not become the champion. A champion that servers were not told
    of is told, not refused. Raises: NotTold; what publishing and `change` raise, with nothing
    changed.
    """
    await publish(registry, chosen, store, at)
    try:
        changed = change()
    except Conflict:
        if not await catch_up(registry, store, at):
            raise
        return chosen
    try:
        await catch_up(registry, store, at)
    except TriageError as error:
        raise NotTold(changed, error) from error
    return changed


async def catch_up(registry: Registry, store: ModelStore, at: Clock) -> bool:
    """Make the champion live in the database; False when it is already.

    Two that do so at once end alike: who writes last reads the log after it.
    Raises: Conflict without a champion, or when its version was published with other files;
    ArtifactInvalid.
    """
    told = False
    while True:
        changes = registry.changes()
        if not changes:
            raise Conflict("there is no champion to publish")
        newest = changes[-1]
        version = registry.get(str(newest.version))
        await publish(registry, version, store, at)
        told |= await store.make_live(version.model_version, at.now(), newest.by, newest.why)
        if registry.changes()[-1] == newest:
            return told


async def publish(registry: Registry, version: Version, store: ModelStore, at: Clock) -> None:
    """Store a version's artifact in the database. Raises: ArtifactInvalid, Conflict."""
    with registry.fetched(version) as artifact:
        await store.publish_model(to_publish(artifact), at.now())
