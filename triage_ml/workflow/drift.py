"""The watch over drift: count a day when it is over, read it, raise alarms and end them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from triage_ml.domain.decision import check_note
from triage_ml.domain.drift import ALL, DayTally, Floats, ScoredText
from triage_ml.domain.drift_ledger import Key, Ledger
from triage_ml.domain.drift_watch import Reading, Rule, Watch
from triage_ml.domain.policy import Policy
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import InvalidInput
from triage_ml.ports import Clock, DriftStore, RecordStore, ScoreRecord, Who
from triage_ml.ports.drift import DriftAlarm, Watched

HIDDEN_LABELS = (Label.CHILD_SAFETY.value,)
SETTLED = timedelta(minutes=5)
"""A day is counted so long after its end: nothing of it is still being written then."""

RECORDS_AT_ONCE = 2_000
MAX_TEXTS = 1_000
"""Texts of a language and day whose n-grams are looked at."""

MAX_DAYS = 400
"""Days that a reference may lie back."""

DAYS_AT_ONCE = 31
MAX_ALARMS = 100
SHOWN_DAYS = 60

Project = Callable[[Sequence[str]], Floats]


class DriftRecords(DriftStore, RecordStore, Protocol):
    """What was scored and decided, and what is counted of it."""


@dataclass(frozen=True, slots=True)
class DriftState:
    """What is known now: the newest readings, alarms, and the days that are not read yet."""

    readings: tuple[Reading, ...]
    alarms: tuple[DriftAlarm, ...]
    read_to: date | None
    n_behind: int

    @property
    def limit(self) -> float:
        """Standard deviations that an alarm needs; the same for every series of a day."""
        return self.readings[0].limit if self.readings else 0.0

    @property
    def open_alarms(self) -> tuple[DriftAlarm, ...]:
        return tuple(alarm for alarm in self.alarms if alarm.closed_at is None)


class DriftWatch:
    """Counts, reads and answers. `project` makes vectors of texts; see `inference.projection`."""

    def __init__(
        self,
        store: DriftRecords,
        policy: Policy,
        clock: Clock,
        project: Project,
        rule: Rule | None = None,
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._project = project
        self.rule = rule or Rule()

    async def count(self) -> bool:
        """Count the oldest day that is over and not counted; say whether there was one."""
        today = (self._clock.now() - SETTLED).astimezone(UTC).date()
        days = await self._store.uncounted_drift_days(today, 1)
        if not days:
            return False
        await self._count_day(days[0])
        return True

    async def read(self) -> list[DriftAlarm]:
        """Read the days that were counted since the last time; give the alarms they raise."""
        counted, read = await self._store.last_drift_days()
        if counted is None or (read is not None and read >= counted):
            return []
        rows = await self._store.drift_days(counted - timedelta(days=MAX_DAYS), counted)
        oldest = rows[0].day if rows else counted
        first = read + timedelta(days=1) if read else oldest
        ledger, restarts = Ledger(rows), await self._store.drift_restarts()
        watch = Watch(ledger, self.rule, restarts)
        raised: list[DriftAlarm] = []
        for n in range(min((counted - first).days + 1, DAYS_AT_ONCE)):
            day = first + timedelta(days=n)
            raised += await self._conclude(day, await asyncio.to_thread(watch.read, day))
        return raised

    async def recount(self) -> int:
        """Count and read every day anew; alarms stay. Gives how many days there were."""
        await self._store.forget_drift_days()
        n_days = 0
        while await self.count():
            n_days += 1
        await self.catch_up()
        return n_days

    async def catch_up(self) -> None:
        """Count and read all that is over."""
        while await self.count():
            pass
        before = None
        while before != (known := await self._store.last_drift_days()):
            before = known
            await self.read()

    async def state(self) -> DriftState:
        """Give what is known now."""
        counted, read = await self._store.last_drift_days()
        readings = await self._store.readings(read) if read else []
        first = read or (counted - timedelta(days=1) if counted else None)
        return DriftState(
            readings=tuple(readings),
            alarms=tuple(await self._store.drift_alarms(MAX_ALARMS)),
            read_to=read,
            n_behind=(counted - first).days if counted and first else 0,
        )

    async def history(self, language: str) -> list[Reading]:
        """Give the readings of the last weeks of a language, or of `all`. Raises: InvalidInput."""
        if language not in {ALL, *Language}:
            raise InvalidInput("language", f"must be one of {', '.join((ALL, *Language))}")
        since = self._clock.now().date() - timedelta(days=SHOWN_DAYS)
        return await self._store.readings(since, language)

    async def acknowledge(
        self, who: Who, alarm_id: int, note: str, *, as_normal: bool
    ) -> DriftAlarm:
        """Note that somebody looked. `as_normal`: what is compared from now on begins with the
        change, and the alarm is over.

        Raises: NotFound, Conflict, InvalidInput, TooLarge.
        """
        check_note("note", note)
        now = self._clock.now()
        alarm = await self._store.acknowledge_drift_alarm(
            alarm_id, who.name, note, now, as_normal=as_normal
        )
        if as_normal:
            await self._store.close_drift_alarms([alarm.key], now)
        return alarm

    async def _count_day(self, day: date) -> None:
        wanted = Watched(self._queues(), HIDDEN_LABELS)
        tally = DayTally(day)
        start = datetime.combine(day, time(), UTC)
        after = 0
        while True:
            records = await self._store.scores_since(
                start, start + timedelta(days=1), wanted.queues, RECORDS_AT_ONCE, after
            )
            tally.add_scores([_scored(row) for row in records if row.arm is not Arm.SHADOW])
            if len(records) < RECORDS_AT_ONCE:
                break
            after = records[-1].score_id
        texts = await self._store.texts_of_day(day, wanted, MAX_TEXTS)
        for language, some in texts.items():
            tally.add_texts(language, await asyncio.to_thread(self._project, some))
        tally.add_drawn(await self._store.drawn_on(day, wanted))
        tally.add_complaints(await self._store.complaints_decided_on(day, wanted))
        await self._store.save_drift_day(day, tally.rows(), self._clock.now())

    async def _conclude(self, day: date, readings: Sequence[Reading]) -> list[DriftAlarm]:
        """Keep what a day says, end alarms that are over, raise new ones."""
        now = self._clock.now()
        raised = await self._store.raise_drift_alarms([r for r in readings if r.alarms], now)
        known = {row.key: row for row in readings}
        opened = await self._store.drift_alarms(MAX_ALARMS * 10, open_only=True)
        over = [alarm.key for alarm in opened if _is_over(alarm, known)]
        if over:
            await self._store.close_drift_alarms(over, now)
        await self._store.save_readings(day, readings)
        return raised

    def _queues(self) -> tuple[str, ...]:
        return tuple(name for name, row in self._policy.queues.items() if not row.restricted)


def _scored(row: ScoreRecord) -> ScoredText:
    return ScoredText(
        language=row.language,
        n_chars=row.n_chars,
        model_version=row.model_version,
        p_violation=row.p_violation,
        labels={label: score.probability for label, score in row.labels.items()},
    )


def _is_over(alarm: DriftAlarm, known: Mapping[Key, Reading]) -> bool:
    """Say whether an alarm's series is calm again, or of another model."""
    reading = known.get(alarm.key)
    if reading is None:
        return False
    return reading.is_calm or reading.model_version != alarm.model_version
