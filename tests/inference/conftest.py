from pathlib import Path

import pytest

from triage_ml.domain.policy import Policy
from triage_ml.domain.taxonomy import Label
from triage_ml.inference.artifact import Artifact
from triage_ml.inference.language import Detector
from triage_ml.inference.onnx import OnnxScorer
from triage_ml.policy import load_policy
from triage_ml.testing.artifacts import tiny_artifact

SEVERITIES = dict.fromkeys(Label, 2.0) | {Label.VIOLENT_THREAT: 3.0}


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return tiny_artifact(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def scorer(artifact: Artifact) -> OnnxScorer:
    return OnnxScorer(artifact, SEVERITIES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny artifact of its own, to be broken."""
    return tiny_artifact(tmp_path / "artifact").folder


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="session")
def policy() -> Policy:
    return load_policy()
