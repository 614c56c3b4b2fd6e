"""Models of the past by their version, wherever their artifacts still are."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from triage_ml.domain.taxonomy import Label
from triage_ml.errors import ArtifactInvalid, NotFound
from triage_ml.inference.artifact import MANIFEST, SHIPPED, file_hash, load_artifact
from triage_ml.inference.onnx import load_scorer
from triage_ml.ports import FoundModel, ModelStore, ReplayStore

Pull = Callable[[str, Path], Path]
"""From a model version and an empty folder to the folder of its artifact; blocking."""


class PublishedModels(ModelStore, ReplayStore, Protocol):
    """A database with published models."""


class ModelsAtHand:
    """Finds and loads models (`ports.PastModels`), each once.

    It looks at the folder of the settings, the downloads of a server, the shipped artifact, the
    files in the database, and what `pull` gives, in this order. What is fetched goes to `place`.
    """

    def __init__(
        self,
        store: PublishedModels,
        place: Path,
        *,
        downloads: Path,
        model_dir: Path | None = None,
        pull: Pull | None = None,
    ) -> None:
        self._store = store
        self._place = place
        self._downloads = downloads
        self._model_dir = model_dir
        self._pull = pull
        self._folders: dict[str, tuple[Path, str]] = {}
        self._loaded: dict[tuple[str, tuple[float, ...]], FoundModel] = {}

    async def find(self, version: str, severities: Mapping[Label, float]) -> FoundModel:
        key = version, tuple(severities[label] for label in Label)
        if key not in self._loaded:
            if version not in self._folders:
                self._folders[version] = await self._search(version)
            folder, where = self._folders[version]
            scorer = await asyncio.to_thread(load_scorer, folder, severities)
            self._loaded[key] = FoundModel(scorer, where)
        return self._loaded[key]

    async def _search(self, version: str) -> tuple[Path, str]:
        """Raises: NotFound naming every place and why not there; StoreUnavailable."""
        wanted = await self._store.find_model_sha256(version)
        said = []
        for where, look in self._places().items():
            try:
                folder = await look(version)
                await asyncio.to_thread(_require, folder, version, wanted)
            except NotFound:
                said.append(f"{where}: not there")
            except ArtifactInvalid as error:
                said.append(f"{where}: {error.reason}")
            except OSError as error:
                said.append(f"{where}: {error.strerror or type(error).__name__}")
            else:
                return folder, where
        raise NotFound("artifact", f"of model {version} ({'; '.join(said)})")

    def _places(self) -> dict[str, Callable[[str], Awaitable[Path]]]:
        places: dict[str, Callable[[str], Awaitable[Path]]] = {}
        if self._model_dir is not None:
            places["TRIAGE_MODEL_DIR"] = self._configured
        places["the downloads of a server"] = self._downloaded
        places["the shipped model"] = self._shipped
        places["the database"] = self._published
        if self._pull is not None:
            places["the registry"] = self._registered
        return places

    async def _configured(self, version: str) -> Path:
        return _named(self._model_dir or SHIPPED, version)

    async def _shipped(self, version: str) -> Path:
        return _named(SHIPPED, version)

    async def _downloaded(self, version: str) -> Path:
        for folder in sorted(self._downloads.glob("*")):
            if _version_of(folder) == version:
                return folder
        raise NotFound("artifact", version)

    async def _published(self, version: str) -> Path:
        folder = self._new_folder()
        await self._store.fetch_model(version, folder)
        return folder

    async def _registered(self, version: str) -> Path:
        if self._pull is None:
            raise NotFound("artifact", version)
        return await asyncio.to_thread(self._pull, version, self._new_folder())

    def _new_folder(self) -> Path:
        """Name a folder that nothing was fetched to: what was there may have been refused."""
        return Path(tempfile.mkdtemp(dir=self._place)) / "artifact"


@contextmanager
def models_at_hand(
    store: PublishedModels, data_dir: Path, model_dir: Path | None, pull: Pull | None = None
) -> Iterator[ModelsAtHand]:
    """Find models until left; what was fetched for it is removed then."""
    with tempfile.TemporaryDirectory(prefix="triage-models-") as place:
        yield ModelsAtHand(
            store, Path(place), downloads=data_dir / "models", model_dir=model_dir, pull=pull
        )


def _require(folder: Path, version: str, sha256: str | None) -> None:
    """Raises: ArtifactInvalid for what is damaged, or another model of the same name."""
    manifest = load_artifact(folder).manifest
    if manifest.model_version != version:
        raise ArtifactInvalid(str(folder), f"holds {manifest.model_version}")
    if sha256 is not None and file_hash(folder / MANIFEST) != sha256:
        raise ArtifactInvalid(str(folder), "another model of this name than the published one")


def _named(folder: Path, version: str) -> Path:
    """Raises: NotFound where the folder holds another version."""
    if _version_of(folder) != version:
        raise NotFound("artifact", version)
    return folder


def _version_of(folder: Path) -> str | None:
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return found.get("model_version") if isinstance(found, dict) else None
