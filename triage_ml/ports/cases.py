"""Cases, their log and their queues, as the use cases need them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from triage_ml.domain.case import Case, CaseState, Change, Step
from triage_ml.domain.report import Item, Report, Source
from triage_ml.domain.routing import Placement
from triage_ml.domain.scores import LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, Tier
from triage_ml.ports.access import ApiKey


@dataclass(frozen=True, slots=True)
class Submission:
    """A report to store. `body_sha256` identifies what an Idempotency-Key was used with."""

    item: Item
    report: Report
    actor: str
    received_at: datetime
    idempotency_key: str | None = None
    body_sha256: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """The past that bears on a report: its reporter's outcomes, its author's violations."""

    n_outcomes: int = 0
    n_upheld: int = 0
    author_violations: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a report, as it stood when it was accepted. Holds no item text."""

    report_id: UUID
    case_id: UUID
    joined: bool
    state: CaseState
    language: LanguageGuess
    scores: LabelScores | None
    placement: Placement
    received_at: datetime
    degraded: bool

    @classmethod
    def of(cls, report_id: UUID, case: Case, joined: bool, received_at: datetime) -> "Receipt":
        return cls(
            report_id=report_id,
            case_id=case.case_id,
            joined=joined,
            state=case.state,
            language=case.language,
            scores=case.scores,
            placement=case.placement,
            received_at=received_at,
            degraded=case.degraded,
        )


Admit = Callable[[Case | None, History, UUID], Change]
"""From the item's open case (or None), the history and a fresh case id to what is stored."""

StepFunction = Callable[[Case], Change]


@dataclass(frozen=True, slots=True)
class HistoryWindow:
    """How far back a store looks for a `History`."""

    n_outcomes: int
    violations_since: datetime


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Ask for up to `n` cases of a queue. Empty `languages` means any.

    `excluded_labels` leaves out cases with such a label likely or reported. The weights and
    the shares are those of the policy (`PriorityPolicy`).
    """

    queue: str
    reviewer: str
    n: int
    lease: timedelta
    now: datetime
    urgency_weight: float
    age_weight: float
    random_share: float
    blind_share: float = 0.0
    languages: tuple[Language, ...] = ()
    excluded_labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One line of a case's append-only log."""

    sequence: int
    at: datetime
    step: Step
    actor: str
    from_state: CaseState | None
    to_state: CaseState
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredReport:
    """One report of a case, without who made it."""

    report_id: UUID
    source: Source
    reason: Label | None
    jurisdiction: str | None
    legal_deadline: datetime | None
    reported_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class ItemVersion:
    """A text the item had when somebody reported it. None is thrown away by an edit."""

    text: str
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class StoredAppeal:
    """A complaint as it was lodged."""

    complainant_ref: str
    grounds: str
    appealed_at: datetime


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Open cases of one queue × tier × language, and what became of others lately.

    Breached: not claimed and past due; next: not claimed and due within an hour. `n_under_hour` and
    `n_over_day` came less than an hour and more than a day ago. `n_drained` were decided in the
    last hour; where nothing is open any more there are no times.
    """

    queue: str
    tier: Tier
    language: Language
    n_open: int
    n_claimed: int
    n_breached: int
    n_next: int
    n_degraded: int
    n_under_hour: int
    n_over_day: int
    oldest_received_at: datetime | None
    next_due_at: datetime | None
    n_drained: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One announcement on its way to a webhook. `n_attempts` counts this one."""

    delivery_id: int
    case_id: UUID
    payload: Mapping[str, Any]
    created_at: datetime
    n_attempts: int


class CaseStore(Protocol):
    """Cases, their log and their queues.

    Every method is one transaction, which reports that come together share.

    Raises, everywhere: StoreUnavailable.
    """

    async def submit(self, submission: Submission, window: HistoryWindow, admit: Admit) -> Receipt:
        """Store a report durably, opening a case or joining the item's open one.

        `admit` runs under the lock of that case. Raises: IdempotencyMismatch; whatever
        `admit` raises, with nothing stored.
        """
        ...

    async def change(self, case_id: UUID, step: StepFunction) -> Case:
        """Apply a step under the case's lock, with its events and announcement.

        Raises: NotFound; Conflict when the report to withdraw was withdrawn before; whatever
        `step` raises, with nothing stored.
        """
        ...

    async def claim(self, request: ClaimRequest) -> list[Case]:
        """Lease the most urgent cases, most urgent first, in one statement."""
        ...

    async def get_case(self, case_id: UUID) -> Case:
        """Raises: NotFound."""
        ...

    async def held_by(self, reviewer: str, now: datetime, limit: int = 100) -> list[Case]:
        """Give the cases whose lease of this reviewer runs, the lease that ends first first."""
        ...

    async def owned_by(self, owner: str, now: datetime, limit: int = 100) -> list[Case]:
        """Give the cases handed to this person that nobody holds: by tier, then due time."""
        ...

    async def case_of_claim(self, claim_id: UUID) -> UUID:
        """Find the case of a claim, running or ended. Raises: NotFound."""
        ...

    async def events(self, case_id: UUID, after: int = 0, limit: int = 500) -> list[CaseEvent]:
        """Give up to `limit` lines of the log after that sequence number, oldest first.

        Raises: NotFound.
        """
        ...

    async def reports(self, case_id: UUID, limit: int = 100) -> list[StoredReport]:
        """Give the newest reports of a case, newest first."""
        ...

    async def versions(self, case_id: UUID, limit: int = 20) -> list[ItemVersion]:
        """Give the newest texts of a case's item, newest first."""
        ...

    async def appeals(self, case_id: UUID) -> list[StoredAppeal]:
        """Give the complaints against a case's decision, oldest first."""
        ...

    async def queue_depths(self, now: datetime) -> list[QueueDepth]: ...

    async def unscored(self, limit: int, max_failures: int) -> list[Case]:
        """Give open cases whose newest text has no scores.

        Fewest failed attempts first, then most urgent tier, then oldest.
        """
        ...

    async def take_deliveries(self, limit: int, now: datetime, lease: timedelta) -> list[Delivery]:
        """Lease due announcements, at most the oldest unsettled one of each case."""
        ...

    async def settle_delivery(
        self, delivery_id: int, at: datetime, retry_at: datetime | None, error: str = ""
    ) -> None:
        """Mark as delivered, or with `retry_at` to be tried again then."""
        ...

    async def n_undelivered(self) -> int:
        """Count announcements that have not arrived."""
        ...

    async def forget(self, before: datetime) -> int:
        """Drop answers kept for repeated requests, announcements that arrived, and sessions that
        expired, before that; give how many. Cases, reports, decisions and the log stay.
        """
        ...

    async def find_key(self, key_sha256: str) -> ApiKey | None:
        """Give the key if it exists and is not revoked."""
        ...

    async def add_key(self, key: ApiKey, key_sha256: str) -> None:
        """Raises: Conflict when the name is taken by a key that is not revoked."""
        ...

    async def list_keys(self) -> list[ApiKey]: ...

    async def revoke_key(self, name: str, at: datetime) -> None:
        """Raises: NotFound."""
        ...

    async def ping(self) -> None:
        """Ask the database for a sign of life."""
        ...
