"""A fresh registry starts with an artifact nobody here has trained."""

import shutil
from pathlib import Path

import pytest

from tests.training.finished import finish, good_reports, new_store
from training.release.cards import card_of, write_card
from training.release.compare import compare
from training.release.gates import GatesFailed, load_limits
from training.release.registry import Registry
from triage_ml.errors import ArtifactInvalid, Conflict, InvalidInput
from triage_ml.inference.artifact import load_artifact
from triage_ml.testing.artifacts import tiny_artifact

LIMITS = load_limits()


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def registry(empty_store: Path, tmp_path: Path) -> Registry:
    (tmp_path / "var").mkdir()
    shutil.copy(empty_store, tmp_path / "var" / "mlflow.db")
    return Registry.open(root=tmp_path / "var")


def adopted(registry: Registry, folder: Path, why: str = "shipped with the product") -> None:
    tiny_artifact(folder)
    registry.adopt(registry.deposit_adopted(folder, "anna", why), "anna", why)


def test_an_adopted_artifact_is_the_first_champion(registry, tmp_path):
    """It is marked, and the history says who adopted it and why."""
    adopted(registry, tmp_path / "a")
    champion = registry.champion()
    assert champion is not None
    assert champion.aliases == ("champion",)
    assert champion.tags["adopted"] == "shipped with the product"
    assert champion.tags["gates"] == "{}"
    (change,) = registry.changes()
    assert (change.step, change.by) == ("adopt", "anna")


def test_a_second_one_is_refused(registry, tmp_path):
    """What follows a champion passes gates."""
    adopted(registry, tmp_path / "a")
    with pytest.raises(Conflict, match="is the champion; what follows"):
        registry.deposit_adopted(tmp_path / "a", "anna", "again")
    assert len(registry.versions()) == 1


def test_a_reason_is_asked_for_before_anything_is_stored(registry, tmp_path):
    """As with a promotion."""
    tiny_artifact(tmp_path / "a")
    with pytest.raises(InvalidInput, match="--why"):
        registry.deposit_adopted(tmp_path / "a", "anna", " ")
    assert registry.versions() == ()


def test_an_interrupted_adoption_is_finished_by_the_next(registry, tmp_path):
    """The version that is there already is taken."""
    tiny_artifact(tmp_path / "a")
    first = registry.deposit_adopted(tmp_path / "a", "anna", "first")
    again = registry.deposit_adopted(tmp_path / "a", "anna", "again")
    assert first.number == again.number
    assert registry.adopt(again, "anna", "again").aliases == ("champion",)


def test_a_corrupt_artifact_is_not_adopted(registry, tmp_path):
    """Its checksum is wrong, and nothing is registered."""
    artifact = tiny_artifact(tmp_path / "a")
    artifact.model_path.write_bytes(b"other")
    with pytest.raises(ArtifactInvalid, match="checksum"):
        registry.deposit_adopted(tmp_path / "a", "anna", "first")
    assert registry.versions() == ()


def test_a_candidate_is_held_against_what_an_adopted_one_states(registry, tmp_path):
    """Its manifest's intervals are the floor; it has no functional suite to compare with."""
    adopted(registry, tmp_path / "a")
    with pytest.raises(GatesFailed, match="en against the champion"):
        registry.register(finish(tmp_path / "b", "b", good_reports(auc=0.86)), LIMITS)
    number = registry.register(finish(tmp_path / "c", "c"), LIMITS).number
    reports = [registry.reports(registry.get(str(n))) for n in (1, number)]
    assert any(row.first is not None and row.second is not None for row in compare(*reports))


def test_its_card_is_the_one_it_came_with(registry, tmp_path):
    """Nothing is kept of how it was made; the file is written whole."""
    adopted(registry, tmp_path / "a")
    text = card_of(registry, registry.get("champion"))
    assert text.startswith("# Tiny")
    assert write_card(tmp_path / "cards", "tiny-1", text).read_text("utf-8") == text
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidInput):
        write_card(tmp_path / "file", "tiny-1", text)


def test_a_comparison_with_another_champion_is_refused(registry, tmp_path):
    """The champion moved while the challenger was trained."""
    adopted(registry, tmp_path / "a")
    other = {"model_version": "old-1", "manifest": "0" * 64}
    folder = finish(tmp_path / "b", "b", {**good_reports(), "versus": {"champion": other}})
    with pytest.raises(Conflict, match="compared with old-1, but tiny-1 is the champion"):
        registry.register(folder, LIMITS)


def test_another_than_the_champion_is_not_continued_to_be_registered(registry, tmp_path):
    """Said before the training, not half an hour later; before a first champion anything goes."""
    other = tiny_artifact(tmp_path / "b", {"model_version": "tiny-2"})
    registry.require_champion(other)
    adopted(registry, tmp_path / "a")
    registry.require_champion(load_artifact(tmp_path / "a"))
    with pytest.raises(Conflict, match="tiny-2 is not the champion, tiny-1 is"):
        registry.require_champion(other)


def test_a_version_that_a_killed_command_left_unnamed_becomes_the_challenger(
    registry, tmp_path, monkeypatch
):
    """The newest one only, and never what is live."""
    adopted(registry, tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(type(registry._client), "set_registered_model_alias", _killed)
        with pytest.raises(KeyboardInterrupt):
            registry.register(finish(tmp_path / "b", "b"), LIMITS)
    version = registry.get("b")
    assert version.aliases == ()
    registry.name_challenger(version)
    assert registry.get("challenger").number == version.number
    registry.name_challenger(registry.get("champion"))
    assert registry.get("challenger").number == version.number


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
