"""Trials in memory (see `triage_ml.testing.memory`)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from triage_ml.domain.case import CaseState
from triage_ml.domain.guard import Decided, Key
from triage_ml.domain.rollout import GUARD, RolloutStage, Trial, begin
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import NotFound
from triage_ml.ports.models import LiveModel
from triage_ml.ports.records import ScoreRecord
from triage_ml.testing.memory_records import MemoryRecords


class MemoryRollout(MemoryRecords):
    """`triage_ml.ports.RolloutStore` for tests, over names of models without files."""

    def __init__(self) -> None:
        super().__init__()
        self._published: dict[str, str] = {}
        self._lives: list[LiveModel] = []
        self._trials: list[Trial] = []
        self._tallies: dict[int, Counter[Key]] = {}

    def publish(self, version: str, sha256: str = "0" * 64) -> None:
        self._published[version] = sha256

    async def make_live(self, version: str, at: datetime, by: str, why: str) -> bool:
        if self._live == version:
            return False
        if version not in self._published:
            raise NotFound("published model", version)
        trial = await self.open_trial()
        if trial is not None:
            self._add_trial(trial.after(self._live, version, at, by, why))
        self._go_live(version, at, by, why)
        return True

    async def open_trial(self) -> Trial | None:
        newest = self._trials[-1] if self._trials else None
        return newest if newest and newest.stage is not RolloutStage.ENDED else None

    async def trials(self, limit: int = 100) -> list[Trial]:
        return self._trials[::-1][:limit]

    async def begin_trial(self, asked: Trial) -> Trial:
        if asked.version not in self._published:
            raise NotFound("published model", asked.version)
        asked = replace(asked, against=self._live or "")
        return self._add_trial(begin(asked, await self.open_trial()))

    async def end_trial(self, at: datetime, by: str, why: str, number: int | None = None) -> bool:
        trial = await self.open_trial()
        if trial is None or number not in (None, trial.number):
            return False
        self._add_trial(trial.ended(at, by, why))
        return True

    async def go_back(self, number: int, at: datetime, why: str) -> bool:
        trial = await self.open_trial()
        if trial is None or (trial.number, trial.stage) != (number, RolloutStage.PROBATION):
            return False
        if self._live != trial.against:
            return False
        self._go_live(trial.version, at, GUARD, why)
        self._add_trial(trial.ended(at, GUARD, why))
        return True

    async def add_tally(self, number: int, counts: Mapping[Key, int]) -> None:
        self._tallies.setdefault(number, Counter()).update(counts)

    async def tally(self, number: int) -> dict[Key, int]:
        return dict(self._tallies.get(number, {}))

    async def decided(self, trial: Trial, queues: Sequence[str]) -> list[Decided]:
        rows: Counter[tuple[Language, bool, bool, bool]] = Counter()
        newest = {row.case_id: row for row in self._scores if _is_beside(row, trial)}
        for beside in newest.values():
            case = self._cases[beside.case_id]
            live = [row for row in self._scores if _is_live(row, beside, trial)]
            decision = case.decision
            if (
                case.state is CaseState.DECIDED
                and decision is not None
                and not decision.unread
                and decision.decided_at >= beside.at
                and case.item.version_sha256 == beside.version_sha256
                and case.placement.queue in queues
                and live
            ):
                found = [row.p_violation >= trial.limits.alarm_at for row in (beside, live[-1])]
                if trial.stage is RolloutStage.PROBATION:
                    found.reverse()
                rows[beside.language, decision.upheld, found[0], found[1]] += 1
        return [Decided(*key, n) for key, n in rows.items()]

    @property
    def _live(self) -> str | None:
        return self._lives[-1].version if self._lives else None

    async def model_history(self, limit: int = 100) -> list[LiveModel]:
        return self._lives[::-1][:limit]

    def _go_live(self, version: str, at: datetime, by: str, why: str) -> None:
        sha256 = self._published[version]
        self._lives.append(LiveModel(len(self._lives) + 1, version, sha256, at, by, why))

    def _add_trial(self, trial: Trial) -> Trial:
        sha256 = self._published.get(trial.version, "")
        self._trials.append(replace(trial, number=len(self._trials) + 1, sha256=sha256))
        return self._trials[-1]


def _is_beside(row: ScoreRecord, trial: Trial) -> bool:
    return row.arm is Arm.SHADOW and row.model_version == trial.version and row.at >= trial.at


def _is_live(row: ScoreRecord, beside: ScoreRecord, trial: Trial) -> bool:
    return (
        row.case_id == beside.case_id
        and row.version_sha256 == beside.version_sha256
        and row.arm is Arm.LIVE
        and row.model_version == trial.against
    )
