"""How well the severity head orders what raters graded."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from training.learning.batches import Rows
from training.measuring.evaluate import WRITTEN

MIN_ROWS = 100
MIN_SOURCE_ROWS = 40
MIN_CORRELATION = 0.3
"""Rank correlation from which a learned severity is better than the policy's typical one."""

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class SeverityCell:
    """One output over all languages: rank correlation and mean absolute error, in grades."""

    output: str
    n_rows: int
    correlation: float
    error: float
    error_of_median: float  # of always saying the median


def measure_severity(
    rows: Rows, severity: Floats, outputs: tuple[str, ...]
) -> Iterator[SeverityCell]:
    """Measure outputs that raters graded; examples written for the project do not count.

    The correlation is the mean over corpora, weighted by their rows: telling corpora apart
    cannot help.
    """
    real = ~np.char.startswith(rows.sources, WRITTEN)
    for column, output in enumerate(outputs):
        graded = np.flatnonzero(real & (rows.severities[:, column] >= 0))
        truth, found = rows.severities[graded, column].astype(float), severity[graded, column]
        parts = list(_by_source(rows.sources[graded], truth))
        n_rows = sum(len(part) for part in parts)
        if n_rows < MIN_ROWS:
            continue
        correlations = [float(spearmanr(truth[p], found[p]).statistic) for p in parts]
        inside = np.concatenate(parts)
        truth, found = truth[inside], found[inside]
        yield SeverityCell(
            output=output,
            n_rows=n_rows,
            correlation=round(
                sum(c * len(p) for c, p in zip(correlations, parts, strict=True)) / n_rows, 4
            ),
            error=round(float(np.abs(truth - found).mean()), 4),
            error_of_median=round(float(np.abs(truth - np.median(truth)).mean()), 4),
        )


def _by_source(sources: npt.NDArray[np.str_], truth: Floats) -> Iterator[npt.NDArray[np.intp]]:
    """Yield the rows of each corpus that has enough of them and more than one grade."""
    for source in np.unique(sources):
        inside = np.flatnonzero(sources == source)
        if len(inside) >= MIN_SOURCE_ROWS and len(np.unique(truth[inside])) > 1:
            yield inside


def learned_labels(cells: list[SeverityCell]) -> list[str]:
    """Name the outputs whose severity the model has learned well enough to use."""
    return [
        cell.output
        for cell in cells
        if cell.correlation >= MIN_CORRELATION and cell.error < cell.error_of_median
    ]
