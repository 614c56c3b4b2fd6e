"""What is known beside a case: decided cases like it, its author's past, how right hints were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triage_ml.domain.case import Case
from triage_ml.domain.decision import Decision
from triage_ml.domain.sketch import Sketch
from triage_ml.domain.taxonomy import Label, Language


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A decided case of another item, and the estimated similarity of the texts, 0 to 1."""

    case: Case
    similarity: float


@dataclass(frozen=True, slots=True)
class PastDecision:
    case_id: UUID
    decision: Decision


@dataclass(frozen=True, slots=True)
class AuthorHistory:
    """The other cases of an author.

    `n_overturned` counts where a complaint changed finding or action. `newest` are decisions,
    newest first. `capped`: of the decided or of the open cases only `MAX_COUNTED` were counted.
    """

    n_open: int = 0
    n_upheld: int = 0
    n_not_upheld: int = 0
    n_overturned: int = 0
    newest: tuple[PastDecision, ...] = ()
    capped: bool = False


MAX_COUNTED = 1_000
"""Cases of one author that are counted, so that a busy one makes no page slow."""


@dataclass(frozen=True, slots=True)
class HintOutcomes:
    """Decisions on cases with one hint: a label in a language, of one band of probability.

    `band` counts the floors at or under the probability. `n_right` decisions found the label,
    with S1 or more. The hidden ones are those of cases outside of the queues that were named.
    """

    language: Language
    label: Label
    band: int
    n: int
    n_right: int
    n_hidden: int
    n_hidden_right: int


class InsightStore(Protocol):
    """Reads beside a case. `queues` None means any; else only cases of these are seen.

    Raises, everywhere: StoreUnavailable.
    """

    async def unsketched(self, limit: int) -> list[tuple[UUID, str]]:
        """Give decided cases whose text has no sketch yet, with the text, newest first."""
        ...

    async def save_sketches(self, sketches: Sequence[tuple[UUID, Sketch]]) -> None:
        """Keep sketches of decided cases; one that exists stays."""
        ...

    async def similar_cases(
        self, sketch: Sketch, item_id: str, queues: Sequence[str] | None, limit: int
    ) -> list[SimilarCase]:
        """Give decided cases of other items that are similar, most first, then newest."""
        ...

    async def author_history(
        self,
        author_ref: str,
        but: UUID,
        since: datetime,
        queues: Sequence[str] | None,
        limit: int,
    ) -> AuthorHistory:
        """Count an author's cases since then, `but` one, and give the newest decisions."""
        ...

    async def hint_outcomes(
        self, since: datetime, floors: Sequence[float], queues: Sequence[str]
    ) -> list[HintOutcomes]:
        """Count what became of hints shown (`likelihood.SHOWN`), per label, language and band.

        The newest decision on a case counts, unless hints were withheld from who took it.
        `floors` rise.
        """
        ...
