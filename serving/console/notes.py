"""Why what was written into a field is not kept, as codes that `words.error` puts into words."""

from triage_ml.domain.text import is_blank
from triage_ml.errors import InvalidInput, TooLarge


def note_error(error: InvalidInput, entered: str) -> str:
    """Name what the domain refused in a note or a reason."""
    if isinstance(error, TooLarge):
        return "too_long"
    return "empty" if is_blank(entered) else "unstorable"
