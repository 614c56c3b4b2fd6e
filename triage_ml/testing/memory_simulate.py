"""Past cases, comparisons and live models in memory (see `triage_ml.testing.memory`)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from statistics import quantiles
from uuid import UUID

from triage_ml.domain.case import Case, CaseState
from triage_ml.domain.comparison import Comparison, Kind
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import NotFound
from triage_ml.ports import CaseEvent
from triage_ml.ports.records import ScoreRecord
from triage_ml.ports.simulate import HandlingFact
from triage_ml.testing.memory_decided import Decided, decisions

NOT_READ_SECONDS = 2.0
_PLAYED = (CaseState.QUEUED, CaseState.CLAIMED, CaseState.DECIDED)


class MemoryComparisons:
    """`triage_ml.ports.ComparisonStore` for tests."""

    _cases: dict[UUID, Case]
    _events: dict[UUID, list[CaseEvent]]
    _scores: list[ScoreRecord]

    def __init__(self) -> None:
        super().__init__()
        self._comparisons: dict[UUID, Comparison] = {}

    async def past_cases(self, since: datetime, limit: int) -> list[Case]:
        found = [case for case in self._played() if case.received_at >= since]
        found.sort(key=lambda case: (case.received_at, case.case_id))
        return found[-limit:] if limit else []

    async def n_past_cases(self, limit: int) -> int:
        return min(len(self._played()), limit)

    async def recorded_scores(
        self, case_ids: Sequence[UUID], model_version: str
    ) -> dict[UUID, LabelScores]:
        found = {}
        for row in self._scores:  # the newest last
            case = self._cases[row.case_id]
            newest = row.version_sha256 == case.item.version_sha256
            if row.case_id in case_ids and newest and row.model_version == model_version:
                found[row.case_id] = LabelScores(
                    row.labels, row.p_violation, row.language, row.model_version
                )
        return found

    async def handling_facts(
        self, since: datetime, min_n: int, min_people: int
    ) -> list[HandlingFact]:
        cells: dict[tuple[Language | None, str | None], list[Decided]] = defaultdict(list)
        for row in decisions(self._cases, self._events):
            if row.decided_at < since or _seconds(row) < NOT_READ_SECONDS:
                continue
            language = row.case.language.language
            for key in ((None, None), (language, None), (language, _gravest(row))):
                cells[key].append(row)
        return [
            HandlingFact(*key, len(rows), _quartiles([_seconds(row) for row in rows]))
            for key, rows in sorted(cells.items(), key=lambda cell: _nulls_first(*cell[0]))
            if len(rows) >= min_n and len({row.reviewer for row in rows}) >= min_people
        ]

    async def add_comparison(self, comparison: Comparison) -> None:
        self._comparisons[comparison.comparison_id] = comparison

    async def comparisons(self, limit: int = 20) -> list[Comparison]:
        return [_without_moves(row) for row in self._newest()[:limit]]

    async def get_comparison(self, comparison_id: UUID) -> Comparison:
        if comparison_id not in self._comparisons:
            raise NotFound("comparison", str(comparison_id))
        return self._comparisons[comparison_id]

    async def find_comparison(self, before: str, after: str) -> Comparison | None:
        for row in self._newest():
            models = row.before.model, row.after.model
            if row.kind is Kind.MODELS and models == (before, after):
                return _without_moves(row)
        return None

    def _played(self) -> list[Case]:
        cases = self._cases.values()
        return [case for case in cases if case.state in _PLAYED and case.item.text]

    def _newest(self) -> list[Comparison]:
        return sorted(self._comparisons.values(), key=lambda row: row.at, reverse=True)


def _without_moves(row: Comparison) -> Comparison:
    return replace(
        row, diff=replace(row.diff, moves=()), restricted=replace(row.restricted, moves=())
    )


def _seconds(row: Decided) -> float:
    return (row.decided_at - row.claimed_at).total_seconds()


def _gravest(row: Decided) -> str:
    found = {label: s for label, s in row.judgement.findings.items() if s >= 1}
    return min(found, key=lambda label: (-found[label], label.value)).value if found else ""


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, median, third = quantiles(values, n=4, method="inclusive")
    return first, median, third


def _nulls_first(language: Language | None, label: str | None) -> tuple[str, bool, str]:
    return language or "", label is not None, label or ""
