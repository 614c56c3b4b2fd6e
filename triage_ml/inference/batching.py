"""Many callers, one model: texts are cut into pieces, wait in one queue and run in batches.

    permit -> cut (tokenise) -> queue -> batch of similar length -> run -> join -> reply

A batch forms when a worker is free: there is no timer, and an idle model answers at once. The
piece that is due first leads its batch; the pieces nearest to it in length fill it up, as far as
as much is left for the other workers. Later pieces of a long text are due later, so that short
texts pass it.

The same text with the same hint is scored once: callers who come while it is at work share the
answer, later ones get it from a bounded cache. Texts are kept as long as they wait and no longer;
the cache knows digests only.
"""

import asyncio
import threading
import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from math import inf
from typing import Any, NamedTuple

from cachetools import LRUCache

from triage_ml.domain.scores import LanguageGuess
from triage_ml.domain.taxonomy import Language
from triage_ml.domain.text import normalise
from triage_ml.errors import Overloaded, ScoringFailed, TriageError
from triage_ml.inference.windows import BATCH_TOKENS
from triage_ml.ports import Answer, LanguageDetector, Piece, Scorer

SHARED_TOKENS = 128
"""Tokens from which a batch goes as fast as a larger one. From here on what waits is shared among
the workers: none sleeps beside a queue, and nobody waits for a longer batch than needed.
"""

MAX_PADDING = 0.25
"""Share of a batch that may be padding; a piece that would add more waits for its like."""

CUT_AT_ONCE = 16
"""Texts a worker cuts before it runs a batch."""

CUT_CHARS = 8_000
"""Characters from which it takes no further one: cutting the longest text takes a second."""

QUEUED_PIECES = 16
"""Pieces of a text in the queue at once: a batch is chosen by looking at all that is queued."""

PIECE_SECONDS = 0.005
"""How much later each further piece of a text is due: about the time one takes to run."""

CACHED_TEXTS = 4_096
"""Answers kept; some 3 kB each."""

PACE_MEMORY = 0.9
"""How much of the pace that was known before a batch counts after it."""

CLOSE_SECONDS = 5.0
"""Longest that closing waits for what the model is at."""

Outcome = Answer | Exception
Key = bytes


_UNTOLD = LanguageGuess(Language.UND, 0.0)


@dataclass(eq=False, slots=True)
class _Job:
    """A text at work, for all who wait for it."""

    key: Key
    text: str = field(repr=False)  # item text reaches no log
    hint: Language | None
    came_at: float
    waiters: list[asyncio.Future[Answer]] = field(default_factory=list)
    language: LanguageGuess = _UNTOLD
    pieces: Sequence[Piece] = ()
    answers: list[Any] = field(default_factory=list)
    n_queued: int = 0  # pieces that were put into the queue so far
    n_taken: int = 0
    n_missing: int = 0
    settled: bool = False


class _Place(NamedTuple):
    """A piece in the queue; places are ordered by length."""

    n_tokens: int
    due: float
    number: int
    job: _Job
    part: int


class Batcher:
    """A scorer at work for many callers at once (`ports.Engine`).

    At most `max_waiting` texts are inside; `n_threads` workers run the model side by side. `note`
    hears of every text: "scored", "shared" with one at work, "cached". Submit from event loops,
    close from anywhere.
    """

    def __init__(
        self,
        scorer: Scorer,
        detector: LanguageDetector,
        *,
        max_waiting: int = 64,
        n_threads: int = 2,
        max_batch_tokens: int = BATCH_TOKENS,
        n_cached: int = CACHED_TEXTS,
        note: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.scorer = scorer
        self._detector = detector
        self._max_waiting = max_waiting
        self._max_batch_tokens = max_batch_tokens
        self._note = note
        self._cache: LRUCache[Key, Answer] = LRUCache(n_cached)
        self._lock = threading.Condition()  # its lock may be taken again by its holder
        self._jobs: dict[Key, _Job] = {}  # inside, from submit until settled
        self._uncut: deque[_Job] = deque()
        self._queue: list[_Place] = []  # sorted by length
        self._number = 0
        self._busy = 0
        self._pace = 0.0  # seconds from one text to the next while all threads work
        self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, name=f"score-{i}", daemon=True)
            for i in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def n_waiting(self) -> int:
        """Texts that wait for the model or are at it."""
        return len(self._jobs)

    @property
    def hangs(self) -> bool:
        """Whether the model is at a text now; after `close`, that it does not come back."""
        return self._busy > 0

    @property
    def expected_wait(self) -> float:
        """Seconds until a text that comes now would be answered, at the pace of late."""
        return len(self._jobs) * self._pace

    def submit(
        self, text: str, hint: Language | None, patience: float = inf
    ) -> asyncio.Future[Answer]:
        """Give a future of the answer. It raises ScoringFailed; cancelling it harms nobody else.

        Raises: Overloaded at once when no place is free or `patience`, in seconds, would not last,
        unless the answer is known or at work already; ScoringFailed after `stop`.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        key = _key(text, hint)
        with self._lock:
            known = self._cache.get(key)
            if known is not None:
                future.set_result(known)
                self._note("cached")
                return future
            if self._stopped:
                raise _stopped()
            job = self._jobs.get(key)
            if job is not None:
                job.waiters.append(future)
                self._note("shared")
                return future
            if len(self._jobs) >= self._max_waiting or self.expected_wait > patience:
                raise Overloaded(retry_after_seconds=1)
            job = _Job(key, text, hint, time.monotonic(), [future])
            self._jobs[key] = job
            self._uncut.append(job)
            self._lock.notify()
        return future

    def stop(self) -> None:
        """Take no more and fail what has not begun; what has may finish. Does not wait."""
        with self._lock:
            self._stopped = True
            waiting = {id(job): job for job in (*self._uncut, *(p.job for p in self._queue))}
            self._uncut.clear()
            self._queue.clear()
            self._lock.notify_all()
        self._settle([(job, _stopped()) for job in waiting.values()])

    def close(self) -> None:
        """Stop, and wait a little for what was begun (`hangs` tells whether it ended)."""
        self.stop()
        ends_at = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, ends_at - time.monotonic()))

    def _work(self) -> None:
        while self._turn():
            pass

    def _turn(self) -> bool:
        """Wait for work and do some; say whether there may be more. Keeps no text afterwards."""
        with self._lock:
            while not (self._uncut or self._queue or self._stopped):
                self._lock.wait()
            if self._stopped:
                return False
            fresh = self._fresh()
            self._busy += 1
        batch: list[_Place] = []
        began = time.monotonic()
        try:
            for job in fresh:
                self._cut(job)
            batch = self._take()
            self._run(batch)
            self._note_pace(len(batch), time.monotonic() - began)
        except BaseException as error:  # a mistake of ours: who waits is told, the loop goes on
            jobs = (*fresh, *(place.job for place in batch))
            self._settle([(job, _readable(error)) for job in jobs])
        finally:
            with self._lock:
                self._busy -= 1
        return True

    def _note_pace(self, n_pieces: int, seconds: float) -> None:
        """Learn from a turn how fast texts go; nearly all have one piece."""
        if n_pieces:
            pace = seconds / n_pieces / len(self._threads)
            before = self._pace or pace
            self._pace = PACE_MEMORY * before + (1 - PACE_MEMORY) * pace

    def _fresh(self) -> list[_Job]:
        """Take texts that are to be cut, in the order in which they came."""
        fresh: list[_Job] = []
        n_chars = 0
        while self._uncut and len(fresh) < CUT_AT_ONCE and n_chars < CUT_CHARS:
            fresh.append(self._uncut.popleft())
            n_chars += len(fresh[-1].text)
        return fresh

    def _cut(self, job: _Job) -> None:
        """Find the language and the pieces of a text, and queue them."""
        if self._drop(job):
            return
        try:
            clean = normalise(job.text)
            job.language = self._detector.detect(clean, job.hint)
            job.pieces = self.scorer.cut(clean)
        except BaseException as error:  # a tokenizer that panics raises no Exception
            self._settle([(job, _readable(error))])
            return
        with self._lock:
            if self._stopped:
                self._settle([(job, _stopped())])
                return
            job.answers = [None] * len(job.pieces)
            job.n_missing = len(job.pieces)
            self._enqueue(job)

    def _enqueue(self, job: _Job) -> None:
        """Queue the next pieces of a text."""
        while job.n_queued < min(len(job.pieces), job.n_taken + QUEUED_PIECES):
            part = job.n_queued
            self._number += 1
            due = job.came_at + part * PIECE_SECONDS
            insort(self._queue, _Place(job.pieces[part].n_tokens, due, self._number, job, part))
            job.n_queued += 1
        self._lock.notify()

    def _take(self) -> list[_Place]:
        """Take the piece due first and its like in length, within the budget of tokens."""
        with self._lock:
            self._queue = [place for place in self._queue if not self._drop(place.job)]
            batch = _batch(self._queue, self._budget())
            for place in batch:
                place.job.n_taken += 1
                self._enqueue(place.job)
            if self._queue or self._uncut:
                self._lock.notify()
        return batch

    def _budget(self) -> int:
        """Give the tokens that one worker takes of what waits: its share, within bounds."""
        waiting = sum(place.n_tokens for place in self._queue)
        share = max(SHARED_TOKENS, -(-waiting // len(self._threads)))
        return min(self._max_batch_tokens, share)

    def _drop(self, job: _Job) -> bool:
        """Free the place of a text that nobody waits for; say whether it is gone."""
        with self._lock:
            if not job.settled and all(waiter.cancelled() for waiter in job.waiters):
                self._settle([(job, ScoringFailed("nobody waits for it"))])
            return job.settled

    def _run(self, batch: Sequence[_Place]) -> None:
        if not batch:
            return
        try:
            answers = self.scorer.run([place.job.pieces[place.part] for place in batch])
            if len(answers) != len(batch):
                raise ScoringFailed(f"{len(answers)} answers to {len(batch)} pieces")
        except BaseException as error:
            self._run_apart(batch, error)
            return
        complete: list[_Job] = []
        with self._lock:
            for place, answer in zip(batch, answers, strict=True):
                place.job.answers[place.part] = answer
                place.job.n_missing -= 1
                if place.job.n_missing == 0:
                    complete.append(place.job)
        wanted = [job for job in complete if not self._drop(job)]
        self._settle(zip(wanted, self._join(wanted), strict=True))

    def _run_apart(self, batch: Sequence[_Place], error: BaseException) -> None:
        """Run the texts of a failed batch one by one, so that a single one fails alone."""
        jobs = {id(place.job): place.job for place in batch}
        if len(jobs) == 1:
            self._settle([(job, _readable(error)) for job in jobs.values()])
            return
        for job in jobs.values():
            self._run([place for place in batch if place.job is job])

    def _join(self, jobs: Sequence[_Job]) -> list[Outcome]:
        """Make the scores of texts; if that fails, one by one, so that a single one fails alone."""
        if not jobs:
            return []
        rows = [(job.language.language, job.pieces, job.answers) for job in jobs]
        try:
            scores = self.scorer.join(rows)
        except BaseException as error:
            if len(jobs) == 1:
                return [_readable(error)]
            return [outcome for job in jobs for outcome in self._join([job])]
        return [(job.language, found) for job, found in zip(jobs, scores, strict=True)]

    def _settle(self, outcomes: Iterable[tuple[_Job, Outcome]]) -> None:
        """Free the places of texts and tell all who wait for them, each on its own loop."""
        told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Answer], Outcome]]] = {}
        with self._lock:
            for job, outcome in outcomes:
                if job.settled:
                    continue
                job.settled = True
                del self._jobs[job.key]
                if not isinstance(outcome, Exception):
                    self._note("scored")
                if self._cache.maxsize and not isinstance(outcome, Exception):
                    self._cache[job.key] = outcome
                for waiter in job.waiters:
                    told.setdefault(waiter.get_loop(), []).append((waiter, outcome))
        for loop, rows in told.items():
            with suppress(RuntimeError):  # the loop was closed, and nobody waits on it any more
                loop.call_soon_threadsafe(_tell, rows)


def _batch(queue: list[_Place], max_tokens: int) -> list[_Place]:
    """Take a batch out of a queue sorted by length: rows x longest row within `max_tokens`."""
    if not queue:
        return []
    first = min(range(len(queue)), key=lambda i: queue[i].due)
    low, high = first, first + 1  # the batch is queue[low:high]
    n_tokens = queue[first].n_tokens
    while low > 0 or high < len(queue):
        gap_up = queue[high].n_tokens - queue[high - 1].n_tokens if high < len(queue) else inf
        gap_down = queue[low].n_tokens - queue[low - 1].n_tokens if low else inf
        up = gap_up <= gap_down
        padded = (high - low + 1) * queue[high if up else high - 1].n_tokens
        total = n_tokens + queue[high if up else low - 1].n_tokens
        if padded > max_tokens or padded - total > MAX_PADDING * padded:
            break
        n_tokens = total
        low, high = (low, high + 1) if up else (low - 1, high)
    batch = queue[low:high]
    del queue[low:high]
    return batch


def _tell(rows: Iterable[tuple[asyncio.Future[Answer], Outcome]]) -> None:
    for future, outcome in rows:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _key(text: str, hint: Language | None) -> Key:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
    digest.update(b"\0" + (hint or "").encode())
    return digest.digest()


def _stopped() -> ScoringFailed:
    return ScoringFailed("the model is being put away")


def _readable(error: BaseException) -> Exception:
    """Leave our own errors as they are; another one's words may quote the text."""
    if isinstance(error, TriageError):
        return error
    return ScoringFailed(f"the model raised {type(error).__name__}")
