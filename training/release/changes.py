"""What a challenger learned since the champion, and what came of it, in plain words.

Facts are gathered as JSON when the artifact is written, and kept with it; words are made from them
whenever a card is. No text and no term of a decision is in either.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION, Label, Language, SupportMatrix
from triage_ml.inference.artifact import DECISIONS, Manifest

MEASURES = {
    "auc": ("AUC", 1),
    "recall": ("recall at the shown threshold", 1),
    "calibration_error": ("calibration error", -1),
}
"""What is said of a cell: its name, and the sign of better."""
Facts = Mapping[str, Any]


def what_changed(
    champion: Manifest, support: SupportMatrix, versus: Facts, summary: Facts
) -> dict[str, Any]:
    """Gather the facts, as JSON."""
    return {
        "champion": champion.model_version,
        "decided": summary["decided"],
        "manifests": summary["decisions"],
        "replay": summary["replay"],
        "new_terms": summary["new_terms"],
        "cells": versus["cells"],
        "forgetting": versus["forgetting"],
        "worst_language": versus["worst_language"],
        "functional": versus["functional"],
        "support": list(_support_changes(champion.support_matrix, support)),
    }


def learned_until(champion: Manifest, manifests: Sequence[Facts]) -> str | None:
    """Give until when decisions may have been learned from, here or before; None: not known."""
    if not champion.learning_known:
        return None
    ends = [datetime.fromisoformat(manifest["window"]["until"]) for manifest in manifests]
    if champion.learned_until is not None:
        ends.append(champion.learned_until)
    return max(ends).isoformat() if ends else None


def render_changes(changes: Facts) -> str:
    """Write the section of the card."""
    compared = list(_compared(changes["cells"]))
    better = [line for kind, line in compared if kind == "better"]
    worse = [line for kind, line in compared if kind == "worse"]
    n_tied = len(compared) - len(better) - len(worse)
    parts = [
        "\n".join(f"- {line}" for line in _learned(changes)),
        "Worse than the champion, beyond the interval:",
        _list(worse) or "- nowhere.",
        "Better than the champion, beyond the interval:",
        _list(better) or "- nowhere.",
        f"No sure difference in {n_tied} of {len(compared)} comparisons. Intervals are 95 %, of "
        "the difference on the same rows, and not corrected for their number: about one in twenty "
        "lies off zero by chance.",
        "\n".join(f"- {line}" for line in _also(changes)),
    ]
    return "\n\n".join(part for part in parts if part)


def _learned(changes: Facts) -> Iterator[str]:
    decided: Mapping[str, Mapping[str, int]] = changes["decided"]
    for language, counts in decided.items():
        yield (
            f"{language}: {_total(counts):,} decided texts "
            f"({counts.get('violating', 0):,} violating, {counts.get('benign', 0):,} benign), of "
            f"which {counts.get('train', 0):,} were learned from, {counts.get('calibrate', 0):,} "
            f"calibrated and {counts.get('dev', 0):,} measured."
        )
    if without := [x.value for x in SUPPORTED_LANGUAGES if x.value not in decided]:
        yield f"No decisions in {', '.join(without)}."
    yield from _origins(changes["manifests"])
    replay = changes["replay"]
    yield (
        f"{replay['n_rows']:,} public rows were learned again so that they are not forgotten, the "
        f"same in every retraining on these corpora (`{replay['hash'][:12]}`)."
    )
    if any(changes["new_terms"].values()):
        new = ", ".join(f"{k} {n}" for k, n in changes["new_terms"].items() if n)
        yield f"Words often decided as violating, and in no public row here: {new}."


def _origins(manifests: Sequence[Facts]) -> Iterator[str]:
    """Say from when and under which policies the decisions are, as far as their manifests do."""
    for manifest in manifests:
        window = manifest["window"]
        policies = manifest.get("policy_versions") or ()
        said = [f"decided {window['since']} to {window['until']}"]
        if policies:
            said.append(f"under policy {', '.join(map(str, policies))}")
        yield f"They were {'; '.join(said)}."


def _compared(cells: Sequence[Facts]) -> Iterator[tuple[str, str]]:
    """Say of each comparison whether it is better, worse or tied, those of all labels first."""
    ordered = sorted(cells, key=lambda c: (c["part"] != DECISIONS, c["output"] != VIOLATION))
    for cell in ordered:
        for measure, (name, sign) in MEASURES.items():
            pair = cell["measures"][measure]
            ends = sorted(sign * pair["difference"][end] for end in ("low", "high"))
            kind = "better" if ends[0] > 0 else "worse" if ends[1] < 0 else "tied"
            yield kind, f"{_place(cell)}: {name} {_numbers(pair)}"


def _place(cell: Facts) -> str:
    output = "any violation" if cell["output"] == VIOLATION else cell["output"]
    where = "decisions" if cell["part"] == DECISIONS else "public"
    return f"{cell['language']} {output} ({where}, {cell['n_positive']:,}/{cell['n_negative']:,})"


def _numbers(pair: Facts) -> str:
    found = pair["difference"]
    return (
        f"{pair['champion']:.3f} to {pair['challenger']:.3f} "
        f"({found['value']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}])"
    )


def _also(changes: Facts) -> Iterator[str]:
    if found := changes["forgetting"]:
        yield (
            f"Public rows, mean of the languages: AUC {found['value']:+.4f} "
            f"[{found['low']:+.4f}, {found['high']:+.4f}]."
        )
    if worst := changes["worst_language"]:
        yield f"The language that ranks worst is {worst['language']}: AUC {_numbers(worst)}."
    before, after = (_rate(changes["functional"][side]) for side in ("champion", "challenger"))
    yield f"Functional suite passed: {before:.3f} to {after:.3f}."
    for state in ("measured", "not measured"):
        names = [name for change, name in changes["support"] if change == state]
        verb = "Measured now" if state == "measured" else "No longer measured"
        yield f"{verb}: {', '.join(names) or 'none'}."


def _support_changes(before: SupportMatrix, after: SupportMatrix) -> Iterator[list[str]]:
    for language in SUPPORTED_LANGUAGES:
        for label in Label:
            one, other = (_is_measured(x, language, label) for x in (before, after))
            if one != other:
                yield ["measured" if other else "not measured", f"{language} {label.value}"]


def _is_measured(matrix: SupportMatrix, language: Language, label: Label) -> bool:
    return matrix.of(language, label).value == "measured"


def _total(counts: Mapping[str, int]) -> int:
    return sum(counts.get(split, 0) for split in ("train", "calibrate", "dev"))


def _rate(counts: Mapping[str, Mapping[str, int]]) -> float:
    total = sum(row["total"] for row in counts.values())
    return sum(row["passed"] for row in counts.values()) / max(1, total)


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}." for line in lines)
