"""The measuring steps: what the served model says of rows nobody trained on.

    export → calibrate → baseline → evaluate → bias → robustness → behaviour → official → card

Texts go in through the scorer that serves. Each step writes `<step>.json` into the working folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import joblib
import numpy as np
import numpy.typing as npt

from training.config import Experiment, Workspace
from training.corpora.label_noise import Labelled, review_labels
from training.corpora.snapshot import columns, load_snapshot
from training.corpora.splits import CALIBRATE, DEV, TRAIN
from training.learning.batches import Rows
from training.measuring import baseline, plots, sentence_baseline
from training.measuring.baseline import Texts
from training.measuring.behaviour import CASES, read_cases, run_cases, summarise
from training.measuring.benchmarks import find_benchmarks
from training.measuring.bias import measure_bias
from training.measuring.calibrate import calibrate_output, thresholds, upper_shifts
from training.measuring.draft import draft_scorer, measured_fields, read_texts, score_texts
from training.measuring.evaluate import (
    alarm_rates,
    by_source,
    calibrated,
    gather_evidence,
    measure,
    rows_of_cell,
)
from training.measuring.official import run_benchmarks
from training.measuring.official_metrics import Mark
from training.measuring.robustness import measure_robustness
from training.measuring.severity import SeverityCell, learned_labels, measure_severity
from training.reports import (
    digest_of,
    learned_before,
    outputs_of,
    part_of,
    read_calibration,
    read_report,
    rows_of,
    say,
    write_report,
)
from training.tracking import Tracker
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import load_artifact
from triage_ml.inference.onnx import OnnxScorer

Floats = npt.NDArray[np.floating]


class Floor(Protocol):
    """A fitted floor for texts of one language."""

    def scores(self, texts: list[str]) -> npt.NDArray[np.float64]: ...


FLOORS: dict[str, Callable[[Texts, Texts], Floor]] = {
    "character n-grams": baseline.fit_baseline,
    "sentence encoder": sentence_baseline.fit_baseline,
}
"""What the model is set beside, by the name the card gives it."""


def measure_all(experiment: Experiment, space: Workspace, data: Path, tracker: Tracker) -> None:
    """Take every measuring step; the floors, which take longest, only once."""
    calibrate_model(experiment, space)
    if not space.floors.is_file():
        fit_baselines(experiment, space)
    score_baselines(experiment, space)
    evaluate_model(experiment, space, tracker)
    review_noise(experiment, space)
    bias_model(experiment, space)
    robustness_model(experiment, space)
    behaviour_model(experiment, space)
    official_model(experiment, space, data)


def calibrate_model(experiment: Experiment, space: Workspace) -> None:
    """Score the calibrate and dev rows as served, and fit calibration, thresholds and bounds."""
    outputs = outputs_of(experiment, space)
    scorer = draft_scorer(experiment, space, outputs)
    rows = rows_of(experiment, space, CALIBRATE)
    logits, severity = score_texts(scorer, rows.texts)
    dev = rows_of(experiment, space, DEV)
    dev_logits, dev_severity = score_texts(scorer, dev.texts)
    mark = digest_of(experiment, space)
    np.savez(space.logits, calibrate=logits, dev=dev_logits, dev_severity=dev_severity, of=mark)
    report: dict[str, Any] = {"calibration": {}, "upper_shift": {}, "thresholds": {}}
    for column, output in enumerate(outputs):
        evidence = gather_evidence(rows, logits, column, dev)
        fits = calibrate_output(evidence)
        report["calibration"][output] = {name: fit.model_dump() for name, fit in fits.items()}
        report["upper_shift"][output] = upper_shifts(fits, evidence)
        report["thresholds"][output] = thresholds(fits, evidence, experiment.threshold_precision)
    graded = list(measure_severity(rows, severity, outputs))
    learned = {*learned_labels(graded), *_kept_severities(experiment, space, graded)}
    report["severity_labels"] = [o for o in outputs if o in learned and o != VIOLATION]
    write_report(space, "calibrate", report)
    say("calibrate", n_rows=len(rows), severity=report["severity_labels"])


def _kept_severities(
    experiment: Experiment, space: Workspace, graded: Sequence[SeverityCell]
) -> set[str]:
    """Give the labels whose learned severity the champion uses and too few rows here judge."""
    if not experiment.from_artifact:
        return set()
    before = {label.value for label in load_artifact(space.champion).manifest.severity_labels}
    return before - {cell.output for cell in graded}


def fit_baselines(experiment: Experiment, space: Workspace) -> None:
    """Fit the floors, language by language."""
    outputs = outputs_of(experiment, space)
    train, calibrate = (
        Texts.of(part_of(experiment, space, s), outputs) for s in (TRAIN, CALIBRATE)
    )
    fitted: dict[str, dict[str, Any]] = {name: {} for name in FLOORS}
    for language in np.unique(train.languages).tolist():
        for name, fit in FLOORS.items():
            fitted[name][language] = fit(train.only(language), calibrate.only(language))
            say("baseline", language, name, n_train=len(train.only(language).texts))
    joblib.dump(fitted, space.floors)


def leave_out_baselines(experiment: Experiment, space: Workspace) -> None:
    """Set the model beside no floor.

    Floors learn from every training row; fitted to a sample they would be low, and flatter.
    """
    joblib.dump({}, space.floors)
    score_baselines(experiment, space)


def score_baselines(experiment: Experiment, space: Workspace) -> None:
    """Score the dev rows with the fitted floors."""
    dev = Texts.of(part_of(experiment, space, DEV), outputs_of(experiment, space))
    fitted: dict[str, dict[str, Floor]] = joblib.load(space.floors)
    scores = {name: np.full(dev.labels.shape, np.nan) for name in fitted}
    for name, floors in fitted.items():
        for language, floor in floors.items():
            rows = np.flatnonzero(dev.languages == language)
            scores[name][rows] = floor.scores(dev.only(language).texts)
    np.savez(space.baseline, allow_pickle=False, of=digest_of(experiment, space), **scores)
    say("baseline", n_dev=len(dev.texts))


def evaluate_model(experiment: Experiment, space: Workspace, tracker: Tracker) -> None:
    """Measure every cell on the dev rows, the floors beside it."""
    rows, outputs = rows_of(experiment, space, DEV), outputs_of(experiment, space)
    found = np.load(space.logits)
    floors = dict(np.load(space.baseline))
    mark = digest_of(experiment, space)
    if not str(found["of"]) == str(floors.pop("of")) == mark:
        raise InvalidInput("evaluate", "other rows were scored; run calibrate and baseline again")
    probabilities = calibrated(found["dev"], rows.languages, read_calibration(space))
    chosen = read_report(space, "calibrate")["thresholds"]
    cells = list(measure(rows, probabilities, floors, outputs, experiment.n_bootstrap, chosen))
    report = {
        "cells": [asdict(cell) for cell in cells],
        "alarm_rates": alarm_rates(rows, probabilities, outputs),
        "by_source": by_source(rows, probabilities, floors, outputs),
        "severity": [asdict(c) for c in measure_severity(rows, found["dev_severity"], outputs)],
    }
    write_report(space, "evaluate", report)
    tracker.metrics({f"dev/{c.language}/{c.output}/auc": c.auc.value for c in cells})
    tracker.metrics({f"dev/{c.language}/{c.output}/ece": c.calibration_error for c in cells})
    _draw(rows, probabilities, outputs.index(VIOLATION), tracker)
    for cell in cells:
        if cell.output == VIOLATION:
            say(
                "evaluate",
                cell.language,
                auc=cell.auc,
                **{k: str(v) for k, v in cell.gains.items()},
            )


def review_noise(experiment: Experiment, space: Workspace) -> None:
    """Say which corpora's labels the model doubts on the dev rows, by row keys alone."""
    rows, part = rows_of(experiment, space, DEV), part_of(experiment, space, DEV)
    found = np.load(space.logits)["dev"]
    probabilities = calibrated(found, rows.languages, read_calibration(space))
    labels = np.where(rows.firm, rows.labels, -1).astype(np.int8)
    reviewed = Labelled(columns(part, "key")["key"], rows.texts, rows.sources, labels)
    cells = list(review_labels(reviewed, outputs_of(experiment, space), probabilities))
    write_report(space, "noise", {"cells": [asdict(cell) for cell in cells]})
    worst = sorted(cells, key=lambda cell: -cell.doubtful_share)[:5]
    say("noise", *(f"{c.source} {c.output} {c.doubtful_share:.0%}" for c in worst))


def bias_model(experiment: Experiment, space: Workspace) -> None:
    """Measure `violation` over mentions of groups of people on the dev rows."""
    rows, column = rows_of(experiment, space, DEV), outputs_of(experiment, space).index(VIOLATION)
    seen = np.concatenate(_rows_of_languages(rows, column))
    scores = np.load(space.logits)["dev"][seen, column]
    texts = [rows.texts[i] for i in seen.tolist()]
    report = measure_bias(texts, rows.languages[seen], rows.labels[seen, column] == 1, scores)
    write_report(space, "bias", report)
    say("bias", **{language: len(groups) for language, groups in report.items()})


def robustness_model(experiment: Experiment, space: Workspace) -> None:
    """Measure what each disguise costs, on some dev rows of each language."""
    rows, outputs = rows_of(experiment, space, DEV), outputs_of(experiment, space)
    column = outputs.index(VIOLATION)
    scorer = draft_scorer(experiment, space, outputs)
    chosen = _sample(rows, column, experiment)
    cells = measure_robustness(
        lambda texts: score_texts(scorer, texts)[0][:, column],
        [rows.texts[i] for i in chosen.tolist()],
        [str(rows.languages[i]) for i in chosen.tolist()],
        rows.labels[chosen, column] == 1,
        np.load(space.logits)["dev"][chosen, column],
        experiment.seed,
        n_rounds=experiment.n_bootstrap,
    )
    write_report(space, "robustness", {"cells": [asdict(cell) for cell in cells]})
    say("robustness", n_cells=len(cells), largest=max((c.drop.value for c in cells), default=0.0))


def behaviour_model(experiment: Experiment, space: Workspace, folder: Path = CASES) -> None:
    """Run the functional cases."""
    scorer = calibrated_scorer(experiment, space)
    report = summarise(list(run_cases(scorer, scorer.manifest, read_cases(folder))))
    write_report(space, "behaviour", report)
    rates = {k: f"{v['passed']}/{v['total']}" for k, v in report["languages"].items()}
    say("behaviour", **rates)


def official_model(experiment: Experiment, space: Workspace, data: Path) -> None:
    """Measure on official test sets, the floors beside the model."""
    snapshot, _ = load_snapshot(space.snapshot)
    outputs = outputs_of(experiment, space)
    scorer = calibrated_scorer(experiment, space)
    floors: dict[str, dict[str, Any]] = joblib.load(space.floors)
    found = columns(snapshot, "key", "split")
    results = run_benchmarks(
        data,
        lambda texts: score_texts(scorer, texts)[0],
        lambda texts: mark_words(scorer, texts),
        outputs=outputs,
        experiment=experiment,
        splits=dict(zip(found["key"], found["split"], strict=True))
        | dict.fromkeys(learned_before(experiment, space), TRAIN),
        benchmarks=find_benchmarks(data, outputs),
        rivals={
            name: {language: floor.scores for language, floor in fitted.items()}
            for name, fitted in floors.items()
        },
    )
    write_report(space, "official", {"results": [asdict(result) for result in results]})
    for result in results:
        say("official", result.name, value=result.value, target=result.target)


def leave_out_official(space: Workspace) -> None:
    """Say that nothing was measured on official test sets."""
    write_report(space, "official", {"results": []})


def mark_words(scorer: OnnxScorer, texts: list[str]) -> list[list[Mark]]:
    """Give every word of each text with its mark as the reason."""
    readings = read_texts(scorer, texts)
    return [scorer.words(reading) for reading in readings]


def calibrated_scorer(experiment: Experiment, space: Workspace) -> OnnxScorer:
    """Load the exported model with its calibration and thresholds into the scorer that serves."""
    measured = measured_fields({"calibrate": read_report(space, "calibrate")})
    return draft_scorer(experiment, space, outputs_of(experiment, space), measured)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _sample(rows: Rows, column: int, experiment: Experiment) -> npt.NDArray[np.intp]:
    """Take the first measured rows of each language; rows lie in the order of their hashes."""
    parts = _rows_of_languages(rows, column)
    return np.concatenate([part[: experiment.robustness_rows] for part in parts])


def _rows_of_languages(rows: Rows, column: int) -> list[npt.NDArray[np.intp]]:
    return [rows_of_cell(rows, column, language.value) for language in SUPPORTED_LANGUAGES]


def _draw(rows: Rows, probabilities: Floats, column: int, tracker: Tracker) -> None:
    seen = rows.firm[:, column]
    shown = (rows.labels[seen, column] == 1, probabilities[seen, column], rows.languages[seen])
    name = "any violation"
    tracker.figure("precision_recall", plots.precision_recall(*shown, name))
    tracker.figure("reliability", plots.reliability(*shown, name))
    tracker.figure("confusion", plots.confusion(*shown, name, threshold=0.5))
