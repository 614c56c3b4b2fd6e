"""Choosing a threshold on some rows, and what it gives on others."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from training.measuring.measured import Bools, Floats, Scored
from training.measuring.tables import rows_of_output, truth_of

GRID = np.linspace(0.05, 0.95, 19)
NEVER = 1.01
"""Threshold where no probability reaches what is wanted: nothing is flagged."""

Choose = Callable[[Bools, Floats], float]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a threshold gives on rows; precision is NaN where nothing is flagged."""

    threshold: float
    precision: float
    recall: float
    false_alarms: float  # share of the rows without the label that are flagged
    flagged: float  # share of all rows


def effect(truth: Bools, probabilities: Floats, threshold: float) -> Effect:
    flagged = probabilities >= threshold
    hits = int((flagged & truth).sum())
    return Effect(
        threshold=float(threshold),
        precision=hits / flagged.sum() if flagged.any() else float("nan"),
        recall=hits / truth.sum() if truth.any() else float("nan"),
        false_alarms=float(flagged[~truth].mean()) if not truth.all() else float("nan"),
        flagged=float(flagged.mean()),
    )


def curve(truth: Bools, probabilities: Floats) -> pd.DataFrame:
    """Give the effect of thresholds from 0.05 to 0.95."""
    return pd.DataFrame([asdict(effect(truth, probabilities, cut)) for cut in GRID])


def for_precision(wanted: float) -> Choose:
    """Take the lowest probability from which on the precision is at least `wanted`."""

    def choose(truth: Bools, probabilities: Floats) -> float:
        order = np.argsort(-probabilities, kind="stable")
        cuts = probabilities[order]
        precision = np.cumsum(truth[order]) / np.arange(1, len(order) + 1)
        last = np.append(cuts[1:] != cuts[:-1], True)  # ties are flagged together
        good = np.flatnonzero(last & (precision >= wanted))
        return float(cuts[good[-1]]) if len(good) else NEVER

    return choose


def for_budget(share: float) -> Choose:
    """Take the lowest probability that flags no more than a share of the rows."""

    def choose(_: Bools, probabilities: Floats) -> float:
        cuts, counts = np.unique(probabilities, return_counts=True)
        flagged = np.cumsum(counts[::-1])[::-1]
        good = np.flatnonzero(flagged <= share * len(probabilities))
        return float(cuts[good[0]]) if len(good) else NEVER

    return choose


def precision_at(found: Effect, positives: float) -> float:
    """Give the precision where another share of the texts has the label.

    Holds as long as texts with the label, and those without, look as they do in the corpora.
    """
    hits = found.recall * positives
    alarms = found.false_alarms * (1 - positives)
    return hits / (hits + alarms) if hits + alarms else float("nan")


def choose_thresholds(
    chosen_on: Scored, checked_on: Scored, output: str, choose: Choose, positives: float
) -> pd.DataFrame:
    """Choose per language on some rows, and give what that does on rows it has not seen.

    `precision_live` is what to expect where the share of `positives` has the label.
    """
    column, rows = chosen_on.outputs.index(output), []
    places = [rows_of_output(scored, output) for scored in (chosen_on, checked_on)]
    spoken = [s.rows.languages[p] for s, p in zip((chosen_on, checked_on), places, strict=True)]
    for language in np.intersect1d(spoken[0], spoken[1]):
        seen, unseen = (p[names == language] for p, names in zip(places, spoken, strict=True))
        cut = choose(truth_of(chosen_on, output, seen), chosen_on.probabilities[seen, column])
        truth = truth_of(checked_on, output, unseen)
        found = effect(truth, checked_on.probabilities[unseen, column], cut)
        live = {"precision_live": precision_at(found, positives)}
        rows.append({"language": str(language), **asdict(found), **live})
    return pd.DataFrame(rows)
