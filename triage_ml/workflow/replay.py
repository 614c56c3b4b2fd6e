"""Replay a case: every score and every placement it ever got, made again and compared."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triage_ml.domain.case import Case
from triage_ml.domain.facts import PlacedFrom, find_facts
from triage_ml.domain.policy import Policy
from triage_ml.domain.replay import (
    Gone,
    OutputCheck,
    PlacementCheck,
    ScoreChain,
    compare_scores,
    is_placement,
    placement_differences,
    placement_of,
    recompute,
)
from triage_ml.domain.report import Item
from triage_ml.domain.routing import Placement
from triage_ml.domain.scores import Arm, LabelScores
from triage_ml.domain.taxonomy import Label
from triage_ml.errors import ArtifactInvalid, InvalidInput, NotFound, ScoringFailed
from triage_ml.ports import (
    CaseEvent,
    CaseStore,
    PastModels,
    PolicyStore,
    RecordStore,
    ReplayStore,
    ScoreRecord,
)
from triage_ml.workflow.policies import PastPolicies, ReadPolicy

PAGE = 500
ERASED = "the text was erased"
ALTERED = "the stored text is not the one that was scored"
NO_FACTS = "made before the facts of placements were kept"
DAMAGED = "its facts cannot be read"


class RecordedStore(CaseStore, RecordStore, ReplayStore, PolicyStore, Protocol):
    """What a replay reads."""


@dataclass(frozen=True, slots=True)
class ScoreCheck:
    """One recorded score, then and now. `unknown` says why it cannot be made again.

    `where` says where the model was found; `text` is what it read.
    """

    record: ScoreRecord
    outputs: tuple[OutputCheck, ...] = ()
    where: str = ""
    unknown: str = ""
    text: str = field(default="", repr=False)

    @property
    def difference(self) -> float:
        return max((row.difference for row in self.outputs), default=0.0)

    @property
    def agrees(self) -> bool:
        return not self.unknown and all(row.agrees for row in self.outputs)


@dataclass(frozen=True, slots=True)
class Replayed:
    """A case as it stands, and what became of each of its scores and placements, oldest first."""

    case: Case
    restricted: bool
    scores: tuple[ScoreCheck, ...]
    placements: tuple[PlacementCheck, ...]

    @property
    def n_different(self) -> int:
        scores = sum(not (row.agrees or row.unknown) for row in self.scores)
        return scores + sum(bool(row.differences) for row in self.placements)

    @property
    def n_unknown(self) -> int:
        scores = sum(bool(row.unknown) for row in self.scores)
        return scores + sum(bool(row.unknown) for row in self.placements)

    @property
    def largest_difference(self) -> float:
        return max((row.difference for row in self.scores), default=0.0)


class Replay:
    """Replays cases of a store. Nothing is written."""

    def __init__(
        self, store: RecordedStore, models: PastModels, read: ReadPolicy, policy: Policy
    ) -> None:
        self._store = store
        self._models = models
        self._today = policy
        self._policies = PastPolicies(store, read, policy)

    async def of(self, case_id: UUID, *, restricted: bool = False) -> Replayed:
        """Replay one case. Raises: NotFound; InvalidInput without `restricted` where it is due."""
        case = await self._store.get_case(case_id)
        queue = self._today.queues.get(case.placement.queue)
        closed = queue is None or queue.restricted  # a queue of before may have been restricted
        if closed and not restricted:
            raise InvalidInput("restricted", "must be given: the case stands in a restricted queue")
        records = await self._store.scores_of(case_id)
        events = [event async for event in self._events(case_id)]
        origins = dict(_origins(events))
        scores = [await self._score(record, origins) for record in records]
        placements = [row async for row in self._placements(events, records)]
        return Replayed(case, closed, tuple(scores), tuple(placements))

    async def _events(self, case_id: UUID) -> AsyncIterator[CaseEvent]:
        after = 0
        while page := await self._store.events(case_id, after, PAGE):
            for event in page:
                yield event
            after = page[-1].sequence

    async def _score(
        self, record: ScoreRecord, origins: Mapping[datetime, PlacedFrom]
    ) -> ScoreCheck:
        """Score the text of then with the model of then, in the language of then."""
        try:
            text = await self._text(record)
            severities = await self._severities(record, origins)
            found = await self._models.find(record.model_version, severities)
            score = found.scorer.score
            [scores] = await asyncio.to_thread(score, [text], [record.language])
        except (Gone, NotFound, ArtifactInvalid, ScoringFailed) as error:
            return ScoreCheck(record, unknown=str(error))
        outputs = compare_scores(scores_in(record), scores)
        return ScoreCheck(record, outputs, found.where, text=text)

    async def _text(self, record: ScoreRecord) -> str:
        """Give the text that was scored. Raises: Gone."""
        kept = await self._store.find_text(record.case_id, record.version_sha256)
        if kept is None:
            raise Gone("the text is not in this database")
        if not kept.text:
            raise Gone(ERASED)
        item = Item("-", kept.text, "-", "-", context=kept.context)
        if item.version_sha256 != record.version_sha256:
            raise Gone(ALTERED)
        return kept.text

    async def _severities(
        self, record: ScoreRecord, origins: Mapping[datetime, PlacedFrom]
    ) -> dict[Label, float]:
        """Give the typical severities of then: they stand in for those a model has not learned."""
        origin = origins.get(record.at) if record.arm is not Arm.SHADOW else None
        if origin is not None:
            policy = await self._policies.get(origin.policy_version, origin.policy_sha256)
        else:
            policy = await self._policies.at(record.at) or self._today
        return policy.typical_severities

    async def _placements(
        self, events: list[CaseEvent], records: list[ScoreRecord]
    ) -> AsyncIterator[PlacementCheck]:
        """Place the case again, step by step, each from the recorded place before."""
        placing = [row for row in records if row.arm is not Arm.SHADOW]
        chain = ScoreChain([(row.at, scores_in(row)) for row in placing])
        before: Placement | None = None
        for event in events:
            if not is_placement(event.detail):
                continue
            told = event.sequence, event.at, event.step, event.actor
            try:
                recorded = placement_of(event.detail)
            except (ValueError, KeyError, TypeError):
                yield PlacementCheck(*told, None, None, unknown=DAMAGED)
                before = None
                continue
            check = PlacementCheck(*told, recorded, None)
            try:
                check = replace(check, origin=_origin(event))
                recomputed = await self._recompute(event, chain, before)
                differences = placement_differences(recorded, recomputed)
                yield replace(check, recomputed=recomputed, differences=differences)
            except Gone as error:
                yield replace(check, unknown=str(error))
            before = recorded

    async def _recompute(
        self, event: CaseEvent, chain: ScoreChain, before: Placement | None
    ) -> Placement:
        """Raises: Gone."""
        origin = _origin(event)
        if origin is None:
            raise Gone(NO_FACTS)
        scores = chain.follow(origin.used, event.at)
        policy = await self._policies.get(origin.policy_version, origin.policy_sha256)
        if before is not None and origin.stood_in is not None:
            before = replace(before, queue=origin.stood_in)
        owner = str(event.detail.get("owner", ""))
        chosen = event.detail["route_reason"] if "label_next" in event.detail else ""
        return recompute(event.step, origin, policy, scores, before, owner, chosen)


def scores_in(record: ScoreRecord) -> LabelScores:
    """Give what a record says, as a model says it."""
    return LabelScores(record.labels, record.p_violation, record.language, record.model_version)


def _origin(event: CaseEvent) -> PlacedFrom | None:
    """Raises: Gone for facts that were damaged."""
    try:
        return find_facts(event.detail)
    except (ValueError, KeyError, TypeError, InvalidInput) as error:
        raise Gone(DAMAGED) from error


def _origins(events: list[CaseEvent]) -> list[tuple[datetime, PlacedFrom]]:
    found = []
    for event in events:
        try:
            origin = _origin(event)
        except Gone:
            continue
        if origin is not None:
            found.append((event.at, origin))
    return found
