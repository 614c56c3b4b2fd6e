"""How often automated means are right and wrong, told from what chance drew.

"Found" is what the model said of a label; "true" is what people decided in the end. Shares among
all decisions say little, because the order of work depends on what the model said. Chance does
not: `Draws` weigh what was drawn by one over its probability, and `Received` gives every case
that came a weight of one, letting draws stand for those that still wait.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from triage_ml.domain.interval import ALPHA, clopper_pearson

_NOTHING_LEFT = 1e-9
"""A share so small is rounding."""


class MeansSample(StrEnum):
    """Of what a rate speaks. WAITING: of what waited in the queues, from random draws.

    BLIND: of what reviewers came to, as they decide it without hints. RECEIVED: of all cases
    that came; what is decided is counted, and random draws stand for the rest.
    """

    WAITING = "waiting"
    BLIND = "blind"
    RECEIVED = "received"


class Unknown(StrEnum):
    """Why a rate has no value. NO_DRAWS: chance drew nothing that was decided.

    NONE_FOUND: the model found none among what was drawn, so nothing says how often it is right.
    NONE_TRUE: people found none, so nothing says how often the model misses. ALL_TRUE: the
    same of false alarms. NOT_SCORED: the model does not look for this label in this language.
    """

    NO_DRAWS = "no_draws"
    NONE_FOUND = "none_found"
    NONE_TRUE = "none_true"
    ALL_TRUE = "all_true"
    NOT_SCORED = "not_scored"


@dataclass(frozen=True, slots=True)
class Sums:
    """How many, the sum of their weights, and that of the weights' squares."""

    n: int = 0
    weights: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.n + other.n, self.weights + other.weights, self.squares + other.squares)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval; without a value, why.

    Without draws of a part the interval is what is still possible. `n` decisions tell it,
    which weigh as much as `n_effective` of equal weight.
    """

    value: float | None
    low: float
    high: float
    n: int
    n_effective: float
    unknown: Unknown | None = None

    @property
    def complement(self) -> "Rate":
        """The share of the others."""
        value = None if self.value is None else 1 - self.value
        return Rate(value, 1 - self.high, 1 - self.low, self.n, self.n_effective, self.unknown)


@dataclass(frozen=True, slots=True)
class Rates:
    """What is known of one label.

    Precision: of what the model found, how much was true. Recall: of what was true, how much the
    model found. False positive rate: of what was not true, how much the model found all the
    same; specificity is the rest. Error rate: of all cases, those where the two differ.
    """

    prevalence: Rate
    precision: Rate
    recall: Rate
    false_positive_rate: Rate
    error_rate: Rate

    @property
    def specificity(self) -> Rate:
        return self.false_positive_rate.complement


@dataclass(frozen=True, slots=True)
class Draws:
    """Decided cases that chance drew, by what the model found and what was true."""

    found_true: Sums = field(default_factory=Sums)
    found_only: Sums = field(default_factory=Sums)
    missed: Sums = field(default_factory=Sums)
    neither: Sums = field(default_factory=Sums)

    @property
    def n(self) -> int:
        return self.found_true.n + self.found_only.n + self.missed.n + self.neither.n

    @property
    def n_true(self) -> int:
        return self.found_true.n + self.missed.n

    def __add__(self, other: "Draws") -> "Draws":
        return Draws(
            self.found_true + other.found_true,
            self.found_only + other.found_only,
            self.missed + other.missed,
            self.neither + other.neither,
        )

    @staticmethod
    def of(sums: Sums, *, found: bool, true: bool) -> "Draws":
        if found:
            return Draws(found_true=sums) if true else Draws(found_only=sums)
        return Draws(missed=sums) if true else Draws(neither=sums)


def share(part: Sums, rest: Sums, empty: Unknown, alpha: float = ALPHA) -> Rate:
    """Estimate the share of `part`: Hájek's ratio of weighted sums.

    The interval is Clopper and Pearson's at an effective number of trials: the smaller of Kish's
    and of the one at which a plain share would have the linearised variance of this one.
    Source: Korn and Graubard 1998, Confidence Intervals for Proportions with Small Expected Number
    of Positive Counts Estimated from Survey Data.
    """
    whole = part + rest
    if whole.n == 0 or whole.weights <= 0:
        return Rate(None, 0.0, 1.0, 0, 0.0, empty)
    value = part.weights / whole.weights
    n_effective = whole.weights**2 / whole.squares
    if part.n and rest.n:
        spread = (1 - value) ** 2 * part.squares + value**2 * rest.squares
        variance = whole.n / (whole.n - 1) * spread / whole.weights**2
        n_effective = min(n_effective, value * (1 - value) / variance)
    successes = min(n_effective, value * n_effective)
    low, high = clopper_pearson(successes, n_effective, alpha)
    return Rate(value, low, high, whole.n, n_effective)


def rates_of(draws: Draws) -> Rates:
    """Estimate every rate from draws; each is the share of a part in a part.

    What the model finds is seldom long among what waits, so it is drawn from few and weighs
    little beside what it missed. The interval of recall cannot be read off the few true ones then:
    it is put together from how much the model finds, and how much of both parts is true
    (Bonferroni). Draws of equal weight need none of this.
    """
    hit, alarm, miss, quiet = draws.found_true, draws.found_only, draws.missed, draws.neither

    def why(empty: Unknown) -> Unknown:
        return empty if draws.n else Unknown.NO_DRAWS

    return Rates(
        prevalence=share(hit + miss, alarm + quiet, Unknown.NO_DRAWS),
        precision=share(hit, alarm, why(Unknown.NONE_FOUND)),
        recall=_recall(draws, share(hit, miss, why(Unknown.NONE_TRUE))),
        false_positive_rate=share(alarm, quiet, why(Unknown.ALL_TRUE)),
        error_rate=share(alarm + miss, hit + quiet, Unknown.NO_DRAWS),
    )


def _recall(draws: Draws, direct: Rate) -> Rate:
    found, rest = draws.found_true + draws.found_only, draws.missed + draws.neither
    whole = found + rest
    if direct.value is None or whole.weights**2 > (1 - _NOTHING_LEFT) * whole.n * whole.squares:
        return direct
    alpha = ALPHA / 3
    finds = share(found, rest, Unknown.NO_DRAWS, alpha)
    hit = share(draws.found_true, draws.found_only, Unknown.NONE_FOUND, alpha)
    miss = share(draws.missed, draws.neither, Unknown.NO_DRAWS, alpha)
    low = _ratio(finds.low * hit.low, (1 - finds.low) * miss.high)
    high = _ratio(finds.high * hit.high, (1 - finds.high) * miss.low)
    return replace(
        direct,
        low=min(direct.low, 0.0 if low is None else low),
        high=max(direct.high, 1.0 if high is None else high),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """Cases received of which the model found the label, or of which it did not.

    Each case counts as one, spread evenly over the draws that were made after it came: `known`
    is the mass of draws after its decision (`known_true` where the label was true), `waiting`
    that of the draws before. `true` and `others` are the draws, weighted as what they stand for.
    Of the `n` cases `n_true` are decided and true, and `n_undecided` wait still.
    """

    n: int = 0
    n_true: int = 0
    n_undecided: int = 0
    known: float = 0.0
    known_true: float = 0.0
    waiting: float = 0.0
    true: Sums = field(default_factory=Sums)
    others: Sums = field(default_factory=Sums)

    def __add__(self, other: "Part") -> "Part":
        return Part(
            self.n + other.n,
            self.n_true + other.n_true,
            self.n_undecided + other.n_undecided,
            self.known + other.known,
            self.known_true + other.known_true,
            self.waiting + other.waiting,
            self.true + other.true,
            self.others + other.others,
        )


@dataclass(frozen=True, slots=True)
class Received:
    """All cases received in a time, by whether the model found the label."""

    found: Part = field(default_factory=Part)
    rest: Part = field(default_factory=Part)

    @property
    def n(self) -> int:
        return self.found.n + self.rest.n

    def __add__(self, other: "Received") -> "Received":
        return Received(self.found + other.found, self.rest + other.rest)


def share_true(part: Part, empty: Unknown, alpha: float = ALPHA) -> Rate:
    """Estimate the share of true ones among the cases of a part.

    What was decided when a draw was made is counted, so only what waited brings uncertainty. For
    each draw, given all that happened before it, the decided cases plus the drawn one times the
    number of cases it was drawn from have the total as their expectation: the sum over draws is a
    martingale. What is decided by now bounds the share besides, whatever the draws say.
    Source: Des Raj 1956, Some Estimators in Sampling with Varying Probabilities without
    Replacement; Farquhar, Gal and Rainforth 2021, On Statistical Bias in Active Learning.
    """
    if part.n == 0:
        return Rate(None, 0.0, 1.0, 0, 0.0, empty)
    least, most = part.n_true / part.n, (part.n_true + part.n_undecided) / part.n
    if part.n_undecided == 0:
        return Rate(least, least, least, part.n, float(part.n))
    still = share(part.true, part.others, Unknown.NO_DRAWS, alpha)
    counted, left = part.known_true / part.n, part.waiting / part.n

    def among_all(waiting: float) -> float:
        return min(max(counted + left * waiting, least), most)

    return Rate(
        None if still.value is None else among_all(still.value),
        among_all(still.low),
        among_all(still.high),
        still.n,
        still.n_effective,
        still.unknown,
    )


def rates_received(received: Received) -> Rates:
    """Estimate every rate among all cases received.

    How many the model found is known, so each rate is a function of two shares, told by two
    independent samples. Where both matter, an interval spans their intervals of 97.5 %
    (Bonferroni): it covers at its rate or more often.
    """
    found, rest = received.found.n, received.rest.n
    if found + rest == 0:
        nothing = Rate(None, 0.0, 1.0, 0, 0.0, Unknown.NO_DRAWS)
        return Rates(nothing, nothing, nothing, nothing, nothing)
    hit = share_true(received.found, Unknown.NONE_FOUND, ALPHA / 2)
    miss = share_true(received.rest, Unknown.NONE_FOUND, ALPHA / 2)
    alarm, quiet = hit.complement, miss.complement
    return Rates(
        prevalence=_together((hit, found), (miss, rest)),
        precision=share_true(received.found, Unknown.NONE_FOUND),
        recall=_odds((hit, found), (miss, rest), Unknown.NONE_TRUE),
        false_positive_rate=_odds((alarm, found), (quiet, rest), Unknown.ALL_TRUE),
        error_rate=_together((alarm, found), (miss, rest)),
    )


Weighed = tuple[Rate, float]


def _present(*parts: Weighed) -> list[Weighed]:
    return [(rate, mass) for rate, mass in parts if mass > 0]


def _unknown(parts: Iterable[Weighed]) -> Unknown | None:
    return next((rate.unknown for rate, _ in parts if rate.unknown is not None), None)


def _together(*both: Weighed) -> Rate:
    """Join the shares of two parts as the share in both."""
    parts = _present(*both)
    whole = sum(mass for _, mass in parts)
    unknown = _unknown(parts)
    return Rate(
        None if unknown else sum((rate.value or 0.0) * mass for rate, mass in parts) / whole,
        sum(rate.low * mass for rate, mass in parts) / whole,
        min(1.0, sum(rate.high * mass for rate, mass in parts) / whole),
        sum(rate.n for rate, _ in parts),
        sum(rate.n_effective for rate, _ in parts),
        unknown,
    )


def _odds(first: Weighed, second: Weighed, empty: Unknown) -> Rate:
    """Give the share of the first part among what both parts have."""
    (one, n_one), (other, n_other) = first, second
    if n_one <= 0:  # an interval of a part without cases says nothing
        one = Rate(0.0, 0.0, 0.0, 0, 0.0)
    if n_other <= 0:
        other = Rate(0.0, 0.0, 0.0, 0, 0.0)
    low = _ratio(one.low * n_one, other.high * n_other)
    high = _ratio(one.high * n_one, other.low * n_other)
    unknown = _unknown(_present(first, second))
    value = None
    if unknown is None:
        value = _ratio((one.value or 0.0) * n_one, (other.value or 0.0) * n_other)
        unknown = empty if value is None else None
    return Rate(
        value,
        0.0 if low is None else low,
        1.0 if high is None else high,
        one.n + other.n,
        one.n_effective + other.n_effective,
        unknown,
    )


def _ratio(part: float, rest: float) -> float | None:
    return part / (part + rest) if part + rest > 0 else None
