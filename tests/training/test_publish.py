"""What is shipped passed the gates, and is there whole or not at all."""

import json
from pathlib import Path

import pytest

from tests.training.finished import finish, good_reports
from training.config import Workspace
from training.release.gates import GatesFailed
from training.release.publish import MARK_BEGIN, MARK_END, ship
from triage_ml.errors import ArtifactInvalid
from triage_ml.inference.artifact import Artifact, load_artifact


@pytest.fixture
def product(tmp_path: Path) -> dict[str, Path]:
    """Give the places a product takes its model, cards and README from."""
    readme = tmp_path / "README.md"
    readme.write_text(f"# Product\n{MARK_BEGIN}\nold\n{MARK_END}\nmore\n", "utf-8")
    return {
        "shipped": tmp_path / "models" / "current",
        "cards": tmp_path / "cards",
        "readme": readme,
    }


def finished(folder: Path, version: str, auc: float = 0.9) -> tuple[Artifact, Workspace]:
    finish(folder, version, good_reports(auc))
    return load_artifact(folder / "artifact"), Workspace(folder)


def test_a_shipped_model_replaces_the_one_before(tmp_path: Path, product: dict[str, Path]) -> None:
    """The folder holds the new one alone; each card stays."""
    product["shipped"].parent.mkdir()
    for version in ("tiny-1", "tiny-2"):
        ship(*finished(tmp_path / version, version), **product)
        assert load_artifact(product["shipped"]).manifest.model_version == version
    assert [path.name for path in product["shipped"].parent.iterdir()] == ["current"]
    assert {path.stem for path in product["cards"].iterdir()} == {"tiny-1", "tiny-2"}
    assert "old" not in product["readme"].read_text("utf-8")


def test_a_model_that_fails_a_gate_is_not_shipped(tmp_path: Path, product: dict[str, Path]) -> None:
    """What was there stays, and the message names the gate."""
    product["shipped"].parent.mkdir()
    ship(*finished(tmp_path / "good", "tiny-1"), **product)
    with pytest.raises(GatesFailed, match=r"not shipped, .*worst language"):
        ship(*finished(tmp_path / "bad", "tiny-2", auc=0.6), **product)
    assert load_artifact(product["shipped"]).manifest.model_version == "tiny-1"


def test_reports_of_another_model_ship_nothing(tmp_path: Path, product: dict[str, Path]) -> None:
    """A model exported since has not been measured, however good the one before was."""
    artifact, space = finished(tmp_path / "good", "tiny-1")
    stamps = dict.fromkeys(good_reports(), "of another file")
    (space.root / "stamps.json").write_text(json.dumps(stamps), "utf-8")
    with pytest.raises(ArtifactInvalid, match=r"evaluate\.json is of another model"):
        ship(artifact, space, **product)
    assert not product["shipped"].exists()


def test_what_a_stopped_shipping_left_does_not_matter(
    tmp_path: Path, product: dict[str, Path]
) -> None:
    """Half copies beside the model are cleared away by the next one."""
    for name in (".new", ".old"):
        (product["shipped"].with_name(name) / "deep").mkdir(parents=True)
    product["shipped"].mkdir()
    ship(*finished(tmp_path / "good", "tiny-1"), **product)
    assert load_artifact(product["shipped"]).manifest.model_version == "tiny-1"
