"""What a gate is, and the limits that gates.toml sets."""

import tomllib
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from triage_ml.errors import InvalidInput

LIMITS = Path(__file__).with_name("gates.toml")


@dataclass(frozen=True, slots=True)
class Gate:
    """A demand and what was found; `value` is None where nothing was measured."""

    name: str
    value: float | None
    limit: float
    passed: bool
    detail: str

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name}: {self.detail}"
        return f"{self.name}: {self.value:.4f}, limit {self.limit:.4f} ({self.detail})"


@dataclass(frozen=True, slots=True)
class Limits:
    """What gates.toml says."""

    worst_language: float
    worst_label: float
    calibration: float
    parity: float
    bias: float
    functional: float
    functional_language: float
    fall_half_intervals: float
    functional_fall: float
    min_positives: int
    min_group_rows: int
    fall_margin: float = 0.002
    family_error: float = 0.05
    min_versus_rows: int = 50
    not_judged: Sequence[str] = ()  # names of gates that are left out


def load_limits(path: Path = LIMITS) -> Limits:
    """Read the limits. Raises: InvalidInput for a missing or unknown name."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(str(path), str(error)) from error
    known = {field.name for field in fields(Limits)}
    needed = {field.name for field in fields(Limits) if field.default is MISSING}
    if wrong := (values.keys() - known) | (needed - values.keys()):
        raise InvalidInput(str(path), f"{min(wrong)} is missing or unknown")
    return Limits(**values)


def limits_named(name: str) -> Limits:
    """Read the limits an experiment names: a file beside gates.toml, or a path."""
    beside = LIMITS.with_name(name)
    return load_limits(beside if beside.is_file() else Path(name))
