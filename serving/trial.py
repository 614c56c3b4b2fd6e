"""The model beside the live one follows the newest trial of the database.

It is fetched, checked and loaded like a live one, apart from it: nothing that is wrong with it
holds up the live model.
"""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

import structlog

from serving.downloads import Downloads
from serving.service import Service
from serving.swap import LONGEST_PAUSE, LOOK_EVERY, reason_of
from serving.telemetry import describe
from triage_ml.domain.rollout import Trial
from triage_ml.errors import StoreUnavailable
from triage_ml.ports import RolloutStore, Scorer
from triage_ml.workflow.shadow import Shadow

AFTER_A_MISTAKE = timedelta(seconds=1)

_log = structlog.stdlib.get_logger("triage.trial")


class TrialFollower:
    """Keeps up with the trials of a store; set `told` to let it look at once."""

    def __init__(
        self,
        store: RolloutStore,
        downloads: Downloads,
        service: Service,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        self._store = store
        self._downloads = downloads
        self._service = service
        self._look_every = look_every
        self._settled = 0  # number of the trial that was taken or refused last
        self._refused = 0  # number of the trial that was refused last
        self._refused_until = 0.0  # on the clock of time.monotonic
        self._loaded: tuple[str, Scorer] | None = None  # by its hash
        self.told = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = self._look_every
        while True:
            self.told.clear()
            try:
                await self.look()
                pause = self._look_every
            except Exception as error:
                _log.warning("the trial cannot be followed now", **reason_of(error))
                pause = min(pause * 2, LONGEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self.told.wait()

    async def look(self) -> None:
        """Take the newest trial into use, unless it is known or cannot be used.

        Raises: StoreUnavailable, OSError; another look may then succeed.
        """
        trial = await self._store.open_trial()
        if trial is None:
            self._put_away()
            return
        again = 0 < self._refused_until <= time.monotonic()
        if trial.number == self._settled and not again:
            return
        scorer = await self._obtain(trial)
        self._settled = trial.number
        self._service.scoring.try_out(trial, scorer)
        if scorer is not None:
            self._note("taken")
            self._refused_until = 0.0
            _log.info("model on trial", stage=trial.stage.value, **_named(trial))

    async def _obtain(self, trial: Trial) -> Scorer | None:
        """Load a model; None when it cannot be used. Raises: StoreUnavailable, OSError."""
        if self._loaded is not None and self._loaded[0] == trial.sha256:
            return self._loaded[1]
        self._put_away()
        self._downloads.spared = {trial.sha256}
        try:
            scorer = await self._downloads.obtain(trial.version, trial.sha256)
        except (StoreUnavailable, OSError):
            self._note("failed")
            raise
        except Exception as error:  # mostly the model's own fault; memory may be there later
            self._note("refused")
            if trial.number != self._refused:
                self._service.shadow.note_refusal(trial)
            self._refused = trial.number
            self._refused_until = time.monotonic() + LONGEST_PAUSE.total_seconds()
            _log.error("model on trial REFUSED", **_named(trial), **reason_of(error))
            return None
        self._loaded = trial.sha256, scorer
        return scorer

    def _put_away(self) -> None:
        if self._loaded is not None:
            _log.info("model put away", version=self._loaded[1].info.version)
        self._loaded = None
        self._downloads.spared = set()
        self._settled = 0
        self._refused_until = 0.0
        self._service.scoring.try_out(None, None)

    def _note(self, outcome: str) -> None:
        self._service.metrics.challenger_changes.labels(outcome).inc()


async def shadowing(shadow: Shadow) -> None:
    """Score beside the live model until cancelled: a mistake costs one text, not the trial."""
    while True:
        try:
            await shadow.run()
        except Exception as error:
            first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            _log.error("scoring beside the live model stumbled: it goes on", **describe(first))
            await asyncio.sleep(AFTER_A_MISTAKE.total_seconds())


def _named(trial: Trial) -> dict[str, str]:
    return {"version": trial.version, "sha256": trial.sha256[:12]}
