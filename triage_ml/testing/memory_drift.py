"""Drift in memory: counted from the records, kept as it is (see `triage_ml.testing.memory`)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from triage_ml.domain.case import Case, Stage, Step
from triage_ml.domain.drift import DrawnDecision, DriftDay
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.drift_watch import Reading
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import Conflict, NotFound
from triage_ml.ports import CaseEvent, ScoreRecord
from triage_ml.ports.drift import DriftAlarm, Watched


class MemoryDrift:
    """`triage_ml.ports.DriftStore` for tests."""

    _cases: dict[UUID, Case]
    _events: dict[UUID, list[CaseEvent]]
    _scores: list[ScoreRecord]

    def __init__(self) -> None:
        super().__init__()
        self._drift_days: dict[date, list[DriftDay]] = {}
        self._drift_readings: dict[date, list[Reading]] = {}
        self._alarms: dict[int, DriftAlarm] = {}

    async def uncounted_drift_days(self, until: date, limit: int) -> list[date]:
        first = min((row.at.date() for row in self._scores), default=until)
        days = [first + timedelta(days=n) for n in range((until - first).days)]
        return [day for day in days if day not in self._drift_days][:limit]

    async def texts_of_day(
        self, day: date, wanted: Watched, limit: int
    ) -> Mapping[Language, Sequence[str]]:
        found: dict[Language, list[str]] = defaultdict(list)
        scored = {
            (row.case_id, row.version_sha256, row.language)
            for row in self._scores
            if row.at.date() == day and row.arm is not Arm.SHADOW
        }
        for case_id, sha256, language in sorted(scored):
            case = self._cases[case_id]
            # Memory keeps no older text of an item by its name.
            stands = case.item.version_sha256 == sha256 and case.item.erased is None
            if _counts(case, wanted) and stands:
                found[language].append(case.item.text)
        return {language: texts[:limit] for language, texts in found.items()}

    async def drawn_on(self, day: date, wanted: Watched) -> list[DrawnDecision]:
        found: list[DrawnDecision] = []
        for case, event, claimed in self._decided_on(day, wanted):
            if event.detail["stage"] != Stage.FIRST or not claimed.detail["drawn_at_random"]:
                continue
            said = [
                row
                for row in self._scores
                if row.case_id == case.case_id
                and row.at <= claimed.at
                and row.arm is not Arm.SHADOW
            ]
            findings = event.detail["findings"].items()
            found.append(
                DrawnDecision(
                    language=case.language.language,
                    weight=1 / claimed.detail["propensity"],
                    upheld=_upheld(event),
                    found=tuple(Label(name) for name, severity in findings if severity >= 1),
                    model_version=said[-1].model_version if said else "",
                    p_violation=said[-1].p_violation if said else None,
                )
            )
        return found

    async def complaints_decided_on(
        self, day: date, wanted: Watched
    ) -> list[tuple[Language, bool]]:
        found: list[tuple[Language, bool]] = []
        for case, event, _ in self._decided_on(day, wanted):
            if event.detail["stage"] == Stage.APPEAL:
                decisions = [e for e in self._events[case.case_id] if e.step is Step.DECIDED]
                before = [e for e in decisions if e.detail["stage"] == Stage.FIRST]
                found.append((case.language.language, _upheld(event) != _upheld(before[-1])))
        return found

    async def save_drift_day(
        self,
        day: date,
        rows: Sequence[DriftDay],
        counted_at: datetime,  # noqa: ARG002  nobody asks memory when
    ) -> None:
        self._drift_days[day] = list(rows)

    async def forget_drift_days(self) -> None:
        self._drift_days.clear()
        self._drift_readings.clear()

    async def drift_days(self, since: date, until: date) -> list[DriftDay]:
        found = [
            row for day, rows in self._drift_days.items() if since <= day <= until for row in rows
        ]
        return sorted(found, key=lambda x: (x.day, x.sums_of, x.language, x.model_version))

    async def last_drift_days(self) -> tuple[date | None, date | None]:
        return max(self._drift_days, default=None), max(self._drift_readings, default=None)

    async def save_readings(self, day: date, readings: Sequence[Reading]) -> None:
        self._drift_readings[day] = list(readings)

    async def readings(self, since: date, language: str = "") -> list[Reading]:
        found = [
            row
            for day, rows in self._drift_readings.items()
            if day >= since
            for row in rows
            if language in ("", row.language)
        ]
        return sorted(found, key=lambda row: (row.day, row.measure, row.language))

    async def raise_drift_alarms(
        self, readings: Sequence[Reading], at: datetime
    ) -> list[DriftAlarm]:
        known = {alarm.key for alarm in self._alarms.values() if alarm.closed_at is None}
        made = []
        for row in readings:
            if row.key in known or row.z is None:
                continue
            alarm = DriftAlarm(
                alarm_id=len(self._alarms) + 1,
                measure=row.measure,
                language=row.language,
                model_version=row.model_version,
                opened_at=at,
                day=row.day,
                since=row.since or row.day,
                before=row.before,
                after=row.after,
                z=row.z,
                limit=row.limit,
            )
            self._alarms[alarm.alarm_id] = alarm
            made.append(alarm)
        return made

    async def close_drift_alarms(self, keys: Sequence[Key], at: datetime) -> int:
        ended = [x for x in self._alarms.values() if x.closed_at is None and x.key in keys]
        for alarm in ended:
            self._alarms[alarm.alarm_id] = replace(alarm, closed_at=at)
        return len(ended)

    async def acknowledge_drift_alarm(
        self, alarm_id: int, who: str, note: str, at: datetime, *, as_normal: bool
    ) -> DriftAlarm:
        alarm = self._alarms.get(alarm_id)
        if alarm is None:
            raise NotFound("alarm", str(alarm_id))
        if alarm.acknowledged_at is not None:
            raise Conflict("this alarm was acknowledged before")
        self._alarms[alarm_id] = replace(
            alarm,
            acknowledged_by=who,
            acknowledged_at=at,
            note=note,
            restart_on=alarm.since if as_normal else None,
        )
        return self._alarms[alarm_id]

    async def drift_alarms(self, limit: int, *, open_only: bool = False) -> list[DriftAlarm]:
        found = [x for x in self._alarms.values() if x.closed_at is None or not open_only]
        order = sorted(found, key=lambda x: (x.opened_at, x.alarm_id), reverse=True)
        return sorted(order, key=lambda alarm: alarm.closed_at is not None)[:limit]

    async def drift_restarts(self) -> Mapping[Key, date]:
        found: dict[Key, date] = {}
        for alarm in self._alarms.values():
            if alarm.restart_on is not None:
                found[alarm.key] = max(alarm.restart_on, found.get(alarm.key, alarm.restart_on))
        return found

    def _decided_on(
        self, day: date, wanted: Watched
    ) -> Iterator[tuple[Case, CaseEvent, CaseEvent]]:
        for case in self._cases.values():
            log = self._events[case.case_id]
            claims: dict[Any, CaseEvent] = {
                event.detail["claim_id"]: event for event in log if event.step is Step.CLAIMED
            }
            for event in log:
                decided = event.step is Step.DECIDED and event.at.date() == day
                if decided and not event.detail.get("unread") and _counts(case, wanted):
                    yield case, event, claims[event.detail["claim_id"]]


def _upheld(event: CaseEvent) -> bool:
    return event.detail["dsa_category"] is not None


def _counts(case: Case, wanted: Watched) -> bool:
    found = case.decision.verdict.findings if case.decision else {}
    hidden = set(wanted.hidden_labels) & {*case.placement.labels, *found}
    return case.placement.queue in wanted.queues and not hidden
