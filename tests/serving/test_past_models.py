"""Models of the past are looked for everywhere, and a refused one is in nobody's way."""

import shutil

import pytest

from serving.past_models import models_at_hand
from triage_ml.errors import NotFound
from triage_ml.policy import load_policy
from triage_ml.testing.artifacts import tiny_artifact

pytest.importorskip("onnx", reason="writing an artifact needs the training extra")
pytestmark = pytest.mark.anyio


class Shelf:
    """A database with two models; the first one's files are those of another model."""

    def __init__(self, folder) -> None:
        self.folder = folder

    async def find_model_sha256(self, _version: str) -> None:
        return None

    async def fetch_model(self, version, folder) -> None:
        if folder.exists():
            return  # as the store does where another process was faster
        shutil.copytree(self.folder / version, folder)


async def test_a_model_is_found_after_another_one_was_refused(tmp_path):
    for name, version in (("first", "swapped"), ("second", "second")):
        shutil.copytree(
            tiny_artifact(tmp_path / f"made-{name}", {"model_version": version}).folder,
            tmp_path / name,
        )
    severities = load_policy().typical_severities
    with models_at_hand(Shelf(tmp_path), tmp_path / "data", None) as models:
        with pytest.raises(NotFound, match="holds swapped"):
            await models.find("first", severities)
        assert (await models.find("second", severities)).where == "the database"
