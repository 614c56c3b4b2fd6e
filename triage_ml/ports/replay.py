"""What it takes to make a past score again: the text of then, and the model of then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triage_ml.domain.report import ContextItem
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label
from triage_ml.ports.scoring import Scorer


@dataclass(frozen=True, slots=True)
class KeptText:
    """A version of an item's text, as the store has it now. Empty: it was erased."""

    text: str
    context: tuple[ContextItem, ...]


@dataclass(frozen=True, slots=True)
class ModelUse:
    """How many scores a model gave in a span of time, for one arm."""

    arm: Arm
    model_version: str
    n: int
    first_at: datetime
    last_at: datetime


class ReplayStore(Protocol):
    """What is kept beside the records of scores. Raises, everywhere: StoreUnavailable."""

    async def find_text(self, case_id: UUID, version_sha256: str) -> KeptText | None:
        """Give the version of the case's item that has this name."""
        ...

    async def find_model_sha256(self, version: str) -> str | None:
        """Give the hash of the manifest under which a model version was published here."""
        ...

    async def models_used(self, since: datetime, until: datetime) -> list[ModelUse]:
        """Count the scores made in [since, until) by arm and model version, in that order."""
        ...


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model of the past, ready to score. `where` says in words where it was found."""

    scorer: Scorer
    where: str


class PastModels(Protocol):
    """Models by their version, wherever they still are."""

    async def find(self, version: str, severities: Mapping[Label, float]) -> FoundModel:
        """Load a model with the typical severities of the policy of then.

        Raises: NotFound naming where it was looked for; ArtifactInvalid.
        """
        ...
