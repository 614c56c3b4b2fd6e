"""Score texts off the event loop, within a deadline, and catch up on what was not scored."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

from triage_ml.domain.admission import add_scores, fail_scoring
from triage_ml.domain.case import OPEN_STATES, Case, Change
from triage_ml.domain.policy import Policy
from triage_ml.domain.scores import LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import (
    IllegalTransition,
    ModelMissing,
    Overloaded,
    ScoreDeadlineExceeded,
    ScoringFailed,
    TriageError,
)
from triage_ml.ports import CaseStore, Clock, LanguageDetector, Scorer

MAX_FAILURES = 20
"""A case that failed to score this often, while others did not, is left to reviewers."""

CLOSE_SECONDS = 5.0
"""Longest that closing waits for texts that the model is at."""

PROBE = "Is anybody there?"


@dataclass(frozen=True, slots=True)
class Scored:
    """A text's language, and its scores unless `failure` says why there are none."""

    language: LanguageGuess
    scores: LabelScores | None
    failure: str | None = None


class Scoring:
    """Run the model in a few threads with a bounded number of callers.

    `scorer` may be replaced while running; None means that no model is loaded.
    """

    def __init__(
        self,
        scorer: Scorer | None,
        detector: LanguageDetector,
        *,
        deadline: timedelta,
        max_waiting: int = 64,
        n_threads: int = 2,
    ) -> None:
        self.scorer = scorer
        self._detector = detector
        self._deadline = deadline.total_seconds()
        self._max_waiting = max_waiting
        self._waiting = 0
        self._begun: set[Future[list[LabelScores]]] = set()
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="score")

    def close(self) -> None:
        """Take no more; wait a little for what was begun, and go on without it (`hangs`)."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(tuple(self._begun), CLOSE_SECONDS)
        if not self.hangs:
            self._pool.shutdown(wait=True)

    @property
    def hangs(self) -> bool:
        """Whether the model is at a text now; after `close`, that Python cannot exit."""
        return any(not future.done() for future in tuple(self._begun))

    @property
    def n_waiting(self) -> int:
        """Callers that wait for the model or are being served by it."""
        return self._waiting

    async def attempt(self, text: str, hint: Language | None) -> Scored:
        """Score one text within the deadline; never raises ScoringFailed or Overloaded."""
        language = self._detector.detect(text, hint)
        try:
            scores = await self._run([text], [language.language], self._deadline)
        except (ScoringFailed, Overloaded) as error:
            return Scored(language, None, type(error).__name__)
        return Scored(language, scores[0])

    async def score(
        self, texts: Sequence[str], hints: Sequence[Language | None]
    ) -> list[tuple[LanguageGuess, LabelScores]]:
        """Score texts without a deadline. Raises: ScoringFailed, Overloaded."""
        guesses = [self._detector.detect(t, h) for t, h in zip(texts, hints, strict=True)]
        scores = await self._run(list(texts), [guess.language for guess in guesses], None)
        return list(zip(guesses, scores, strict=True))

    async def _run(
        self, texts: list[str], languages: list[Language], deadline: float | None
    ) -> list[LabelScores]:
        scorer = self.scorer
        if scorer is None:
            raise ModelMissing
        if self._waiting >= self._max_waiting:
            raise Overloaded(retry_after_seconds=1)
        self._waiting += 1
        future = self._pool.submit(scorer.score, texts, languages)
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        # The place is given back when the thread is done, not when the caller stops waiting:
        # an overdue text still occupies the model.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _quietly_on(loop, self._leave))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), deadline)
        except TimeoutError:
            raise ScoreDeadlineExceeded(deadline or 0.0) from None
        except TriageError:
            raise
        except Exception as error:  # whatever the runtime raises, no report may be lost by it
            raise ScoringFailed(f"the model raised {type(error).__name__}") from error

    def _leave(self) -> None:
        self._waiting -= 1


def _quietly_on(loop: asyncio.AbstractEventLoop, call: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)  # type: ignore[arg-type]


async def score_backlog(
    store: CaseStore, scoring: Scoring, policy: Policy, clock: Clock, limit: int = 16
) -> int:
    """Score open cases that lack scores; give how many got them.

    Stops early when the model is missing or busy, so that live reports go first, and when it
    is broken: that is not the case's failure, and must not use up its attempts.
    """
    done = 0
    for case in await store.unscored(limit, MAX_FAILURES):
        try:
            [(_, scores)] = await scoring.score([case.item.text], [case.language.language])
        except (ModelMissing, Overloaded):
            break
        except ScoringFailed:
            if await _is_broken(scoring):
                break
            await store.change(case.case_id, fail_scoring)
            continue
        if await _apply(store, policy, clock, case, scores):
            done += 1
    return done


async def _is_broken(scoring: Scoring) -> bool:
    """Ask whether the model fails at any text at all."""
    try:
        await scoring.score([PROBE], [Language.EN])
    except (ScoringFailed, Overloaded):
        return True
    return False


async def _apply(
    store: CaseStore, policy: Policy, clock: Clock, case: Case, scores: LabelScores
) -> bool:
    def step(current: Case) -> Change:
        # The item may have been edited, scored or decided while the model ran.
        if current.item.text != case.item.text or not current.awaits_scores:
            return Change(current, ())
        return add_scores(current, policy, scores, clock.now(), "worker")

    try:
        return (await store.change(case.case_id, step)).state in OPEN_STATES
    except IllegalTransition:
        return False
