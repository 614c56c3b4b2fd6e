"""Who works at the desk: a person with a name that stands on everything they do."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from triage_ml.domain.report import check_characters
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Language
from triage_ml.domain.text import is_blank
from triage_ml.errors import InvalidInput, TooLarge

LEAD = "lead"
"""Scope of those who look after queues and people."""

SCOPES = frozenset({"intake", "review", "restricted", "admin", "ml", LEAD})
"""What an account may be allowed to do."""

REVIEWING = frozenset({"review", "admin"})
"""Any of these lets somebody decide cases."""

MAX_DISPLAY_CHARS = 80

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in. The name is never given to anybody else.

    `locale` is the language of the interface, `time_zone` an IANA name. Cases with one of
    `excluded_labels` are not handed to this person.
    """

    name: str
    display_name: str
    scopes: frozenset[str]
    created_at: datetime
    locale: Language = Language.EN
    time_zone: str = "UTC"
    excluded_labels: frozenset[Label] = frozenset()
    disabled_at: datetime | None = None

    def __post_init__(self) -> None:
        if not is_name(self.name):
            reason = "must be up to 64 of a-z, 0-9 and . _ @ -, and begin with a letter or digit"
            raise InvalidInput("name", reason)
        _check_display_name(self.display_name)
        if not self.scopes or self.scopes - SCOPES:
            raise InvalidInput("scopes", f"must be one or more of {', '.join(sorted(SCOPES))}")
        if self.locale not in SUPPORTED_LANGUAGES:
            raise InvalidInput("locale", f"must be one of {', '.join(SUPPORTED_LANGUAGES)}")
        _check_time_zone(self.time_zone)

    @property
    def can_review(self) -> bool:
        """Whether a case can be handed to this person."""
        return self.disabled_at is None and not REVIEWING.isdisjoint(self.scopes)


def is_name(text: str) -> bool:
    """Say whether an account can have this name; names are in lower case."""
    return _NAME.fullmatch(text) is not None


def _check_display_name(text: str) -> None:
    check_characters("display_name", text)
    if is_blank(text):
        raise InvalidInput("display_name", "must not be empty")
    # What does not print could turn a line around or make two people look like one.
    if text != text.strip() or not text.isprintable():
        raise InvalidInput("display_name", "must be printable, on one line, without space around")
    if len(text) > MAX_DISPLAY_CHARS:
        raise TooLarge("display_name", len(text), MAX_DISPLAY_CHARS, "characters")


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        reason = "must be the name of a time zone, as in Europe/Berlin"
        raise InvalidInput("time_zone", reason) from error
