"""What reviewers were exposed to: each person's own ledger."""

from datetime import datetime
from typing import Protocol

from triage_ml.domain.care import Exposure, PersonDose


class CareStore(Protocol):
    """Ledgers of exposure; the stores of cases keep them too.

    A row is written by `CaseStore.change`, in the transaction of the step it belongs to.

    Raises, everywhere: StoreUnavailable.
    """

    async def exposures(self, reviewer: str, since: datetime) -> list[Exposure]:
        """Give a person's own rows from that time on, oldest first."""
        ...

    async def erase_exposures(self, reviewer: str) -> int:
        """Delete a person's own rows and give how many there were."""
        ...

    async def doses(self, since: datetime, until: datetime) -> list[PersonDose]:
        """Give the dose of every account with rows in that span, in no order, without names.

        Days are those of UTC. API keys are programs and are left out.
        """
        ...

    async def forget_exposures(self, before: datetime) -> int:
        """Drop some of the rows before that time and give how many; 0 when none is left."""
        ...

    async def urgent_waits(self, queue: str, now: datetime) -> bool:
        """Say whether a case of tier T0 or T1 waits in a queue and nobody holds it."""
        ...
