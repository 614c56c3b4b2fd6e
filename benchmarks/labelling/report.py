"""What the runs say: curves, differences from chance with intervals, and the labels saved."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.labelling.pool import LABELS, Pool
from triage_ml.domain.taxonomy import VIOLATION

DOCS = Path("docs/labelling")
OUTPUTS = (*LABELS, VIOLATION)
MIN_TESTED = 100
"""Positives and negatives among the test rows under which a cell is not measured."""
CHECKPOINTS = (250, 500, 1_000)
N_BOOTSTRAPS = 300
TARGETS = (0.5, 0.75, 1.0)
RARE = 0.15

Floats = npt.NDArray[np.float64]
Cells = dict[str, tuple[npt.NDArray[np.intp], int]]


def write_report(
    pool: Pool, runs: Path, names: list[str], seeds: list[int], per_round: int
) -> dict[str, Any]:
    """Write results.json and the curve; everything is recomputed from what the runs said."""
    said = {n: np.stack([_said(runs / f"{n}-{seed}.npz") for seed in seeds]) for n in names}
    cells = _cells(pool)
    truth = pool.labels[pool.tested]
    precision = {
        n: {key: _curve(said[n], truth, *cell, average_precision) for key, cell in cells.items()}
        for n in names
    }
    ranking = {
        n: {key: _curve(said[n], truth, *cell, auc) for key, cell in cells.items()} for n in names
    }
    found = {
        "per_round": per_round,
        "seeds": len(seeds),
        "cells": {key: _about(truth, *cell) for key, cell in cells.items()},
        "average_precision": _means(precision),
        "auc": _means(ranking),
        "against_random": {
            str(n): _differences(said, truth, cells, names, n // per_round) for n in CHECKPOINTS
        },
        "saved": _saved(precision, names, per_round, len(seeds)),
    }
    DOCS.mkdir(parents=True, exist_ok=True)
    (DOCS / "results.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    _draw(precision, per_round)
    return found


def average_precision(truth: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> float:
    """Give the average precision of rows with weights; ties are broken by order."""
    order = np.argsort(-scores, kind="stable")
    positive = (weights * truth)[order]
    below = np.cumsum(weights[order])
    share = np.cumsum(positive) / np.maximum(below, 1e-12)
    return float((share * positive).sum() / positive.sum())


def auc(truth: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> float:
    order = np.argsort(scores, kind="stable")
    positive, negative = (weights * truth)[order], (weights * ~truth)[order]
    return float((positive * np.cumsum(negative)).sum() / (positive.sum() * negative.sum()))


def _said(path: Path) -> Floats:
    with np.load(path) as stored:
        found: Floats = stored["said"].astype(float)  # (rounds + 1, tested, C)
    return found


def _cells(pool: Pool) -> Cells:
    """Give the rows and the column of each language and output that can be measured."""
    languages, truth = pool.languages[pool.tested], pool.labels[pool.tested]
    found: Cells = {}
    for language in ("en", "de", "es", "ko"):
        for column, output in enumerate(OUTPUTS):
            rows = np.flatnonzero((languages == language) & (truth[:, column] >= 0))
            positive = int((truth[rows, column] == 1).sum())
            if min(positive, len(rows) - positive) >= MIN_TESTED:
                found[f"{language} {output}"] = (rows, column)
    return found


def _about(
    truth: npt.NDArray[np.int8], rows: npt.NDArray[np.intp], column: int
) -> dict[str, float]:
    share = float((truth[rows, column] == 1).mean())
    return {"tested": len(rows), "share": round(share, 4), "rare": share < RARE}


def _curve(
    said: Floats, truth: npt.NDArray[np.int8], rows: npt.NDArray[np.intp], column: int, score: Any
) -> Floats:
    """# (seeds, rounds + 1)"""
    wanted, even = truth[rows, column] == 1, np.ones(len(rows))
    return np.array([[score(wanted, r[rows, column], even) for r in run] for run in said])


def _means(curves: dict[str, dict[str, Floats]]) -> dict[str, dict[str, list[float]]]:
    return {
        name: {key: np.round(curve.mean(0), 4).tolist() for key, curve in cells.items()}
        for name, cells in curves.items()
    }


def _differences(
    said: dict[str, Floats],
    truth: npt.NDArray[np.int8],
    cells: Cells,
    names: list[str],
    at: int,
) -> dict[str, dict[str, list[float]]]:
    """Give the gain in average precision over chance after some rounds, with 95 % intervals.

    Seeds and test rows are drawn again, the same ones for both, and so for all cells together.
    """
    draw = np.random.default_rng(0)
    n_seeds, n_rows = said["random"].shape[0], said["random"].shape[2]
    groups = {**{key: [key] for key in cells}, **_groups(truth, cells)}
    samples = [(np.arange(n_seeds), np.ones(n_rows))]
    for _ in range(N_BOOTSTRAPS):
        weights = np.bincount(draw.integers(0, n_rows, n_rows), minlength=n_rows).astype(float)
        samples.append((draw.integers(0, n_seeds, n_seeds), weights))
    found: dict[str, dict[str, list[float]]] = {}
    for name in names:
        if name == "random":
            continue
        gains: dict[str, list[float]] = {key: [] for key in groups}
        for seeds, weights in samples:
            gain = {}
            for key, (rows, column) in cells.items():
                wanted, w = truth[rows, column] == 1, weights[rows]
                both = [
                    np.mean(
                        [average_precision(wanted, said[n][s, at, rows, column], w) for s in seeds]
                    )
                    for n in (name, "random")
                ]
                gain[key] = float(both[0] - both[1])
            for group, members in groups.items():
                gains[group].append(float(np.mean([gain[key] for key in members])))
        found[name] = {
            group: [
                round(values[0], 4),
                *np.round(np.quantile(values[1:], [0.025, 0.975]), 4).tolist(),
            ]
            for group, values in gains.items()
        }
    return found


def _groups(truth: npt.NDArray[np.int8], cells: Cells) -> dict[str, list[str]]:
    rare = [key for key, cell in cells.items() if _about(truth, *cell)["rare"]]
    return {"mean": list(cells), "rare": rare, "frequent": [x for x in cells if x not in rare]}


def _saved(
    curves: dict[str, dict[str, Floats]], names: list[str], per_round: int, n_seeds: int
) -> dict[str, Any]:
    """Give the labels each strategy needs for shares of what chance gains with all of them.

    By the mean over cells and seeds, smoothed to never fall; seeds drawn again for the interval.
    None stands for more than there were.
    """
    draw = np.random.default_rng(1)
    means = {name: np.mean(list(curves[name].values()), axis=0) for name in names}
    samples = [np.arange(n_seeds)]
    samples += [draw.integers(0, n_seeds, n_seeds) for _ in range(1_000)]
    found: dict[str, Any] = {}
    for share in TARGETS:
        rows: dict[str, list[float]] = {name: [] for name in names}
        for seeds in samples:
            base = means["random"][seeds].mean(0)
            target = base[0] + share * (base[-1] - base[0])
            for name in names:
                rows[name].append(_reached(means[name][seeds].mean(0), target) * per_round)
        found[f"{share:.0%} of the gain"] = {
            name: [_finite(v) for v in (values[0], *_ends(values[1:]))]
            for name, values in rows.items()
        }
    return found


def _reached(curve: Floats, target: float) -> float:
    """Give after how many rounds a curve reaches a value; rounds in between are interpolated."""
    rising = np.maximum.accumulate(curve)
    at = int(np.searchsorted(rising, target))
    if at >= len(rising):
        return float("inf")
    if at == 0 or rising[at] == rising[at - 1]:
        return float(at)
    return at - 1 + (target - rising[at - 1]) / (rising[at] - rising[at - 1])


def _ends(values: list[float]) -> tuple[float, float]:
    """Give the middle 95 %, of values that may be endless."""
    ordered = sorted(values)
    return ordered[int(0.025 * len(ordered))], ordered[int(0.975 * len(ordered))]


def _finite(value: float) -> float | None:
    return round(float(value)) if np.isfinite(value) else None


def _draw(curves: dict[str, dict[str, Floats]], per_round: int) -> None:
    """Draw a panel per cell, the mean over seeds with two standard errors."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "labelling"
    from matplotlib import pyplot

    keys = list(curves["random"])
    figure, axes = pyplot.subplots(1, len(keys) + 1, figsize=(3.2 * (len(keys) + 1), 3.2))
    panels = {key: {name: row[key] for name, row in curves.items()} for key in keys}
    panels["mean"] = {n: np.mean(list(row.values()), axis=0) for n, row in curves.items()}
    for axis, (key, rows) in zip(axes, panels.items(), strict=True):
        for name, runs in rows.items():
            labels = np.arange(runs.shape[1]) * per_round
            middle, error = runs.mean(0), runs.std(0, ddof=1) / np.sqrt(len(runs))
            axis.plot(labels, middle, label=name, linewidth=1.4)
            axis.fill_between(labels, middle - 2 * error, middle + 2 * error, alpha=0.15)
        axis.set_title(key)
        axis.set_xlabel("labels")
    axes[0].set_ylabel("average precision, held-out texts")
    axes[-1].legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(DOCS / "curves.svg", metadata={"Date": None})
    pyplot.close(figure)
