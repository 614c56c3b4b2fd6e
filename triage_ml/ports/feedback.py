"""Decided texts to learn from, and erasing what must not be kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triage_ml.domain.example import DecidedText
from triage_ml.ports.cases import StepFunction


@dataclass(frozen=True, slots=True)
class ErasedItem:
    """What erasing an item did. `n_versions` is 0 when its texts were gone before."""

    item_id: str
    erased_at: datetime
    n_versions: int
    n_cases: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of decided cases ended: ask for what comes after it."""

    decided_at: datetime
    case_id: UUID


class FeedbackStore(Protocol):
    """Decisions in order, and the end of texts; the stores of cases keep it too.

    Raises, everywhere: StoreUnavailable.
    """

    async def decided_texts(
        self,
        since: datetime,
        until: datetime,
        queues: Sequence[str],
        after: Place | None,
        limit: int,
    ) -> list[DecidedText]:
        """Give cases whose newest decision was taken in [since, until), oldest first.

        With the text that was decided and every verdict on it, golden ones in use among them.
        Of a case outside of `queues`, or with child safety likely, reported or found, nothing is
        given but that it is excluded. Reviewers are keys that are the same in every page.
        """
        ...

    async def erase_item(self, item_id: str, at: datetime, step: StepFunction) -> ErasedItem:
        """Empty every text and context of an item, for good, and apply `step` to its cases.

        One transaction, that reports of the item wait for. Sketches of the texts go, and what
        was found to be emerging with them. `step` sees the cases with their texts gone. Of an
        item whose texts are gone nothing is changed. Raises: NotFound; whatever `step` raises.
        """
        ...
