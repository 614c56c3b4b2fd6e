"""What chance drew and what was received, as the measurement of automated means needs it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from triage_ml.domain.means import MeansSample, Sums
from triage_ml.domain.taxonomy import Language


@dataclass(frozen=True, slots=True)
class MeansWindow:
    """From when until when (excluded); `queues` None means every queue."""

    since: datetime
    until: datetime
    queues: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said of a case by its first decision, or by now.

    `scored` are the labels it looked for and `found` those it trusted with a half or more.
    `model_version` is empty where the case has no scores, or those of then are not known.
    """

    language: Language
    model_version: str
    scored: frozenset[str]
    found: frozenset[str]


@dataclass(frozen=True, slots=True)
class DrawnGroup:
    """Draws alike in what the model said and in what was true; None: not decided."""

    sample: MeansSample
    said: Said
    true: frozenset[str] | None
    sums: Sums


@dataclass(frozen=True, slots=True)
class ReceivedGroup:
    """Cases received, alike in what the model said and in what was true; None: not decided.

    For the masses and the weights of `draws` see `domain.means.Part`. The `n_uncovered` are of a
    queue and tier in which chance has not drawn since and some still wait: nothing stands for
    those, so none of them has mass. Where none waits any more they are known without a draw.
    """

    said: Said
    true: frozenset[str] | None
    n: int
    n_uncovered: int
    known: float
    waiting: float
    draws: Sums


class MeansStore(Protocol):
    """Reads for the measurement of automated means. Raises, everywhere: StoreUnavailable."""

    async def chance_draws(self, window: MeansWindow) -> list[DrawnGroup]:
        """Give random draws made in the window, and first decisions without hints taken in it."""
        ...

    async def received_groups(self, window: MeansWindow) -> list[ReceivedGroup]:
        """Give the cases received in the window that were not withdrawn."""
        ...
