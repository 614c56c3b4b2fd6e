"""One simulated history, watched day by day as the worker does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.drift.world import FIRST, Shift, World
from triage_ml.domain.drift import DriftDay
from triage_ml.domain.drift_ledger import Key, Ledger
from triage_ml.domain.drift_watch import Rule, Watch


@dataclass(frozen=True, slots=True)
class Outcome:
    """Series that raised an alarm, and the day (from the beginning) on which they first did."""

    first: dict[Key, int]

    def delay(self, shift: Shift) -> int | None:
        """Give days from the shift to the first alarm about its language, or about all."""
        of = {shift.language.value, "all"}
        days = [day for key, day in self.first.items() if key.language in of and day >= shift.day]
        return min(days) - shift.day + 1 if days else None


def watch(world: World, shift: Shift, seed: int, rule: Rule | None = None) -> Outcome:
    """Watch a history from the end of the reference on."""
    rule = rule or Rule()
    rows: list[DriftDay] = [row for day in world.days(shift, seed) for row in day]
    return outcome(rows, range(rule.reference_days, world.n_days), rule)


def outcome(rows: Sequence[DriftDay], days: Sequence[int], rule: Rule) -> Outcome:
    watching = Watch(Ledger(rows), rule)
    first: dict[Key, int] = {}
    for day in days:
        for reading in watching.read(FIRST + timedelta(days=day)):
            if reading.alarms:
                first.setdefault(reading.key, day)
    return Outcome(first)
