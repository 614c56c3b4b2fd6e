"""Figures of a measured model, from arrays: truth, probabilities and languages, row by row.

Drawn without pyplot: no display is needed and no figure is kept open.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from training.metrics import CALIBRATION_BINS, average_precision

SIDE = 3.2  # inches, of a panel
GREY = "0.6"

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]


def precision_recall(truth: Bools, probabilities: Floats, languages: Names, title: str) -> Figure:
    """Draw precision against recall, one line per language."""
    figure = Figure(figsize=(1.6 * SIDE, 1.4 * SIDE), layout="constrained")
    axes = figure.subplots()
    for language, rows in _measurable(truth, languages):
        precision, recall, _ = precision_recall_curve(truth[rows], probabilities[rows])
        area = average_precision(truth[rows], probabilities[rows])
        axes.plot(recall, precision, label=f"{language} ({area:.2f})")
    _frame(axes, "recall", "precision")
    if axes.lines:
        axes.legend(title="average precision")
    figure.suptitle(title)
    return figure


def reliability(truth: Bools, probabilities: Floats, languages: Names, title: str) -> Figure:
    """Draw the share of positives against the predicted probability, a panel per language.

    Bins hold equally many rows, as in the calibration error.
    """

    def draw(axes: Axes, rows: npt.NDArray[np.intp]) -> None:
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--")
        parts = np.array_split(rows[np.argsort(probabilities[rows])], CALIBRATION_BINS)
        points = [(probabilities[p].mean(), truth[p].mean()) for p in parts if len(p)]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3)
        _frame(axes, "predicted probability", "share of positives")

    return _panels(truth, languages, title, draw)


def confusion(
    truth: Bools, probabilities: Floats, languages: Names, title: str, threshold: float = 0.5
) -> Figure:
    """Draw what was flagged at a threshold against what it was, a panel per language."""

    def draw(axes: Axes, rows: npt.NDArray[np.intp]) -> None:
        counts = count_confusion(truth[rows], probabilities[rows], threshold)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (y, x), count in np.ndenumerate(counts):
            ink = "white" if shares[y, x] > 0.5 else "black"
            text = f"{count:,}\n{shares[y, x]:.0%}"
            axes.text(x, y, text, ha="center", va="center", color=ink)
        axes.set_xticks([0, 1], ["passed", "flagged"])
        axes.set_yticks([0, 1], ["absent", "present"])

    return _panels(truth, languages, f"{title}, threshold {threshold:.2f}", draw)


def count_confusion(truth: Bools, probabilities: Floats, threshold: float) -> npt.NDArray[np.intp]:
    """Count rows by truth and flag.  # (2, 2)"""
    flagged = probabilities >= threshold
    return np.bincount(2 * truth + flagged, minlength=4).reshape(2, 2)


def _panels(
    truth: Bools,
    languages: Names,
    title: str,
    draw: Callable[[Axes, npt.NDArray[np.intp]], None],
) -> Figure:
    found = list(_measurable(truth, languages))
    width = max(1, len(found))
    figure = Figure(figsize=(SIDE * width, SIDE * 1.15), layout="constrained")
    panels = figure.subplots(1, width, squeeze=False)[0]
    for axes, (language, rows) in zip(panels, found, strict=False):
        draw(axes, rows)
        axes.set_title(f"{language}, {len(rows):,} rows")
    figure.suptitle(title)
    return figure


def differences(cells: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the difference of the AUC to the champion with its interval, a line per cell."""
    figure = Figure(figsize=(1.8 * SIDE, 0.6 + 0.18 * len(cells)), layout="constrained")
    axes = figure.subplots()
    for at, cell in enumerate(reversed(cells)):
        found = cell["measures"]["auc"]["difference"]
        axes.plot([found["low"], found["high"]], [at, at], color=GREY)
        axes.plot(found["value"], at, marker="o", markersize=3, color="C0")
    names = [f"{c['part']} {c['language']} {c['output']}" for c in reversed(cells)]
    axes.set_yticks(range(len(names)), names, fontsize=6)
    axes.axvline(0.0, color=GREY, linestyle="--")
    axes.set(xlabel="AUC, challenger less champion")
    return figure


def _measurable(truth: Bools, languages: Names) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
    """Give the rows of each language that has both kinds."""
    for language in np.unique(languages):
        rows = np.flatnonzero(languages == language)
        if len(np.unique(truth[rows])) == 2:
            yield str(language), rows


def _frame(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(color=GREY, alpha=0.3)
