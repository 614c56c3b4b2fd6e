"""How well the severity head orders what raters graded."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from training.learning.batches import Rows

MIN_ROWS = 100
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
    """Measure outputs with enough graded rows of more than one grade."""
    for column, output in enumerate(outputs):
        known = rows.severities[:, column] >= 0
        truth, found = rows.severities[known, column].astype(float), severity[known, column]
        if len(truth) < MIN_ROWS or len(np.unique(truth)) < 2:
            continue
        yield SeverityCell(
            output=output,
            n_rows=len(truth),
            correlation=round(float(spearmanr(truth, found).statistic), 4),
            error=round(float(np.abs(truth - found).mean()), 4),
            error_of_median=round(float(np.abs(truth - np.median(truth)).mean()), 4),
        )


def learned_labels(cells: list[SeverityCell]) -> list[str]:
    """Name the outputs whose severity the model has learned well enough to use."""
    return [
        cell.output
        for cell in cells
        if cell.correlation >= MIN_CORRELATION and cell.error < cell.error_of_median
    ]
