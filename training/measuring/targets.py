"""The table of what was aimed at and what was reached, from the reports of a finished run.

`python -m training targets` prints it; the card and the README hold it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from training.measuring.benchmarks import BENCHMARKS
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION

Report = Mapping[str, Any]

MIN_POSITIVES = 200
"""Positives of a cell whose calibration is judged."""
AT_LEAST, AT_MOST = "≥", "≤"


@dataclass(frozen=True, slots=True)
class Target:
    """One line: what was reached, the floors beside it, and what was wanted."""

    what: str
    value: float
    interval: str
    floors: Mapping[str, str]
    wanted: float
    side: str = AT_LEAST

    @property
    def reached(self) -> bool:
        return self.value >= self.wanted if self.side == AT_LEAST else self.value <= self.wanted


NAMES = {
    "germeval2021_toxic": "GermEval 2021 toxic, official test, macro-F1 (published best 0.718)",
    "germeval2021_toxic_class": "GermEval 2021 toxic, official test, F1 of the toxic class",
    "edos_a": "EDOS task A, official test, macro-F1 (published best 0.875)",
    "unsmile": "UnSmile valid, not trained on, AUC of the binary view",
    "beep": "BEEP dev, offensive or hateful, F1 (published 0.8295)",
    "offenseval_tr": "OffensEval-TR, own held-out tenth of train, macro-F1",
    "meoffendes_dev": "MeOffendEs dev, offensive or not, macro-F1",
    "meoffendes_tenth": "MeOffendEs, own held-out tenth, macro-F1",
    "toxic_spans": "SemEval-2021 toxic spans, official test, span F1",
}


TARGETS = {benchmark.name: benchmark.target for benchmark in BENCHMARKS}


def gather_targets(reports: Mapping[str, Report]) -> list[Target]:
    """Compare the reports (by step) with the targets."""
    return [
        *_official(reports["official"]),
        *_languages(reports["evaluate"]),
        _calibration(reports["evaluate"]),
        *_functional(reports["behaviour"]),
        _robustness(reports["robustness"]),
        *_export(reports["export"]),
    ]


def render_targets(targets: list[Target]) -> str:
    """Write the table as Markdown, misses marked."""
    floors = sorted({name for target in targets for name in target.floors})
    head = ["what", "reached", *floors, "target", ""]
    lines = [head, ["---"] * len(head)]
    for target in targets:
        beside = [target.floors.get(name, "–") for name in floors]
        verdict = "reached" if target.reached else "**missed**"
        wanted = f"{target.side} {target.wanted:g}"
        lines.append([target.what, target.interval, *beside, wanted, verdict])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _official(report: Report) -> Iterator[Target]:
    known = {result["name"]: result for result in report["results"]}
    for name, what in NAMES.items():
        if name not in known:
            yield Target(what, 0.0, "not measured", {}, TARGETS[name])
    for result in known.values():
        floors = {name: _interval(value) for name, value in result["rivals"].items()}
        what = NAMES.get(result["name"], result["name"])
        value = result["value"]
        yield Target(what, value["value"], _interval(value), floors, result["target"])


def _languages(report: Report) -> Iterator[Target]:
    measured = {c["language"] for c in report["cells"] if c["output"] == VIOLATION}
    for language in SUPPORTED_LANGUAGES:
        if language not in measured:
            what = f'"any violation" in {language}, pooled held-out split, AUC'
            yield Target(what, 0.0, "not measured", {}, 0.90)
    for cell in report["cells"]:
        if cell["output"] == VIOLATION:
            floors = {name: _interval(value) for name, value in cell["baselines"].items()}
            what = f'"any violation" in {cell["language"]}, pooled held-out split, AUC'
            yield Target(what, cell["auc"]["value"], _interval(cell["auc"]), floors, 0.90)


def _calibration(report: Report) -> Target:
    judged = [c for c in report["cells"] if c["n_positive"] >= MIN_POSITIVES]
    worst = max(judged, key=lambda c: c["calibration_error"], default=None)
    value = worst["calibration_error"] if worst else 1.0
    name = f"{worst['language']} {worst['output']}" if worst else "none measured"
    within = sum(c["calibration_error"] <= 0.03 for c in judged)
    shown = f"{value:.3f} ({name}); {within} of {len(judged)} cells within"
    what = "expected calibration error, worst measured cell with ≥ 200 positives"
    return Target(what, value, shown, {}, 0.03, AT_MOST)


def _functional(report: Report) -> Iterator[Target]:
    counts = report["languages"]
    passed = sum(c["passed"] for c in counts.values())
    total = sum(c["total"] for c in counts.values())
    share = passed / max(1, total)
    yield Target("functional suite, all languages", share, f"{share:.3f} of {total:,}", {}, 0.85)
    rates = {name: c["passed"] / max(1, c["total"]) for name, c in counts.items()}
    worst = min(rates, key=rates.__getitem__, default="")
    rates.setdefault("", 0.0)
    what = "functional suite, worst language"
    yield Target(what, rates[worst], f"{rates[worst]:.3f} ({worst})", {}, 0.80)


def _robustness(report: Report) -> Target:
    what = "drop of AUC under each obfuscation, largest"
    cells = report["cells"]
    if not cells:
        return Target(what, 1.0, "not measured", {}, 0.05, AT_MOST)
    worst = max(cells, key=lambda c: c["drop"]["value"])
    within = sum(c["drop"]["value"] <= 0.05 for c in cells)
    name = f"{worst['kind']}, {worst['language']}"
    shown = f"{_interval(worst['drop'])} ({name}); {within} of {len(cells)} within"
    return Target(what, worst["drop"]["value"], shown, {}, 0.05, AT_MOST)


def _export(report: Report) -> Iterator[Target]:
    losses = report["auc_loss"]
    worst = max(losses, key=losses.__getitem__, default="")
    loss = losses.get(worst, 1.0)
    what = "int8 against torch, AUC loss, worst language"
    yield Target(what, loss, f"{loss:.4f} ({worst})", {}, 0.003, AT_MOST)
    size = report["int8_bytes"] / 1e6
    yield Target("model file, MB", size, f"{size:.1f}", {}, 70, AT_MOST)
    speed = report["single_text_ms"]
    what = "single text of 32 tokens on one thread, ms, median"
    yield Target(what, speed, f"{speed:.1f}", {}, 6, AT_MOST)


def _interval(value: Mapping[str, float]) -> str:
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"
