"""Score texts off the event loop, within a deadline, and catch up on what was not scored."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

from triage_ml.domain.admission import add_scores, fail_scoring
from triage_ml.domain.case import OPEN_STATES, Case, Change
from triage_ml.domain.policy import Policy
from triage_ml.domain.scores import Arm, LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Language
from triage_ml.domain.text import normalise
from triage_ml.errors import (
    IllegalTransition,
    ModelMissing,
    Overloaded,
    ScoreDeadlineExceeded,
    ScoringFailed,
)
from triage_ml.ports import Answer, CaseStore, Clock, Engine, LanguageDetector, Scorer
from triage_ml.workflow.challenger import Challenger

MAX_FAILURES = 20
"""A case that failed to score this often, while others did not, is left to reviewers."""

TURN_TEXTS = 16
"""Texts per turn at the model: a long list lets live reports in between."""

TURN_CHARS = 8_000
"""Characters per turn, unless one text alone has more: 16 long posts."""

TRIAL_PATIENCE = 0.4
"""Share of a report's deadline that the model on trial has; the rest is left to the live one."""

PROBE = "Is anybody there?"


@dataclass(frozen=True, slots=True)
class Scored:
    """A text's language, and its scores unless `failure` says why there are none.

    `fallback` says why the model on trial did not score a text of its own. `seconds` is how long
    the model took, None when it knew the answer or the text waited for others.
    """

    language: LanguageGuess
    scores: LabelScores | None
    failure: str | None = None
    arm: Arm = Arm.LIVE
    fallback: str | None = None
    seconds: float | None = None


class Scoring:
    """Score for callers of one event loop with the model of the day.

    `scorer` may be replaced while running; None means that no model is loaded. `employ` puts a
    scorer to work. Who began with a scorer ends with it: no answer is of two versions. Of at most
    `n_lists` lists a turn is at the model at once, so that places are left for single texts. A
    single text that would wait for longer than `patience` is not taken: under overload an answer
    that is late for everybody helps nobody.
    """

    def __init__(
        self,
        scorer: Scorer | None,
        detector: LanguageDetector,
        employ: Callable[[Scorer], Engine],
        *,
        deadline: timedelta,
        patience: timedelta = timedelta.max,
        n_lists: int = 2,
    ) -> None:
        self._detector = detector
        self._employ = employ
        self._deadline = deadline.total_seconds()
        self._patience = patience.total_seconds()
        self._lists = asyncio.Semaphore(n_lists)
        self._users: Counter[Engine] = Counter()
        self._engine: Engine | None = None
        self._stopped: list[Engine] = []
        self._challenger: Challenger | None = None
        self.scorer = scorer

    @property
    def scorer(self) -> Scorer | None:
        return self._engine.scorer if self._engine else None

    @scorer.setter
    def scorer(self, scorer: Scorer | None) -> None:
        before, self._engine = self._engine, self._employ(scorer) if scorer else None
        if before:
            self._stop_if_done(before)

    @property
    def challenger(self) -> Challenger | None:
        """The model beside the live one. One that is replaced is stopped at once: the live model
        answers what it had begun.
        """
        return self._challenger

    @challenger.setter
    def challenger(self, challenger: Challenger | None) -> None:
        before, self._challenger = self._challenger, challenger
        if before is not None and (challenger is None or challenger.engine is not before.engine):
            before.engine.stop()
            self._stopped.append(before.engine)

    @property
    def is_busy(self) -> bool:
        """Whether a text waits for the live model or is at it."""
        return self._engine is not None and self._engine.n_waiting > 0

    def close(self) -> None:
        """Take no more; wait a little for what was begun, and go on without it (`hangs`)."""
        for engine in self._known():
            engine.close()

    @property
    def hangs(self) -> bool:
        """Whether a model is at a text now; after `close`, that it does not come back."""
        return any(engine.hangs for engine in self._known())

    @property
    def n_waiting(self) -> int:
        """Texts that wait for a model or are at it."""
        return sum(engine.n_waiting for engine in self._known())

    async def attempt(self, text: str, hint: Language | None) -> Scored:
        """Score one text within the deadline; never raises ScoringFailed or Overloaded.

        A text of the model on trial goes to it first, and to the live one when it does not answer
        in time.
        """
        ends_at = asyncio.get_running_loop().time() + self._deadline
        challenger, fallback = self._challenger, None
        if challenger is not None and challenger.owns(text):
            tried = await challenger.attempt(text, hint, self._deadline * TRIAL_PATIENCE)
            if tried.answer is not None:
                return Scored(*tried.answer, arm=Arm.CANARY, seconds=tried.seconds)
            fallback = tried.fallback
        return replace(await self._by_live(text, hint, ends_at), fallback=fallback)

    async def _by_live(self, text: str, hint: Language | None, ends_at: float) -> Scored:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            with self._at_work() as engine:
                alone = engine.n_waiting == 0
                answer = engine.submit(text, hint, self._patience)
                timed = alone and not answer.done()
                language, scores = await self._before(ends_at, answer)
        except (ScoringFailed, Overloaded) as error:
            language = await asyncio.to_thread(self._detect, text, hint)
            return Scored(language, None, type(error).__name__)
        return Scored(language, scores, seconds=clock() - began if timed else None)

    async def score(self, texts: Sequence[str], hints: Sequence[Language | None]) -> list[Answer]:
        """Score texts without a deadline, in order, all with the same model.

        Raises: ModelMissing, ScoringFailed, Overloaded.
        """
        found: list[Answer] = []
        with self._at_work() as engine:
            if len(texts) == 1:
                return [await engine.submit(texts[0], hints[0], self._patience)]
            for turn in _turns(texts):
                async with self._lists:
                    found += await _all_of(engine, texts[turn], hints[turn])
        return found

    def _detect(self, text: str, hint: Language | None) -> LanguageGuess:
        return self._detector.detect(normalise(text), hint)

    async def _before(self, ends_at: float, answer: asyncio.Future[Answer]) -> Answer:
        try:
            async with asyncio.timeout_at(ends_at):
                return await answer
        except TimeoutError:
            raise ScoreDeadlineExceeded(self._deadline) from None

    @contextmanager
    def _at_work(self) -> Iterator[Engine]:
        engine = self._engine
        if engine is None:
            raise ModelMissing
        self._users[engine] += 1
        try:
            yield engine
        finally:
            self._users[engine] -= 1
            if engine is not self._engine:
                self._stop_if_done(engine)

    def _stop_if_done(self, engine: Engine) -> None:
        if self._users[engine] > 0:
            return
        del self._users[engine]
        engine.stop()
        self._stopped.append(engine)

    def _known(self) -> list[Engine]:
        """Give the engines at work and those that are not done yet."""
        self._stopped = [engine for engine in self._stopped if engine.hangs]
        beside = self._challenger.engine if self._challenger else None
        at_work = filter(None, [self._engine, beside])
        return list(dict.fromkeys((*at_work, *self._users, *self._stopped)))


async def _all_of(
    engine: Engine, texts: Sequence[str], hints: Sequence[Language | None]
) -> list[Answer]:
    waiting: list[asyncio.Future[Answer]] = []
    try:
        for text, hint in zip(texts, hints, strict=True):
            waiting.append(await _submit(engine, text, hint, waiting))
        return await asyncio.gather(*waiting)
    except BaseException:
        for answer in waiting:  # nobody will ask for the others
            answer.cancel()
        raise


async def _submit(
    engine: Engine, text: str, hint: Language | None, own: Sequence[asyncio.Future[Answer]]
) -> asyncio.Future[Answer]:
    """Submit a text, as soon as one of the caller's own makes room. Raises: Overloaded."""
    while True:
        try:
            return engine.submit(text, hint)
        except Overloaded:
            inside = [answer for answer in own if not answer.done()]
            if not inside:
                raise
            await asyncio.wait(inside, return_when=asyncio.FIRST_COMPLETED)


def _turns(texts: Sequence[str]) -> Iterator[slice]:
    """Divide texts, in order, into turns of at most so many texts and characters."""
    start = n_chars = 0
    for end, text in enumerate(texts):
        if end > start and (end - start == TURN_TEXTS or n_chars + len(text) > TURN_CHARS):
            yield slice(start, end)
            start, n_chars = end, 0
        n_chars += len(text)
    if texts:
        yield slice(start, len(texts))


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
        # Never the same text: an answer from the cache would say nothing of the model.
        await scoring.score([f"{PROBE} {uuid4()}"], [Language.EN])
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
