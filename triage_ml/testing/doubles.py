"""Stand-ins for a model, a language detector and the time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import NamedTuple

from triage_ml.domain.scores import LabelScore, LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import (
    HEADS,
    SUPPORTED_LANGUAGES,
    Label,
    Language,
    Support,
    SupportMatrix,
)
from triage_ml.domain.text import NormalisedText
from triage_ml.errors import ScoringFailed
from triage_ml.ports import Answered, ModelInfo

FIXED_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # a Monday morning
GATE_SECONDS = 30.0
"""How long a gated `StubScorer` waits at most, so that a broken test ends."""

ALL_MEASURED = SupportMatrix(
    {(language, label): Support.MEASURED for language in SUPPORTED_LANGUAGES for label in HEADS}
)


class FixedClock:
    """A clock that stands still until it is told otherwise (`ports.Clock`)."""

    def __init__(self, now: datetime = FIXED_START) -> None:
        self.set(now)

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Move to `now`. Raises: ValueError without a time zone."""
        if now.tzinfo is None:
            raise ValueError("a clock's time carries a time zone")
        self._now = now

    def advance(self, step: timedelta) -> datetime:
        self.set(self._now + step)
        return self._now


class StubPiece(NamedTuple):
    """A whole text, a token a character."""

    text: str

    @property
    def n_tokens(self) -> int:
        return len(self.text)


class StubScorer:
    """A model of keywords (`ports.Scorer`): a label's own name in a text makes it likely.

    `keywords` replaces that: word -> {label: probability}. `failure` is raised by every call.
    With a `gate`, a call sets `entered` and waits until the gate is set. `calls` keeps the
    number of texts of each call that was answered.
    """

    def __init__(
        self,
        keywords: Mapping[str, Mapping[Label, float]] | None = None,
        *,
        labels: Sequence[Label] = HEADS,
        support: SupportMatrix = ALL_MEASURED,
        version: str = "stub-1",
        failure: Exception | None = None,
        gate: Event | None = None,
    ) -> None:
        self.keywords = keywords or {label.value: {label: 0.95} for label in labels}
        self.rest = 0.01
        self.failure = failure
        self.gate = gate
        self.entered = Event()
        self.calls: list[int] = []
        self._info = ModelInfo(version, tuple(labels), support, card="A stub, not a model.\n")

    @property
    def info(self) -> ModelInfo:
        return self._info

    def cut(self, text: NormalisedText) -> list[StubPiece]:
        return [StubPiece(text.text)]

    def run(self, pieces: Sequence[StubPiece]) -> list[None]:
        return [None] * len(pieces)

    def join(self, texts: Sequence[Answered[StubPiece, None]]) -> list[LabelScores]:
        """Score as `score` does, so that a test has one method to replace."""
        return self.score([pieces[0].text for _, pieces, _ in texts], [row[0] for row in texts])

    def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[LabelScores]:
        """Score by keyword. Raises: what `failure` says; ScoringFailed if the gate stays shut."""
        self.entered.set()
        if self.gate is not None and not self.gate.wait(GATE_SECONDS):
            raise ScoringFailed("the gate of the stub was never opened")
        if self.failure is not None:
            raise self.failure
        self.calls.append(len(texts))
        return [self._one(text, lang) for text, lang in zip(texts, languages, strict=True)]

    def _one(self, text: str, language: Language) -> LabelScores:
        found = [row for word, row in self.keywords.items() if word in text.lower()]
        scores = {
            label: self._label(
                max((row.get(label, self.rest) for row in found), default=self.rest),
                self._info.support.of(language, label),
            )
            for label in self._info.labels
        }
        violations = (s.probability for label, s in scores.items() if label is not Label.PROFANITY)
        p_violation = max(violations, default=self.rest)
        return LabelScores(scores, p_violation, language, self._info.version)

    @staticmethod
    def _label(p: float, support: Support) -> LabelScore:
        upper = p if support is Support.MEASURED else min(1.0, 0.5 + p / 2)
        return LabelScore(probability=p, upper=upper, severity=2.0, support=support)


class StubDetector:
    """A detector (`ports.LanguageDetector`) that knows given texts and answers `rest` else.

    A hint wins over `rest`, not over a known text.
    """

    def __init__(
        self, known: Mapping[str, Language] | None = None, rest: Language = Language.EN
    ) -> None:
        self.known = dict(known or {})
        self.rest = rest

    def detect(self, text: NormalisedText, hint: Language | None = None) -> LanguageGuess:
        language = self.known.get(text.text, hint or self.rest)
        return LanguageGuess(language, 0.0 if language is Language.UND else 1.0)
