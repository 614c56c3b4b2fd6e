"""The store in memory: the same promises as PostgreSQL, kept by the domain's own functions.

Nothing here awaits, so that every method is one transaction by itself.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby
from typing import Any, TypeVar
from uuid import UUID, uuid4

from pydantic_core import from_json, to_json

from triage_ml.domain.case import OPEN_STATES, Case, Change, Claim, NewEvent, Stage, Step
from triage_ml.domain.priority import index_at
from triage_ml.domain.report import Source
from triage_ml.domain.review import take
from triage_ml.domain.sketch import Sketch
from triage_ml.domain.taxonomy import Tier
from triage_ml.errors import Conflict, IdempotencyMismatch, NotFound
from triage_ml.ports import (
    Admit,
    ApiKey,
    CaseEvent,
    ClaimRequest,
    Delivery,
    History,
    HistoryWindow,
    ItemVersion,
    QueueDepth,
    Receipt,
    StepFunction,
    StoredAppeal,
    StoredReport,
    Submission,
)
from triage_ml.testing.memory_care import MemoryCare
from triage_ml.testing.memory_desk import MemoryDesk
from triage_ml.testing.memory_drift import MemoryDrift
from triage_ml.testing.memory_feedback import MemoryFeedback
from triage_ml.testing.memory_insight import MemoryInsight
from triage_ml.testing.memory_labelling import MemoryLabelling
from triage_ml.testing.memory_leads import MemoryLeads
from triage_ml.testing.memory_means import MemoryMeans
from triage_ml.testing.memory_replay import MemoryReplay
from triage_ml.testing.memory_rollout import MemoryRollout
from triage_ml.testing.memory_simulate import MemoryComparisons
from triage_ml.testing.memory_trends import MemoryTrends

T = TypeVar("T")
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Report:
    case_id: UUID
    reporter_ref: str
    stored: StoredReport


@dataclass(frozen=True, slots=True)
class _Outcome:
    reporter_ref: str
    source: Source
    upheld: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class _Parcel:
    delivery: Delivery
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None
    last_error: str = ""


@dataclass
class MemoryCaseStore(
    MemoryTrends,
    MemoryCare,
    MemoryDesk,
    MemoryInsight,
    MemoryLeads,
    MemoryComparisons,
    MemoryMeans,
    MemoryLabelling,
    MemoryReplay,
    MemoryDrift,
    MemoryRollout,
    MemoryFeedback,
):
    """The stores of `triage_ml.ports`, of models only their names, for tests.

    `now` stamps what a change leaves in the log.
    """

    chance: random.Random = field(default_factory=random.Random)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        super().__init__()
        self._cases: dict[UUID, Case] = {}
        self._claims: dict[UUID, UUID] = {}
        self._events: dict[UUID, list[CaseEvent]] = {}
        self._reports: dict[UUID, _Report] = {}
        self._outcomes: dict[UUID, _Outcome] = {}
        self._receipts: dict[tuple[str, str], tuple[str, Receipt]] = {}
        self._parcels: dict[int, _Parcel] = {}
        self._versions: dict[str, dict[str, datetime]] = {}
        self._appeals: dict[UUID, list[StoredAppeal]] = {}
        self._freed: dict[UUID, datetime] = {}
        self._keys: dict[str, ApiKey] = {}
        self._sketches: dict[UUID, Sketch] = {}
        self._numbers = count(1)

    async def submit(self, submission: Submission, window: HistoryWindow, admit: Admit) -> Receipt:
        slot = (submission.actor, submission.idempotency_key or "")
        if submission.idempotency_key is not None and slot in self._receipts:
            body_sha256, receipt = self._receipts[slot]
            if body_sha256 != submission.body_sha256:
                raise IdempotencyMismatch
            return receipt
        existing = self._open_case(submission.item.item_id)
        change = admit(existing, self._history(submission, window), uuid4())
        self._save(change, submission.received_at)
        report_id = self._add_report(change.case.case_id, submission)
        joined = existing is not None
        receipt = Receipt.of(report_id, change.case, joined, submission.received_at)
        if submission.idempotency_key is not None:
            self._receipts[slot] = (submission.body_sha256, receipt)
        return receipt

    async def change(self, case_id: UUID, step: StepFunction) -> Case:
        change = step(await self.get_case(case_id))
        at = self.now()
        if change.withdrawn_report is not None:
            self._withdraw(case_id, change.withdrawn_report, at)
        self._save(change, at)
        if change.exposure is not None:
            self._exposures.append(change.exposure)
        return change.case

    async def claim(self, request: ClaimRequest) -> list[Case]:
        waiting = sorted(self._claimable(request), key=lambda case: _order(case, request))
        tier = [case for case in waiting if _tier(case) == _tier(waiting[0])]
        n_random = sum(self.chance.random() < request.random_share for _ in range(request.n))
        drawn = self.chance.sample(tier, min(n_random, len(tier)))
        ranked = [case for case in waiting if case not in drawn][: request.n - len(drawn)]
        for case in (*drawn, *ranked):
            claim = Claim(
                claim_id=uuid4(),
                reviewer=request.reviewer,
                claimed_at=max(request.now, self._freed.get(case.case_id, request.now)),
                lease_expires_at=request.now + request.lease,
                drawn_at_random=case in drawn,
                propensity=_propensity(request.random_share, len(tier), case in drawn),
                hints_withheld=_tier(case) >= 1 and self.chance.random() < request.blind_share,
            )
            self._save(take(case, claim), claim.claimed_at)
        picked = [case for case in waiting if case in drawn or case in ranked]
        return [self._cases[case.case_id] for case in picked]

    async def get_case(self, case_id: UUID) -> Case:
        return _get(self._cases, case_id, "case")

    async def case_of_claim(self, claim_id: UUID) -> UUID:
        return _get(self._claims, claim_id, "claim")

    async def events(self, case_id: UUID, after: int = 0, limit: int = 500) -> list[CaseEvent]:
        found = _get(self._events, case_id, "case")
        return [event for event in found if event.sequence > after][:limit]

    async def reports(self, case_id: UUID, limit: int = 100) -> list[StoredReport]:
        found = [row.stored for row in self._reports.values() if row.case_id == case_id]
        found.sort(key=lambda report: (report.reported_at, report.report_id), reverse=True)
        return found[:limit]

    async def versions(self, case_id: UUID, limit: int = 20) -> list[ItemVersion]:
        seen = self._versions.get(_get(self._cases, case_id, "case").item.item_id, {})
        found = [ItemVersion(text, first_seen_at) for text, first_seen_at in seen.items()]
        return sorted(found, key=lambda v: (-v.first_seen_at.timestamp(), v.text))[:limit]

    async def appeals(self, case_id: UUID) -> list[StoredAppeal]:
        return list(self._appeals.get(case_id, []))

    async def queue_depths(self, now: datetime) -> list[QueueDepth]:
        drained = {
            case.case_id: n_decided
            for case in self._cases.values()
            if (n_decided := self._n_decided(case.case_id, now - HOUR, now))
        }
        shown = [
            case
            for case in self._cases.values()
            if case.state in OPEN_STATES or case.case_id in drained
        ]
        return [
            _depth(list(group), drained, now)
            for _, group in groupby(sorted(shown, key=_place), key=_place)
        ]

    def _n_decided(self, case_id: UUID, after: datetime, until: datetime) -> int:
        events = self._events[case_id]
        return sum(row.step is Step.DECIDED and after < row.at <= until for row in events)

    async def urgent_waits(self, queue: str, now: datetime) -> bool:
        return any(
            case.placement.queue == queue and _tier(case) <= Tier.T1 and not _leased(case, now)
            for case in self._open_cases()
        )

    async def unscored(self, limit: int, max_failures: int) -> list[Case]:
        found = [
            case
            for case in self._open_cases()
            if case.awaits_scores
            and case.scoring_failures < max_failures
            and case.item.erased is None
        ]
        found.sort(key=lambda c: (c.scoring_failures, _tier(c), c.received_at, c.case_id))
        return found[:limit]

    async def take_deliveries(self, limit: int, now: datetime, lease: timedelta) -> list[Delivery]:
        oldest: dict[UUID, _Parcel] = {}
        for parcel in self._parcels.values():
            if parcel.delivered_at is None:
                oldest.setdefault(parcel.delivery.case_id, parcel)
        due = [p for p in oldest.values() if p.next_attempt_at is None or p.next_attempt_at <= now]
        taken = sorted(due, key=lambda parcel: parcel.delivery.delivery_id)[:limit]
        deliveries = [
            replace(parcel.delivery, n_attempts=parcel.delivery.n_attempts + 1) for parcel in taken
        ]
        for delivery in deliveries:
            self._parcels[delivery.delivery_id] = _Parcel(delivery, now + lease)
        return deliveries

    async def settle_delivery(
        self, delivery_id: int, at: datetime, retry_at: datetime | None, error: str = ""
    ) -> None:
        parcel = self._parcels.get(delivery_id)
        if parcel is not None and parcel.delivered_at is None:
            delivered_at = at if retry_at is None else None
            self._parcels[delivery_id] = _Parcel(parcel.delivery, retry_at, delivered_at, error)

    async def n_undelivered(self) -> int:
        return sum(parcel.delivered_at is None for parcel in self._parcels.values())

    async def forget(self, before: datetime) -> int:
        answers = [slot for slot, (_, r) in self._receipts.items() if r.received_at < before]
        arrived = [
            number
            for number, parcel in self._parcels.items()
            if parcel.delivered_at is not None and parcel.delivered_at < before
        ]
        for slot in answers:
            del self._receipts[slot]
        for number in arrived:
            del self._parcels[number]
        return len(answers) + len(arrived) + self._forget_sessions(before)

    async def find_key(self, key_sha256: str) -> ApiKey | None:
        key = self._keys.get(key_sha256)
        return key if key and key.revoked_at is None else None

    async def add_key(self, key: ApiKey, key_sha256: str) -> None:
        if key_sha256 in self._keys or self._valid(key.name):
            raise Conflict(f"there is a valid key named {key.name}")
        self._keys[key_sha256] = key

    async def list_keys(self) -> list[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.name))

    async def revoke_key(self, name: str, at: datetime) -> None:
        valid = self._valid(name)
        if not valid:
            raise NotFound("key", name)
        for key_sha256 in valid:
            self._keys[key_sha256] = replace(self._keys[key_sha256], revoked_at=at)

    async def ping(self) -> None:
        return None

    def _valid(self, name: str) -> list[str]:
        return [
            key_sha256
            for key_sha256, key in self._keys.items()
            if key.name == name and key.revoked_at is None
        ]

    def _open_cases(self) -> list[Case]:
        return [case for case in self._cases.values() if case.state in OPEN_STATES]

    def _open_case(self, item_id: str) -> Case | None:
        """Find the item's open case; one under appeal does not take new reports."""
        for case in self._open_cases():
            if case.item.item_id == item_id and case.stage is Stage.FIRST:
                return case
        return None

    def _claimable(self, request: ClaimRequest) -> Iterable[Case]:
        for case in self._open_cases():
            if (
                case.placement.queue == request.queue
                and not _leased(case, request.now)
                and case.barred_reviewer != request.reviewer
                and (not request.languages or case.language.language in request.languages)
                and not set(case.placement.labels) & set(request.excluded_labels)
            ):
                yield case

    def _history(self, submission: Submission, window: HistoryWindow) -> History:
        report = submission.report
        outcomes = [
            (outcome.decided_at, report_id, outcome.upheld)
            for report_id, outcome in self._outcomes.items()
            if (outcome.reporter_ref, outcome.source) == (report.reporter_ref, report.source)
        ]
        outcomes.sort(key=lambda row: (-row[0].timestamp(), row[1]))
        recent = [upheld for _, _, upheld in outcomes[: window.n_outcomes]]
        violations = [
            case
            for case in self._cases.values()
            if case.item.author_ref == submission.item.author_ref
            and case.decision is not None
            and case.decision.upheld
            and case.decision.decided_at >= window.violations_since
        ]
        return History(len(recent), sum(recent), len(violations))

    def _add_report(self, case_id: UUID, submission: Submission) -> UUID:
        report, report_id = submission.report, uuid4()
        stored = StoredReport(
            report_id=report_id,
            source=report.source,
            reason=report.reason,
            jurisdiction=report.jurisdiction,
            legal_deadline=report.legal_deadline,
            reported_at=submission.received_at,
            withdrawn_at=None,
        )
        self._reports[report_id] = _Report(case_id, report.reporter_ref, stored)
        return report_id

    def _withdraw(self, case_id: UUID, report_id: UUID, at: datetime) -> None:
        row = self._reports.get(report_id)
        if row is None or row.case_id != case_id:
            raise NotFound("report", str(report_id))
        if row.stored.withdrawn_at is not None:
            raise Conflict("this report was withdrawn before")
        self._reports[report_id] = replace(row, stored=replace(row.stored, withdrawn_at=at))

    def _save(self, change: Change, at: datetime) -> None:
        case = change.case
        self._cases[case.case_id] = case
        if case.claim is not None:
            self._claims[case.claim.claim_id] = case.case_id
        log = self._events.setdefault(case.case_id, [])
        log += [self._line(event, at) for event in change.events]
        self._record(change, at)
        self._remember_text(case.item)
        if change.reports_upheld is not None and case.decision is not None:
            self._conclude(case.case_id, change.reports_upheld, case.decision.decided_at)
            self._note_reading(case)
        if change.claim_ended is not None:
            self._freed[case.case_id] = at
        if case.item.erased is None:
            self._restore(case.item)
            self._versions.setdefault(case.item.item_id, {}).setdefault(case.item.text, at)
        if change.appeal is not None:
            lodged = StoredAppeal(change.appeal.complainant_ref, change.appeal.grounds, at)
            self._appeals.setdefault(case.case_id, []).append(lodged)
        if change.announcement is not None:
            number = next(self._numbers)
            payload = _as_stored({"case_id": case.case_id, **change.announcement})
            self._parcels[number] = _Parcel(Delivery(number, case.case_id, payload, at, 0))

    def _line(self, event: NewEvent, at: datetime) -> CaseEvent:
        return CaseEvent(
            sequence=next(self._numbers),
            at=at,
            step=event.step,
            actor=event.actor,
            from_state=event.from_state,
            to_state=event.to_state,
            detail=_as_stored(event.detail),
        )

    def _conclude(self, case_id: UUID, upheld: bool, at: datetime) -> None:
        if self._cases[case_id].item.erased is not None:  # nobody can say who was right
            return
        for report_id, row in self._reports.items():
            if row.case_id == case_id and row.stored.withdrawn_at is None:
                self._outcomes[report_id] = _Outcome(
                    row.reporter_ref, row.stored.source, upheld, at
                )


def _get(rows: Mapping[UUID, T], key: UUID, kind: str) -> T:
    if key not in rows:
        raise NotFound(kind, str(key))
    return rows[key]


def _as_stored(document: object) -> Any:
    """Give a document as a database gives it back: plain JSON."""
    return from_json(to_json(document))


def _tier(case: Case) -> int:
    return int(case.placement.priority.tier)


def _place(case: Case) -> tuple[str, int, str]:
    return case.placement.queue, _tier(case), case.language.language.value


def _leased(case: Case, now: datetime) -> bool:
    return case.claim is not None and case.claim.lease_expires_at > now


def _order(case: Case, request: ClaimRequest) -> tuple[int, float, datetime, UUID]:
    priority = case.placement.priority
    index = index_at(
        request,
        priority.base,
        timedelta(seconds=priority.handling_seconds),
        case.received_at,
        case.placement.due_at,
        request.now,
    )
    return _tier(case), -index.value, case.received_at, case.case_id


def _propensity(share: float, n_tier: int, at_random: bool) -> float:
    return (0.0 if at_random else 1 - share) + share / n_tier


def _depth(group: list[Case], drained: Mapping[UUID, int], now: datetime) -> QueueDepth:
    first = group[0]
    cases = [case for case in group if case.state in OPEN_STATES]
    waiting = [case for case in cases if not _leased(case, now)]
    return QueueDepth(
        queue=first.placement.queue,
        tier=first.placement.priority.tier,
        language=first.language.language,
        n_open=len(cases),
        n_claimed=len(cases) - len(waiting),
        n_breached=sum(case.placement.due_at < now for case in waiting),
        n_next=sum(now <= case.placement.due_at < now + HOUR for case in waiting),
        n_degraded=sum(case.degraded for case in cases),
        n_under_hour=sum(case.received_at > now - HOUR for case in cases),
        n_over_day=sum(case.received_at <= now - 24 * HOUR for case in cases),
        oldest_received_at=min((case.received_at for case in cases), default=None),
        next_due_at=min((case.placement.due_at for case in cases), default=None),
        n_drained=sum(drained.get(case.case_id, 0) for case in group),
    )
