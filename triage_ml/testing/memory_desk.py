"""One person's cases in memory (see `triage_ml.testing.memory`)."""

from datetime import datetime
from uuid import UUID

from triage_ml.domain.case import Case, CaseState


class MemoryDesk:
    """`held_by` and `owned_by` of `triage_ml.ports.CaseStore`."""

    _cases: dict[UUID, Case]

    async def held_by(self, reviewer: str, now: datetime, limit: int = 100) -> list[Case]:
        held = [
            (case.claim.lease_expires_at, case.case_id, case)
            for case in self._cases.values()
            if case.claim and case.claim.reviewer == reviewer and case.claim.lease_expires_at > now
        ]
        return [case for _, _, case in sorted(held, key=lambda row: row[:2])][:limit]

    async def owned_by(self, owner: str, now: datetime, limit: int = 100) -> list[Case]:
        owned = [case for case in self._cases.values() if case.owner == owner and _waits(case, now)]
        owned.sort(key=lambda c: (c.placement.priority.tier, c.placement.due_at, c.case_id))
        return owned[:limit]


def _waits(case: Case, now: datetime) -> bool:
    if case.claim is not None:
        return case.claim.lease_expires_at <= now
    return case.state is CaseState.QUEUED
