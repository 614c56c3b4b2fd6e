"""The models of a comparison: where each is found, and what it says of past cases."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from triage_ml.commands.model_access import has_registry, open_registry
from triage_ml.errors import NotFound, SetupFailed

if TYPE_CHECKING:
    from triage_ml.domain.policy import Policy
    from triage_ml.inference.artifact import Artifact
    from triage_ml.ports import Scorer
    from triage_ml.storage.postgres import PostgresCaseStore
    from triage_ml.workflow.side_by_side import History, Scored, Tick


@dataclass(frozen=True, slots=True)
class _Found:
    """A version; without a folder only its recorded scores can be had, and nothing is known of
    what it learned from.
    """

    version: str
    folder: Path | None = None
    learned_until: datetime | None = None
    learning_known: bool = False


async def scores_of(
    store: "PostgresCaseStore",
    history: "History",
    names: Sequence[str],
    policies: "Sequence[Policy]",
    tick: "Tick",
) -> "list[Scored]":
    """Give what each model says by its policy; who stands there twice scores once.

    Raises: NotFound, ArtifactInvalid, Conflict, and what the registry raises.
    """
    with ExitStack() as stack:  # what is fetched goes when everything is scored
        found = {name: await _find(store, name, stack) for name in dict.fromkeys(names)}
        scored: dict[tuple[str, int], Scored] = {}
        for name, rules in zip(names, policies, strict=True):
            key = name, id(rules)
            if key not in scored:
                scored[key] = await _score(store, history, found[name], rules, tick)
        return [scored[name, id(rules)] for name, rules in zip(names, policies, strict=True)]


async def _score(
    store: "PostgresCaseStore",
    history: "History",
    found: _Found,
    rules: "Policy",
    tick: "Tick",
) -> "Scored":
    """Score with a version; recorded scores count where severities mean the same as now."""
    from serving.settings import Settings
    from triage_ml.policy import load_policy
    from triage_ml.workflow.side_by_side import Scored
    from triage_ml.workflow.simulate import score_history

    now = load_policy(Settings().policy_dir)
    recorded = now.typical_severities == rules.typical_severities
    load = None if found.folder is None else partial(_load, found.folder, rules)
    scores = await score_history(
        store, history.cases, found.version, load, recorded=recorded, tick=tick
    )
    return Scored(found.version, scores, found.learned_until, found.learning_known)


def _load(folder: Path, rules: "Policy") -> "Scorer":
    from triage_ml.inference.onnx import load_scorer

    return load_scorer(folder, rules.typical_severities)


async def _find(store: "PostgresCaseStore", name: str, stack: ExitStack) -> _Found:
    """Find a model, and the folder of its artifact where that can be had.

    Raises: NotFound, ArtifactInvalid, and what the registry raises.
    """
    from triage_ml.inference.artifact import MANIFEST, SHIPPED, load_artifact

    if name == "live":
        live = await store.live_model()
        name = live.version if live else "shipped"
    shipped = SHIPPED if (SHIPPED / MANIFEST).is_file() else None
    if name == "shipped":
        return _of(load_artifact(SHIPPED))
    if os.sep in name or (Path(name) / MANIFEST).is_file():
        return _of(load_artifact(Path(name)))
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-"))) / "artifact"
    try:
        await store.fetch_model(name, place)
        return _of(load_artifact(place))
    except NotFound:
        if shipped and (found := _of(load_artifact(shipped))).version == name:
            return found
    return _registered(name, stack)


def _of(artifact: "Artifact") -> _Found:
    manifest = artifact.manifest
    known = manifest.learned_until, manifest.learning_known
    return _Found(manifest.model_version, artifact.folder, *known)


def _registered(name: str, stack: ExitStack) -> _Found:
    """Ask the registry, where there is one; a version whose files are gone may be recorded."""
    store = os.environ.get("MLFLOW_TRACKING_URI")
    if not has_registry(store):
        return _Found(name)
    try:
        registry = open_registry(store)
        artifact = stack.enter_context(registry.fetched(registry.get(name)))
    except (NotFound, SetupFailed):
        return _Found(name)
    return _of(artifact)
