"""Several people's verdicts on one text become one probability.

For one output: who said present or absent of which text. Texts that several people judged tell
how often each errs (Dawid-Skene or MACE, of crowd-kit); one verdict alone then weighs as much as
its giver is known to be worth, and whoever is hardly known weighs as much as the others do.

Source: Dawid & Skene 1979, Maximum Likelihood Estimation of Observer Error-Rates; Hovy et al.
2013, Learning Whom to Trust with MACE. What was measured: docs/how-to/decisions.md.
"""

import warnings
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from crowdkit.aggregation import MACE, DawidSkene
from numpy.typing import NDArray

SENSITIVITY, SPECIFICITY = 0.85, 0.95
"""What a reviewer is taken for until verdicts of several people say better: how often a label
that applies is found, and one that does not is left out. Assumed, not measured."""

SURE = 0.98
"""How often a lead's verdict on a golden case is taken to be right."""

PRIOR_VOTES = 20
"""Verdicts that an assumption is worth: a reviewer with as many is half known."""

MIN_SHARED = 20
"""Under so many texts that several people judged nobody's errors are estimated."""

PRESENT, ABSENT = 0.7, 0.3
"""From here the label is 1, and down to here 0; between them it is unknown."""

_LOWEST = 1e-4
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class NoiseModel(StrEnum):
    DAWID_SKENE = "dawid-skene"
    MACE = "mace"
    MAJORITY = "majority"


@dataclass(frozen=True, slots=True)
class Votes:
    """Verdicts on one output: row by row the text, who judged, and 0 or 1.

    Texts and people are numbers from 0. `sure` marks verdicts of leads on golden cases.
    """

    texts: Ints
    people: Ints
    values: Ints
    sure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each person finds what applies, and leaves out what does not; and the share of
    texts to which the output applies."""

    sensitivity: Floats
    specificity: Floats
    share: float


def probabilities(votes: Votes, n_texts: int, model: NoiseModel) -> Floats:
    """Give for each text the probability that the output applies; 0.5 where nobody said."""
    if model is NoiseModel.MAJORITY:
        return _combined(votes, n_texts, _all_alike(votes))
    return _combined(votes, n_texts, _rates(votes, n_texts, model))


def decided(probability: float) -> int | None:
    """Give the label, or None where the verdicts contradict each other too evenly."""
    if probability >= PRESENT:
        return 1
    return 0 if probability <= ABSENT else None


def _all_alike(votes: Votes) -> Rates:
    """Take everybody for equally good: then the majority wins, and a tie nobody."""
    n_people = _n_people(votes)
    alike = np.full(n_people, (SENSITIVITY + SPECIFICITY) / 2)
    return Rates(alike, alike, 0.5)


def _rates(votes: Votes, n_texts: int, model: NoiseModel) -> Rates:
    """Estimate everybody's errors on texts that several people judged, as far as there are any."""
    shared = np.bincount(votes.texts, minlength=n_texts)[votes.texts] > 1
    chosen = np.flatnonzero(shared & ~votes.sure)
    n_people = _n_people(votes)
    if len(np.unique(votes.texts[chosen])) < MIN_SHARED or len(set(votes.values[chosen])) < 2:
        flat = np.ones(n_people)
        return Rates(SENSITIVITY * flat, SPECIFICITY * flat, 0.5)
    present = _posterior(votes, chosen, n_texts, model)
    weight = present[votes.texts[chosen]]  # of "applies", for each verdict
    people, said = votes.people[chosen], votes.values[chosen] == 1
    sensitivity = _right(people, weight, said, n_people, SENSITIVITY)
    specificity = _right(people, 1 - weight, ~said, n_people, SPECIFICITY)
    of_texts = present[np.unique(votes.texts[chosen])]
    share = _pooled(float(of_texts.sum()), float(len(of_texts)), 0.5)
    return Rates(sensitivity, specificity, share)


def _posterior(votes: Votes, chosen: Ints, n_texts: int, model: NoiseModel) -> Floats:
    """Let crowd-kit say which of the shared texts the output applies to."""
    frame = pd.DataFrame(
        {
            "task": votes.texts[chosen],
            "worker": votes.people[chosen],
            "label": votes.values[chosen],
        }
    )
    known = pd.Series(votes.values[votes.sure], index=votes.texts[votes.sure])
    known = known[~known.index.duplicated(keep="last")]
    known = known[known.index.isin(frame["task"])]
    found = _fitted(frame, known, model)
    present = np.full(n_texts, 0.5)
    present[found.index.to_numpy()] = found[1].to_numpy()
    present[known.index.to_numpy()] = known.to_numpy()
    return present


def _fitted(frame: Any, known: Any, model: NoiseModel) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # crowd-kit asks pandas in an older way
        warnings.simplefilter("ignore", DeprecationWarning)
        if model is NoiseModel.MACE:
            return MACE(n_restarts=5, random_state=0).fit_predict_proba(frame)
        golden = known if len(known) else None
        return DawidSkene(n_iter=100, tol=1e-6).fit_predict_proba(frame, true_labels=golden)


def _combined(votes: Votes, n_texts: int, rates: Rates) -> Floats:
    """Add up what each verdict speaks for (Bayes)."""
    sensitivity = np.where(votes.sure, SURE, rates.sensitivity[votes.people])
    specificity = np.where(votes.sure, SURE, rates.specificity[votes.people])
    for_it = np.log(sensitivity / (1 - specificity))
    against = np.log((1 - sensitivity) / specificity)
    said = np.where(votes.values == 1, for_it, against)
    odds = np.bincount(votes.texts, said, n_texts)
    heard = np.bincount(votes.texts, minlength=n_texts) > 0
    prior = np.log(rates.share / (1 - rates.share))
    applies = 1 / (1 + np.exp(-(odds + prior)))
    return np.where(heard, applies, 0.5)


def _right(
    people: Ints, weight: Floats, right: NDArray[np.bool_], n_people: int, assumed: float
) -> Floats:
    """Give how often each person is right, drawn towards all of them, and these towards what is
    assumed. `weight` says how far each verdict is one in question."""
    everybody = _pooled(float((weight * right).sum()), float(weight.sum()), assumed)
    hits: Floats = np.bincount(people, weight * right, n_people).astype(np.float64)
    n: Floats = np.bincount(people, weight, n_people).astype(np.float64)
    own: Floats = _bounded((hits + PRIOR_VOTES * everybody) / (n + PRIOR_VOTES))
    return own


def _pooled(hits: float, n: float, towards: float) -> float:
    return float(_bounded(np.float64((hits + PRIOR_VOTES * towards) / (n + PRIOR_VOTES))))


def _bounded(rate: Any) -> Any:
    return np.clip(rate, _LOWEST, 1 - _LOWEST)


def _n_people(votes: Votes) -> int:
    return int(votes.people.max(initial=-1)) + 1
