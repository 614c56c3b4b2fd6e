"""The making steps of an experiment, each from files in the working folder to files in it.

    snapshot → prepare → train → ngrams → export

What is measured afterwards, in `measuring`, is the int8 model that is served.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.config import Experiment, Workspace
from training.corpora.snapshot import build_snapshot, load_snapshot
from training.corpora.splits import CALIBRATE, DEV, TRAIN
from training.learning import prepare
from training.learning.batches import Rows, draws_of
from training.learning.export import (
    Floats,
    ParityLost,
    check_parity,
    encoder_logits,
    export_fp32,
    onnx_logits,
    open_session,
    time_single_text,
)
from training.learning.from_artifact import rebuild
from training.learning.model import TriageModel
from training.learning.ngrams import NgramBranch, fit_ngrams, mix
from training.learning.ngrams_continued import continue_ngrams
from training.learning.objective import number_sources
from training.learning.quantise import quantise
from training.learning.restore import (
    blended_model,
    fresh_model,
    model_to_train,
    teacher_of,
    trained_model,
)
from training.learning.train import resume, start
from training.learning.train import train as run_training
from training.measuring.evaluate import rows_of_cell
from training.metrics import auc
from training.reports import outputs_of, read_report, rows_of, say, write_report
from training.tracking import Tracker
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
from triage_ml.domain.text import NORMALISER_VERSION
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import MODEL, load_artifact


def make_snapshot(experiment: Experiment, space: Workspace, data: Path, tracker: Tracker) -> None:
    summary = build_snapshot(data, space.snapshot, experiment)
    tracker.tags({"snapshot": summary["hash"], "n_examples": str(summary["n_examples"])})
    dropped = {k: v for k, v in summary["dropped"].items() if not k.startswith("reserved")}
    reserved = sum(summary["dropped"].values()) - sum(dropped.values())
    say("snapshot", summary["hash"][:12], **summary["splits"], **dropped, reserved=reserved)


def prepare_base(experiment: Experiment, space: Workspace) -> None:
    """Prune the vocabulary to the snapshot, or keep the champion's; say what is unknown of dev."""
    snapshot, _ = load_snapshot(space.snapshot)
    if experiment.from_artifact:
        report = prepare.keep_vocabulary(space)
    else:
        report = prepare.prepare_base(snapshot, space, experiment)
    rows = rows_of(experiment, space, DEV)
    outputs = outputs_of(experiment, space)
    report |= {"outputs": outputs, "unknown_rate": prepare.unknown_rate(rows)}
    write_report(space, "prepare", report)
    say("prepare", **report)


def train_model(
    experiment: Experiment, space: Workspace, tracker: Tracker, stop_at: int | None = None
) -> None:
    """Train, or continue from the checkpoint in the working folder."""
    torch.set_num_threads(experiment.n_threads)
    outputs = outputs_of(experiment, space)
    if experiment.blend_with:
        torch.save(blended_model(experiment, space, outputs).trained_state(), space.model)
        _note_training(experiment, space, n_steps=0, seconds=0, loss=None)
        return
    _require_this_normaliser(space)
    rows = rows_of(experiment, space, TRAIN)
    n_sources = len(number_sources(rows))
    if space.checkpoint.is_file():
        model = fresh_model(experiment, space, len(outputs), n_sources)
        run = resume(model, experiment, space.checkpoint)
    else:
        run = start(model_to_train(experiment, space, outputs, n_sources), experiment)
    run = run_training(
        run,
        rows,
        experiment,
        space.checkpoint,
        tracker,
        stop_at or experiment.last_step,
        prepare.load_tokenizer(space),
        teacher_of(experiment, space, outputs),
    )
    torch.save(run.average.state() if run.average else run.model.cpu().trained_state(), space.model)
    _note_training(experiment, space, n_steps=run.step, seconds=round(run.seconds), loss=run.loss)


def _note_training(experiment: Experiment, space: Workspace, **report: float | None) -> None:
    write_report(space, "train", report | {"settings": experiment.training_fingerprint})
    say("train", **report)


def _require_this_normaliser(space: Workspace) -> None:
    """Refuse to learn from texts that were normalised otherwise than those that are served."""
    _, summary = load_snapshot(space.snapshot)
    made = summary.get("normaliser", "1")  # of snapshots from before it was noted
    if made != NORMALISER_VERSION:
        raise InvalidInput(
            str(space.snapshot),
            f"made with normaliser {made}, this is {NORMALISER_VERSION}; delete the working folder",
        )


def is_trained(experiment: Experiment, space: Workspace) -> bool:
    """Say whether the training came to its end.

    Raises: InvalidInput when it was of other settings, or from before settings were noted.
    """
    if not space.report("train").is_file():
        return False
    report = read_report(space, "train")
    if report.get("settings") != experiment.training_fingerprint:
        raise InvalidInput(str(space.root), "was trained with other settings; give another --out")
    if experiment.blend_with:
        return True
    return bool(report["n_steps"] >= (experiment.last_step or experiment.n_steps))


def learn_ngrams(experiment: Experiment, space: Workspace) -> None:
    """Fit the n-gram branch to the training rows; minutes, beside the training or after it."""
    rows = rows_of(experiment, space, TRAIN)
    trust = experiment.weak_label_weight
    if experiment.from_artifact:
        start = rebuild(load_artifact(space.champion)).branch
        weights = draws_of(rows, experiment) * len(rows)  # 1 on average
        branch = continue_ngrams(start, rows, weights, trust, experiment.ngram_pull)
    else:
        branch = fit_ngrams(rows, experiment.ngram_bits, trust, experiment.seed)
    branch.save(space.ngrams, _ngrams_made_from(experiment, space))
    say("ngrams", n_rows=len(rows), n_buckets=2**branch.n_bits)


def _ngrams_made_from(experiment: Experiment, space: Workspace) -> str:
    _, summary = load_snapshot(space.snapshot)
    return json.dumps(
        {
            "snapshot": summary["hash"],
            "outputs": outputs_of(experiment, space),
            "n_bits": experiment.ngram_bits,
            "weak_label_weight": experiment.weak_label_weight,
            "seed": experiment.seed,
            "normaliser": NORMALISER_VERSION,
        }
        | _continuing(experiment, space)
    )


def _continuing(experiment: Experiment, space: Workspace) -> dict[str, Any]:
    if not experiment.from_artifact:
        return {}
    champion = load_artifact(space.champion).manifest
    return {"champion": champion.files[MODEL], "pull": experiment.ngram_pull}


def export_model(experiment: Experiment, space: Workspace) -> None:
    """Export and quantise; stop where the small model is not the trained one."""
    torch.set_num_threads(experiment.n_threads)
    outputs = outputs_of(experiment, space)
    model = trained_model(experiment, space, len(outputs))
    branch = _mixed(experiment, space, model)
    export_fp32(model, branch, space.onnx_fp32)
    shape = model.encoder.config
    chance = np.random.default_rng(experiment.seed) if experiment.from_artifact else None
    shapes = shape.num_attention_heads, shape.hidden_size
    quantise(space.onnx_fp32, space.onnx_int8, *shapes, chance)
    rows = _whole(rows_of(experiment, space, DEV), experiment)
    drawn = np.random.default_rng(experiment.seed).permutation(len(rows))
    rows = rows.take(drawn[: experiment.parity_rows])
    sessions = (open_session(p, experiment.n_threads) for p in (space.onnx_fp32, space.onnx_int8))
    plain, small = (onnx_logits(s, rows, experiment.max_tokens, branch.n_bits) for s in sessions)
    parity = check_parity(model, branch, plain, small, rows, experiment)
    before, after = _language_aucs(rows, plain), _language_aucs(rows, small)
    loss = {language: round(before[language] - after[language], 4) for language in before}
    if max(loss.values(), default=0.0) > experiment.max_auc_loss:
        raise ParityLost(f"int8 loses AUC: {loss}")
    n_bytes = space.onnx_int8.stat().st_size
    report = asdict(parity) | {
        "auc_fp32": float(np.mean(list(before.values()) or [0.0])),
        "auc_int8": float(np.mean(list(after.values()) or [0.0])),
        "auc_loss": loss,
        "int8_bytes": n_bytes,
        "single_text_ms": time_single_text(space.onnx_int8, branch.n_bits),
        "ngram_bits": branch.n_bits,
        "mixture": {
            output: [round(float(weight), 4) for weight in branch.mixture[:, column]]
            for column, output in enumerate(outputs)
        },
    }
    write_report(space, "export", report)
    say("export", **report)


def _mixed(experiment: Experiment, space: Workspace, model: TriageModel) -> NgramBranch:
    """Weigh the encoder and the n-grams on the calibrate rows, or as the champion does."""
    branch = NgramBranch.load(space.ngrams, _ngrams_made_from(experiment, space))
    if experiment.from_artifact and not experiment.refit_mixture:
        return replace(branch, mixture=rebuild(load_artifact(space.champion)).branch.mixture)
    rows = _whole(rows_of(experiment, space, CALIBRATE), experiment)
    if not len(rows):
        raise InvalidInput(str(space.snapshot), "no calibrate rows to weigh the n-grams on")
    return mix(branch, encoder_logits(model, rows, experiment.max_tokens), rows)


def _whole(rows: Rows, experiment: Experiment) -> Rows:
    """Keep the rows the model reads in one window, whose n-grams are those it is served with."""
    return rows.take(np.flatnonzero([len(t) <= experiment.max_tokens for t in rows.tokens]))


def _language_aucs(rows: Rows, logits: Floats) -> dict[str, float]:
    """Give the AUC of `violation` of the languages that have rows of both kinds."""
    chosen = {x.value: rows_of_cell(rows, -1, x.value) for x in SUPPORTED_LANGUAGES}
    return {
        language: auc(rows.labels[inside, -1] == 1, logits[inside, -1])
        for language, inside in chosen.items()
        if len(inside)
    }
