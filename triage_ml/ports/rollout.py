"""The model beside the live one: which it is, and what was counted of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from triage_ml.domain.guard import Decided, Key
from triage_ml.domain.rollout import Trial


class RolloutStore(Protocol):
    """Trials and their counts. Raises, everywhere: StoreUnavailable."""

    async def open_trial(self) -> Trial | None:
        """Give the trial that runs; None when nothing is beside the live model."""
        ...

    async def trials(self, limit: int = 100) -> list[Trial]:
        """Give the log, newest first."""
        ...

    async def begin_trial(self, asked: Trial) -> Trial:
        """Put a published version on trial beside the live one, or on to its next stage.

        `against` of what is asked is left to the store. Raises: NotFound when the version's files
        are not there; Conflict when it is live itself, when nothing is live, or when another one
        is on trial or on probation.
        """
        ...

    async def end_trial(self, at: datetime, by: str, why: str, number: int | None = None) -> bool:
        """End the trial that runs; False when none does, or not the one with that number."""
        ...

    async def go_back(self, number: int, at: datetime, why: str) -> bool:
        """Make the version live again that is beside the one on probation, by the guard.

        False when that probation is over.
        """
        ...

    async def add_tally(self, number: int, counts: Mapping[Key, int]) -> None:
        """Add to the counts of a trial."""
        ...

    async def tally(self, number: int) -> dict[Key, int]: ...

    async def decided(self, trial: Trial, queues: Sequence[str]) -> list[Decided]:
        """Count the decided cases of these queues whose text both models had scored before.

        Only of the newest line of the log: of an older one nothing may be known any more.
        """
        ...
