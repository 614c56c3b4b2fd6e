"""The model card, written from the run's own numbers: what it misses comes first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.corpora.sources import Source
from training.measuring.evaluate import Cell
from training.measuring.targets import Target, render_targets
from training.release import card_tables as tables
from training.release import card_text as words
from training.release.changes import render_changes
from triage_ml.domain.taxonomy import HEADS, SupportMatrix
from triage_ml.inference.artifact import Calibration

WEAK_AUC = 0.80
WEAK_CALIBRATION = 0.10
WEAK_RECALL = 0.30
FALSE_ALARMS = 0.02
WEAK_FUNCTIONALITY = 0.60
WEAK_GROUP = 0.70


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Everything the card says, gathered by the steps. `reports` are keyed by step."""

    model_version: str
    base_model: str
    created_at: str
    outputs: tuple[str, ...]
    cells: list[Cell]
    support: SupportMatrix
    calibration: Mapping[str, Mapping[str, Calibration]]
    sources: tuple[Source, ...]
    snapshot: Mapping[str, Any]
    reports: Mapping[str, Mapping[str, Any]]
    targets: Sequence[Target]
    settings: Mapping[str, Any]
    changes: Mapping[str, Any] | None = None  # since the champion it continues


def render_card(facts: CardFacts) -> str:
    """Write the card as Markdown."""
    measured, calibrated = facts.reports["evaluate"], facts.reports["calibrate"]
    parts = (
        f"# Model card: {facts.model_version}",
        _introduction(facts),
        *_since_the_champion(facts),
        "## Targets",
        words.TARGETS if facts.settings.get("floors", True) else words.TARGETS_WITHOUT_FLOORS,
        render_targets(list(facts.targets)),
        "## Known misses",
        "\n".join(f"- {line}" for line in _misses(facts)),
        "## Intended use",
        words.INTENDED_USE,
        "## Support",
        words.SUPPORT,
        *((words.KEPT,) if facts.changes is not None else ()),
        tables.support_table(facts.support, facts.outputs),
        "## Quality on the development split",
        words.QUALITY.format(precision=facts.settings["threshold_precision"]),
        tables.cell_table(facts.cells),
        "### False alarms on plainly benign sentences",
        words.ALARMS,
        tables.alarm_table(measured["alarm_rates"], facts.outputs),
        "### Inside each corpus",
        words.BY_SOURCE,
        tables.source_table(measured["by_source"]),
        "## Functional cases",
        words.FUNCTIONAL,
        tables.functional_table(facts.reports["behaviour"]),
        "## Disguised texts",
        words.ROBUSTNESS,
        tables.robustness_table(facts.reports["robustness"]),
        "## Mentions of groups of people",
        words.BIAS,
        tables.bias_table(facts.reports["bias"]),
        "## Severity",
        words.SEVERITY,
        tables.severity_table(measured["severity"], calibrated["severity_labels"]),
        "## Calibration",
        words.CALIBRATION,
        tables.calibration_table(facts.calibration, calibrated["upper_shift"]),
        "## What is not measured",
        words.NOT_MEASURED,
        "## Sources",
        _sources(facts),
        "## How it was made",
        _making(facts),
    )
    return "\n\n".join(parts) + "\n"


def _introduction(facts: CardFacts) -> str:
    return (
        f"Multi-label scores for content triage, fine-tuned from {facts.base_model}. "
        f"Made {facts.created_at}. Outputs: {', '.join(facts.outputs)}."
    )


def _since_the_champion(facts: CardFacts) -> tuple[str, ...]:
    if facts.changes is None:
        return ()
    title = f"## What changed since {facts.changes['champion']}"
    return title, render_changes(facts.changes)


def _misses(facts: CardFacts) -> Iterator[str]:
    lacking = [head.value for head in HEADS if head.value not in facts.outputs]
    if lacking:
        yield f"No output for {', '.join(lacking)}: no usable labelled data."
    for cell in facts.cells:
        yield from _misses_of_cell(cell)
    for language, rates in facts.reports["evaluate"]["alarm_rates"].items():
        for output, rate in rates.items():
            if rate > FALSE_ALARMS:
                yield f"{language} {output}: {rate:.1%} of plainly benign sentences are flagged."
    for language, row in facts.reports["behaviour"]["functionalities"].items():
        weak = [n for n, c in row.items() if c["passed"] < WEAK_FUNCTIONALITY * c["total"]]
        if weak:
            yield f"{language}: fails often on {', '.join(sorted(weak))} (functional cases)."
    for language, groups in facts.reports["bias"].items():
        for group, values in groups.items():
            low = values["bpsn_auc"]
            if low is not None and low < WEAK_GROUP:
                yield f"{language}: benign mentions of {group} score too high (BPSN AUC {low:.2f})."
    yield "Irony, coded words and quoted abuse are mostly unseen in training."


def _misses_of_cell(cell: Cell) -> Iterator[str]:
    where = f"{cell.language} {cell.output}"
    for name, gain in cell.gains.items():
        if gain.low <= 0:
            yield f"{where}: not shown to beat {name} (gain {gain})."
    if cell.auc.value < WEAK_AUC:
        yield f"{where}: ranks weakly, AUC {cell.auc}."
    if cell.recall < WEAK_RECALL:
        yield f"{where}: finds {cell.recall:.0%} of the positives at its threshold."
    if cell.calibration_error > WEAK_CALIBRATION:
        yield f"{where}: probabilities are off by {cell.calibration_error:.2f} on average."


def _sources(facts: CardFacts) -> str:
    rows = ((s.name, s.licence_tier, s.licence, s.citation) for s in facts.sources)
    listed = tables.table(("corpus", "tier", "licence", "citation"), rows)
    dropped = facts.snapshot["dropped"]
    reserved = sum(n for name, n in dropped.items() if "reserved" in name)
    return (
        f"{listed}\n\nCorpora marked non-commercial are measured on and never trained on. Sources "
        f"named `written_…` are synthetic: short texts written for this project. "
        f"{facts.snapshot['n_examples']:,} texts after merging {dropped.get('duplicate', 0):,} "
        f"duplicates; {dropped.get('near_duplicates_joined', 0):,} near duplicates share a split; "
        f"{dropped.get('near_a_test_row', 0):,} were dropped because they are near to an official "
        f"test row, {reserved:,} because they are reserved for independent evaluation, or like "
        "one that is."
    )


def _making(facts: CardFacts) -> str:
    prepare, training = facts.reports["prepare"], facts.reports["train"]
    unknown = ", ".join(f"{k} {v:.2%}" for k, v in prepare["unknown_rate"].items())
    splits = ", ".join(f"{name} {n:,}" for name, n in facts.snapshot["splits"].items())
    settings = facts.settings
    return "\n".join(
        (
            f"- Snapshot `{facts.snapshot['hash'][:12]}`; {splits}. Measured on at most "
            f"{settings['measured_per_source']:,} rows of a corpus.",
            f"- Vocabulary of {prepare['n_tokens']:,} tokens, the rest in bytes; unknown on "
            f"the development split: {unknown}.",
            f"- {training['n_steps']:,} steps of {settings['batch_size']} texts in "
            f"{training['seconds'] / 60:.0f} minutes; {_embeddings(settings)}; learning rate "
            f"{settings['learning_rate']:g}; seed {settings['seed']}.",
            f"- Loss: binary cross-entropy over decided labels; an assumed absence weighs "
            f"{settings['weak_weight']:g}, a weak source's label {settings['weak_label_weight']:g};"
            f" {settings['augment_share']:.0%} of the rows disguised, "
            f"{settings['written_share']:.0%} written for the project; ordinal severity and "
            f"rationale heads beside it.",
            f"- Beside the encoder{_depth(settings)} a linear model on character n-grams hashed "
            f"into {2 ** facts.reports['export']['ngram_bits']:,} buckets, {_fitted(settings)}, "
            f"mixed in per output on the calibrate rows.",
            _parity(facts.reports["export"]),
        )
    )


def _fitted(settings: Mapping[str, Any]) -> str:
    if settings.get("from_artifact"):
        return (
            f"moved from the champion's weights with a pull of {settings['ngram_pull']:g} to them"
        )
    return "fitted to the decided training rows"


def _depth(settings: Mapping[str, Any]) -> str:
    layers = f" of {settings['n_layers']} layers" if settings.get("n_layers") else ""
    teacher = settings.get("distil_from")
    return f"{layers}, taught by `{teacher}`," if teacher else layers


def _parity(parity: Mapping[str, Any]) -> str:
    return (
        f"- fp32 ONNX differs from torch by at most {parity['fp32_logit_max']:.1g} in a logit; "
        f"int8 from fp32 by {parity['int8_probability_mean']:.4f} in a probability on average, "
        f"{parity['int8_probability_p99']:.3f} at the 99th percentile and "
        f"{parity['int8_probability_max']:.3f} at most, on {parity['n_rows']:,} texts; AUC of "
        f"`violation` {parity['auc_fp32']:.4f} in fp32 and {parity['auc_int8']:.4f} in int8."
    )


def _embeddings(settings: Mapping[str, Any]) -> str:
    """Say what the run began with, and whether its word embeddings learned."""
    begun = settings.get("start_from")
    rate = settings.get("embedding_learning_rate", 0.0)
    learned = f"word embeddings learned at {rate:g}" if rate else "word embeddings frozen"
    if settings.get("from_artifact"):
        layers = settings["trained_layers"]
        which = f"the upper {layers} layers and the heads learn" if layers else learned
        return f"continued from the champion's artifact; {which}"
    if blended := settings.get("blend_with"):
        share = settings["blend_share"]
        return f"the weights of `{begun}` averaged with {share:.0%} of `{blended}`"
    return f"continued from `{begun}`; {learned}" if begun else learned
