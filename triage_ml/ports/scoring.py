"""Models and language detectors."""

from asyncio import Future
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol, TypeVar

from triage_ml.domain.scores import LabelScores, LanguageGuess
from triage_ml.domain.taxonomy import Label, Language, SupportMatrix
from triage_ml.domain.text import NormalisedText


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a scorer says of itself. `quality` is language -> output -> named numbers."""

    version: str
    labels: tuple[Label, ...]
    support: SupportMatrix
    card: str = ""
    quality: Mapping[str, Mapping[str, Mapping[str, float | int | None]]] = field(
        default_factory=dict
    )


class Piece(Protocol):
    """What a model reads at once of a text."""

    @property
    def n_tokens(self) -> int: ...


P_co = TypeVar("P_co", covariant=True)
A_co = TypeVar("A_co", covariant=True)
Answered = tuple[Language, Sequence[P_co], Sequence[A_co]]
"""A text's language, its pieces, and what the model says of each."""


class Scorer(Protocol):
    """A model. Blocking: call it off the event loop, from any thread.

    `score` is `cut`, `run` and `join` of many texts; apart, they let a caller batch the pieces of
    texts that come one by one.
    """

    @property
    def info(self) -> ModelInfo: ...

    def cut(self, text: NormalisedText) -> Sequence[Piece]:
        """Cut a text into one or more pieces."""
        ...

    def run(self, pieces: Sequence[Any]) -> Sequence[Any]:
        """Give what the model says of pieces of any texts, in order. Raises: ScoringFailed."""
        ...

    def join(self, texts: Sequence["Answered[Any, Any]"]) -> list[LabelScores]:
        """Make the scores of texts, in order, of what was said of their pieces."""
        ...

    def score(self, texts: Sequence[str], languages: Sequence[Language]) -> list[LabelScores]:
        """Score original texts, in order. Raises: ScoringFailed."""
        ...


Answer = tuple[LanguageGuess, LabelScores]
"""What is said of one text."""


class Engine(Protocol):
    """A scorer and a detector at work for many callers at once."""

    @property
    def scorer(self) -> Scorer: ...

    @property
    def n_waiting(self) -> int:
        """Texts that wait for the model or are at it."""
        ...

    @property
    def hangs(self) -> bool:
        """Whether the model is at a text now; after `close`, that it does not come back."""
        ...

    def submit(self, text: str, hint: Language | None, patience: float = inf) -> Future[Answer]:
        """Give a future of the answer, which raises ScoringFailed.

        Raises: Overloaded when no place is free, or when the answer is expected later than in
        `patience` seconds; ScoringFailed after `stop`.
        """
        ...

    def stop(self) -> None:
        """Take no more and fail what has not begun, without waiting for the rest."""
        ...

    def close(self) -> None:
        """Stop, and wait a little for what was begun. Blocking."""
        ...


class LanguageDetector(Protocol):
    def detect(self, text: NormalisedText, hint: Language | None = None) -> LanguageGuess: ...
