"""Two models' reports side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from training.release.gates import pass_rates


@dataclass(frozen=True, slots=True)
class Difference:
    """One number of two models; None where a model has none."""

    language: str
    output: str
    measure: str
    first: float | None
    second: float | None

    @property
    def change(self) -> float | None:
        if self.first is None or self.second is None:
            return None
        return self.second - self.first


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Line up AUC and calibration of every cell, and the functional pass rates."""
    numbers = [dict(_numbers(reports)) for reports in (first, second)]
    keys = dict.fromkeys([*numbers[0], *numbers[1]])
    return tuple(Difference(*key, *(found.get(key) for found in numbers)) for key in keys)


def _numbers(reports: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], float]]:
    for cell in reports["evaluate"]["cells"]:
        place = cell["language"], cell["output"]
        yield (*place, "AUC"), cell["auc"]["value"]
        yield (*place, "calibration error"), cell["calibration_error"]
    if "behaviour" in reports:  # not run on an adopted model
        for language, rate in pass_rates(reports["behaviour"]).items():
            yield (language, "functional suite", "passed"), rate
