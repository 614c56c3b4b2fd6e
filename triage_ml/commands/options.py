"""What several commands read of their options; each name is told as the user typed it."""

from collections.abc import Collection
from datetime import UTC, datetime
from getpass import getuser

from triage_ml.errors import InvalidInput


def user_of(by: str | None) -> str:
    """Give who asks: who is named, or the user of this system. Raises: InvalidInput."""
    if by:
        return by
    try:
        return getuser()
    except (OSError, KeyError) as error:
        raise InvalidInput("--by", "this user has no name, so give one") from error


def moment_of(name: str, text: str, shape: str) -> datetime:
    """Read a time, which is UTC unless it says else; `shape` tells how one looks.

    Raises: InvalidInput.
    """
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(name, f"must be {shape}") from None


def require_one_of(name: str, value: object, known: Collection[object]) -> None:
    """Raises: InvalidInput where the value is none of those known."""
    if value not in known:
        raise InvalidInput(name, f"must be one of {', '.join(map(str, known))}")
