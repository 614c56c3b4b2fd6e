"""The share of violations, from cases that chance drew.

A reviewer's other cases are the ones that looked worst: their share says how well the queue is
ordered. Only a draw by chance with a known probability says what waited in the queues.
"""

from dataclasses import dataclass

from triage_ml.domain.stats import wilson


@dataclass(frozen=True, slots=True)
class WeightedSample:
    """Sums over decided random draws; a weight is one over the draw's probability.

    `n_drawn` also counts draws that nobody decided: given back, run out, or still held.
    `*_found` are those in which the violation was found.
    """

    n_drawn: int = 0
    n_decided: int = 0
    weights: float = 0.0
    squares: float = 0.0
    n_found: int = 0
    weights_found: float = 0.0
    squares_found: float = 0.0

    def __add__(self, other: "WeightedSample") -> "WeightedSample":
        return WeightedSample(
            self.n_drawn + other.n_drawn,
            self.n_decided + other.n_decided,
            self.weights + other.weights,
            self.squares + other.squares,
            self.n_found + other.n_found,
            self.weights_found + other.weights_found,
            self.squares_found + other.squares_found,
        )

    def with_found(self, found: "WeightedSample") -> "WeightedSample":
        """Take the violations of `found`, and everything else from here."""
        return WeightedSample(
            self.n_drawn,
            self.n_decided,
            self.weights,
            self.squares,
            found.n_found,
            found.weights_found,
            found.squares_found,
        )


@dataclass(frozen=True, slots=True)
class Prevalence:
    """An estimated share with its 95 % interval, and on how many decisions it rests."""

    share: float
    low: float
    high: float
    n_decided: int
    n_found: int
    n_effective: float


def estimate(sample: WeightedSample) -> Prevalence | None:
    """Estimate the share of violations; None where nothing was drawn and decided.

    Hájek's ratio of weighted sums. The interval is Wilson's at an effective sample size: the
    smaller of Kish's and of the one at which a plain share would have the linearised variance of
    this one. It does not collapse when nothing, or everything, is a violation.
    Source: Korn and Graubard 1998, Confidence Intervals for Proportions with Small Expected Number
    of Positive Counts Estimated from Survey Data (theirs is Clopper-Pearson's interval).
    """
    if sample.n_decided == 0 or sample.weights <= 0:
        return None
    share = min(1.0, sample.weights_found / sample.weights)
    n_effective = sample.weights**2 / sample.squares
    if 0 < share < 1 and sample.n_decided > 1:
        found, others = sample.squares_found, sample.squares - sample.squares_found
        spread = (1 - share) ** 2 * found + share**2 * others
        small = sample.n_decided / (sample.n_decided - 1)
        variance = small * spread / sample.weights**2
        if variance > 0:
            n_effective = min(n_effective, share * (1 - share) / variance)
    low, high = wilson(share * n_effective, n_effective)
    return Prevalence(share, low, high, sample.n_decided, sample.n_found, n_effective)
