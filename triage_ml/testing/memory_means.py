"""The measurement of automated means in memory (see `triage_ml.testing.memory`)."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triage_ml.domain.case import Case, CaseState, Step
from triage_ml.domain.means import MeansSample, Sums
from triage_ml.domain.routing import LIKELY
from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Language
from triage_ml.ports import CaseEvent
from triage_ml.ports.means import DrawnGroup, MeansWindow, ReceivedGroup, Said


@dataclass(frozen=True, slots=True)
class _Reading:
    """A case as it stood at its first decision."""

    said: Said
    queue: str
    tier: int
    claim_id: UUID
    claimed_at: datetime
    decided_at: datetime
    blind: bool


@dataclass(frozen=True, slots=True)
class _Draw:
    case: Case
    at: datetime
    weight: float


class MemoryMeans:
    """`triage_ml.ports.means.MeansStore` for tests."""

    _cases: dict[UUID, Case]
    _events: dict[UUID, list[CaseEvent]]

    def __init__(self) -> None:
        super().__init__()
        self._readings: dict[UUID, _Reading] = {}

    async def chance_draws(self, window: MeansWindow) -> list[DrawnGroup]:
        sums: dict[tuple[MeansSample, Said, frozenset[str] | None], Sums] = defaultdict(Sums)
        for draw in self._random_draws(window):
            one = Sums(1, draw.weight, draw.weight**2)
            sums[MeansSample.WAITING, self._said_then(draw.case), _true(draw.case)] += one
        for case_id, reading in self._readings.items():
            case = self._cases[case_id]
            in_time = window.since <= reading.decided_at < window.until
            if reading.blind and in_time and self._visible(window, case):
                sums[MeansSample.BLIND, reading.said, _true(case)] += Sums(1, 1.0, 1.0)
        return [DrawnGroup(*key, found) for key, found in sums.items()]

    async def received_groups(self, window: MeansWindow) -> list[ReceivedGroup]:
        draws = [d for d in self._random_draws(window) if d.case.case_id in self._readings]
        times: dict[tuple[str, int], list[datetime]] = defaultdict(list)
        for draw in sorted(draws, key=lambda draw: draw.at):
            times[self._place_then(draw.case)].append(draw.at)
        ours = [
            case
            for case in self._cases.values()
            if window.since <= case.received_at < window.until
            and case.state is not CaseState.WITHDRAWN
            and self._visible(window, case)
        ]
        untold = {
            self._place_then(case)
            for case in ours
            if _true(case) is None and not _n_after(times[self._place_then(case)], case)
        }
        sums: dict[tuple[Said, frozenset[str] | None], ReceivedGroup] = {}
        for case in ours:
            place = self._place_then(case)
            own = [draw for draw in draws if draw.case.case_id == case.case_id]
            one = self._spread(case, times[place], own, untold=place in untold)
            old = sums.get((one.said, one.true))
            sums[one.said, one.true] = one if old is None else _joined(old, one)
        return list(sums.values())

    def _note_reading(self, case: Case) -> None:
        if case.case_id in self._readings or case.decision is None or case.decision.unread:
            return
        claim_id = case.decision.claim_id
        [claimed] = [e for e in self._claims_of(case) if e.detail["claim_id"] == str(claim_id)]
        self._readings[case.case_id] = _Reading(
            said=_said(case.language.language, case.scores),
            queue=case.placement.queue,
            tier=int(case.placement.priority.tier),
            claim_id=claim_id,
            claimed_at=claimed.at,
            decided_at=case.decision.decided_at,
            blind=case.decision.hints_withheld,
        )

    def _claims_of(self, case: Case) -> Iterator[CaseEvent]:
        return (e for e in self._events[case.case_id] if e.step is Step.CLAIMED)

    def _random_draws(self, window: MeansWindow) -> Iterator[_Draw]:
        for case in self._cases.values():
            reading = self._readings.get(case.case_id)
            for event in self._claims_of(case) if self._visible(window, case) else ():
                first = reading is None or event.at <= reading.claimed_at
                in_time = window.since <= event.at < window.until
                if event.detail["drawn_at_random"] and first and in_time:
                    yield _Draw(case, event.at, 1 / event.detail["propensity"])

    def _spread(
        self, case: Case, times: Sequence[datetime], own: Sequence[_Draw], *, untold: bool
    ) -> ReceivedGroup:
        reading = self._readings.get(case.case_id)
        said = reading.said if reading else _said(case.language.language, case.scores)
        n_after = _n_after(times, case)
        if n_after == 0:
            known = 0.0 if untold else 1.0
            return ReceivedGroup(said, _true(case), 1, int(untold), known, 0.0, Sums())
        until = bisect_right(times, reading.claimed_at) if reading else len(times)
        waiting = (until - bisect_right(times, case.received_at)) / n_after
        weight = sum(draw.weight for draw in own) / n_after
        square = sum(draw.weight**2 for draw in own) / n_after**2
        draws = Sums(len(own), weight, square)
        return ReceivedGroup(said, _true(case), 1, 0, 1 - waiting, waiting, draws)

    def _visible(self, window: MeansWindow, case: Case) -> bool:
        then = self._place_then(case)[0]
        return window.queues is None or {then, case.placement.queue} <= set(window.queues)

    def _said_then(self, case: Case) -> Said:
        reading = self._readings.get(case.case_id)
        return reading.said if reading else _said(case.language.language, None)

    def _place_then(self, case: Case) -> tuple[str, int]:
        reading = self._readings.get(case.case_id)
        if reading is not None:
            return reading.queue, reading.tier
        return case.placement.queue, int(case.placement.priority.tier)


def _n_after(times: Sequence[datetime], case: Case) -> int:
    return len(times) - bisect_right(times, case.received_at)


def _said(language: Language, scores: LabelScores | None) -> Said:
    if scores is None:
        return Said(language, "", frozenset(), frozenset())
    found = frozenset(x.value for x, score in scores.labels.items() if score.trusted >= LIKELY)
    scored = frozenset(label.value for label in scores.labels)
    return Said(language, scores.model_version, scored, found)


def _true(case: Case) -> frozenset[str] | None:
    if case.decision is None or case.decision.unread:
        return None
    findings = case.decision.verdict.findings
    return frozenset(label.value for label, severity in findings.items() if severity >= 1)


def _joined(old: ReceivedGroup, one: ReceivedGroup) -> ReceivedGroup:
    return ReceivedGroup(
        said=one.said,
        true=one.true,
        n=old.n + one.n,
        n_uncovered=old.n_uncovered + one.n_uncovered,
        known=old.known + one.known,
        waiting=old.waiting + one.waiting,
        draws=old.draws + one.draws,
    )
