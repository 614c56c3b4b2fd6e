"""Trends in memory, computed anew from the cases (see `triage_ml.testing.memory`)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any
from uuid import UUID

from triage_ml.domain.case import Case, Stage, Step
from triage_ml.domain.prevalence import WeightedSample
from triage_ml.domain.report import OTHER_REASON
from triage_ml.domain.taxonomy import Language
from triage_ml.domain.terms import Emerging, ReportedText
from triage_ml.ports import CaseEvent
from triage_ml.ports.trends import (
    CaseLine,
    DayCount,
    Measure,
    QueueRecord,
    SampleRow,
    Slice,
    Split,
)
from triage_ml.testing.memory_decided import Decided, decisions


@dataclass(frozen=True, slots=True)
class _Happening:
    """One thing that counts, on one case."""

    at: datetime
    measure: Measure
    label: str
    case: Case


@dataclass(frozen=True, slots=True)
class _Draw:
    """A claim that chance made, and what was decided by it."""

    at: datetime
    weight: float
    case: Case
    decided: CaseEvent | None


class MemoryTrends:
    """`triage_ml.ports.trends.TrendStore` for tests."""

    _cases: dict[UUID, Case]
    _events: dict[UUID, list[CaseEvent]]
    _reports: dict[UUID, Any]

    def __init__(self) -> None:
        super().__init__()
        self._emerging: tuple[list[Emerging], datetime | None] = ([], None)
        self._counted_at: datetime | None = None

    async def daily_counts(self, wanted: Slice, split: Split) -> list[DayCount]:
        sums: Counter[tuple[date, Measure, str]] = Counter()
        for row in self._happenings():
            unlabelled = row.measure in (Measure.DECISIONS, Measure.UPHELD)
            hint = row.measure is Measure.VIOLATIONS and row.label in wanted.hint_labels
            counts = unlabelled or (_labelled(wanted, row.label) and not hint)
            if counts and _in(wanted, row.at, row.case):
                sums[row.at.date(), row.measure, _part(row, split)] += 1
        return [DayCount(day, measure, part, n) for (day, measure, part), n in sorted(sums.items())]

    async def sample(self, wanted: Slice) -> list[SampleRow]:
        sums: dict[tuple[Language, str], WeightedSample] = defaultdict(WeightedSample)
        for draw in self._draws():
            if not _in(wanted, draw.at, draw.case):
                continue
            w, language = draw.weight, draw.case.language.language
            detail = draw.decided.detail if draw.decided else {}
            upheld = bool(detail.get("dsa_category"))
            found = WeightedSample(0, 0, 0.0, 0.0, 1, w, w * w)
            done = WeightedSample(1, 1, w, w * w) if draw.decided else WeightedSample(1)
            sums[language, ""] += done + (found if upheld else WeightedSample())
            for label, severity in detail.get("findings", {}).items():
                if severity >= 1 and label not in (*wanted.hidden_labels, *wanted.hint_labels):
                    sums[language, label] += found
        return [SampleRow(*key, sums[key]) for key in sorted(sums)]

    async def surfaces(self, wanted: Slice, limit: int = 100) -> list[str]:
        seen = Counter(
            row.case.item.surface
            for row in self._happenings()
            if row.measure is Measure.REPORTS
            and _visible(wanted, row.case)
            and wanted.since <= row.at.date() <= wanted.until
            and row.label not in wanted.hidden_labels
        )
        return sorted(seen, key=lambda name: (-seen[name], name))[:limit]

    async def trend_cases(self, wanted: Slice, measure: Measure, limit: int) -> list[CaseLine]:
        newest: dict[UUID, tuple[datetime, Case]] = {}
        for row in self._behind(measure):
            labelled = measure in (Measure.DECISIONS, Measure.UPHELD) or (
                _labelled(wanted, row.label)
            )
            if measure is Measure.VIOLATIONS and row.label in wanted.hint_labels:
                continue
            if labelled and _in(wanted, row.at, row.case) and not _hidden(wanted, row.case):
                at = max(row.at, newest.get(row.case.case_id, (row.at,))[0])
                newest[row.case.case_id] = (at, row.case)
        lines = [_line(case, at) for at, case in newest.values()]
        return sorted(lines, key=lambda line: (-line.at.timestamp(), line.case_id))[:limit]

    async def cases_among(self, case_ids: Sequence[UUID], wanted: Slice) -> list[CaseLine]:
        found = [self._cases[case_id] for case_id in case_ids if case_id in self._cases]
        shown = [case for case in found if _visible(wanted, case) and not _hidden(wanted, case)]
        lines = [_line(case, case.received_at) for case in shown]
        return sorted(lines, key=lambda line: (-line.at.timestamp(), line.case_id))

    async def queue_records(self, wanted: Slice, min_people: int) -> list[QueueRecord]:
        found: dict[str, list[Decided]] = defaultdict(list)
        for row in decisions(self._cases, self._events):
            if row.stage == Stage.FIRST and _in(wanted, row.decided_at, row.case):
                found[row.queue].append(row)
        return [_record(queue, rows, min_people) for queue, rows in sorted(found.items())]

    async def reported_texts(
        self, wanted: Slice, recent_since: date, limit: int
    ) -> list[ReportedText]:
        found: dict[tuple[UUID, bool], ReportedText] = {}
        for row in self._happenings():
            case = row.case
            if row.measure is not Measure.REPORTS or _hidden(wanted, case) or case.item.erased:
                continue
            if _in(wanted, row.at, case):
                recent = row.at.date() >= recent_since
                found[case.case_id, recent] = ReportedText(
                    case.case_id,
                    case.item.item_id,
                    case.item.author_ref,
                    case.language.language,
                    case.item.text,
                    case.received_at,
                    recent,
                )
        before = [row for row in found.values() if not row.recent][:limit]
        return before + [row for row in found.values() if row.recent][:limit]

    async def save_emerging(self, found: Sequence[Emerging], at: datetime) -> None:
        erased = {case_id for case_id, case in self._cases.items() if case.item.erased}
        kept = [row for row in found if erased.isdisjoint(row.case_ids)]
        self._emerging = (kept, at if kept else None)

    async def emerging(self) -> tuple[list[Emerging], datetime | None]:
        found, at = self._emerging
        order = sorted(found, key=lambda row: (row.language, -row.score, row.words))
        return sorted(order, key=lambda row: row.kind, reverse=True), at

    async def count_days(
        self,
        now: datetime,
        restricted: Sequence[str],  # noqa: ARG002  nobody analyses what is in memory
    ) -> bool:
        self._counted_at = now
        return False

    async def recount_days(self) -> None:
        """Counts are made anew whenever they are asked for."""

    async def counted_from(self) -> date | None:
        return min((row.at.date() for row in self._happenings()), default=None)

    async def counted_at(self) -> datetime | None:
        return self._counted_at

    def _happenings(self) -> Iterator[_Happening]:
        for row in self._reports.values():
            reason = row.stored.reason.value if row.stored.reason else OTHER_REASON
            case = self._cases[row.case_id]
            yield _Happening(row.stored.reported_at, Measure.REPORTS, reason, case)
        for case in self._cases.values():
            for event in _decided(self._events[case.case_id]):
                yield _Happening(event.at, Measure.DECISIONS, "", case)
                if event.detail["dsa_category"]:
                    yield _Happening(event.at, Measure.UPHELD, "", case)
                for label, severity in event.detail["findings"].items():
                    if severity >= 1:
                        yield _Happening(event.at, Measure.VIOLATIONS, label, case)

    def _behind(self, measure: Measure) -> Iterator[_Happening]:
        if measure is not Measure.SAMPLE:
            yield from (row for row in self._happenings() if row.measure is measure)
            return
        for draw in self._draws():
            findings = draw.decided.detail["findings"] if draw.decided else {}
            for label in ("", *(name for name, severity in findings.items() if severity >= 1)):
                yield _Happening(draw.at, measure, label, draw.case)

    def _draws(self) -> Iterator[_Draw]:
        for case in self._cases.values():
            log = self._events[case.case_id]
            decisions = {event.detail["claim_id"]: event for event in _decided(log)}
            for event in log:
                if event.step is Step.CLAIMED and event.detail["drawn_at_random"]:
                    decided = decisions.get(event.detail["claim_id"])
                    if decided is None or decided.detail["stage"] == Stage.FIRST:
                        yield _Draw(event.at, 1 / event.detail["propensity"], case, decided)


def _decided(log: Sequence[CaseEvent]) -> Iterator[CaseEvent]:
    return (event for event in log if event.step is Step.DECIDED)


def _record(queue: str, rows: Sequence[Decided], min_people: int) -> QueueRecord:
    seconds = median((row.decided_at - row.claimed_at).total_seconds() for row in rows)
    enough = len({row.reviewer for row in rows}) >= min_people
    n_late = sum(row.decided_at > row.due_at for row in rows)
    return QueueRecord(queue, len(rows), n_late, float(seconds) if enough else None)


def _in(wanted: Slice, at: datetime, case: Case) -> bool:
    return (
        wanted.since <= at.date() <= wanted.until
        and wanted.language in ("", case.language.language)
        and wanted.surface in ("", case.item.surface)
        and _visible(wanted, case)
    )


def _visible(wanted: Slice, case: Case) -> bool:
    return wanted.queues is None or case.placement.queue in wanted.queues


def _hidden(wanted: Slice, case: Case) -> bool:
    found = case.decision.verdict.findings if case.decision else {}
    return any(label in wanted.hidden_labels for label in (*case.placement.labels, *found))


def _labelled(wanted: Slice, label: str) -> bool:
    return wanted.label in ("", label) and label not in wanted.hidden_labels


def _part(row: _Happening, split: Split) -> str:
    parts = {
        Split.NONE: "",
        Split.LABEL: row.label,
        Split.LANGUAGE: row.case.language.language.value,
        Split.SURFACE: row.case.item.surface,
    }
    return parts[split]


def _line(case: Case, at: datetime) -> CaseLine:
    return CaseLine(
        case_id=case.case_id,
        queue=case.placement.queue,
        language=case.language.language,
        surface=case.item.surface,
        state=case.state,
        labels=tuple(label.value for label in case.placement.labels),
        upheld=case.decision.upheld if case.decision else None,
        at=at,
    )
