"""Drift as other systems read it."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from serving.schemas.base import Answer
from triage_ml.domain.drift_watch import Reading
from triage_ml.ports.drift import DriftAlarm
from triage_ml.workflow.drift import DriftState


class DriftSeriesOut(Answer):
    """Where a series stands. `z` is null while there is too little to compare."""

    measure: str = Field(description="As in `length` or `score:hate`.")
    language: str = Field(description="A language code, or `all`.")
    model_version: str = Field(description="Empty where no model is asked.")
    have: int = Field(description="Days, or decisions, of the reference.")
    need: int
    before: float | None
    after: float | None
    z: float | None = Field(description="The strongest comparison, in standard deviations.")
    alarm: bool = Field(description="Whether the last day alone would raise an alarm.")

    @classmethod
    def of(cls, row: Reading) -> "DriftSeriesOut":
        known = row.z is not None
        return cls(
            measure=row.measure,
            language=row.language,
            model_version=row.model_version,
            have=row.have,
            need=row.need,
            before=row.before if known else None,
            after=row.after if known else None,
            z=row.z,
            alarm=row.alarms,
        )


class DriftAlarmOut(Answer):
    alarm_id: int
    measure: str
    language: str
    model_version: str
    opened_at: datetime
    since: date = Field(description="Where the change seems to have begun (UTC).")
    before: float
    after: float
    z: float
    limit: float
    closed_at: datetime | None
    acknowledged_at: datetime | None

    @classmethod
    def of(cls, alarm: DriftAlarm) -> "DriftAlarmOut":
        return cls(**{name: getattr(alarm, name) for name in cls.model_fields})


class DriftOut(Answer):
    read_to: date | None = Field(description="The last day (UTC) that was compared.")
    behind_days: int = Field(description="Days that were counted and not compared yet.")
    limit: float = Field(description="Standard deviations that raise an alarm.")
    alarms: list[DriftAlarmOut] = Field(description="Open ones first, then the newest.")
    series: list[DriftSeriesOut]

    @classmethod
    def of(cls, state: DriftState) -> "DriftOut":
        return cls(
            read_to=state.read_to,
            behind_days=state.n_behind,
            limit=state.limit,
            alarms=[DriftAlarmOut.of(alarm) for alarm in state.alarms],
            series=[DriftSeriesOut.of(row) for row in state.readings],
        )


DRIFT: dict[str, Any] = {
    "read_to": "2026-11-21",
    "behind_days": 0,
    "limit": 4.8,
    "alarms": [
        {
            "alarm_id": 7,
            "measure": "length",
            "language": "tr",
            "model_version": "",
            "opened_at": "2026-11-15T00:10:00Z",
            "since": "2026-11-12",
            "before": 61.0,
            "after": 112.0,
            "z": 6.2,
            "limit": 4.8,
            "closed_at": None,
            "acknowledged_at": None,
        }
    ],
    "series": [
        {
            "measure": "length",
            "language": "tr",
            "model_version": "",
            "have": 28,
            "need": 28,
            "before": 61.0,
            "after": 112.0,
            "z": 6.2,
            "alarm": True,
        }
    ],
}
