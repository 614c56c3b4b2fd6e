"""Model versions in MLflow's registry: only those whose gates pass, and which one is live.

A version is a run with the artifact folder and the reports under it. Which version is live
follows from the log (history.py); the alias `champion` says the same to other users of
MLflow and is set after it.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from training.release import gates, history
from training.release.records import (
    Version,
    adopted_reports,
    fingerprint,
    read_reports,
    require_own_reports,
    require_same_model,
    tags_of,
    training_code,
    version_of,
)
from training.release.store import first_line, make_experiment, one_line, open_client
from training.reports import read_stamps
from triage_ml.errors import ArtifactInvalid, Conflict, NotFound
from triage_ml.inference.artifact import MANIFEST, Artifact, load_artifact

MODEL = "triage"
CHAMPION, CHALLENGER = "champion", "challenger"
ROOT = Path("var")
MAX_VERSIONS = 10_000  # what one search gives; MLflow takes 200,000 at most


class Registry:
    """The registered model "triage" in one MLflow store."""

    def __init__(self, client: Any, root: Path = ROOT, artifacts: str | None = None) -> None:
        self._client = client
        self._root = root
        self._artifacts = artifacts

    @classmethod
    def open(
        cls, store: str | None = None, root: Path = ROOT, artifacts: str | None = None
    ) -> Self:
        """Open a store, and set the champion where a killed command could not."""
        registry = cls(open_client(store, root), root, artifacts)
        registry._settle()
        return registry

    @one_line
    def versions(self) -> tuple[Version, ...]:
        """List the versions, newest first, without those that something else put there."""
        stored = self._client.search_model_versions(f"name = '{MODEL}'", max_results=MAX_VERSIONS)
        aliases = self._aliases()
        found = (version_of(x, aliases) for x in stored if "manifest" in x.tags)
        return tuple(sorted(found, key=lambda x: -x.number))

    @one_line
    def get(self, reference: str) -> Version:
        """Find by number, alias or model version. Raises: NotFound."""
        for version in self.versions():
            if reference in (str(version.number), version.model_version, *version.aliases):
                return version
        raise NotFound("registered model", reference)

    @one_line
    def register(self, folder: Path, limits: gates.Limits) -> Version:
        """Make a version of a finished working folder; it becomes the challenger.

        Raises: GatesFailed, ArtifactInvalid, Conflict when it is there already.
        """
        artifact = load_artifact(folder / "artifact")
        reports = read_reports(folder)
        self._require_this_champion(folder, reports)
        judged = gates.check_gates(reports, limits, self._champion_reports())
        failed = tuple(gate for gate in judged if not gate.passed)
        if failed:
            raise gates.GatesFailed(failed)
        require_same_model(artifact, reports["evaluate"])
        require_own_reports(artifact, read_stamps(folder))
        self._refuse_twice(artifact)
        tags = tags_of(artifact, judged) | training_code(folder, self._client)
        number = self._deposit(artifact, {**reports, "gates": [asdict(x) for x in judged]}, tags)
        self._client.set_registered_model_alias(MODEL, CHALLENGER, number)
        return self.get(number)

    @one_line
    def name_challenger(self, version: Version) -> None:
        """Say that a version is the challenger, where a killed command could not.

        Only the newest version is, and only if it is not live.
        """
        newest = max(found.number for found in self.versions())
        live = history.live_version(self.changes())
        if version.number == newest and version.number != live:
            self._client.set_registered_model_alias(MODEL, CHALLENGER, str(version.number))

    def require_champion(self, artifact: Artifact) -> None:
        """Raises: Conflict when another artifact is the champion: what continues this one could
        not be registered."""
        champion = self.champion()
        if champion is not None and champion.tags["manifest"] != fingerprint(artifact):
            raise Conflict(
                f"{artifact.manifest.model_version} is not the champion, "
                f"{champion.model_version} is: continue that one, or do not register"
            )

    @one_line
    def deposit_adopted(self, folder: Path, by: str, why: str) -> Version:
        """Make a version of an artifact without working folder; its gates are not run.

        Only a registry without champion takes one. Raises: Conflict, ArtifactInvalid, InvalidInput.
        """
        history.check_reason(by, why)
        artifact = load_artifact(folder)
        self._refuse_second_champion()
        for version in self.versions():
            if version.tags["manifest"] == fingerprint(artifact):
                return version  # of an adoption that was interrupted, or registered before
        tags = tags_of(artifact, ()) | {"code": "unknown", "adopted": why}
        return self.get(self._deposit(artifact, adopted_reports(artifact), tags))

    def adopt(self, version: Version, by: str, why: str) -> Version:
        """Make a deposited version the first champion. Raises: Conflict when there is one."""
        self._refuse_second_champion()
        return self._go_live(history.ADOPT, version, by, why)

    def champion(self) -> Version | None:
        """Find the version that is live by the log."""
        live = history.live_version(self.changes())
        return None if live is None else self.get(str(live))

    def promote(self, reference: str, by: str, why: str) -> Version:
        """Make a version live. Raises: ArtifactInvalid, Conflict when it is already."""
        return self._go_live(history.PROMOTE, self.get(reference), by, why)

    def rollback(self, by: str, why: str) -> Version:
        """Return to the champion before this one. Raises: Conflict when there is none."""
        return self._go_live(history.ROLLBACK, self.before(), by, why)

    def take_back(self, version: Version, at: datetime, by: str, why: str) -> Version:
        """Return to a version as of a moment that has passed. Raises: ArtifactInvalid, Conflict."""
        return self._go_live(history.ROLLBACK, version, by, why, at)

    def before(self) -> Version:
        """Find the version that a rollback returns to. Raises: Conflict when there is none."""
        number = history.version_before(self.changes())
        if number is None:
            raise Conflict("there is no champion to return to")
        return self.get(str(number))

    @one_line
    def changes(self) -> tuple[history.Change, ...]:
        return history.read_changes(self._model_tags())

    @one_line
    def reports(self, version: Version) -> dict[str, Any]:
        """Read the reports a version was judged by."""
        with tempfile.TemporaryDirectory() as place:
            self._client.download_artifacts(version.run_id, "reports", place)
            return read_reports(Path(place) / "reports")

    @contextmanager
    def fetched(self, version: Version, beside: Path | None = None) -> Iterator[Artifact]:
        """Download and verify an artifact. Raises: ArtifactInvalid, naming what is wrong.

        The folder is on the disk of `beside`; what is left of it at the end is removed.
        """
        with tempfile.TemporaryDirectory(prefix=".triage-", dir=beside) as place:
            folder = self._download(version, place)
            artifact = load_artifact(folder)
            if fingerprint(artifact) != version.tags["manifest"]:
                raise ArtifactInvalid(
                    f"of version {version.number}", f"{MANIFEST} is not the registered one"
                )
            yield artifact

    def _download(self, version: Version, place: str) -> Path:
        from mlflow.exceptions import MlflowException

        try:
            return Path(self._client.download_artifacts(version.run_id, "artifact", place))
        except (MlflowException, OSError) as error:
            raise ArtifactInvalid(f"of version {version.number}", first_line(error)) from error

    @one_line
    def _go_live(
        self, step: str, version: Version, by: str, why: str, at: datetime | None = None
    ) -> Version:
        now = at or datetime.now(UTC)
        change = history.make_change(step, version.number, version.model_version, now, by, why)
        if history.live_version(self.changes()) == version.number:
            raise Conflict(f"version {version.number} is the champion already")
        with self.fetched(version):
            pass
        key, value = history.as_tag(change, self._model_tags(), uuid4().hex[:8])
        self._client.set_registered_model_tag(MODEL, key, value)  # from here it is live
        self._settle()
        return self.get(str(version.number))

    @one_line
    def _settle(self) -> None:
        """Make the aliases say what the log says.

        Two that settle at once end alike: who sets the alias last reads the log after it.
        """
        while (live := history.live_version(self.changes())) is not None:
            aliases = self._aliases()
            if aliases.get(CHALLENGER) == str(live):
                self._client.delete_registered_model_alias(MODEL, CHALLENGER)
            if aliases.get(CHAMPION) == str(live):
                return
            if live not in {version.number for version in self.versions()}:
                return  # deleted behind our back: the log stands, the alias cannot
            self._client.set_registered_model_alias(MODEL, CHAMPION, str(live))

    def _champion_reports(self) -> dict[str, Any] | None:
        champion = self.champion()
        return None if champion is None else self.reports(champion)

    def _refuse_second_champion(self) -> None:
        if champion := self.champion():
            raise Conflict(
                f"version {champion.number} ({champion.model_version}) is the champion; "
                "what follows it is registered and promoted"
            )

    def _require_this_champion(self, folder: Path, reports: Mapping[str, Any]) -> None:
        """Refuse a comparison with a model that is not, or no longer, the champion."""
        champion = self.champion()
        if champion is None or gates.VERSUS not in reports:
            return
        compared = reports[gates.VERSUS].get("champion", {})
        if compared.get("manifest") != champion.tags["manifest"]:
            raise Conflict(
                f"{folder} was compared with {compared.get('model_version', 'another model')}, "
                f"but {champion.model_version} is the champion: retrain from it"
            )

    def _refuse_twice(self, artifact: Artifact) -> None:
        for version in self.versions():
            if version.tags["manifest"] == fingerprint(artifact):
                raise Conflict(f"registered already, as version {version.number}")

    def _deposit(
        self, artifact: Artifact, reports: Mapping[str, Any], tags: Mapping[str, str]
    ) -> str:
        """Upload, then make the version in one step; give its number.

        Interrupted before that step, nothing of it stays.
        """
        experiment = make_experiment(self._client, self._root, self._artifacts)
        self._make_model()
        run = self._client.create_run(
            experiment, tags=dict(tags), run_name=artifact.manifest.model_version
        )
        try:
            self._upload(run.info.run_id, artifact, reports)
            source = f"{run.info.artifact_uri}/artifact"
            made = self._client.create_model_version(MODEL, source, run.info.run_id, dict(tags))
        except BaseException:
            self._discard(run)
            raise
        return str(made.version)

    def _upload(self, run_id: str, artifact: Artifact, reports: Mapping[str, Any]) -> None:
        self._client.log_artifacts(run_id, str(artifact.folder), "artifact")
        for step, report in reports.items():
            self._client.log_dict(run_id, report, f"reports/{step}.json")
        self._client.set_terminated(run_id)

    def _discard(self, run: Any) -> None:
        """Remove a run that no version is made of."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        if any(version.run_id == run.info.run_id for version in self.versions()):
            return  # interrupted after the version was made
        with suppress(Exception):  # what is being raised already is what matters
            files: Any = get_artifact_repository(run.info.artifact_uri)
            files.delete_artifacts()
        self._client.delete_run(run.info.run_id)

    def _make_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(MODEL)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _aliases(self) -> dict[str, str]:
        return {name: str(version) for name, version in self._stored("aliases").items()}

    def _model_tags(self) -> dict[str, str]:
        return self._stored("tags")

    def _stored(self, field: str) -> dict[str, str]:
        """Read from the registered model; before the first version there is none."""
        found = self._client.search_registered_models(f"name = '{MODEL}'")
        return dict(getattr(found[0], field)) if found else {}
