"""The guard's limits as data, beside the policy."""

from pathlib import Path

from triage_ml.domain.guard import FILE, GuardLimits, guard_limits
from triage_ml.policy import DEFAULT_FOLDER, _read


def load_guard(folder: Path | None = None) -> GuardLimits:
    """Read the limits of a policy folder, or the shipped ones. Raises: PolicyInvalid."""
    own = (folder or DEFAULT_FOLDER) / FILE
    return guard_limits(_read(own if own.exists() else DEFAULT_FOLDER / FILE))
