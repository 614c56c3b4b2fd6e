from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from triage_ml.domain.scores import LabelScores
from triage_ml.domain.taxonomy import HEADS, Label, Language, Support
from triage_ml.domain.text import normalise
from triage_ml.errors import ModelMissing, ScoringFailed
from triage_ml.ports import Clock, LanguageDetector, Scorer
from triage_ml.testing import FixedClock, StubDetector, StubScorer, doubles


def test_the_doubles_stand_in_for_the_ports() -> None:
    """A type checker accepts each of them where its port is asked for."""
    clock: Clock = FixedClock()
    scorer: Scorer = StubScorer()
    detector: LanguageDetector = StubDetector()
    assert clock.now().tzinfo
    assert scorer.info.labels == HEADS
    assert detector.detect(normalise("a")).language is Language.EN


def test_a_fixed_clock_moves_only_when_told() -> None:
    """It stands still, advances and is set."""
    clock = FixedClock()
    before = clock.now()
    assert clock.now() == before
    assert clock.advance(timedelta(minutes=5)) == clock.now() == before + timedelta(minutes=5)
    clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    assert clock.now().year == 2030


def test_a_fixed_clock_needs_a_time_zone() -> None:
    """Times without a zone are refused as everywhere."""
    with pytest.raises(ValueError, match="time zone"):
        FixedClock(datetime(2030, 1, 1))  # noqa: DTZ001


def test_a_stub_scores_by_keyword() -> None:
    """A label's name makes it likely; everything else is unlikely."""
    found, plain = StubScorer().score(["some Hate", "plain"], [Language.EN] * 2)
    assert found.labels[Label.HATE].probability == found.p_violation == 0.95
    assert plain.p_violation == 0.01


def test_profanity_alone_is_no_violation() -> None:
    """As in the policy."""
    [found] = StubScorer().score(["profanity"], [Language.EN])
    assert found.labels[Label.PROFANITY].probability == 0.95
    assert found.p_violation == 0.01


def test_a_stub_knows_nothing_of_an_undetermined_language() -> None:
    """Its cells are unsupported, with a higher bound."""
    [found] = StubScorer().score(["plain"], [Language.UND])
    hate = found.labels[Label.HATE]
    assert hate.support is Support.UNSUPPORTED
    assert hate.upper > hate.probability


def test_a_stub_can_fail() -> None:
    """It raises what it is told to, and recovers."""
    scorer = StubScorer(failure=ModelMissing())
    with pytest.raises(ModelMissing):
        scorer.score(["a"], [Language.EN])
    scorer.failure = None
    scorer.score(["a"], [Language.EN])
    assert scorer.calls == [1]


def test_a_stub_can_be_held_up() -> None:
    """It answers only after its gate was opened."""
    gate, answers = Event(), list[list[LabelScores]]()
    scorer = StubScorer(gate=gate)
    thread = Thread(target=lambda: answers.append(scorer.score(["a"], [Language.EN])))
    thread.start()
    assert scorer.entered.wait(10)
    assert answers == []
    gate.set()
    thread.join(10)
    assert len(answers) == 1


def test_a_gate_that_stays_shut_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken test does not hang."""
    monkeypatch.setattr(doubles, "GATE_SECONDS", 0.0)
    with pytest.raises(ScoringFailed, match="never opened"):
        StubScorer(gate=Event()).score(["a"], [Language.EN])


def test_a_stub_detector_knows_texts_and_follows_hints() -> None:
    """A known text beats a hint, a hint beats the rest."""
    detector = StubDetector({"hallo": Language.DE}, rest=Language.UND)
    assert detector.detect(normalise("hallo"), Language.EN).language is Language.DE
    assert detector.detect(normalise("x"), Language.KO).language is Language.KO
    assert detector.detect(normalise("x")).confidence == 0.0
