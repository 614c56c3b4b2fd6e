"""What happens without being asked: late scores, announcements, sketches, counts, the guard."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from serving.service import Service
from serving.telemetry import describe
from serving.webhooks import TIMEOUT_SECONDS
from triage_ml.errors import DeliveryFailed, TriageError
from triage_ml.ports import Delivery
from triage_ml.workflow.delivery import SEND_LEASE, Send, deliver_due
from triage_ml.workflow.insight import sketch_decided
from triage_ml.workflow.scoring import score_backlog

IDLE = timedelta(seconds=1)
FORGET_EVERY = timedelta(hours=1)
SKETCH_EVERY = timedelta(seconds=5)
COUNT_EVERY = timedelta(seconds=15)
LOOK_EVERY = timedelta(hours=1)
PICK_EVERY = timedelta(hours=1)
DRIFT_EVERY = timedelta(minutes=10)
GUARD_EVERY = timedelta(seconds=5)
GUARD_RESTS = 9
"""Times as long as a look took, so that a long trial with many decisions does not fill the day."""

LONGEST_PAUSE = timedelta(seconds=30)
SENDS_PER_ROUND = int(SEND_LEASE.total_seconds() / TIMEOUT_SECONDS) - 2
"""All of them fit in the lease, even if each runs into its timeout."""

_log = structlog.stdlib.get_logger("triage.worker")


class Worker:
    """Score the backlog and deliver announcements until stopped.

    Several may run at once, in the server and beside it: the store hands out each
    announcement once, and scoring a case twice changes nothing. `send` None: announcements
    stay in the outbox until a webhook is set.
    """

    def __init__(self, service: Service, send: Send | None) -> None:
        self._service = service
        self._send = self._counted(send) if send else None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`; an error is logged, and tried again after a growing pause."""
        await asyncio.gather(
            self._loop("score", self.score_round),
            self._loop("deliver", self.deliver_round),
            self._loop("sketch", self.sketch_round, idle=SKETCH_EVERY),
            self._loop("forget", self.forget_round, idle=FORGET_EVERY),
            self._loop("count", self.count_round, idle=COUNT_EVERY),
            self._loop("emerging", self.emerging_round, idle=LOOK_EVERY),
            self._loop("labelling", self.labelling_round, idle=PICK_EVERY),
            self._loop("drift", self.drift_round, idle=DRIFT_EVERY),
            self._loop("guard", self.guard_round, idle=GUARD_EVERY),
        )

    def stop(self) -> None:
        """End after the step that runs now."""
        self._stopping.set()

    async def score_round(self) -> int:
        """Score some of the backlog; give how many cases got scores."""
        parts = self._service
        done = await score_backlog(parts.store, parts.scoring, parts.policy, parts.clock)
        parts.metrics.caught_up.inc(done)
        return done

    async def deliver_round(self) -> int:
        """Deliver what is due; give how many announcements arrived."""
        if self._send is None:
            return 0
        parts = self._service
        return await deliver_due(parts.store, self._send, parts.clock, SENDS_PER_ROUND)

    async def sketch_round(self) -> int:
        """Sketch some texts of decided cases, so that similar ones are found; give how many."""
        return await sketch_decided(self._service.store)

    async def forget_round(self) -> int:
        """Drop what only served repetition and is old enough."""
        parts = self._service
        n_dropped = await parts.store.forget(parts.clock.now() - parts.settings.remember)
        if n_dropped:
            _log.info("forgotten", rows=n_dropped)
        await parts.care.forget()
        return 0

    async def count_round(self) -> int:
        """Bring the counts of days up to date; give whether there is more to count."""
        return int(await self._service.trends.count())

    async def emerging_round(self) -> int:
        """Look for terms and near-duplicates that became more frequent."""
        n_found = await self._service.trends.look_for_emerging()
        if n_found:
            _log.info("emerging", rows=n_found)
        return 0

    async def labelling_round(self) -> int:
        """Send the cases chosen to learn from to their queue, as far as the day's budget goes."""
        picks = await self._service.labelling.pick()
        for row in picks:
            self._service.metrics.picks.labels(row.strategy.value, row.language.value).inc()
        if picks:
            _log.info("chosen to label", rows=len(picks))
        return 0

    async def drift_round(self) -> int:
        """Count a day that is over, or read what was counted; give whether there is more."""
        drift = self._service.drift
        if await drift.count():
            return 1
        for alarm in await drift.read():
            _log.warning("drift", measure=alarm.measure, language=alarm.language)
        return int((await drift.state()).n_behind > 0)

    async def guard_round(self) -> int:
        """Hold the trial that runs, if one does, against its limits; end it if one is broken."""
        rollout, metrics = self._service.rollout, self._service.metrics
        began = time.monotonic()
        state = await rollout.state()
        took = time.monotonic() - began
        metrics.guard_closest.set(state.closest if state else 0.0)
        ending = await rollout.watch(state) if state else None
        if ending is not None:
            stage, outcome = ending.trial.stage, "broken" if ending.broken else "passed"
            metrics.guard_endings.labels(stage, outcome).inc()
            write = _log.error if ending.broken else _log.info
            write("the guard ended a trial", model=ending.trial.watched, why=ending.why)
        await self._rest(timedelta(seconds=took * GUARD_RESTS))
        return 0

    async def _loop(
        self, name: str, round_: Callable[[], Awaitable[int]], idle: timedelta = IDLE
    ) -> None:
        pause = IDLE
        while not self._stopping.is_set():
            try:
                pause = timedelta(0) if await round_() else idle
            except TriageError as error:
                pause = _longer(pause)
                _log.warning("round failed", work=name, error=type(error).__name__)
            except Exception as error:
                pause = _longer(pause)
                _log.error("round failed", work=name, **describe(error))
            await self._rest(pause)

    async def _rest(self, pause: timedelta) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), pause.total_seconds())
        except TimeoutError:
            return

    def _counted(self, send: Send) -> Send:
        async def counting(delivery: Delivery) -> None:
            outcome = "failed"
            try:
                await send(delivery)
                outcome = "delivered"
            except DeliveryFailed as error:
                _log.warning("webhook failed", attempt=delivery.n_attempts, reason=error.reason)
                raise
            finally:
                self._service.metrics.deliveries.labels(outcome).inc()

        return counting


def _longer(pause: timedelta) -> timedelta:
    return min(max(pause, IDLE) * 2, LONGEST_PAUSE)
