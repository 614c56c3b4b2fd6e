"""Many callers share a model, and none of them gets another one's answer."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from threading import Event
from typing import NamedTuple

import pytest

from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import Language
from triage_ml.domain.text import NormalisedText
from triage_ml.errors import Overloaded, ScoringFailed
from triage_ml.inference import batching
from triage_ml.inference.batching import MAX_PADDING, Batcher
from triage_ml.ports import Answered
from triage_ml.testing import StubDetector, StubScorer

pytestmark = pytest.mark.anyio

PIECE = 10
"""Characters of a piece of the model below."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Cut(NamedTuple):
    text: str

    @property
    def n_tokens(self) -> int:
        return len(self.text)


class PieceScorer(StubScorer):
    """Says of a text what its pieces hold, and keeps the batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.poison = ""
        self.n_given: int | None = None

    def cut(self, text: NormalisedText) -> list[Cut]:  # type: ignore[override]
        if "uncut" in text.text:
            raise RuntimeError(f"quoting {text.text}")
        return [Cut(text.text[at : at + PIECE]) for at in range(0, len(text.text), PIECE)]

    def run(self, pieces: Sequence[Cut]) -> list[str]:  # type: ignore[override]
        self.entered.set()
        if self.gate is not None:
            self.gate.wait(30)
        self.batches.append([piece.text for piece in pieces])
        if self.failure is not None:
            raise self.failure
        if self.poison and any(self.poison in piece.text for piece in pieces):
            raise RuntimeError("poisoned")
        return [piece.text for piece in pieces][: self.n_given]

    def join(  # type: ignore[override]
        self, texts: Sequence[Answered[Cut, str]]
    ) -> list[LabelScores]:
        for _, pieces, answers in texts:
            assert [piece.text for piece in pieces] == list(answers)
            if "unjoined" in "".join(answers):
                raise ValueError(f"quoting {answers}")
        return [LabelScores({}, 0.5, language, "".join(found)) for language, _, found in texts]


@pytest.fixture(autouse=True)
def _texts_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are counted here: a run of one letter shall keep its length."""
    monkeypatch.setattr(
        batching, "normalise", lambda text: NormalisedText(text, tuple(range(len(text) + 1)))
    )


@pytest.fixture
def scorer() -> PieceScorer:
    return PieceScorer()


@pytest.fixture
def noted() -> list[str]:
    return []


@pytest.fixture
def batcher(scorer: PieceScorer, noted: list[str]) -> Iterator[Batcher]:
    found = Batcher(scorer, StubDetector(), max_waiting=50, n_threads=1, note=noted.append)
    yield found
    if scorer.gate is not None:
        scorer.gate.set()
    found.close()
    assert not found.hangs


async def said(batcher: Batcher, text: str) -> str:
    """Give what the model saw of a text: its version is the text itself."""
    return (await batcher.submit(text, None))[1].model_version


async def held(batcher: Batcher, scorer: PieceScorer) -> asyncio.Future[batching.Answer]:
    """Keep the only worker busy until the gate opens."""
    scorer.gate = Event()
    first = batcher.submit("hold", None)
    await asyncio.to_thread(scorer.entered.wait)
    return first


async def until(what: object) -> None:
    while not what():  # type: ignore[operator]  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def test_everybody_gets_their_own_answer(batcher: Batcher) -> None:
    """Texts of one and of many pieces, from many callers at once."""
    made = random.Random(1)
    texts = [f"{i}-" + "x" * made.randrange(80) for i in range(50)]
    assert await asyncio.gather(*(said(batcher, text) for text in texts)) == texts
    assert batcher.n_waiting == 0


async def test_several_workers_share_the_pieces_of_a_text(scorer: PieceScorer) -> None:
    """Pieces run side by side are put together in their order."""
    batcher = Batcher(
        scorer, StubDetector(), max_waiting=50, n_threads=4, max_batch_tokens=2 * PIECE
    )
    texts = [f"{i}:" + "".join(str(n % 10) for n in range(300)) for i in range(20)]
    assert await asyncio.gather(*(said(batcher, text) for text in texts)) == texts
    batcher.close()


async def test_what_waits_is_run_together_by_length(batcher: Batcher, scorer: PieceScorer) -> None:
    """While the model is busy a batch gathers; the long text does not pad the short ones."""
    first = await held(batcher, scorer)
    texts = ["aaaa", "bbbbbbbbb", "cccc", "dddddddd", "eeee"]
    waiting = [asyncio.create_task(said(batcher, text)) for text in texts]
    await until(lambda: batcher.n_waiting == 6)
    assert scorer.gate is not None
    scorer.gate.set()
    await asyncio.gather(first, *waiting)
    assert [sorted(batch) for batch in scorer.batches[1:]] == [
        ["aaaa", "cccc", "eeee"],
        ["bbbbbbbbb", "dddddddd"],
    ]


async def test_batches_keep_to_their_budget(scorer: PieceScorer) -> None:
    """Rows times the longest row is within the budget, and little of it is padding."""
    scorer.gate = Event()
    batcher = Batcher(scorer, StubDetector(), max_waiting=99, n_threads=1, max_batch_tokens=30)
    made = random.Random(2)
    texts = [f"{i:02}" + "x" * made.randrange(8) for i in range(60)]
    waiting = [asyncio.create_task(said(batcher, text)) for text in texts]
    await until(lambda: batcher.n_waiting == 60)
    scorer.gate.set()
    await asyncio.gather(*waiting)
    for batch in scorer.batches:
        padded = len(batch) * max(map(len, batch))
        assert padded <= 30
        assert padded - sum(map(len, batch)) <= MAX_PADDING * padded
    assert sum(map(len, scorer.batches)) == 60
    assert len(scorer.batches) < 40
    batcher.close()


@pytest.mark.parametrize(("floor", "largest"), [(1, 4), (128, 8)])
async def test_workers_share_what_waits(
    scorer: PieceScorer, monkeypatch: pytest.MonkeyPatch, floor: int, largest: int
) -> None:
    """Of two, each takes half of a long queue; a short one is not split."""
    monkeypatch.setattr(batching, "SHARED_TOKENS", floor)
    batcher = Batcher(scorer, StubDetector(), max_batch_tokens=1000, n_threads=2)
    first = await held(batcher, scorer)
    with batcher._lock:  # the other worker sees all of them at once
        rest = [batcher.submit(f"text {n:05}", None) for n in range(8)]
    await until(lambda: not batcher._uncut and len(batcher._queue) == 8 - largest)
    assert scorer.gate is not None
    scorer.gate.set()
    await asyncio.gather(first, *rest)
    batcher.close()
    assert max(map(len, scorer.batches)) == largest
    assert sum(map(len, scorer.batches)) == 9


async def test_a_short_text_passes_the_rest_of_a_long_one(
    batcher: Batcher, scorer: PieceScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later pieces of a long text are due later."""
    monkeypatch.setattr(batching, "PIECE_SECONDS", 10.0)
    monkeypatch.setattr(batcher, "_max_batch_tokens", 2 * PIECE)
    first = await held(batcher, scorer)
    long = asyncio.create_task(said(batcher, "0123456789" * 10))
    await until(lambda: batcher.n_waiting == 2)
    short = asyncio.create_task(said(batcher, "short"))
    await until(lambda: batcher.n_waiting == 3)
    assert scorer.gate is not None
    scorer.gate.set()
    await asyncio.gather(first, short, long)
    assert any("short" in batch for batch in scorer.batches[:4])


async def test_a_full_queue_refuses_at_once(batcher: Batcher, scorer: PieceScorer) -> None:
    """The text too many is told when to come again; those inside are served."""
    first = await held(batcher, scorer)
    waiting = [batcher.submit(f"text {i}", None) for i in range(49)]
    began = time.monotonic()
    with pytest.raises(Overloaded) as refused:
        batcher.submit("one too many", None)
    assert time.monotonic() - began < 1.0
    assert refused.value.retry_after_seconds > 0
    assert scorer.gate is not None
    scorer.gate.set()
    await asyncio.gather(first, *waiting)
    assert await said(batcher, "one too many") == "one too many"


async def test_a_text_that_fails_fails_alone(batcher: Batcher, scorer: PieceScorer) -> None:
    """Its neighbours in the batch are run again without it; the loop goes on."""
    first = await held(batcher, scorer)
    scorer.poison = "bad"
    texts = ["good", "bad1", "fine"]
    waiting = [batcher.submit(text, None) for text in texts]
    assert scorer.gate is not None
    scorer.gate.set()
    found = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [isinstance(one, ScoringFailed) for one in found] == [False, False, True, False]
    assert await said(batcher, "after") == "after"


@pytest.mark.parametrize("text", ["uncut", "unjoined"])
async def test_an_error_reaches_every_waiter_without_the_text(
    batcher: Batcher, scorer: PieceScorer, text: str
) -> None:
    """Whatever a part of the model raises is told in our words, to all who share the text."""
    waiting = [batcher.submit(text, None) for _ in range(3)]
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(error, ScoringFailed)
        assert "quoting" not in str(error)
    assert await said(batcher, "after") == "after"


async def test_the_loop_survives_a_mistake_of_ours(
    batcher: Batcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even an error where none is expected is told to who waits, and the next text is served."""
    with monkeypatch.context() as patch:
        patch.setattr(batcher, "_join", lambda _: 1 / 0)
        with pytest.raises(ScoringFailed, match="ZeroDivisionError"):
            await said(batcher, "first")
    assert await said(batcher, "second") == "second"


@pytest.mark.parametrize("part", ["cut", "run", "join"])
async def test_a_panic_is_an_error_like_others(
    batcher: Batcher, scorer: PieceScorer, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Code in Rust that panics raises no Exception; the text is told, the worker goes on."""

    class Panic(BaseException):
        pass

    def panic(*_: object) -> None:
        raise Panic("quoting")

    with monkeypatch.context() as patch:
        patch.setattr(scorer, part, panic)
        with pytest.raises(ScoringFailed, match="Panic"):
            await asyncio.wait_for(said(batcher, "first"), 5)
    assert await asyncio.wait_for(said(batcher, "second"), 5) == "second"


async def test_stopping_tells_also_those_that_are_being_cut(
    batcher: Batcher, scorer: PieceScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts a worker has at hand are in no queue; they are told all the same."""
    cutting, go_on = Event(), Event()
    cut = scorer.cut

    def slowly(text: str) -> list[Cut]:
        cutting.set()
        go_on.wait(30)
        return cut(text)

    monkeypatch.setattr(scorer, "cut", slowly)
    waiting = [batcher.submit(f"text {i}", None) for i in range(10)]
    await asyncio.to_thread(cutting.wait)
    batcher.stop()
    go_on.set()
    found = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert {type(one) for one in found} == {ScoringFailed}
    assert batcher.n_waiting == 0


async def test_the_queue_holds_some_pieces_of_a_long_text(
    batcher: Batcher, scorer: PieceScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever chooses a batch looks at all that is queued; the rest of a text follows later."""
    monkeypatch.setattr(batcher, "_max_batch_tokens", 2 * PIECE)
    first = await held(batcher, scorer)
    text = "0123456789" * 200
    waiting = batcher.submit(text, None)
    most = 0
    assert scorer.gate is not None
    scorer.gate.set()
    while not waiting.done():
        most = max(most, len(batcher._queue))
        await asyncio.sleep(0)
    assert (await waiting)[1].model_version == text
    assert most <= batching.QUEUED_PIECES
    await first


async def test_too_few_answers_are_an_error(batcher: Batcher, scorer: PieceScorer) -> None:
    """A batch that does not come back whole shifts nobody's result."""
    scorer.n_given = 0
    with pytest.raises(ScoringFailed, match="0 answers to 1 pieces"):
        await said(batcher, "text")
    scorer.n_given = None
    assert await said(batcher, "text") == "text"


async def test_a_cancelled_caller_harms_nobody(batcher: Batcher, scorer: PieceScorer) -> None:
    """Its text is dropped if it has not begun; the others get theirs."""
    first = await held(batcher, scorer)
    texts = [f"text {i}" for i in range(10)]
    waiting = [batcher.submit(text, None) for text in texts]
    for future in waiting[::2]:
        future.cancel()
    assert scorer.gate is not None
    scorer.gate.set()
    await first
    answers = await asyncio.gather(*waiting[1::2])
    assert [scores.model_version for _, scores in answers] == texts[1::2]
    await until(lambda: batcher.n_waiting == 0)
    assert not set(texts[::2]) & {text for batch in scorer.batches for text in batch}


async def test_who_shares_a_cancelled_text_still_gets_it(
    batcher: Batcher, scorer: PieceScorer
) -> None:
    """A text is dropped only when nobody at all waits for it."""
    first = await held(batcher, scorer)
    gone, there = (batcher.submit("same", None) for _ in range(2))
    gone.cancel()
    assert scorer.gate is not None
    scorer.gate.set()
    await first
    assert (await there)[1].model_version == "same"


async def test_who_would_wait_too_long_is_refused_at_once(scorer: PieceScorer) -> None:
    """The wait is foreseen from the pace of late; what is known or at work is answered anyway."""
    batcher = Batcher(scorer, StubDetector(), max_waiting=500, n_threads=1)
    assert batcher.expected_wait == 0
    await asyncio.gather(*(said(batcher, f"text {i}") for i in range(30)))
    await said(batcher, "known")
    scorer.entered.clear()
    first = await held(batcher, scorer)
    batcher._pace = 0.01  # what 10 ms a text would have taught it
    taken = [batcher.submit(f"more {i}", None, 0.2) for i in range(20)]
    assert batcher.expected_wait == pytest.approx(0.21)
    with pytest.raises(Overloaded):
        batcher.submit("one too many", None, 0.2)
    shared, known = batcher.submit("more 0", None, 0.2), batcher.submit("known", None, 0.2)
    assert known.done()
    patient = batcher.submit("patient", None)
    assert scorer.gate is not None
    scorer.gate.set()
    await asyncio.gather(first, *taken, shared, patient)
    assert batcher.expected_wait == 0
    batcher.close()


async def test_the_pace_is_that_of_late(scorer: PieceScorer) -> None:
    """It follows what batches take, a text and a thread, and forgets the first ones."""
    batcher = Batcher(scorer, StubDetector(), n_threads=2)
    for _ in range(60):
        batcher._note_pace(4, 0.08)
    assert batcher._pace == pytest.approx(0.01)
    for _ in range(60):
        batcher._note_pace(1, 0.04)
    batcher._note_pace(0, 9.0)
    assert batcher._pace == pytest.approx(0.02, rel=0.01)
    batcher.close()


async def test_the_same_text_is_scored_once(
    batcher: Batcher, scorer: PieceScorer, noted: list[str]
) -> None:
    """At once or later, under the same hint; another hint may mean another language."""
    first = await held(batcher, scorer)
    asked = [batcher.submit("spam", None) for _ in range(20)]
    assert scorer.gate is not None
    scorer.gate.set()
    await first  # scored once itself
    same = [(await answer)[1].model_version for answer in asked]
    assert await said(batcher, "spam") == "spam"
    await batcher.submit("spam", Language.TR)
    assert set(same) == {"spam"}
    assert [batch for batch in scorer.batches if "spam" in batch] == [["spam"], ["spam"]]
    assert [noted.count(how) for how in ("scored", "shared", "cached")] == [1 + 2, 19, 1]


async def test_the_cache_is_bounded_and_knows_no_text(scorer: PieceScorer) -> None:
    """What was scored long ago is scored again; keys are digests; failures are not kept."""
    batcher = Batcher(scorer, StubDetector(), n_threads=1, n_cached=2)
    for text in ("one", "two", "three", "one"):
        await said(batcher, text)
    assert [text for batch in scorer.batches for text in batch].count("one") == 2
    assert {len(key) for key in batcher._cache} == {16}
    scorer.failure = ScoringFailed("no")
    for _ in range(2):
        with pytest.raises(ScoringFailed):
            await said(batcher, "four")
    batcher.close()


async def test_stopping_fails_what_has_not_begun(batcher: Batcher, scorer: PieceScorer) -> None:
    """What the model is at is finished and told; the rest is told at once; nothing hangs."""
    first = await held(batcher, scorer)
    waiting = [batcher.submit(f"text {i}", None) for i in range(5)]
    batcher.stop()
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(error, ScoringFailed)
    with pytest.raises(ScoringFailed):
        batcher.submit("late", None)
    assert scorer.gate is not None
    scorer.gate.set()
    assert (await first)[1].model_version == "hold"
    batcher.close()
    assert (batcher.n_waiting, batcher.hangs) == (0, False)


async def test_an_idle_model_answers_without_waiting(batcher: Batcher) -> None:
    """No timer gathers a batch: 50 texts one after another are soon through."""
    began = time.monotonic()
    for i in range(50):
        await said(batcher, f"text {i}")
    assert time.monotonic() - began < 5.0
