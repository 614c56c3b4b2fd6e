"""What was aimed at beside what was reached, misses not hidden."""

from typing import Any

import pytest

from tests.training.finished import LANGUAGES, cell
from training.measuring.targets import (
    AT_MOST,
    NAMES,
    TARGETS,
    Target,
    gather_targets,
    render_targets,
)


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def reports(**changed: Any) -> dict[str, Any]:
    """Give reports that reach every target."""
    floors = {"baselines": {"n-grams": interval(0.7)}}
    cells = [cell(x, "violation", 0.95, **floors) for x in LANGUAGES]
    floors = {"n-grams": interval(0.7), "sentences": interval(0.6)}
    official = [
        {"name": name, "value": interval(wanted + 0.01), "rivals": floors, "target": wanted}
        for name, wanted in TARGETS.items()
    ]
    return {
        "official": {"results": official},
        "evaluate": {"cells": cells},
        "behaviour": {"languages": {x: {"passed": 9, "total": 10} for x in LANGUAGES}},
        "robustness": {"cells": [{"kind": "typos", "language": "de", "drop": interval(0.02)}]},
        "export": {
            "auc_loss": dict.fromkeys(LANGUAGES, 0.001),
            "int8_bytes": 60_000_000,
            "single_text_ms": 5.0,
        },
        **changed,
    }


def missed(**changed: Any) -> list[str]:
    return [t.interval for t in gather_targets(reports(**changed)) if not t.reached]


def without(report: dict[str, Any], kind: str, n: int) -> dict[str, Any]:
    """Leave out the first entries of a report."""
    return {kind: report[kind][n:]}


@pytest.mark.parametrize(("value", "at_least", "at_most"), [(0.8, 1, 1), (0.9, 1, 0), (0.7, 0, 1)])
def test_a_target_has_a_side(value: float, at_least: bool, at_most: bool) -> None:
    """Equal is reached on either side; under is a miss on one, over on the other."""
    assert Target("x", value, "", {}, 0.8).reached == at_least
    assert Target("x", value, "", {}, 0.8, AT_MOST).reached == at_most


def test_not_a_number_is_missed() -> None:
    """What could not be computed was not reached."""
    assert not Target("x", float("nan"), "", {}, 0.8).reached
    assert not Target("x", float("nan"), "", {}, 0.8, AT_MOST).reached


def test_everything_can_be_reached() -> None:
    """One line per official test and language, and seven for all together."""
    targets = gather_targets(reports())
    assert all(target.reached for target in targets)
    assert len(targets) == len(NAMES) + len(LANGUAGES) + 7


def test_the_worst_decides() -> None:
    """One language, one cell, one disguise under its target is a miss that names it."""
    report = reports()
    report["evaluate"]["cells"][4] |= {"auc": interval(0.89), "calibration_error": 0.04}
    assert missed(evaluate=report["evaluate"]) == [
        "0.890 [0.880, 0.900]",
        "0.040 (tr violation); 4 of 5 cells within",
    ]
    report["behaviour"]["languages"]["ko"]["passed"] = 7
    assert missed(behaviour=report["behaviour"]) == ["0.700 (ko)"]
    worse = {"kind": "jamo", "language": "ko", "drop": interval(0.07)}
    cells = [*report["robustness"]["cells"], worse]
    assert missed(robustness={"cells": cells}) == ["0.070 [0.060, 0.080] (jamo, ko); 1 of 2 within"]


def test_small_cells_are_not_judged_by_calibration() -> None:
    """Under 200 positives the error is mostly chance; no cell at all is a miss."""
    small = [cell(x, "violation", 0.95, baselines={}) for x in LANGUAGES]
    for row in small:
        row["n_positive"] = 199
    assert missed(evaluate={"cells": small}) == ["1.000 (none measured); 0 of 0 cells within"]


def test_what_was_not_measured_is_missed() -> None:
    """Without a test, a language, disguises or a comparison of int8 nothing is claimed."""
    assert missed(robustness={"cells": []}) == ["not measured"]
    found = reports()
    assert missed(official=without(found["official"], "results", 2)) == ["not measured"] * 2
    assert missed(evaluate=without(found["evaluate"], "cells", 1)) == ["not measured"]
    assert len(missed(behaviour={"languages": {}})) == 2
    empty = {"auc_loss": {}, "int8_bytes": 80_000_000, "single_text_ms": 7.0}
    assert len(missed(export=empty)) == 3


def test_the_table_has_a_column_per_floor_and_marks_misses() -> None:
    """Every line has the same cells; where a floor was not measured there is a dash."""
    report = reports()
    edos = next(r for r in report["official"]["results"] if r["name"] == "edos_a")
    edos["value"] = interval(0.8)
    table = render_targets(gather_targets(report))
    lines = [line.strip("| ").split(" | ") for line in table.splitlines()]
    assert lines[0][:5] == ["what", "reached", "n-grams", "sentences", "target"]
    [line] = [line for line in lines if line[0].startswith("EDOS task A")]
    assert line[1:] == [
        "0.800 [0.790, 0.810]",
        "0.700 [0.690, 0.710]",
        "0.600 [0.590, 0.610]",
        "≥ 0.84",
        "**missed**",
    ]
    german = next(line for line in lines if '"any violation" in de' in line[0])
    assert german[3:] == ["–", "≥ 0.9", "reached"]
