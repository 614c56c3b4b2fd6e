"""What to label next: the cases to choose from, the picks of a day, and what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from triage_ml.domain.labelling import Pick, Strategy
from triage_ml.domain.report import Source
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Label, Language


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """Ask for cases that wait in `queues`, T3 or lower, that nobody has chosen before.

    Their language is known: a label in no language teaches none. They came before
    `received_before`, are due after `due_after` and have none of the hidden labels. Of more than
    `limit` some are drawn by chance; `salt` makes each draw another one.
    """

    queues: tuple[str, ...]
    hidden_labels: tuple[str, ...]
    received_before: datetime
    due_after: datetime
    limit: int
    salt: str


@dataclass(frozen=True, slots=True)
class WaitingCase:
    """A case that may be chosen. `challenger` is what a model on trial says of the same text."""

    case_id: UUID
    text: str
    scores: LabelScores
    reasons: frozenset[Label]
    sources: tuple[Source, ...]
    challenger: LabelScores | None


@dataclass(frozen=True, slots=True)
class StoredPick:
    """A pick with its place in the budget: the `slot`-th of a day (UTC), from 0 on.

    `n_eligible` cases could have been chosen then. A pick is moved or missed once.
    """

    day: date
    slot: int
    pick: Pick
    picked_at: datetime
    n_eligible: int
    moved_at: datetime | None = None
    missed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PickResult:
    """What came of the picks of a language and a strategy; the newest decision counts.

    `n_missed` were decided or taken before they could be moved. `n_left` became urgent and went on
    to another queue. `labels` counts what was found, with S1 or more.
    """

    language: Language
    strategy: Strategy
    n_picked: int
    n_missed: int
    n_left: int
    n_decided: int
    n_upheld: int
    labels: Mapping[str, int]

    @property
    def n_waiting(self) -> int:
        return self.n_picked - self.n_missed - self.n_left - self.n_decided


class LabellingStore(Protocol):
    """Picks and what they are picked from; the stores of cases keep them too.

    Raises, everywhere: StoreUnavailable.
    """

    async def label_candidates(self, wanted: CandidateQuery) -> tuple[list[WaitingCase], int]:
        """Give cases to choose from, and how many there are in all."""
        ...

    async def n_decided_of(self, case_ids: Sequence[UUID]) -> int:
        """Count those of the cases that were decided."""
        ...

    async def save_picks(self, picks: Sequence[StoredPick]) -> bool:
        """Keep all of these, or none and say False where a slot or a case is taken already."""
        ...

    async def picks_of(self, day: date) -> list[StoredPick]:
        """Give the picks of a day, by slot."""
        ...

    async def picks_to_move(self, limit: int) -> list[StoredPick]:
        """Give picks that were neither moved nor missed, oldest first."""
        ...

    async def settle_pick(self, day: date, slot: int, at: datetime, *, moved: bool) -> bool:
        """Note that a pick was moved or missed; say whether that was not known before."""
        ...

    async def find_pick(self, case_id: UUID) -> StoredPick | None:
        """Give why a case was chosen, unless it never was, or was missed."""
        ...

    async def pick_results(
        self, since: datetime, queue: str, queues: Sequence[str], hidden_labels: Sequence[str]
    ) -> list[PickResult]:
        """Sum up what came of picks since then, by language and strategy.

        Cases outside of `queues` are left out. One that is not decided and stands elsewhere than
        in `queue` has left.
        """
        ...
