"""What to label next: choose cases within a day's budget, and see what they brought.

A pick takes a slot of the day first and its case is moved afterwards, so that neither several
workers nor a crash in between choose more than the budget; what was not moved yet is moved by the
next round.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from uuid import UUID

from triage_ml.domain.case import Case, Change
from triage_ml.domain.label_next import send_to_label, unfit_queues
from triage_ml.domain.labelling import (
    Candidate,
    Group,
    LabellingPolicy,
    Pick,
    choose,
    group_alike,
    news_of,
)
from triage_ml.domain.placing import is_chosen
from triage_ml.domain.policy import Policy
from triage_ml.domain.routing import is_restricted
from triage_ml.domain.sketch import Sketch, sketch_of
from triage_ml.domain.taxonomy import Label
from triage_ml.domain.terms import MAX_CHARS
from triage_ml.errors import Conflict, IllegalTransition
from triage_ml.ports import CaseStore, Clock, InsightStore, LabellingStore, TrendStore
from triage_ml.ports.labelling import CandidateQuery, PickResult, StoredPick, WaitingCase
from triage_ml.workflow.trends import RESTRICTED_LABELS

SETTLED = timedelta(hours=1)
"""How old a case is at least: the first hour brings its other reports and late scores."""

TIME_LEFT = timedelta(hours=1)
"""What a case has left at least: one that is nearly due is not carried elsewhere."""

MAX_SEEN = 2_000
"""Cases that a round looks at; of more, so many drawn by chance."""

MAX_GROUPS = 20
MAX_ALIKE = 5
"""Decided cases that are looked for per group: one or two already make it old."""

MAX_REMEMBERED = 200
"""Picks of the day whose texts new ones are compared with."""

MAX_MOVED = 1_000
RESULT_DAYS = 28

ACTOR = "worker"


class PickedCases(LabellingStore, CaseStore, InsightStore, TrendStore, Protocol):
    """Cases, what is known beside them, and what was chosen of them."""


@dataclass(frozen=True, slots=True)
class LabellingStatus:
    """A day's budget, how much of it is open and used, and what the last four weeks brought."""

    day: date
    budget: LabellingPolicy
    n_open: int
    today: tuple[StoredPick, ...]
    since: date
    results: tuple[PickResult, ...]

    @property
    def n_used(self) -> int:
        return len(self.today)

    @property
    def n_missed(self) -> int:
        return sum(row.missed_at is not None for row in self.today)


class Labelling:
    """Chooses for one worker. `chance` draws the random share."""

    def __init__(
        self,
        store: PickedCases,
        policy: Policy,
        clock: Clock,
        chance: random.Random | None = None,
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._chance = chance or random.SystemRandom()

    async def pick(self) -> list[Pick]:
        """Choose as many cases as the day's budget has open by now, and move them.

        Gives those that were moved. Where another worker is quicker it chooses, and this does not.
        """
        if not self._policy.labelling.per_day:
            return []
        moved = await self._move_chosen()
        now = self._clock.now()
        today = await self._store.picks_of(_day(now))
        free = self._free_slots(today, now)
        if free:
            picks = await self._choose(free, today, now)
            if picks and await self._store.save_picks(picks):
                moved += await self._move_chosen()
        return moved

    async def status(self) -> LabellingStatus:
        """Give the budget, today's picks and what picks brought, nothing restricted among them."""
        now = self._clock.now()
        since = _day(now) - timedelta(days=RESULT_DAYS - 1)
        rules = self._policy.labelling
        results = await self._store.pick_results(
            datetime.combine(since, time(), UTC),
            rules.queue,
            self._open_queues(),
            RESTRICTED_LABELS,
        )
        return LabellingStatus(
            day=_day(now),
            budget=rules,
            n_open=rules.n_open(_share_of_day(now)),
            today=tuple(await self._store.picks_of(_day(now))),
            since=since,
            results=tuple(results),
        )

    async def find_pick(self, case: Case) -> Pick | None:
        """Give why a case stands where it is labelled, if that is where it stands."""
        if not is_chosen(case.placement):
            return None
        found = await self._store.find_pick(case.case_id)
        return found.pick if found else None

    def _free_slots(self, today: Sequence[StoredPick], now: datetime) -> list[int]:
        used = {row.slot for row in today}
        n_open = self._policy.labelling.n_open(_share_of_day(now))
        return [slot for slot in range(n_open) if slot not in used]

    async def _choose(
        self, free: Sequence[int], today: Sequence[StoredPick], now: datetime
    ) -> list[StoredPick]:
        rules = self._policy.labelling
        waiting, n_eligible = await self._store.label_candidates(self._query(now))
        if not waiting:
            return []
        groups = await self._groups(waiting, today)
        drawn = [slot for slot in free if rules.is_random(slot)]
        ranked = [slot for slot in free if not rules.is_random(slot)]
        picks = choose(
            [self._candidate(case, groups.get(case.case_id)) for case in waiting],
            len(ranked),
            len(drawn),
            self._labels(),
            self._chance,
            before=[row.pick for row in today],
            max_per_language=rules.max_ranked_per_language,
            seen=len(waiting) / n_eligible,
        )
        return [
            StoredPick(_day(now), slot, pick, now, n_eligible)
            for slot, pick in zip([*ranked, *drawn], picks, strict=False)
        ]

    def _query(self, now: datetime) -> CandidateQuery:
        unfit = unfit_queues(self._policy)
        return CandidateQuery(
            queues=tuple(name for name in self._policy.queues if name not in unfit),
            hidden_labels=RESTRICTED_LABELS,
            received_before=now - SETTLED,
            due_after=now + TIME_LEFT,
            limit=MAX_SEEN,
            salt=f"{self._chance.getrandbits(64):x}",
        )

    def _candidate(self, case: WaitingCase, group: Group | None) -> Candidate:
        priors = self._policy.priority.reason_prior
        right = max((priors[source] for source in case.sources), default=0.0)
        reported = dict.fromkeys(sorted(case.reasons), right)
        return Candidate(case.case_id, case.scores, reported, case.challenger, group)

    def _labels(self) -> tuple[Label, ...]:
        """Name the labels that can be violations and are not restricted."""
        rows = self._policy.labels.items()
        return tuple(x for x, row in rows if row.is_violation and x not in RESTRICTED_LABELS)

    async def _groups(
        self, waiting: Sequence[WaitingCase], today: Sequence[StoredPick]
    ) -> dict[UUID, Group]:
        """Find groups of near-duplicates and of emerging terms, and how new each is.

        The cases chosen today are among them, so that hour after hour does not choose the same.
        """
        groups: dict[UUID, Group] = {}
        found, _ = await self._store.emerging()
        seen = {case.case_id for case in waiting}
        chosen = {row.pick.case_id for row in today[-MAX_REMEMBERED:]} - seen
        for row in sorted(found, key=lambda row: row.score):  # the strongest one stays
            news = news_of(row.n_items, await self._store.n_decided_of(row.case_ids))
            group = Group(row.key, news, len(chosen & {*row.case_ids}))
            groups |= dict.fromkeys(seen & {*row.case_ids}, group)
        texts = [(case_id, await self._text(case_id)) for case_id in sorted(chosen)]
        texts += [(case.case_id, case.text) for case in waiting]
        sketches = await asyncio.to_thread(_sketched, texts)
        for members in (await asyncio.to_thread(group_alike, sketches))[:MAX_GROUPS]:
            sketch = dict(sketches)[members[0]]
            alike = await self._store.similar_cases(sketch, "", self._open_queues(), MAX_ALIKE)
            n_chosen = len(chosen.intersection(members))
            group = Group(str(members[0]), news_of(len(members), len(alike)), n_chosen)
            groups |= dict.fromkeys(seen.intersection(members), group)
        return groups

    async def _text(self, case_id: UUID) -> str:
        return (await self._store.get_case(case_id)).item.text[:MAX_CHARS]

    async def _move_chosen(self) -> list[Pick]:
        moved = []
        for row in await self._store.picks_to_move(MAX_MOVED):
            fits = await self._move(row.pick)
            first = await self._store.settle_pick(row.day, row.slot, self._clock.now(), moved=fits)
            if fits and first:
                moved.append(row.pick)
        return moved

    async def _move(self, pick: Pick) -> bool:
        def step(case: Case) -> Change:
            if is_chosen(case.placement):  # by a round that ended before it could say so
                return Change(case, ())
            return send_to_label(case, self._policy, pick, self._clock.now(), ACTOR)

        try:
            await self._store.change(pick.case_id, step)
        except (Conflict, IllegalTransition):
            return False
        return True

    def _open_queues(self) -> tuple[str, ...]:
        return tuple(x for x in self._policy.queues if not is_restricted(self._policy, x))


def _sketched(texts: Sequence[tuple[UUID, str]]) -> list[tuple[UUID, Sketch]]:
    return [(case_id, sketch_of(text)) for case_id, text in texts]


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _share_of_day(now: datetime) -> float:
    at = now.astimezone(UTC)
    return (at - at.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)
