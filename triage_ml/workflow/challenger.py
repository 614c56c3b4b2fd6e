"""The model beside the live one, at work for its share of the texts and as a shadow."""

import asyncio
from dataclasses import dataclass

from triage_ml.domain.guard import BUSY, FAILED, LATE
from triage_ml.domain.rollout import RolloutStage, Trial, is_its_own
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import Overloaded, TriageError
from triage_ml.ports import Answer, Engine


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of asking the challenger: an answer, or why the live model has to give it.

    `seconds` is how long the model took, None when it knew the answer or the text had to wait.
    """

    answer: Answer | None
    fallback: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Challenger:
    """A model on trial and its engine, which nobody else uses."""

    trial: Trial
    engine: Engine

    def owns(self, text: str) -> bool:
        trial = self.trial
        return trial.stage is RolloutStage.CANARY and is_its_own(text, trial.version, trial.share)

    async def attempt(self, text: str, hint: Language | None, within: float) -> Attempt:
        """Score a text within so many seconds; whatever goes wrong is in what it gives."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            alone = self.engine.n_waiting == 0
            waiting = self.engine.submit(text, hint, within)
            timed = alone and not waiting.done()
            async with asyncio.timeout(within):
                answer = await waiting
        except Overloaded:
            return Attempt(None, BUSY)
        except TimeoutError:
            return Attempt(None, LATE)
        except TriageError:
            return Attempt(None, FAILED)
        return Attempt(answer, seconds=loop.time() - began if timed else None)
