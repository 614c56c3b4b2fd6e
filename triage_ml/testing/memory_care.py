"""Ledgers of exposure in memory (see `triage_ml.testing.memory`)."""

from collections import defaultdict
from datetime import UTC, date, datetime

from triage_ml.domain.care import Exposure, PersonDose
from triage_ml.testing.memory_accounts import MemoryAccounts


class MemoryCare(MemoryAccounts):
    """`triage_ml.ports.CareStore` for tests; the store of cases says what waits."""

    def __init__(self) -> None:
        super().__init__()
        self._exposures: list[Exposure] = []

    async def exposures(self, reviewer: str, since: datetime) -> list[Exposure]:
        found = [row for row in self._exposures if row.reviewer == reviewer and row.at >= since]
        return sorted(found, key=lambda row: row.at)

    async def erase_exposures(self, reviewer: str) -> int:
        return self._keep([row for row in self._exposures if row.reviewer != reviewer])

    async def doses(self, since: datetime, until: datetime) -> list[PersonDose]:
        days: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
        for row in self._exposures:
            if row.reviewer in self._accounts and since <= row.at < until:
                days[row.reviewer][row.at.astimezone(UTC).date()] += row.points
        return [
            PersonDose(self._accounts[name].locale, sum(points.values()), max(points.values()))
            for name, points in days.items()
        ]

    async def forget_exposures(self, before: datetime) -> int:
        return self._keep([row for row in self._exposures if row.at >= before])

    def _keep(self, rows: list[Exposure]) -> int:
        n_dropped = len(self._exposures) - len(rows)
        self._exposures = rows
        return n_dropped
