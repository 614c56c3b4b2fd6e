"""What the use cases need from the outside, on one page."""

from asyncio import Future
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

from triage_ml.domain.account import Account
from triage_ml.domain.case import Case, CaseState, Change, Step
from triage_ml.domain.report import Item, Report, Source
from triage_ml.domain.routing import Placement
from triage_ml.domain.scores import LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, SupportMatrix, Tier
from triage_ml.domain.text import NormalisedText


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
    the random share are those of the policy (`PriorityPolicy`).
    """

    queue: str
    reviewer: str
    n: int
    lease: timedelta
    now: datetime
    urgency_weight: float
    age_weight: float
    random_share: float
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
    """Open cases of one queue × tier × language. Breached: not claimed and past due."""

    queue: str
    tier: Tier
    language: Language
    n_open: int
    n_claimed: int
    n_breached: int
    n_degraded: int
    oldest_received_at: datetime
    next_due_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One announcement on its way to a webhook. `n_attempts` counts this one."""

    delivery_id: int
    case_id: UUID
    payload: Mapping[str, Any]
    created_at: datetime
    n_attempts: int


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Who calls. The key itself is never stored, only its SHA-256."""

    name: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None = None


class Who(Protocol):
    """Who asks: the name that stands on what they do, and what they may do."""

    @property
    def name(self) -> str: ...

    @property
    def scopes(self) -> frozenset[str]: ...


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


SEEN_EVERY = timedelta(minutes=1)
"""How often at most a session's last use is written: a page in use asks many times a minute."""


class AccountStore(Protocol):
    """Accounts and their sessions; the stores of cases keep them too.

    Raises, everywhere: StoreUnavailable.
    """

    async def add_account(self, account: Account, password_hash: str | None) -> None:
        """Raises: Conflict when the name was ever used."""
        ...

    async def find_account(self, name: str) -> tuple[Account, str | None] | None:
        """Give the account, disabled or not, and the hash of its password if it has one."""
        ...

    async def save_account(self, account: Account) -> None:
        """Save all but name, password and time of creation. Raises: NotFound."""
        ...

    async def set_password(self, name: str, password_hash: str) -> None:
        """Raises: NotFound."""
        ...

    async def renew_hash(self, name: str, old: str, new: str) -> None:
        """Put a newer hash of the same password in place, unless the password changed since."""
        ...

    async def list_accounts(self) -> list[Account]:
        """Give every account, by name."""
        ...

    async def open_session(
        self, token_sha256: str, name: str, at: datetime, expires_at: datetime
    ) -> None:
        """Raises: NotFound for an unknown account."""
        ...

    async def find_session(
        self, token_sha256: str, now: datetime, idle: timedelta
    ) -> Account | None:
        """Give whose session it is, and mark it as used.

        None when it expired, was not used for as long as `idle`, or its account is disabled.
        """
        ...

    async def close_session(self, token_sha256: str) -> None:
        """End a session, if there is one."""
        ...

    async def close_sessions(self, name: str) -> None:
        """End all sessions of an account."""
        ...


@dataclass(frozen=True, slots=True)
class ModelArtifact:
    """A verified model folder to publish.

    `files` is file name -> SHA-256, the manifest among them; `sha256` is the manifest's, and
    since it holds the others, that of the whole.
    """

    version: str
    sha256: str
    folder: Path
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A version was made live. `number` grows with every change."""

    number: int
    version: str
    sha256: str
    at: datetime
    by: str
    why: str


class ModelStore(Protocol):
    """Published models and which of them is live. Raises, everywhere: StoreUnavailable."""

    async def publish_model(self, model: ModelArtifact, at: datetime) -> bool:
        """Store an artifact's files whole; False when they were there.

        Raises: Conflict when the version was published with another manifest;
        ArtifactInvalid when a file is not what the artifact says.
        """
        ...

    async def make_live(self, version: str, at: datetime, by: str, why: str) -> bool:
        """Make a published version the live one and tell who listens; False when it is already.

        Files of versions that were not live for long are dropped. Raises: NotFound.
        """
        ...

    async def live_model(self) -> LiveModel | None: ...

    async def model_history(self, limit: int = 100) -> list[LiveModel]:
        """Give the newest changes, newest first."""
        ...

    async def fetch_model(self, version: str, folder: Path) -> None:
        """Write the files of a version into the new folder `folder`, which appears whole.

        Raises: NotFound; ArtifactInvalid when a file does not match its checksum; OSError when
        the disk does not take it.
        """
        ...

    def model_notices(self) -> AsyncGenerator[None]:
        """Listen: give once when it begins, then after each change. A notice may get lost."""
        ...


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a scorer says of itself. `quality` is language -> output -> named numbers."""

    version: str
    labels: tuple[Label, ...]
    support: SupportMatrix
    card: str = ""
    quality: Mapping[str, Mapping[str, Mapping[str, float | int | None]]] = field(
        default_factory=dict
    )


class Piece(Protocol):
    """What a model reads at once of a text."""

    @property
    def n_tokens(self) -> int: ...


P_co = TypeVar("P_co", covariant=True)
A_co = TypeVar("A_co", covariant=True)
Answered = tuple[Language, Sequence[P_co], Sequence[A_co]]
"""A text's language, its pieces, and what the model says of each."""


class Scorer(Protocol):
    """A model. Blocking: call it off the event loop, from any thread.

    `score` is `cut`, `run` and `join` of many texts; apart, they let a caller batch the pieces of
    texts that come one by one.
    """

    @property
    def info(self) -> ModelInfo: ...

    def cut(self, text: NormalisedText) -> Sequence[Piece]:
        """Cut a text into one or more pieces."""
        ...

    def run(self, pieces: Sequence[Any]) -> Sequence[Any]:
        """Give what the model says of pieces of any texts, in order. Raises: ScoringFailed."""
        ...

    def join(self, texts: Sequence["Answered[Any, Any]"]) -> list[LabelScores]:
        """Make the scores of texts, in order, of what was said of their pieces."""
        ...

    def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[LabelScores]:
        """Score original texts, in order. Raises: ScoringFailed."""
        ...


Answer = tuple[LanguageGuess, LabelScores]
"""What is said of one text."""


class Engine(Protocol):
    """A scorer and a detector at work for many callers at once."""

    @property
    def scorer(self) -> Scorer: ...

    @property
    def n_waiting(self) -> int:
        """Texts that wait for the model or are at it."""
        ...

    @property
    def hangs(self) -> bool:
        """Whether the model is at a text now; after `close`, that it does not come back."""
        ...

    def submit(self, text: str, hint: Language | None, patience: float = inf) -> Future[Answer]:
        """Give a future of the answer, which raises ScoringFailed.

        Raises: Overloaded when no place is free, or when the answer is expected later than in
        `patience` seconds; ScoringFailed after `stop`.
        """
        ...

    def stop(self) -> None:
        """Take no more and fail what has not begun, without waiting for the rest."""
        ...

    def close(self) -> None:
        """Stop, and wait a little for what was begun. Blocking."""
        ...


class LanguageDetector(Protocol):
    def detect(self, text: NormalisedText, hint: Language | None = None) -> LanguageGuess: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Give the time, with a time zone."""
        ...
