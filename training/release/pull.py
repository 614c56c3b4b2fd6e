"""Bring a registered artifact into a folder, whole or not at all."""

import shutil
from pathlib import Path

from training.release.records import Version
from training.release.registry import Registry
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import MANIFEST, Artifact, load_artifact


def pull(registry: Registry, version: Version, folder: Path) -> Artifact:
    """Download beside `folder`, verify, and put it in its place; an artifact there is replaced.

    Raises: ArtifactInvalid and changes nothing; InvalidInput where the folder holds other things.
    """
    folder = folder.absolute()
    _recover(folder)
    _require_replaceable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with registry.fetched(version, beside=folder.parent) as artifact:
            _swap(artifact.folder, folder)
    except OSError as error:
        raise InvalidInput(str(folder), error.strerror or str(error)) from error
    return load_artifact(folder)


def _swap(new: Path, folder: Path) -> None:
    """Rename the old folder aside and the new one in; back, if that fails."""
    old = _aside(folder)
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        _recover(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Undo what a killed pull left between its two renames."""
    old = _aside(folder)
    if old.exists() and not folder.exists():
        old.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")


def _require_replaceable(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InvalidInput(str(folder), "is a file")
    if any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise InvalidInput(str(folder), "holds something else than a model artifact")
