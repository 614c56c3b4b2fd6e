"""Whether a change is worth somebody's time, however sure it is.

With many texts a day the smallest change is certain. An alarm needs one that a person would act on.
"""

from triage_ml.domain.drift import ALL, Floats, Kind
from triage_ml.domain.drift_ledger import Key

LEAST_RATIO = 1.2
LEAST_SHARE = 0.005
"""Of all texts: a language or flagged texts that are fewer are left alone."""

LEAST_FOUND = 0.01
LEAST_STEP = 0.05
"""Largest distance of two distribution functions, or of shares of languages on the arcsine scale,
or of mean n-gram vectors of length about 1."""

LEAST_MISS = 0.03
"""Between what a model expects and what is found."""


def matters_to_people(key: Key, before: float, after: float, shift: Floats | None = None) -> bool:
    """Say whether a change is large enough to do something about, however sure it is."""
    match key.kind:
        case Kind.LANGUAGE if key.language == ALL:
            return after >= LEAST_STEP
        case Kind.LANGUAGE | Kind.FLAGGED:
            return abs(after - before) >= LEAST_SHARE and _ratio(before, after) >= LEAST_RATIO
        case Kind.LENGTH | Kind.SCORE:
            return shift is not None and float(abs(shift).max()) >= LEAST_STEP
        case Kind.CONTENT:
            return after >= LEAST_STEP
        case Kind.CALIBRATION:
            return abs(after - before) >= LEAST_MISS
        case Kind.FOUND:
            return abs(after - before) >= LEAST_FOUND and _ratio(before, after) >= LEAST_RATIO
        case Kind.OVERTURNED:
            return abs(after - before) >= LEAST_STEP


def _ratio(before: float, after: float) -> float:
    low, high = sorted((before, after))
    return high / low if low > 0 else float("inf")
