"""The gates of a challenger that was compared with the champion on the same rows.

- Any violation, in every language: its interval must reach above a fall of `fall_margin`. Each
  language is judged on its own at 95 %, uncorrected: about one harmless retraining in eight is
  then refused, which is the cheaper error.
- Decisions held out, any violation, in every language with enough of them: the same.
- Labels the champion is measured on: many are compared, so Holm's rule over one-sided tests at
  `family_error` for all together (Holm 1979). The smallest adjusted probability is shown.
- Forgetting: the mean over the languages, public rows.
- The functional suite: as before.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from training.release.limits import Gate, Limits
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION

Report = Mapping[str, Any]
COMMAND = "`triage retrain`"


def versus_gates(versus: Report, limits: Limits) -> tuple[Gate, ...]:
    """Judge `versus.json`; what it lacks fails."""
    try:
        return tuple(_gates(versus, limits))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        detail = f"versus.json lacks what {COMMAND} writes: {error}"
        return (Gate("against the champion", None, 0.0, False, detail),)


def _gates(versus: Report, limits: Limits) -> Iterator[Gate]:
    cells = list(versus["cells"])
    whole = {
        (cell["part"], cell["language"]): cell for cell in cells if cell["output"] == VIOLATION
    }
    for language in SUPPORTED_LANGUAGES:
        name = f"{language.value} against the champion"
        cell = whole.get(("public", language.value))
        yield _not_worse(name, cell, limits) if cell else _unmeasured(name, language.value, limits)
    for (part, language), cell in whole.items():
        if part != "public" and _is_enough(cell, limits):
            yield _not_worse(f"{language} decisions against the champion", cell, limits)
    yield _labels(cells, {(x, label) for x, label in versus["measured"]}, limits)
    yield _forgetting(versus["forgetting"], limits)
    functional = versus["functional"]
    floor = _share(functional["champion"]) - limits.functional_fall
    value = _share(functional["challenger"])
    yield Gate("functional against the champion", value, floor, value >= floor, "all languages")


def _not_worse(name: str, cell: Report, limits: Limits) -> Gate:
    pair = cell["measures"]["auc"]
    high = float(pair["difference"]["high"])
    detail = f"upper end of the difference; AUC {pair['champion']:.4f} to {pair['challenger']:.4f}"
    return Gate(name, high, -limits.fall_margin, high >= -limits.fall_margin, detail)


def _unmeasured(name: str, language: str, limits: Limits) -> Gate:
    return Gate(name, None, -limits.fall_margin, False, f"{language} is not measured")


def _forgetting(found: Report | None, limits: Limits) -> Gate:
    name = "forgetting, mean of the languages"
    if found is None:
        return _unmeasured(name, "no language", limits)
    high = float(found["high"])
    detail = f"upper end of the difference; mean {found['value']:+.4f}"
    return Gate(name, high, -limits.fall_margin, high >= -limits.fall_margin, detail)


def _labels(cells: list[Report], measured: set[tuple[str, str]], limits: Limits) -> Gate:
    """Test every measured label at once."""
    judged = [
        (_chance(cell["measures"]["auc"], limits.fall_margin), _name(cell))
        for cell in cells
        if cell["part"] == "public"
        and (cell["language"], cell["output"]) in measured
        and _is_enough(cell, limits)
    ]
    adjusted = holm(sorted(judged))
    limit = limits.family_error
    worse = [name for chance, name in adjusted if chance < limit]
    name = "labels against the champion"
    if not judged:
        return Gate(name, None, limit, False, "no measured label has enough rows")
    detail = f"worse: {', '.join(worse)}" if worse else f"least sure: {adjusted[0][1]}"
    return Gate(name, adjusted[0][0], limit, not worse, f"{detail}; {len(judged)} compared")


def holm(found: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Adjust sorted probabilities for their number; the order stays."""
    adjusted, highest = [], 0.0
    for place, (chance, name) in enumerate(found):
        highest = max(highest, min(1.0, chance * (len(found) - place)))
        adjusted.append((highest, name))
    return adjusted


def _chance(pair: Report, margin: float) -> float:
    """Give the chance of such a fall, or a larger one, if it were the margin; normal, one-sided."""
    excess, error = float(pair["difference"]["value"]) + margin, float(pair["error"])
    if math.isnan(excess) or math.isnan(error):
        return 0.0
    if not error:
        return 1.0 if excess >= 0 else 0.0
    return 0.5 * math.erfc(-excess / error / math.sqrt(2))


def _is_enough(cell: Report, limits: Limits) -> bool:
    return bool(min(cell["n_positive"], cell["n_negative"]) >= limits.min_versus_rows)


def _name(cell: Report) -> str:
    return f"{cell['language']} {cell['output']}"


def _share(counts: Report) -> float:
    rows = list(counts.values())
    return float(sum(row["passed"] for row in rows) / sum(row["total"] for row in rows))
