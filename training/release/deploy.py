"""From the registry to the servers: the champion is published to their database and made live.

The registry's log decides what is live, and the database follows it. It is written last and can
be brought in line at any time, so an interruption leaves servers on the champion before.
"""

from collections.abc import Callable

from training.release.records import Version, fingerprint
from training.release.registry import Registry
from triage_ml.errors import Conflict, TriageError
from triage_ml.inference.artifact import MANIFEST, Artifact
from triage_ml.ports import Clock, ModelArtifact, ModelStore


class NotTold(TriageError):
    """The champion changed in the registry, but the servers' database does not say so yet."""

    def __init__(self, version: Version, reason: TriageError) -> None:
        super().__init__(
            f"version {version.number} ({version.model_version}) is the champion, but servers "
            f"still follow the one before: {reason}; run `triage model publish` to tell them"
        )
        self.version = version
        self.reason = reason


async def release(
    registry: Registry, chosen: Version, change: Callable[[], Version], store: ModelStore, at: Clock
) -> Version:
    """Publish `chosen`, `change` the champion to it, and make it live for the servers.

    What the database refuses does not become the champion. A champion that servers were not told
    of is told, not refused. Raises: NotTold; what publishing and `change` raise, with nothing
    changed.
    """
    await _publish(registry, chosen, store, at)
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
        await _publish(registry, version, store, at)
        told |= await store.make_live(version.model_version, at.now(), newest.by, newest.why)
        if registry.changes()[-1] == newest:
            return told


async def _publish(registry: Registry, version: Version, store: ModelStore, at: Clock) -> None:
    with registry.fetched(version) as artifact:
        await store.publish_model(_to_publish(artifact), at.now())


def _to_publish(artifact: Artifact) -> ModelArtifact:
    own = fingerprint(artifact)
    manifest = artifact.manifest
    files = {**manifest.files, MANIFEST: own}
    return ModelArtifact(manifest.model_version, own, artifact.folder, files)
