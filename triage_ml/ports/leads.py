"""What leads see of the work, and second looks at decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triage_ml.domain.quality import Judgement, Outcome, SampleKind
from triage_ml.domain.taxonomy import Label, Language, Tier


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case somebody holds now."""

    case_id: UUID
    claim_id: UUID
    reviewer: str
    queue: str
    tier: Tier
    claimed_at: datetime
    lease_expires_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Who asks for a case to look at again, and which ones may be given.

    Decisions since `since` whose lot is under `share`, or whose claim was drawn at random.
    """

    reviewer: str
    queues: Sequence[str]
    excluded_labels: Sequence[Label]
    share: float
    since: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """A case to look at again. `sample_id` does not tell which case it is, nor its kind.

    `known` is the decision, or of a golden case the right verdict, with the lead's note.
    """

    sample_id: UUID
    kind: SampleKind
    case_id: UUID
    known: Judgement
    note: str


@dataclass(frozen=True, slots=True)
class SecondVerdict:
    """What somebody found who did not see the first decision."""

    review_id: UUID
    sample: Sample
    reviewer: str
    judged_at: datetime
    judgement: Judgement
    note: str


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """A decided case with the verdict that is right, to learn from."""

    golden_id: UUID
    case_id: UUID
    queue: str
    language: Language
    marked_by: str
    marked_at: datetime
    judgement: Judgement
    note: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A decision and a second verdict on the same case."""

    review_id: UUID
    case_id: UUID
    decided_claim: UUID
    queue: str
    language: Language
    first_reviewer: str
    first: Judgement
    second_reviewer: str
    second: Judgement
    second_note: str
    judged_at: datetime
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a lead says of two verdicts that differ."""

    outcome: Outcome
    lead: str
    note: str
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """A decision on a complaint beside the one complained about."""

    language: Language
    decided_at: datetime
    first: Judgement
    second: Judgement
    overturned: bool


@dataclass(frozen=True, slots=True)
class HandlingTime:
    """Seconds from claim to decision: median, 90th and 99th percentile.

    None where fewer people decided than asked for. Without queue and language: of all together.
    """

    queue: str | None
    language: Language | None
    n: int
    seconds: tuple[float, float, float] | None


class LeadStore(Protocol):
    """Reads for leads and what second looks leave behind; the stores of cases keep it too.

    `queues` are those who asks may see; nothing of another one is given. Raises, everywhere:
    StoreUnavailable.
    """

    async def work_in_hand(
        self, now: datetime, queues: Sequence[str], limit: int
    ) -> list[HeldCase]:
        """Give the cases with a running lease, by reviewer, then by due time."""
        ...

    async def draw_sample(self, request: SampleRequest, kind: SampleKind) -> UUID | None:
        """Choose a case to look at again, the same one until it was judged.

        Never one that who asks decided, marked as golden or judged before.
        """
        ...

    async def find_sample(self, sample_id: UUID, request: SampleRequest) -> Sample | None:
        """Give a case to look at again, judged or not, if who asks may be given it."""
        ...

    async def add_second_verdict(self, verdict: SecondVerdict) -> None:
        """Raises: Conflict when this person has judged this sample before."""
        ...

    async def find_second_verdict(self, sample_id: UUID, reviewer: str) -> Judgement | None: ...

    async def add_golden(self, golden: GoldenCase) -> None:
        """Raises: Conflict when the case is a golden one."""
        ...

    async def retire_golden(self, golden_id: UUID, queues: Sequence[str], at: datetime) -> None:
        """Raises: NotFound when there is none that is still in use."""
        ...

    async def golden_cases(self, queues: Sequence[str], limit: int) -> list[GoldenCase]:
        """Give those in use, newest first."""
        ...

    async def disagreements(self, queues: Sequence[str], limit: int) -> list[Pair]:
        """Give pairs that differ and are not settled, oldest first."""
        ...

    async def find_pair(self, review_id: UUID, queues: Sequence[str]) -> Pair | None: ...

    async def settle(self, review_id: UUID, settlement: Settlement) -> None:
        """Raises: Conflict when there is nothing to settle any more."""
        ...

    async def pairs(self, since: datetime, queues: Sequence[str]) -> list[Pair]:
        """Give all pairs whose second verdict came since then, oldest first."""
        ...

    async def revisions(self, since: datetime, queues: Sequence[str]) -> list[Revision]:
        """Give the complaints decided since then, oldest first."""
        ...

    async def handling_times(
        self, since: datetime, queues: Sequence[str], min_people: int
    ) -> list[HandlingTime]:
        """Give times by queue and language in the order of the names, then of all together."""
        ...
