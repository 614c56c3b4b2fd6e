"""The model card, written from the run's own numbers: what it misses comes first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from training import card_text as words
from training.evaluate import Cell
from training.metrics import Interval
from training.sources import Source
from triage_ml.domain.taxonomy import HEADS, SUPPORTED_LANGUAGES, VIOLATION, SupportMatrix
from triage_ml.inference.artifact import POOLED, Calibration

WEAK_AUC = 0.80
WEAK_CALIBRATION = 0.10
WEAK_RECALL = 0.50
FALSE_ALARMS = 0.02


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Everything the card says, gathered by the steps."""

    model_version: str
    base_model: str
    created_at: str
    outputs: tuple[str, ...]
    cells: list[Cell]
    support: SupportMatrix
    calibration: Mapping[str, Mapping[str, Calibration]]
    upper_shift: Mapping[str, float]
    sources: tuple[Source, ...]
    snapshot: Mapping[str, Any]
    prepare: Mapping[str, Any]
    training: Mapping[str, Any]
    parity: Mapping[str, float]
    alarm_rates: Mapping[str, Mapping[str, float]]
    by_source: Mapping[str, Mapping[str, float | None]]
    settings: Mapping[str, Any]


def render_card(facts: CardFacts) -> str:
    """Write the card as Markdown."""
    parts = (
        f"# Model card: {facts.model_version}",
        _introduction(facts),
        "## Known misses",
        "\n".join(f"- {line}" for line in _misses(facts)),
        "## Intended use",
        words.INTENDED_USE,
        "## Support",
        words.SUPPORT,
        _support_table(facts),
        "## Quality on the development split",
        words.QUALITY,
        _violation_table(facts),
        _cell_table(facts),
        "### False alarms on plainly benign sentences",
        words.ALARMS,
        _alarm_table(facts),
        "### Inside each corpus",
        words.BY_SOURCE,
        _source_table(facts),
        "## Calibration",
        words.CALIBRATION,
        _calibration_table(facts),
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


def _misses(facts: CardFacts) -> Iterator[str]:
    lacking = [head.value for head in HEADS if head.value not in facts.outputs]
    if lacking:
        yield f"No output for {', '.join(lacking)}: no usable labelled data."
    for cell in facts.cells:
        where = f"{cell.language} {cell.output}"
        if cell.gain and cell.gain.low <= 0:
            yield f"{where}: not shown to beat character n-grams (gain {cell.gain})."
        if cell.auc.value < WEAK_AUC:
            yield f"{where}: ranks weakly, AUC {cell.auc}."
        if cell.recall < WEAK_RECALL:
            yield f"{where}: finds {cell.recall:.0%} of the positives at probability 0.5."
        if cell.calibration_error > WEAK_CALIBRATION:
            yield f"{where}: probabilities are off by {cell.calibration_error:.2f} on average."
    for language, rates in facts.alarm_rates.items():
        for output, rate in rates.items():
            if rate > FALSE_ALARMS:
                yield f"{language} {output}: {rate:.1%} of plainly benign sentences are flagged."
    yield "Irony, coded words and quoted abuse are mostly unseen in training."


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _support_table(facts: CardFacts) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for head in HEADS:
            states = [facts.support.of(language, head).value for language in SUPPORTED_LANGUAGES]
            has_output = "yes" if head.value in facts.outputs else "no"
            yield head.value, has_output, *states

    return _table(("label", "output", *(x.value for x in SUPPORTED_LANGUAGES)), rows())


def _violation_table(facts: CardFacts) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for cell in facts.cells:
            if cell.output == VIOLATION:
                yield (
                    cell.language,
                    f"{cell.n_positive:,} / {cell.n_negative:,}",
                    str(cell.auc),
                    _optional(cell.baseline),
                    _optional(cell.gain),
                )

    head = "any violation", "positive / negative", "AUC", "character n-grams", "gain"
    return _table(head, rows())


def _cell_table(facts: CardFacts) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for cell in facts.cells:
            yield (
                cell.language,
                cell.output,
                f"{cell.n_positive:,} / {cell.n_negative:,}",
                str(cell.auc),
                _optional(cell.baseline),
                _optional(cell.gain),
                f"{cell.average_precision:.3f}",
                f"{cell.calibration_error:.3f}",
                f"{cell.recall:.2f} / {cell.precision:.2f}",
            )

    head = (
        "language",
        "output",
        "positive / negative",
        "AUC",
        "character n-grams",
        "gain",
        "average precision",
        "calibration error",
        "recall / precision",
    )
    return _table(head, rows())


def _alarm_table(facts: CardFacts) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for language, rates in facts.alarm_rates.items():
            yield language, *(f"{rates[output]:.1%}" for output in facts.outputs)

    return _table(("language", *facts.outputs), rows())


def _source_table(facts: CardFacts) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for name, row in facts.by_source.items():
            f1 = row["macro_f1"]
            yield name, _number(row["auc"]), _number(row["baseline_auc"]), _number(f1)

    return _table(("corpus", "AUC", "character n-grams", "macro-F1"), rows())


def _calibration_table(facts: CardFacts) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for output, fits in facts.calibration.items():
            own = ", ".join(language for language in fits if language != POOLED) or "none"
            pooled = fits[POOLED]
            line = f"{pooled.slope:.2f} · logit {pooled.intercept:+.2f}"
            yield output, own, line, f"{facts.upper_shift[output]:.2f}"

    return _table(("output", "languages with their own", "pooled", "shift"), rows())


def _sources(facts: CardFacts) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for source in facts.sources:
            yield source.name, source.licence_tier, source.licence, source.citation

    table = _table(("corpus", "tier", "licence", "citation"), rows())
    reserved = sum(n for name, n in facts.snapshot["dropped"].items() if "reserved" in name)
    return (
        f"{table}\n\nNon-commercial corpora, and copies marked for research only, were not used. "
        f"{facts.snapshot['n_examples']:,} texts after merging "
        f"{facts.snapshot['dropped'].get('duplicate', 0):,} duplicates; {reserved:,} dropped "
        "because they are reserved for independent evaluation, or like one that is."
    )


def _making(facts: CardFacts) -> str:
    unknown = ", ".join(f"{k} {v:.2%}" for k, v in facts.prepare["unknown_rate"].items())
    splits = ", ".join(f"{name} {n:,}" for name, n in facts.snapshot["splits"].items())
    parity = facts.parity
    return "\n".join(
        (
            f"- Snapshot `{facts.snapshot['hash'][:12]}`; {splits}.",
            f"- Vocabulary pruned to {facts.prepare['n_tokens']:,} tokens; unknown on the "
            f"development split: {unknown}.",
            f"- {facts.training['n_steps']:,} steps of {facts.settings['batch_size']} texts in "
            f"{facts.training['seconds'] / 60:.0f} minutes; {_embeddings(facts)}; learning rate "
            f"{facts.settings['learning_rate']:g}; seed {facts.settings['seed']}.",
            f"- Loss: binary cross-entropy over decided labels; an assumed absence weighs "
            f"{facts.settings['weak_weight']:g}.",
            f"- fp32 ONNX differs from torch by at most {parity['fp32_logit_max']:.1g} in a logit; "
            f"int8 from fp32 by {parity['int8_probability_mean']:.4f} in a probability on average, "
            f"{parity['int8_probability_p99']:.3f} at the 99th percentile and "
            f"{parity['int8_probability_max']:.3f} at most, on {parity['n_rows']:,} texts; AUC of "
            f"`violation` {parity['auc_fp32']:.4f} in fp32 and {parity['auc_int8']:.4f} in int8.",
            f"- The model file is {parity['int8_bytes'] / 1e6:.1f} MB.",
        )
    )


def _optional(interval: Interval | None) -> str:
    return str(interval) if interval else "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _embeddings(facts: CardFacts) -> str:
    """Say what the run began with, and whether its word embeddings learned."""
    begun = facts.settings.get("start_from")
    rate = facts.settings.get("embedding_learning_rate", 0.0)
    learned = f"word embeddings learned at {rate:g}" if rate else "word embeddings frozen"
    return f"continued from `{begun}`; {learned}" if begun else learned
