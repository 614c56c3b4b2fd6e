"""A policy with other constants of the priority, to be tried out."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from triage_ml.domain.policy import Policy
from triage_ml.errors import InvalidInput

LIMITS: Mapping[str, tuple[float, float]] = {
    "urgency_weight": (0, 1e6),
    "age_weight": (0, 1e6),
    "default_handling_minutes": (0.1, 600),
    "reach_cap": (1, 100),
    "default_views_per_hour": (0, 1e9),
    "random_share": (0, 0.5),
}
"""What can be changed, within what a policy file may say."""


def change_weights(policy: Policy, changes: Iterable[str]) -> Policy:
    """Apply `name=value`, several to a text. The version names them. Raises: InvalidInput."""
    given = [word for change in changes for word in change.replace(",", " ").split()]
    if not given:
        return policy
    values: dict[str, Any] = dict(_pair(word) for word in given)
    names = "+".join(f"{name}={value:g}" for name, value in values.items())
    changed = replace(policy.priority, **values)
    return replace(policy, priority=changed, version=f"{policy.version}+{names}")


def _pair(word: str) -> tuple[str, float]:
    name, _, written = word.partition("=")
    if name not in LIMITS:
        raise InvalidInput("weights", f"{name} is not one of {', '.join(LIMITS)}")
    try:
        value = float(written)
    except ValueError:
        raise InvalidInput("weights", f"{name} must be a number, as in {name}=50") from None
    low, high = LIMITS[name]
    if not low <= value <= high:
        raise InvalidInput("weights", f"{name} must lie within {low:g} and {high:g}")
    return name, value
