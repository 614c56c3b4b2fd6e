"""Days that are counted for drift, what they say, and alarms, as the use cases need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from triage_ml.domain.drift import DrawnDecision, DriftDay
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.drift_watch import Reading
from triage_ml.domain.taxonomy import Language


@dataclass(frozen=True, slots=True)
class Watched:
    """Which cases count: those in these queues that carry none of the hidden labels."""

    queues: tuple[str, ...]
    hidden_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DriftAlarm:
    """A series that is not as it was. `day` is the last one looked at when it was raised.

    `since` is where the change seems to have begun. `restart_on`: who acknowledged it takes the
    days from then on as the new reference.
    """

    alarm_id: int
    measure: str
    language: str
    model_version: str
    opened_at: datetime
    day: date
    since: date
    before: float
    after: float
    z: float
    limit: float
    closed_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    note: str = ""
    restart_on: date | None = None

    @property
    def key(self) -> Key:
        return Key(self.measure, self.language)


class DriftStore(Protocol):
    """What the worker counts and reads for drift. Raises, everywhere: StoreUnavailable."""

    async def uncounted_drift_days(self, until: date, limit: int) -> list[date]:
        """Give days before `until` (UTC) that are not counted yet, from the first score on,
        oldest first.
        """
        ...

    async def texts_of_day(
        self, day: date, wanted: Watched, limit: int
    ) -> Mapping[Language, Sequence[str]]:
        """Give texts scored on a day, at most `limit` of each language, drawn by lot."""
        ...

    async def drawn_on(self, day: date, wanted: Watched) -> list[DrawnDecision]:
        """Give first decisions of a day on claims that chance drew, with the last score before."""
        ...

    async def complaints_decided_on(
        self, day: date, wanted: Watched
    ) -> list[tuple[Language, bool]]:
        """Give decisions of a day about complaints: the language, and whether it turned the first.

        It did if one of them found a violation and the other did not.
        """
        ...

    async def save_drift_day(
        self, day: date, rows: Sequence[DriftDay], counted_at: datetime
    ) -> None:
        """Put these sums in the place of the day's; it counts as counted."""
        ...

    async def forget_drift_days(self) -> None:
        """Drop every count and reading; alarms stay."""
        ...

    async def drift_days(self, since: date, until: date) -> list[DriftDay]:
        """Give the sums of days, both included."""
        ...

    async def last_drift_days(self) -> tuple[date | None, date | None]:
        """Give the last day that was counted, and the last that was read."""
        ...

    async def save_readings(self, day: date, readings: Sequence[Reading]) -> None:
        """Put these readings in the place of the day's."""
        ...

    async def readings(self, since: date, language: str = "") -> list[Reading]:
        """Give readings since a day by day, of one language (which may be `all`) or of each."""
        ...

    async def raise_drift_alarms(
        self, readings: Sequence[Reading], at: datetime
    ) -> list[DriftAlarm]:
        """Open an alarm for each of these series that has none open; give those."""
        ...

    async def close_drift_alarms(self, keys: Sequence[Key], at: datetime) -> int:
        """Close the open alarms of these series; give how many there were."""
        ...

    async def acknowledge_drift_alarm(
        self, alarm_id: int, who: str, note: str, at: datetime, *, as_normal: bool
    ) -> DriftAlarm:
        """Note that somebody looked at an alarm; `as_normal` sets `restart_on` to its `since`.

        Raises: NotFound; Conflict if somebody has before.
        """
        ...

    async def drift_alarms(self, limit: int, *, open_only: bool = False) -> list[DriftAlarm]:
        """Give alarms: open ones first, then the newest."""
        ...

    async def drift_restarts(self) -> Mapping[Key, date]:
        """Give since when each series is as it is meant to be, where somebody said so."""
        ...
