"""The log of which model version was live: pure, over the tags of the registered model.

Each change is one tag of its own, written once: `live.<number>.<random>`. Two promotions at the
same moment get the same number and both stay; the order of the keys decides, for everybody
alike, which of them is live.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from triage_ml.domain.rollout import GUARD
from triage_ml.errors import InvalidInput

PREFIX = "live."
_ENTRY = re.compile(r"live\.\d{6}\.")  # other tags may begin alike
MAX_REASON = 1_000  # characters
MAX_NAME = 100
PROMOTE, ROLLBACK, ADOPT = "promote", "rollback", "adopt"


@dataclass(frozen=True, slots=True)
class Change:
    """A version went live."""

    step: str
    version: int
    model_version: str
    at: str  # UTC, ISO 8601
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Span:
    """A change, and when the next one ended it."""

    change: Change
    until: str | None


def make_change(
    step: str, version: int, model_version: str, now: datetime, by: str, why: str
) -> Change:
    """Raises: InvalidInput without a reason or a name, or with too long ones."""
    check_reason(by, why)
    return Change(step, version, model_version, _moment(now), by.strip(), why.strip())


def check_reason(by: str, why: str) -> None:
    """Raises: InvalidInput."""
    for field, text, limit in (("--why", why, MAX_REASON), ("--by", by, MAX_NAME)):
        if not text.strip():
            raise InvalidInput(field, "must not be empty")
        if len(text) > limit:
            raise InvalidInput(field, f"is longer than {limit} characters")


def read_changes(tags: Mapping[str, str]) -> tuple[Change, ...]:
    """Read the log from a registered model's tags, oldest first."""
    keys = sorted(key for key in tags if _ENTRY.match(key))
    return tuple(Change(**json.loads(tags[key])) for key in keys)


def as_tag(change: Change, tags: Mapping[str, str], token: str) -> tuple[str, str]:
    """Give the key and value that put a change after those in `tags`."""
    numbers = [int(key.split(".")[1]) for key in tags if _ENTRY.match(key)]
    number = max(numbers, default=0) + 1
    return f"{PREFIX}{number:06d}.{token}", json.dumps(asdict(change), ensure_ascii=False)


def live_version(changes: tuple[Change, ...]) -> int | None:
    return changes[-1].version if changes else None


def version_before(changes: tuple[Change, ...]) -> int | None:
    """Find what a rollback returns to; one after another they go further back."""
    stack: list[int] = []
    for change in changes:
        if change.step == ROLLBACK and change.version in stack:
            while stack[-1] != change.version:
                stack.pop()
        elif not stack or stack[-1] != change.version:
            stack.append(change.version)
    return stack[-2] if len(stack) > 1 else None


def was_taken_over(changes: tuple[Change, ...], at: datetime) -> bool:
    """Say whether the guard's rollback of that moment is in the log already."""
    moment = _moment(at)
    return any(change.by == GUARD and change.at == moment for change in changes)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def spans(changes: tuple[Change, ...]) -> Iterator[Span]:
    """Give when each version was live, oldest first."""
    ends = [change.at for change in changes[1:]]
    for change, until in zip(changes, [*ends, None], strict=True):
        yield Span(change, until)
