"""What the model beside the live one says of reports that were stored already.

Nothing here is waited for by a report. Texts wait in a bounded queue; under pressure they are
dropped and counted. What is counted goes to the store in sums, every few seconds.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from typing import Protocol

from triage_ml.domain import guard
from triage_ml.domain.admission import circumstances
from triage_ml.domain.case import Case, Change
from triage_ml.domain.guard import Key, pace_bucket
from triage_ml.domain.pairs import compare_scores, compare_tiers
from triage_ml.domain.policy import Policy
from triage_ml.domain.rollout import RolloutStage, Trial
from triage_ml.domain.routing import is_restricted
from triage_ml.domain.scores import Arm, LabelScores
from triage_ml.domain.taxonomy import Tier
from triage_ml.errors import NotFound, StoreUnavailable
from triage_ml.ports import Clock, RecordStore, RolloutStore, ScoreRecord
from triage_ml.workflow.challenger import Attempt, Challenger
from triage_ml.workflow.scoring import Scored, Scoring

MAX_WAITING = 256
MAX_CHARS = 1_000_000
"""Of all texts that wait."""

MAX_UNWRITTEN = 2_000
"""Scores kept while the store is away; more are dropped."""

PATIENCE_SECONDS = 10.0
"""Longest that the challenger may take for a text that nobody waits for."""

YIELD_SECONDS = 0.005
FLUSH_EVERY = timedelta(seconds=2)
REMEMBERED = 20_000
"""Texts by which one that comes again is known: a wave of one text counts once."""

LIVE_FAILURES = frozenset({"ScoringFailed", "ScoreDeadlineExceeded"})


@dataclass(frozen=True, slots=True)
class _Job:
    number: int
    case: Case = field(repr=False)
    live: LabelScores
    again: bool


class ShadowStore(RolloutStore, RecordStore, Protocol):
    """Where scores and counts go."""


class Shadow:
    """Scores stored reports once more, when no live text waits, and keeps the counts of a trial.

    `hear` is told of every text: "scored", "failed", "dropped".
    """

    def __init__(
        self,
        store: ShadowStore,
        scoring: Scoring,
        policy: Policy,
        clock: Clock,
        hear: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._scoring = scoring
        self._policy = policy
        self._clock = clock
        self._hear = hear
        self._jobs: deque[_Job] = deque()
        self._n_chars = 0
        self._came = asyncio.Event()
        self._counts: dict[int, Counter[Key]] = {}
        self._unwritten: list[ScoreRecord] = []
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    @property
    def n_waiting(self) -> int:
        return len(self._jobs)

    def note(self, change: Change, scored: Scored) -> None:
        """Take in a report that is stored; at once, and without a word to who reported."""
        challenger = self._scoring.challenger
        if challenger is None:
            return
        trial, case = challenger.trial, change.case
        self._count(trial, _of_own(scored))
        if scored.arm is Arm.LIVE and self._version(scored) != trial.against:
            return  # this server is behind, or refused it: its scores say nothing of the two
        again = self._is_known(trial, case.item.text)
        self._count(trial, _of_attempt(trial, scored))
        if not again:
            self._count(trial, _of_placement(trial, case, scored))
        by_live = scored.arm is Arm.LIVE and scored.fallback is None
        if by_live and scored.scores is not None and change.scored is not None:
            self._enqueue(_Job(trial.number, case, scored.scores, again))

    def note_refusal(self, trial: Trial) -> None:
        """Count that this server cannot use the model."""
        self._count(trial, [(guard.REFUSED, "", guard.FAILED)])

    async def run(self) -> None:
        """Work until cancelled; what was counted by then is written."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow())
                group.create_task(self._write())
        finally:
            await self.flush()

    async def step(self) -> bool:
        """Score one text that waits, as soon as no live one does; False when there is none."""
        if not self._jobs:
            return False
        while self._scoring.is_busy:  # noqa: ASYNC110 - an engine tells nobody that it is idle
            await asyncio.sleep(YIELD_SECONDS)
        job = self._jobs.popleft()
        self._n_chars -= len(job.case.item.text)
        challenger = self._scoring.challenger
        if challenger is not None and challenger.trial.number == job.number:
            await self._score(challenger, job)
        return True

    async def flush(self) -> None:
        """Write what was scored and counted; what the store does not take now is kept."""
        records, self._unwritten = self._unwritten, []
        counts, self._counts = self._counts, {}
        try:
            await self._add_records(records)
            records = []
            while counts:
                number = next(iter(counts))
                await self._store.add_tally(number, counts[number])
                del counts[number]
        except StoreUnavailable:
            self._unwritten = (records + self._unwritten)[:MAX_UNWRITTEN]
            for number, row in counts.items():
                self._counts.setdefault(number, Counter()).update(row)

    async def _add_records(self, records: list[ScoreRecord]) -> None:
        if not records:
            return
        try:
            await self._store.add_shadow_scores(records)
        except NotFound:  # of a case that was erased meanwhile: the others one by one
            for record in records if len(records) > 1 else ():
                await self._add_records([record])

    async def _follow(self) -> None:
        while True:
            self._came.clear()
            while await self.step():
                pass
            await self._came.wait()

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY.total_seconds())
            await self.flush()

    def _enqueue(self, job: _Job) -> None:
        n_chars = len(job.case.item.text)
        if len(self._jobs) >= MAX_WAITING or self._n_chars + n_chars > MAX_CHARS:
            self._drop(job.number)
            return
        self._jobs.append(job)
        self._n_chars += n_chars
        self._came.set()

    def _drop(self, number: int) -> None:
        self._hear(guard.DROPPED)
        self._counts.setdefault(number, Counter())[guard.SHADOWED, "", guard.DROPPED] += 1

    async def _score(self, challenger: Challenger, job: _Job) -> None:
        item, trial = job.case.item, challenger.trial
        found = await challenger.attempt(item.text, job.live.language, PATIENCE_SECONDS)
        if found.fallback == guard.BUSY:
            self._drop(job.number)
            return
        self._hear("scored" if found.answer else "failed")
        if not job.again:
            self._count(trial, _of_shadow(trial, found))
        if found.answer is not None:
            scores = found.answer[1]
            self._keep(job.case, scores)
            if not job.again:
                self._count(trial, self._of_pair(trial, job, scores))

    def _keep(self, case: Case, scores: LabelScores) -> None:
        if len(self._unwritten) < MAX_UNWRITTEN:
            item, now = case.item, self._clock.now()
            self._unwritten.append(
                ScoreRecord.of(
                    case.case_id, item.version_sha256, len(item.text), scores, Arm.SHADOW, now
                )
            )

    def _of_pair(self, trial: Trial, job: _Job, beside: LabelScores) -> Iterator[Key]:
        """Compare on a text; labels not on a restricted case: who sees the counts may not it."""
        on_probation = trial.stage is RolloutStage.PROBATION
        pair = (job.live, beside) if on_probation else (beside, job.live)
        facts = circumstances(job.case)
        yield compare_tiers(self._policy, facts, *pair, self._clock.now())
        if not is_restricted(self._policy, job.case.placement.queue):
            yield from compare_scores(*pair, trial.limits.alarm_at)

    def _count(self, trial: Trial, keys: Iterable[Key]) -> None:
        self._counts.setdefault(trial.number, Counter()).update(keys)

    def _version(self, scored: Scored) -> str | None:
        """Say which live model was asked."""
        if scored.scores is not None:
            return scored.scores.model_version
        return self._scoring.scorer.info.version if self._scoring.scorer else None

    def _is_known(self, trial: Trial, text: str) -> bool:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12)
        digest.update(str(trial.number).encode())
        key = digest.digest()
        known = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return known


def _of_own(scored: Scored) -> Iterator[Key]:
    """Count how the model on trial did with a text of its own."""
    if scored.fallback is not None:
        yield guard.CANARY, "", scored.fallback
        if scored.fallback == guard.FAILED:
            yield guard.TRIED, "", guard.FAILED
    if scored.arm is Arm.CANARY:
        yield guard.CANARY, "", guard.ANSWERED
        yield guard.TRIED, "", guard.OK


def _of_attempt(trial: Trial, scored: Scored) -> Iterator[Key]:
    """Count how long a report's attempt took, and on a probation how the live model did."""
    if scored.seconds is not None:
        watched = (scored.arm is Arm.CANARY) is (trial.stage is not RolloutStage.PROBATION)
        yield guard.WATCHED_PACE if watched else guard.OTHER_PACE, "", pace_bucket(scored.seconds)
    if trial.stage is RolloutStage.PROBATION:
        if scored.scores is not None:
            yield guard.TRIED, "", guard.OK
        elif scored.failure in LIVE_FAILURES:
            yield guard.TRIED, "", guard.FAILED


def _of_placement(trial: Trial, case: Case, scored: Scored) -> Iterator[Key]:
    """Count whether a case was placed high, in the arm that placed it and that its text is of."""
    if scored.scores is None or scored.fallback is not None:
        return
    if trial.stage is RolloutStage.CANARY:
        arm = guard.CANARY_ARM if scored.arm is Arm.CANARY else guard.LIVE_ARM
        urgent = case.placement.priority.tier <= Tier.T1
        yield arm, scored.scores.language.value, guard.UP if urgent else guard.SAME


def _of_shadow(trial: Trial, found: Attempt) -> Iterator[Key]:
    outcome = guard.OK if found.answer else guard.FAILED
    yield guard.SHADOWED, "", outcome
    on_probation = trial.stage is RolloutStage.PROBATION
    if not on_probation:
        yield guard.TRIED, "", outcome
    if found.seconds is not None:
        measure = guard.OTHER_PACE if on_probation else guard.WATCHED_PACE
        yield measure, "", pace_bucket(found.seconds)
