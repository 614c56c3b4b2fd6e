"""The gates a model passes before it is registered, over the reports of its experiment.

A report that is missing, or holds something else than its step writes, fails its gates: what
was not measured never passes.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from training.release.against import versus_gates
from training.release.limits import LIMITS, Gate, Limits, limits_named, load_limits
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, VIOLATION
from triage_ml.errors import Conflict

__all__ = [
    "LIMITS",
    "REPORTS",
    "VERSUS",
    "Gate",
    "GatesFailed",
    "Limits",
    "check_gates",
    "limits_named",
    "load_limits",
    "pass_rate",
    "pass_rates",
]

VERSUS = "versus"
"""Step that compares with the champion on the same rows; only a retraining takes it."""
REPORTS = ("evaluate", "export", "bias", "behaviour")
"""Steps whose reports are judged; `python -m training <step>` writes `<step>.json`."""

Report = Mapping[str, Any]
Finding = tuple[float, str]


class GatesFailed(Conflict):
    """A model may not be registered or shipped; the message names each failed gate."""

    def __init__(self, failed: tuple[Gate, ...], refused: str = "not registered") -> None:
        count = f"{len(failed)} gate{'s' * (len(failed) > 1)}"
        super().__init__(f"{refused}, {count} failed: {'; '.join(map(str, failed))}")
        self.failed = failed


class _NotMeasured(ValueError):
    pass


def check_gates(
    reports: Mapping[str, Report], limits: Limits, champion: Mapping[str, Report] | None = None
) -> tuple[Gate, ...]:
    """Judge the reports, by step name; against those of the champion where there is one.

    Where both were compared on the same rows, that comparison decides.
    """
    judged = (rule for rule in _RULES if rule.name not in limits.not_judged)
    gates = [_judge(rule, reports, limits) for rule in judged]
    if VERSUS in reports:
        gates += versus_gates(reports[VERSUS], limits)
    elif champion is not None:
        gates += (_judge(rule, reports, limits) for rule in _against(champion, limits))
    return tuple(gates)


def pass_rates(report: Report) -> dict[str, float]:
    """Give the share of the functional suite passed, per language."""
    return {name: _share([counts]) for name, counts in report["languages"].items()}


def pass_rate(report: Report) -> float:
    return _share(report["languages"].values())


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    report: str
    limit: float | Callable[[Limits], float]
    measure: Callable[[Report, Limits], Finding]
    at_least: bool = True


def _judge(rule: _Rule, reports: Mapping[str, Report], limits: Limits) -> Gate:
    limit = rule.limit(limits) if callable(rule.limit) else rule.limit
    command = f"`python -m training {rule.report}`"
    if rule.report not in reports:
        detail = f"no {rule.report}.json, run {command}"
        return Gate(rule.name, None, limit, False, detail)
    try:
        value, detail = rule.measure(reports[rule.report], limits)
    except _NotMeasured as error:
        return Gate(rule.name, None, limit, False, str(error))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        detail = f"{rule.report}.json lacks what {command} writes: {error}"
        return Gate(rule.name, None, limit, False, detail)
    passed = value >= limit if rule.at_least else value <= limit
    return Gate(rule.name, value, limit, passed, detail)


def _worst_language(report: Report, _: Limits) -> Finding:
    return _lowest(_of_every_language(_violation_aucs(report)))


def _worst_label(report: Report, limits: Limits) -> Finding:
    cells = (cell for cell in _large(report, limits) if cell["output"] != VIOLATION)
    return _lowest((float(cell["auc"]["value"]), _name(cell)) for cell in cells)


def _calibration(report: Report, limits: Limits) -> Finding:
    cells = _large(report, limits)
    return _highest((_off(cell), _name(cell)) for cell in cells)


def _off(cell: Report) -> float:
    """Give the calibration error over what chance makes of so many rows, where that was counted."""
    return float(cell["calibration_error"]) - float(cell.get("calibration_by_chance", 0.0))


def _parity(report: Report, _: Limits) -> Finding:
    return _highest(_of_every_language(report["auc_loss"]))


def _bias(report: Report, limits: Limits) -> Finding:
    def found() -> Iterator[Finding]:
        for language in SUPPORTED_LANGUAGES:
            if language.value not in report:
                raise _NotMeasured(f"{language.value} is not measured")
            for group, row in report[language.value].items():
                # German has no group with so many rows in the public corpora: the card says so.
                if min(row["n_positive"], row["n_negative"]) >= limits.min_group_rows:
                    for side in ("bpsn", "bnsp"):
                        yield float(row[f"{side}_auc"]), f"{language.value} {group} {side.upper()}"

    return _lowest(found())


def _functional(report: Report, _: Limits) -> Finding:
    return pass_rate(report), "all languages"


def _functional_language(report: Report, _: Limits) -> Finding:
    return _lowest(_of_every_language(pass_rates(report)))


_RULES = (
    _Rule("worst language", "evaluate", lambda x: x.worst_language, _worst_language),
    _Rule("worst label", "evaluate", lambda x: x.worst_label, _worst_label),
    _Rule("calibration", "evaluate", lambda x: x.calibration, _calibration, at_least=False),
    _Rule("int8 parity", "export", lambda x: x.parity, _parity, at_least=False),
    _Rule("bias", "bias", lambda x: x.bias, _bias),
    _Rule("functional", "behaviour", lambda x: x.functional, _functional),
    _Rule(
        "functional, worst language",
        "behaviour",
        lambda x: x.functional_language,
        _functional_language,
    ),
)


def _against(champion: Mapping[str, Report], limits: Limits) -> Iterator[_Rule]:
    """Make the relative gates.

    The allowance is the champion's interval: a candidate measured on few rows would otherwise
    widen its own.
    """
    for cell in champion["evaluate"]["cells"]:
        if cell["output"] == VIOLATION:
            half = (cell["auc"]["high"] - cell["auc"]["low"]) / 2
            floor = cell["auc"]["value"] - limits.fall_half_intervals * half
            name = f"{cell['language']} against the champion"
            yield _Rule(name, "evaluate", floor, _auc_in(cell["language"]))
    if "behaviour" in champion:  # of an adopted one nothing was run
        floor = pass_rate(champion["behaviour"]) - limits.functional_fall
        yield _Rule("functional against the champion", "behaviour", floor, _functional)


def _auc_in(language: str) -> Callable[[Report, Limits], Finding]:
    def measure(report: Report, _: Limits) -> Finding:
        return _lowest((v, k) for k, v in _violation_aucs(report).items() if k == language)

    return measure


def _violation_aucs(report: Report) -> dict[str, float]:
    cells = (cell for cell in report["cells"] if cell["output"] == VIOLATION)
    return {cell["language"]: float(cell["auc"]["value"]) for cell in cells}


def _of_every_language(values: Mapping[str, float]) -> Iterator[Finding]:
    """Pair value and language; a language without a value is not measured."""
    for language in SUPPORTED_LANGUAGES:
        if language.value not in values:
            raise _NotMeasured(f"{language.value} is not measured")
        yield float(values[language.value]), language.value


def _large(report: Report, limits: Limits) -> Iterator[Report]:
    return (cell for cell in report["cells"] if cell["n_positive"] >= limits.min_positives)


def _name(cell: Report) -> str:
    return f"{cell['language']} {cell['output']}"


def _share(counts: Iterable[Report]) -> float:
    rows = list(counts)
    total = sum(row["total"] for row in rows)
    if not total:
        raise _NotMeasured("the functional suite is empty")
    return float(sum(row["passed"] for row in rows) / total)


def _lowest(found: Iterable[Finding]) -> Finding:
    """Give the lowest finding, a NaN before any; it passes no comparison."""
    value, detail = _highest((-value, detail) for value, detail in found)
    return -value, detail


def _highest(found: Iterable[Finding]) -> Finding:
    findings = list(found)
    if not findings:
        raise _NotMeasured("nothing has enough rows to be measured")
    return max(findings, key=lambda finding: math.inf if math.isnan(finding[0]) else finding[0])
