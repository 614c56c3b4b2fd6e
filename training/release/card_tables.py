"""The tables of the model card."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from training.measuring.evaluate import Cell
from triage_ml.domain.taxonomy import HEADS, SUPPORTED_LANGUAGES, SupportMatrix
from triage_ml.inference.artifact import POOLED, Calibration

NONE = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def support_table(support: SupportMatrix, outputs: Sequence[str]) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for head in HEADS:
            states = [support.of(language, head).value for language in SUPPORTED_LANGUAGES]
            yield head.value, "yes" if head.value in outputs else "no", *states

    return table(("label", "output", *(x.value for x in SUPPORTED_LANGUAGES)), rows())


def cell_table(cells: Sequence[Cell]) -> str:
    floors = _floors(cells)

    def rows() -> Iterator[tuple[str, ...]]:
        for cell in cells:
            yield (
                cell.language,
                cell.output,
                f"{cell.n_positive:,} / {cell.n_negative:,}",
                str(cell.auc),
                *(str(cell.baselines.get(name, NONE)) for name in floors),
                *(str(cell.gains.get(name, NONE)) for name in floors[:1]),
                f"{cell.average_precision:.3f}",
                f"{cell.calibration_error:.3f}",
                f"{cell.threshold:.2f}",
                f"{cell.recall:.2f} / {cell.precision:.2f}",
            )

    head = (
        "language",
        "output",
        "positive / negative",
        "AUC",
        *floors,
        *(f"gain over {name}" for name in floors[:1]),
        "average precision",
        "calibration error",
        "threshold",
        "recall / precision",
    )
    return table(head, rows())


def alarm_table(rates: Mapping[str, Mapping[str, float]], outputs: Sequence[str]) -> str:
    rows = ((language, *(f"{row[o]:.1%}" for o in outputs)) for language, row in rates.items())
    return table(("language", *outputs), rows)


def source_table(by_source: Mapping[str, Mapping[str, Any]]) -> str:
    floors = sorted({name for row in by_source.values() for name in row["baselines"]})

    def rows() -> Iterator[tuple[str, ...]]:
        for name, row in by_source.items():
            beside = (_number(row["baselines"].get(floor)) for floor in floors)
            yield name, _number(row["auc"]), *beside, _number(row["macro_f1"])

    return table(("corpus", "AUC", *floors, "macro-F1"), rows())


def calibration_table(
    calibration: Mapping[str, Mapping[str, Calibration]],
    upper_shift: Mapping[str, Mapping[str, float]],
) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for output, fits in calibration.items():
            own = ", ".join(language for language in fits if language != POOLED) or "none"
            pooled = fits[POOLED]
            slopes = f"{pooled.slope:.2f}, {pooled.slope_below:.2f}, {pooled.intercept:+.2f}"
            shifts = ", ".join(f"{k} {v:.1f}" for k, v in upper_shift[output].items())
            yield output, own, slopes, shifts

    return table(("output", "languages with their own", "pooled a, b, c", "shift"), rows())


def functional_table(report: Mapping[str, Any]) -> str:
    """Write pass rates per functionality and language."""
    languages = list(report["languages"])
    names = sorted({name for row in report["functionalities"].values() for name in row})

    def rows() -> Iterator[tuple[str, ...]]:
        for name in names:
            found = (report["functionalities"][language].get(name) for language in languages)
            yield name, *(_share(counts) for counts in found)
        yield "**all**", *(_share(report["languages"][language]) for language in languages)

    return table(("functionality", *languages), rows())


def bias_table(report: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for language, groups in report.items():
            for group, cell in groups.items():
                count = f"{cell['n_positive']:,} / {cell['n_negative']:,}"
                numbers = (cell[f"{name}_auc"] for name in ("subgroup", "bpsn", "bnsp"))
                yield language, group, count, *(_number(value) for value in numbers)

    head = "language", "mention of", "positive / negative", "subgroup", "BPSN", "BNSP"
    return table(head, rows())


def robustness_table(report: Mapping[str, Any]) -> str:
    """Write the drop of AUC per disguise and language."""
    cells = {(c["kind"], c["language"]): c["drop"] for c in report["cells"]}
    languages = list(dict.fromkeys(language for _, language in cells))

    def rows() -> Iterator[tuple[str, ...]]:
        for kind in sorted({kind for kind, _ in cells}):
            found = (cells.get((kind, language)) for language in languages)
            yield kind, *(f"{d['value']:.3f}" if d else NONE for d in found)

    return table(("disguise", *languages), rows())


def severity_table(cells: Sequence[Mapping[str, Any]], used: Sequence[str]) -> str:
    rows = (
        (
            cell["output"],
            f"{cell['n_rows']:,}",
            f"{cell['correlation']:.2f}",
            f"{cell['error']:.2f} / {cell['error_of_median']:.2f}",
            "yes" if cell["output"] in used else "no",
        )
        for cell in cells
    )
    head = "output", "graded rows", "rank correlation", "error / of the median", "used"
    return table(head, rows)


def _floors(cells: Sequence[Cell]) -> list[str]:
    return sorted({name for cell in cells for name in cell.baselines})


def _share(counts: Mapping[str, int] | None) -> str:
    return f"{counts['passed'] / counts['total']:.2f}" if counts else NONE


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
