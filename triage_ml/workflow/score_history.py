"""What models said of a case over time, for those who look after models and queues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triage_ml.domain.replay import is_placement
from triage_ml.domain.taxonomy import Tier
from triage_ml.ports import CaseEvent, Clock, RecordStore, ScoreRecord, Who
from triage_ml.workflow.review import Review

READERS = frozenset({"ml", "lead", "admin"})
"""Scopes any of which lets a person at the console read the history of scores."""

MAX_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """One placement of the log: when, by whom, where and why."""

    at: datetime
    actor: str
    tier: Tier
    tier_reason: str
    queue: str
    route_reason: str
    model_version: str | None
    policy_version: str


@dataclass(frozen=True, slots=True)
class CaseScores:
    """The recorded scores of a case and its placements, oldest first."""

    records: Sequence[ScoreRecord]
    placements: Sequence[PlacedLine]


class ScoreHistory:
    """Reads the record of scores for people and systems who may see the case."""

    def __init__(self, store: RecordStore, review: Review, clock: Clock) -> None:
        self._store = store
        self._review = review
        self._clock = clock

    async def records(self, who: Who, case_id: UUID) -> Sequence[ScoreRecord] | None:
        """Give every recorded score, oldest first; None to who holds the case blind.

        Raises: NotFound, ScopeMissing.
        """
        case = await self._review.get_case(who, case_id)
        if case.hides_hints_from(who.name, self._clock.now()):
            return None
        return await self._store.scores_of(case_id)

    async def of(self, who: Who, case_id: UUID) -> CaseScores | None:
        """Give scores and placements to who may read them; None to everybody else.

        Raises: NotFound, ScopeMissing.
        """
        if READERS.isdisjoint(who.scopes):
            return None
        records = await self.records(who, case_id)
        if records is None:
            return None
        events = await self._review.events(who, case_id, limit=MAX_EVENTS)
        return CaseScores(records, [_line(e) for e in events if is_placement(e.detail)])


def _line(event: CaseEvent) -> PlacedLine:
    detail = event.detail
    return PlacedLine(
        at=event.at,
        actor=event.actor,
        tier=Tier(detail["tier"]),
        tier_reason=detail["tier_reason"],
        queue=detail["queue"],
        route_reason=detail["route_reason"],
        model_version=detail["model_version"],
        policy_version=detail["policy_version"],
    )
