"""What an intake system sends: an item, and who reported it for what.

Constructors refuse what could never be stored or scored, naming the field.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from triage_ml.domain.taxonomy import Label, Language
from triage_ml.domain.text import is_blank
from triage_ml.errors import InvalidInput, TooLarge

MAX_TEXT_CHARS = 100_000
MAX_CONTEXT_ITEMS = 20
MAX_REF_CHARS = 200
OTHER_REASON = "other"

_SURROGATE = re.compile("[\ud800-\udfff]")


class Source(StrEnum):
    """Who or what reports."""

    USER = "user"
    TRUSTED_FLAGGER = "trusted_flagger"
    AUTHORITY = "authority"
    LEGAL = "legal"
    PROACTIVE = "proactive"


@dataclass(frozen=True, slots=True)
class ContextItem:
    """A text that stood beside the item: a parent post, a quoted reply."""

    relation: str
    text: str

    def __post_init__(self) -> None:
        check_ref("item.context.relation", self.relation)
        check_text("item.context.text", self.text)


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a text was erased: when, and which version of the item it was."""

    erased_at: datetime
    version_sha256: str


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of content. `views_per_hour` None means unknown.

    `erased`: text and context are gone for good, and empty.
    """

    item_id: str
    text: str
    surface: str
    author_ref: str
    language_hint: Language | None = None
    context: tuple[ContextItem, ...] = ()
    views_per_hour: float | None = None
    high_profile: bool = False
    erased: Erasure | None = None

    def __post_init__(self) -> None:
        check_ref("item.id", self.item_id)
        check_ref("item.surface", self.surface)
        check_ref("item.author_ref", self.author_ref)
        if self.erased is None:
            check_text("item.text", self.text)
        elif self.text or self.context:
            raise InvalidInput("item.text", "must be empty once it was erased")
        if len(self.context) > MAX_CONTEXT_ITEMS:
            raise TooLarge("item.context", len(self.context), MAX_CONTEXT_ITEMS, "items")
        views = self.views_per_hour
        if views is not None and not (math.isfinite(views) and views >= 0):
            raise InvalidInput("item.views_per_hour", "must be a finite number of at least 0")

    @property
    def version_sha256(self) -> str:
        """Name the text and its context: what a reviewer reads and a model scores.

        A version that was erased keeps its name.
        """
        if self.erased is not None:
            return self.erased.version_sha256
        beside = [{"relation": part.relation, "text": part.text} for part in self.context]
        written = json.dumps(beside, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(f"{self.text}\x00{written}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Report:
    """One notice about an item. `reason` None means "other"."""

    reporter_ref: str
    source: Source
    reason: Label | None = None
    jurisdiction: str | None = None
    legal_deadline: datetime | None = None

    def __post_init__(self) -> None:
        check_ref("report.reporter_ref", self.reporter_ref)
        if self.jurisdiction is not None and not re.fullmatch("[A-Z]{2}", self.jurisdiction):
            raise InvalidInput("report.jurisdiction", "must be two capital letters, as in DE or EU")
        if self.legal_deadline is not None and self.legal_deadline.tzinfo is None:
            raise InvalidInput("report.legal_deadline", "must carry a time zone")

    @property
    def reason_name(self) -> str:
        return self.reason.value if self.reason else OTHER_REASON

    def check_deadline(self, now: datetime) -> None:
        """Raises: InvalidInput when the legal deadline is already over."""
        if self.legal_deadline is not None and self.legal_deadline <= now:
            raise InvalidInput("report.legal_deadline", "is in the past")


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What all reports of a case add up to.

    Facts only accumulate: withdrawing a report lowers `n_active` and nothing else, because
    what was once claimed about an item must not leave its priority silently.
    `reporter_factor` is the best of the reporters' (POLICY: within 0.3 and 2).
    """

    n_reports: int = 0
    n_active: int = 0
    sources: tuple[Source, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    jurisdictions: tuple[str, ...] = ()
    legal_deadline: datetime | None = None
    reporter_factor: float = 0.0

    def add(self, report: Report, reporter_factor: float) -> "ReportSummary":
        deadlines = [d for d in (self.legal_deadline, report.legal_deadline) if d is not None]
        jurisdiction = {report.jurisdiction} if report.jurisdiction else set()
        return ReportSummary(
            n_reports=self.n_reports + 1,
            n_active=self.n_active + 1,
            sources=tuple(sorted({*self.sources, report.source})),
            reasons={
                **self.reasons,
                report.reason_name: self.reasons.get(report.reason_name, 0) + 1,
            },
            jurisdictions=tuple(sorted({*self.jurisdictions, *jurisdiction})),
            legal_deadline=min(deadlines, default=None),
            reporter_factor=max(self.reporter_factor, reporter_factor),
        )

    def withdraw_one(self) -> "ReportSummary":
        return replace(self, n_active=self.n_active - 1)

    @property
    def reason_labels(self) -> tuple[Label, ...]:
        return tuple(Label(name) for name in self.reasons if name != OTHER_REASON)


def merge_item(old: Item, new: Item) -> Item:
    """Take the newest version of an item, keeping what only an earlier report said.

    Author and surface stay those of the first report: an item does not change hands.
    """
    return replace(
        new,
        author_ref=old.author_ref,
        surface=old.surface,
        views_per_hour=old.views_per_hour if new.views_per_hour is None else new.views_per_hour,
        high_profile=old.high_profile or new.high_profile,
        context=new.context or old.context,
        language_hint=new.language_hint or old.language_hint,
    )


def check_text(name: str, text: str) -> None:
    """Refuse a text that cannot be stored or shown. Raises: InvalidInput, TooLarge."""
    if len(text) > MAX_TEXT_CHARS:
        raise TooLarge(name, len(text), MAX_TEXT_CHARS, "characters")
    check_characters(name, text)
    if is_blank(text):
        raise InvalidInput(name, "holds no visible character")


def check_ref(name: str, ref: str) -> None:
    """Refuse an identifier that is empty, padded, too long or unstorable."""
    check_characters(name, ref)
    if is_blank(ref):
        raise InvalidInput(name, "must not be empty")
    if ref != ref.strip():
        raise InvalidInput(name, "must not begin or end with white space")
    if len(ref) > MAX_REF_CHARS:
        raise TooLarge(name, len(ref), MAX_REF_CHARS, "characters")


def check_characters(name: str, text: str) -> None:
    """Refuse what no database can store as text."""
    if "\x00" in text:
        raise InvalidInput(name, "holds a NUL character")
    if _SURROGATE.search(text):
        raise InvalidInput(name, "holds a lone surrogate: it is not valid Unicode")
