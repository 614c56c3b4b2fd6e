"""History to replay, and what comparing found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triage_ml.domain.case import Case
from triage_ml.domain.comparison import Comparison
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Language
from triage_ml.ports.models import LiveModel


@dataclass(frozen=True, slots=True)
class HandlingFact:
    """Seconds from claim to decision: quartiles. None means all; an empty label, nothing found."""

    language: Language | None
    label: str | None
    n: int
    seconds: tuple[float, float, float]


class LiveModels(Protocol):
    """Which model was live when; a `ModelStore` knows. Raises: StoreUnavailable."""

    async def model_history(self, limit: int = 100) -> list[LiveModel]:
        """Give the newest changes, newest first."""
        ...


class ComparisonStore(Protocol):
    """Reads what is replayed and keeps what came of it. Raises, everywhere: StoreUnavailable."""

    async def past_cases(self, since: datetime, limit: int) -> list[Case]:
        """Give the newest cases that came since then, oldest first, as they stand now.

        Without those whose reports were all taken back or whose text was erased.
        """
        ...

    async def n_past_cases(self, limit: int) -> int:
        """Count what `past_cases` would give since ever; it stops at the limit."""
        ...

    async def recorded_scores(
        self, case_ids: Sequence[UUID], model_version: str
    ) -> dict[UUID, LabelScores]:
        """Give what that model said of the newest text of these cases, in whatever arm."""
        ...

    async def handling_facts(
        self, since: datetime, min_n: int, min_people: int
    ) -> list[HandlingFact]:
        """Give handling times of decisions since then: of all, by language, by language and label.

        Only cells of so many decisions by so many people; what took under two seconds was not read.
        """
        ...

    async def add_comparison(self, comparison: Comparison) -> None:
        """Keep a comparison for ever."""
        ...

    async def comparisons(self, limit: int = 20) -> list[Comparison]:
        """Give the newest ones, newest first, without their moves."""
        ...

    async def get_comparison(self, comparison_id: UUID) -> Comparison:
        """Raises: NotFound."""
        ...

    async def find_comparison(self, before: str, after: str) -> Comparison | None:
        """Give the newest comparison of these two model versions, without its moves."""
        ...
