"""The registry: what gets in, what is live, and that only verified artifacts come out."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import mlflow
import pytest

from tests.training.finished import finish, good_reports, new_store
from training.release import pull as pulling
from training.release.gates import GatesFailed, load_limits
from training.release.pull import pull
from training.release.registry import Registry
from training.release.store import RegistryFailed, open_client
from triage_ml.errors import ArtifactInvalid, Conflict, InvalidInput, NotFound
from triage_ml.inference.artifact import load_artifact

LIMITS = load_limits()


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def root(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    shutil.copy(empty_store, tmp_path / "var" / "mlflow.db")
    return tmp_path / "var"


@pytest.fixture
def registry(root: Path) -> Registry:
    return Registry.open(root=root)


def register(registry: Registry, folder: Path, name: str, **reports: Any) -> int:
    return registry.register(finish(folder / name, name, good_reports(**reports)), LIMITS).number


def files_of(registry: Registry, number: int) -> Path:
    """Find where the store keeps a version's artifact."""
    source = registry._client.get_model_version("triage", str(number)).source
    return Path(source.removeprefix("file://"))


def test_a_finished_experiment_becomes_the_challenger(registry, tmp_path):
    """Its version says what it is, and the store holds artifact and reports."""
    number = register(registry, tmp_path, "a")
    version = registry.get("challenger")
    assert (version.number, version.model_version, version.aliases) == (
        number,
        "a",
        ("challenger",),
    )
    assert version.tags["snapshot"] == "none"
    assert version.tags["code"] == "unknown"
    assert json.loads(version.tags["gates"])["worst language"] == [0.9, 0.75]
    assert registry.reports(version) == good_reports()
    with registry.fetched(version) as artifact:
        assert artifact.manifest.model_version == "a"


def test_what_fails_a_gate_is_not_registered(registry, root, tmp_path):
    """The refusal names gate, value and limit, and leaves no version, run or file."""
    with pytest.raises(GatesFailed, match=r"worst language: 0\.7000, limit 0\.7500 \(en\)"):
        register(registry, tmp_path, "a", auc=0.7)
    assert registry.versions() == ()
    assert not (root / "mlartifacts").exists()


def test_a_missing_report_is_refused(registry, tmp_path):
    """The command that makes it is named."""
    folder = finish(tmp_path / "a")
    (folder / "bias.json").unlink()
    with pytest.raises(GatesFailed, match=r"no bias\.json, run `python -m training bias`"):
        registry.register(folder, LIMITS)


def test_a_report_that_is_no_json_is_named(registry, tmp_path):
    """It is a file of the user, so it is the user who is told."""
    folder = finish(tmp_path / "a")
    (folder / "bias.json").write_text("{", "utf-8")
    with pytest.raises(InvalidInput, match=r"bias\.json: is not JSON"):
        registry.register(folder, LIMITS)


def test_reports_of_another_model_are_refused(registry, tmp_path):
    """An artifact written before the last evaluation would be judged by foreign numbers."""
    finish(tmp_path / "a", "a", good_reports(auc=0.8))
    (tmp_path / "b").mkdir()
    shutil.copytree(tmp_path / "a" / "artifact", tmp_path / "b" / "artifact")
    shutil.copytree(finish(tmp_path / "c"), tmp_path / "b", ignore=only_reports, dirs_exist_ok=True)
    with pytest.raises(ArtifactInvalid, match="of another model"):
        registry.register(tmp_path / "b", LIMITS)


def only_reports(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".json")] + ["manifest.json"]


def test_the_same_artifact_is_registered_once(registry, tmp_path):
    """A second time names the version that is there."""
    number = register(registry, tmp_path, "a")
    with pytest.raises(Conflict, match=f"registered already, as version {number}"):
        register(registry, tmp_path, "a")


@pytest.mark.parametrize("step", ["log_artifacts", "create_model_version"])
def test_an_interrupted_registration_leaves_nothing(registry, root, tmp_path, monkeypatch, step):
    """Neither version nor files; and it can be done again."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry._client, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            register(registry, tmp_path, "a")
    assert registry.versions() == ()
    assert not list((root / "mlartifacts").rglob("model.onnx"))
    assert register(registry, tmp_path, "a") == 1


def test_an_interrupt_after_the_version_was_made_keeps_it(registry, tmp_path, monkeypatch):
    """What is registered keeps its files."""
    make = registry._client.create_model_version

    def make_and_stop(*args: object) -> None:
        make(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(registry._client, "create_model_version", make_and_stop)
    with pytest.raises(KeyboardInterrupt):
        register(registry, tmp_path, "a")
    with registry.fetched(registry.get("a")) as artifact:
        assert artifact.manifest.model_version == "a"


def test_the_code_is_that_of_the_training_run(registry, tmp_path):
    """It is read from the run that the working folder names."""
    run = registry._client.create_run("0", tags={"code": "abc"})
    folder = finish(tmp_path / "a")
    (folder / "run_id.x").write_text(run.info.run_id, "ascii")
    tags = registry.register(folder, LIMITS).tags
    assert (tags["code"], tags["training_run"]) == ("abc", run.info.run_id)
    folder = finish(tmp_path / "b", "b")
    (folder / "run_id.x").write_text("0" * 32, "ascii")
    assert registry.register(folder, LIMITS).tags["code"] == "unknown"


def test_promotions_and_rollbacks_are_a_history(registry, tmp_path):
    """Each says who and why; rollbacks in a row go further back, and then there is none."""
    for name in "abc":
        register(registry, tmp_path, name)
        registry.promote("challenger", "anna", f"first {name}")
    assert registry.rollback("ben", "too strict").model_version == "b"
    assert registry.rollback("ben", "still").model_version == "a"
    with pytest.raises(Conflict, match="no champion to return to"):
        registry.rollback("ben", "again")
    log = [(x.step, x.model_version, x.by, x.why) for x in registry.changes()]
    assert log == [
        ("promote", "a", "anna", "first a"),
        ("promote", "b", "anna", "first b"),
        ("promote", "c", "anna", "first c"),
        ("rollback", "b", "ben", "too strict"),
        ("rollback", "a", "ben", "still"),
    ]
    assert registry.get("champion").model_version == "a"
    assert [x.aliases for x in registry.versions()] == [(), (), ("champion",)]


def test_the_champion_is_not_promoted_again(registry, tmp_path):
    """The history holds changes only, and each has a reason."""
    register(registry, tmp_path, "a")
    with pytest.raises(InvalidInput, match="--why"):
        registry.promote("a", "anna", " ")
    registry.promote("a", "anna", "first")
    with pytest.raises(Conflict, match="champion already"):
        registry.promote("a", "anna", "second")
    assert len(registry.changes()) == 1


def test_a_candidate_is_held_against_the_champion(registry, tmp_path):
    """Above every floor, and still worse than what is live."""
    register(registry, tmp_path, "a")
    registry.promote("a", "anna", "first")
    with pytest.raises(GatesFailed, match="ko against the champion"):
        register(registry, tmp_path, "b", auc=0.85)


def test_a_killed_promotion_is_finished_by_the_next_command(registry, root, tmp_path, monkeypatch):
    """The log decides; the alias follows when the store is opened."""
    register(registry, tmp_path, "a")
    with monkeypatch.context() as patch:
        patch.setattr(registry, "_settle", lambda: None)
        registry.promote("a", "anna", "first")
    assert registry.get("a").aliases == ("challenger",)
    assert Registry.open(root=root).get("a").aliases == ("champion",)


def test_promotions_at_the_same_moment_both_stay(registry, root, tmp_path, monkeypatch):
    """Everybody agrees which of them is live, whoever wrote last."""
    other = Registry.open(root=root)
    first, second = register(registry, tmp_path, "a"), register(registry, tmp_path, "b")
    write = registry._client.set_registered_model_tag

    def be_overtaken(*args: object) -> None:
        other.promote(str(second), "ben", "at once")
        write(*args)

    monkeypatch.setattr(registry._client, "set_registered_model_tag", be_overtaken)
    registry.promote(str(first), "anna", "at once")
    live = registry.changes()[-1].version
    assert {x.by for x in registry.changes()} == {"anna", "ben"}
    assert registry.get("champion").number == other.get("champion").number == live


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_tampered_artifact_neither_goes_live_nor_out(registry, tmp_path, name):
    """One changed byte of a file, or a manifest that was written anew."""
    version = registry.get(str(register(registry, tmp_path, "a")))
    stored = files_of(registry, version.number)
    stored.joinpath(name).write_bytes(stored.joinpath(name).read_bytes() + b"\n")
    with pytest.raises(ArtifactInvalid, match=name):
        registry.promote("a", "anna", "first")
    with pytest.raises(ArtifactInvalid, match=name):
        pull(registry, version, tmp_path / "served")
    assert registry.changes() == ()
    assert not (tmp_path / "served").exists()


def test_a_lost_artifact_is_said(registry, tmp_path):
    """Somebody deleted its files from the store."""
    version = registry.get(str(register(registry, tmp_path, "a")))
    shutil.rmtree(files_of(registry, version.number))
    with pytest.raises(ArtifactInvalid, match="version 1"):
        registry.promote("a", "anna", "first")


def test_an_unknown_version_is_named(registry):
    """In the words it was asked for."""
    with pytest.raises(NotFound, match="registered model 7"):
        registry.get("7")


def test_a_version_that_passed_no_gate_does_not_exist(registry, tmp_path):
    """Whoever put it there by other means cannot promote it."""
    register(registry, tmp_path, "a")
    registry._client.create_model_version("triage", tmp_path.as_uri())
    assert [version.number for version in registry.versions()] == [1]
    with pytest.raises(NotFound):
        registry.promote("2", "anna", "first")


def test_pulling_replaces_an_artifact_whole(registry, tmp_path):
    """A second pull takes the place of the first and leaves nothing beside it."""
    served = tmp_path / "serve" / "model"
    for name in "ab":
        register(registry, tmp_path, name)
        assert pull(registry, registry.get(name), served).manifest.model_version == name
    assert [path.name for path in served.parent.iterdir()] == ["model"]


def test_a_failed_pull_leaves_the_artifact_of_before(registry, tmp_path, monkeypatch):
    """Whether it stops while downloading or between the two renames."""
    served = tmp_path / "serve" / "model"
    for name in "ab":
        register(registry, tmp_path, name)
    pull(registry, registry.get("a"), served)
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if path.name == "artifact":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pull(registry, registry.get("b"), served)
    assert load_artifact(served).manifest.model_version == "a"
    assert [path.name for path in served.parent.iterdir()] == ["model"]


def test_a_killed_pull_is_undone_by_the_next(registry, tmp_path):
    """Killed between the two renames, the old artifact stood beside its place."""
    register(registry, tmp_path, "a")
    served = tmp_path / "serve" / "model"
    pull(registry, registry.get("a"), served)
    served.rename(pulling._aside(served))
    files_of(registry, 1).joinpath("model.onnx").write_bytes(b"")
    with pytest.raises(ArtifactInvalid):
        pull(registry, registry.get("a"), served)
    assert load_artifact(served).manifest.model_version == "a"


def test_a_folder_with_other_things_is_not_replaced(registry, tmp_path):
    """Neither a folder of documents nor a file."""
    register(registry, tmp_path, "a")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    for place in ("home", "home/thesis.txt"):
        with pytest.raises(InvalidInput, match=place):
            pull(registry, registry.get("a"), tmp_path / place)
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "store", ["postgresql://nobody@127.0.0.1:1/x", "sqlite:///text.db", "nonsense"]
)
def test_a_store_that_cannot_be_opened_is_one_line(tmp_path, monkeypatch, store):
    """A PostgreSQL that is not there, a file that is no database, a word that is no address."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.db").write_text("no database " * 200)
    with pytest.raises(RegistryFailed) as caught:
        open_client(store, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_registry_without_a_store_is_refused(tmp_path):
    """Training may record nothing; a registry may not."""
    with pytest.raises(InvalidInput, match="needs a store"):
        open_client("none", tmp_path)


def test_the_same_on_postgresql(new_database, tmp_path, monkeypatch):
    """Register, promote, replace, roll back, pull, with one setting changed."""
    monkeypatch.chdir(tmp_path)
    url = new_database()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        registry = Registry.open(url, tmp_path / "var")
    for name in "ab":
        register(registry, tmp_path, name)
        registry.promote("challenger", "anna", f"first {name}")
    with pytest.raises(GatesFailed):
        register(registry, tmp_path, "c", n_passed=70)
    registry.rollback("anna", "too strict")
    pulled = pull(registry, Registry.open(url, tmp_path / "var").get("champion"), tmp_path / "out")
    assert pulled.manifest.model_version == "a"
    assert [x.step for x in registry.changes()] == ["promote", "promote", "rollback"]
    dispose(registry)


def dispose(registry: Registry) -> None:
    """Close MLflow's connections, which would end with the process only."""
    for store in (
        registry._client._tracking_client.store,
        registry._client._get_registry_client().store,
    ):
        store.engine.dispose()


def test_telemetry_is_off():
    """MLflow would otherwise call home."""
    assert mlflow.telemetry.utils.is_telemetry_disabled()


def test_refuses_reports_of_another_model(tmp_path: Path, registry: Registry) -> None:
    """Yesterday's functional cases do not vouch for today's model."""
    folder = finish(tmp_path / "new")
    stamps = json.loads((folder / "stamps.json").read_text("utf-8"))
    (folder / "stamps.json").write_text(json.dumps(stamps | {"behaviour": "0" * 64}), "utf-8")
    with pytest.raises(ArtifactInvalid, match=r"behaviour\.json is of another model"):
        registry.register(folder, LIMITS)
