"""The steps of an experiment, each from files in the working folder to files in it.

    snapshot → prepare → train → export → calibrate → evaluate (with the baseline) → card

Export comes before calibration: what is calibrated and measured is the int8 model that is
served, not the one that was trained.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from rich.console import Console
from tokenizers import Tokenizer

from training import baseline, prepare
from training.batches import Rows
from training.calibrate import calibrate_output, upper_shift
from training.config import Experiment, Workspace
from training.evaluate import (
    alarm_rates,
    by_source,
    calibrated,
    gather_evidence,
    measure,
    rows_of_cell,
)
from training.export import (
    Floats,
    ParityLost,
    check_parity,
    export_fp32,
    onnx_logits,
    open_session,
    quantise,
)
from training.metrics import auc
from training.objective import number_sources
from training.restore import fresh_model, model_to_train, trained_model
from training.snapshot import build_snapshot, load_snapshot
from training.splits import CALIBRATE, DEV, TRAIN
from training.tracking import Tracker
from training.train import resume, start
from training.train import train as run_training
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import Calibration

PARITY_ROWS = 2_000
console = Console(stderr=True)


def make_snapshot(experiment: Experiment, space: Workspace, data: Path, tracker: Tracker) -> None:
    summary = build_snapshot(data, space.snapshot, experiment)
    tracker.tags({"snapshot": summary["hash"], "n_examples": str(summary["n_examples"])})
    dropped = {k: v for k, v in summary["dropped"].items() if not k.startswith("reserved")}
    reserved = sum(summary["dropped"].values()) - sum(dropped.values())
    _say("snapshot", summary["hash"][:12], **summary["splits"], **dropped, reserved=reserved)


def prepare_base(experiment: Experiment, space: Workspace) -> None:
    """Prune the vocabulary to the snapshot and say what is unknown on the dev split."""
    snapshot, _ = load_snapshot(space.snapshot)
    report = prepare.prepare_base(snapshot, space, experiment)
    rows = _rows(experiment, space, DEV)
    outputs = _outputs(experiment, snapshot)
    report |= {"outputs": outputs, "unknown_rate": prepare.unknown_rate(rows)}
    _write(space.report("prepare"), report)
    _say("prepare", **report)


def train_model(
    experiment: Experiment, space: Workspace, tracker: Tracker, stop_at: int | None = None
) -> None:
    """Train, or continue from the checkpoint in the working folder."""
    torch.set_num_threads(experiment.n_threads)
    rows = _rows(experiment, space, TRAIN)
    outputs = _outputs(experiment, load_snapshot(space.snapshot)[0])
    if space.checkpoint.is_file():
        model = fresh_model(experiment, space, len(outputs), len(number_sources(rows)))
        run = resume(model, experiment, space.checkpoint)
    else:
        run = start(model_to_train(experiment, space, outputs, rows), experiment)
    tokenizer = prepare.load_tokenizer(space)
    run = run_training(run, rows, experiment, space.checkpoint, tracker, stop_at, tokenizer)
    torch.save(run.average.state() if run.average else run.model.cpu().trained_state(), space.model)
    report = {"n_steps": run.step, "seconds": round(run.seconds), "loss": run.loss}
    _write(space.report("train"), report)
    _say("train", **report)


def export_model(experiment: Experiment, space: Workspace) -> None:
    """Export and quantise; stop where the small model is not the trained one."""
    torch.set_num_threads(experiment.n_threads)
    model = trained_model(
        experiment, space, len(_outputs(experiment, load_snapshot(space.snapshot)[0]))
    )
    export_fp32(model, space.onnx_fp32)
    quantise(space.onnx_fp32, space.onnx_int8)
    rows = _rows(experiment, space, DEV)
    rows = rows.take(np.random.default_rng(experiment.seed).permutation(len(rows))[:PARITY_ROWS])
    plain, small = (
        onnx_logits(open_session(path, experiment.n_threads), rows.tokens, experiment.max_tokens)
        for path in (space.onnx_fp32, space.onnx_int8)
    )
    parity = check_parity(model, plain, small, rows.tokens, experiment)
    before, after = _mean_auc(rows, plain), _mean_auc(rows, small)
    if before - after > experiment.max_auc_loss:
        raise ParityLost(f"int8 loses {before - after:.3f} of AUC")
    n_bytes = space.onnx_int8.stat().st_size
    report = asdict(parity) | {"auc_fp32": before, "auc_int8": after, "int8_bytes": n_bytes}
    _write(space.report("export"), report)
    _say("export", **report)


def calibrate_model(experiment: Experiment, space: Workspace) -> None:
    """Score the calibrate and dev rows with the int8 model and fit the calibration."""
    session = open_session(space.onnx_int8, experiment.n_threads)
    rows = {split: _rows(experiment, space, split) for split in (CALIBRATE, DEV)}
    logits = {
        split: onnx_logits(session, part.tokens, experiment.max_tokens)
        for split, part in rows.items()
    }
    np.savez(space.logits, calibrate=logits[CALIBRATE], dev=logits[DEV])
    report: dict[str, Any] = {"calibration": {}, "upper_shift": {}}
    for column, output in enumerate(_outputs(experiment, load_snapshot(space.snapshot)[0])):
        evidence = gather_evidence(rows[CALIBRATE], logits[CALIBRATE], column)
        fits = calibrate_output(evidence)
        report["calibration"][output] = {name: fit.model_dump() for name, fit in fits.items()}
        report["upper_shift"][output] = upper_shift(fits, evidence)
    _write(space.report("calibrate"), report)
    _say("calibrate", **report["upper_shift"])


def fit_baseline(experiment: Experiment, space: Workspace) -> None:
    """Score the dev rows with the floor, language by language."""
    snapshot, _ = load_snapshot(space.snapshot)
    outputs = _outputs(experiment, snapshot)
    splits = [baseline.Texts.of(_part(snapshot, s), outputs) for s in (TRAIN, CALIBRATE, DEV)]
    scores = np.full(splits[2].labels.shape, np.nan)
    for language in np.unique(splits[2].languages):
        train, calibrate, dev = (s.only(str(language)) for s in splits)
        rows = np.flatnonzero(splits[2].languages == language)
        scores[rows] = baseline.baseline_scores(train, calibrate, dev)
        _say("baseline", str(language), n_train=len(train.texts), n_dev=len(dev.texts))
    np.savez(space.baseline, scores=scores)


def evaluate_model(experiment: Experiment, space: Workspace, tracker: Tracker) -> None:
    """Measure every cell on the dev rows, the floor beside it."""
    rows = _rows(experiment, space, DEV)
    outputs = _outputs(experiment, load_snapshot(space.snapshot)[0])
    fits = read_calibration(space)
    probabilities = calibrated(np.load(space.logits)["dev"], rows.languages, fits)
    floor = np.load(space.baseline)["scores"]
    cells = list(measure(rows, probabilities, floor, outputs, experiment.n_bootstrap))
    report = {
        "cells": [asdict(cell) for cell in cells],
        "alarm_rates": alarm_rates(rows, probabilities, outputs),
        "by_source": by_source(rows, probabilities, floor, outputs),
    }
    _write(space.report("evaluate"), report)
    tracker.metrics({f"dev/{c.language}/{c.output}/auc": c.auc.value for c in cells})
    for cell in cells:
        if cell.output == VIOLATION:
            _say("evaluate", cell.language, auc=cell.auc, floor=cell.baseline, gain=cell.gain)


def read_calibration(space: Workspace) -> dict[str, dict[str, Calibration]]:
    stored = read_report(space, "calibrate")["calibration"]
    return {
        output: {name: Calibration(**fit) for name, fit in fits.items()}
        for output, fits in stored.items()
    }


def read_report(space: Workspace, step: str) -> dict[str, Any]:
    """Read what a step wrote. Raises: InvalidInput when it did not run."""
    path = space.report(step)
    if not path.is_file():
        raise InvalidInput(str(path), f"run `python -m training {step}` first")
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return report


def _mean_auc(rows: Rows, logits: Floats) -> float:
    """Give the AUC of `violation`, averaged over the languages that have rows of both kinds."""
    chosen = [rows_of_cell(rows, -1, language.value) for language in SUPPORTED_LANGUAGES]
    values = [auc(rows.labels[c, -1] == 1, logits[c, -1]) for c in chosen if len(c)]
    return float(np.mean(values)) if values else 0.0


def _outputs(experiment: Experiment, snapshot: Dataset) -> tuple[str, ...]:
    return prepare.choose_outputs(snapshot, experiment.min_positives)


def _rows(experiment: Experiment, space: Workspace, split: str) -> Rows:
    snapshot, _ = load_snapshot(space.snapshot)
    tokenizer: Tokenizer = prepare.load_tokenizer(space)
    outputs = _outputs(experiment, snapshot)
    return prepare.tokenise(_part(snapshot, split), tokenizer, outputs, experiment.text_prefix)


def _part(snapshot: Dataset, split: str) -> Dataset:
    return snapshot.select([i for i, name in enumerate(snapshot["split"]) if name == split])


def _write(path: Path, report: Any) -> None:
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False), "utf-8")


def _say(step: str, *facts: str, **numbers: Any) -> None:
    console.print(step, *facts, *(f"{name}={value}" for name, value in numbers.items()))
