"""The console's words: catalogues, the reader's language, and how dates and numbers are written.

English stands in the code. A catalogue per other language is read from its `.po` file at start,
so that no compiled file has to be kept in step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from triage_ml.domain.decision import Action
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Language, Severity, Tier

LOCALES = Path(__file__).with_name("locales")
MAX_PREFERENCES = 20
"""An Accept-Language header of a browser names a handful."""


def lazy(message: str) -> str:
    """Mark a constant for translation; who shows it translates it."""
    return message


_l = lazy

LABELS: Mapping[Label, str] = {
    Label.HATE: _l("Hate"),
    Label.HARASSMENT: _l("Harassment"),
    Label.VIOLENT_THREAT: _l("Violent threat"),
    Label.SELF_HARM: _l("Self-harm"),
    Label.ADULT_SEXUAL: _l("Adult sexual content"),
    Label.VIOLENT_EXTREMISM: _l("Violent extremism"),
    Label.DECEPTION_SPAM: _l("Deception and spam"),
    Label.CHILD_SAFETY: _l("Child safety"),
    Label.GRAPHIC_VIOLENCE: _l("Graphic violence"),
    Label.PROFANITY: _l("Profanity"),
    Label.INTIMATE_PRIVACY: _l("Intimate privacy"),
    Label.CIVIC_MISINFO: _l("Civic misinformation"),
    Label.ILLEGAL_GOODS_IP: _l("Illegal goods and intellectual property"),
}
TIERS: Mapping[Tier, str] = {
    Tier.T0: _l("Life, child or live attack"),
    Tier.T1: _l("A legal clock is running"),
    Tier.T2: _l("Serious or spreading"),
    Tier.T3: _l("Standard"),
    Tier.T4: _l("Low"),
}
SEVERITIES: Mapping[Severity, str] = {
    Severity.S0: _l("Mention, counterspeech, news"),
    Severity.S1: _l("Borderline"),
    Severity.S2: _l("Clear violation"),
    Severity.S3: _l("Serious"),
    Severity.S4: _l("Imminent danger"),
}
ACTIONS: Mapping[Action, str] = {
    Action.NO_ACTION: _l("No action"),
    Action.WARN_AUTHOR: _l("Warn the author"),
    Action.LABEL_CONTENT: _l("Label the content"),
    Action.AGE_RESTRICT: _l("Restrict by age"),
    Action.REDUCE_REACH: _l("Reduce the reach"),
    Action.REMOVE_CONTENT: _l("Remove the content"),
    Action.SUSPEND_ACCOUNT: _l("Suspend the account"),
    Action.REFER_TO_AUTHORITY: _l("Refer to an authority"),
}
UNDETERMINED = _l("Undetermined language")
ALL_LANGUAGES = _l("All languages")
ANY_VIOLATION = _l("any violation")


@dataclass(frozen=True, slots=True)
class Voice:
    """How the console speaks to one person: their language, their clock."""

    language: Language
    zone: tzinfo
    now: datetime

    def gettext(self, message: str) -> str:
        """Translate what is marked elsewhere; English where a catalogue lacks it."""
        return translations(self.language).gettext(message)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return translations(self.language).ngettext(singular, plural, n)

    def when(self, at: datetime) -> str:
        """Write a time by the reader's clock: the time alone if it is of today."""
        local = at.astimezone(self.zone)
        if local.date() == self.now.astimezone(self.zone).date():
            return format_time(local, "short", tzinfo=self.zone, locale=self._locale)
        return format_datetime(local, "medium", tzinfo=self.zone, locale=self._locale)

    def day(self, at: datetime) -> str:
        return format_date(at.astimezone(self.zone).date(), "medium", locale=self._locale)

    def day_name(self, day: date) -> str:
        """Write a day (UTC) without a clock: it is nobody's local time."""
        return format_date(day, "medium", locale=self._locale)

    def ago(self, at: datetime) -> str:
        """Write how long ago a time was, or how soon it is."""
        return format_timedelta(at - self.now, add_direction=True, locale=self._locale)

    def number(self, value: float) -> str:
        return format_decimal(value, locale=self._locale)

    def percent(self, share: float) -> str:
        """Write a share from 0 to 1."""
        return format_percent(share, locale=self._locale)

    def share(self, share: float | None) -> str:
        """Write a share from 0 to 1 with a tenth of a percent; a dash for none."""
        if share is None:
            return "–"
        return format_percent(round(share, 3), locale=self._locale, decimal_quantization=False)

    def duration(self, seconds: float) -> str:
        """Write a span in its two largest units, rounded to the smaller one."""
        days, hours, minutes, left = _parts(max(0, round(seconds)))
        named = [
            ("duration-day", days),
            ("duration-hour", hours),
            ("duration-minute", minutes),
            ("duration-second", left),
        ]
        first = next((place for place, (_, value) in enumerate(named) if value), len(named) - 1)
        shown = [named[first], *(row for row in named[first + 1 : first + 2] if row[1])]
        return " ".join(
            format_unit(value, unit, length="short", locale=self._locale) for unit, value in shown
        )

    def language_name(self, code: str) -> str:
        """Name a language in the reader's own."""
        if code == Language.UND:
            return self.gettext(UNDETERMINED)
        return str(self._locale.languages.get(code, code))

    def language_or_all(self, code: str | None) -> str:
        """Name a language, or all of them for none."""
        return self.language_name(code) if code else self.gettext(ALL_LANGUAGES)

    def label_name(self, label: str) -> str:
        return self.gettext(LABELS[Label(label)])

    def label_or_any(self, label: str) -> str:
        """Name a label, or any violation for none."""
        return self.label_name(label) if label else self.gettext(ANY_VIOLATION)

    def tier_name(self, tier: int) -> str:
        return self.gettext(TIERS[Tier(tier)])

    def severity_name(self, severity: int) -> str:
        return self.gettext(SEVERITIES[Severity(severity)])

    def action_name(self, action: str) -> str:
        return self.gettext(ACTIONS[Action(action)])

    @property
    def _locale(self) -> Locale:
        return locale_of(self.language)


def _parts(seconds: int) -> tuple[int, int, int, int]:
    """Split into days, hours, minutes, seconds; what is too small to show rounds up the rest."""
    if seconds >= 86_400:
        seconds = round(seconds / 3600) * 3600
    elif seconds >= 3600:
        seconds = round(seconds / 60) * 60
    minutes, left = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return days, hours, minutes, left


@cache
def locale_of(language: Language) -> Locale:
    return Locale.parse(language.value)


@cache
def translations(language: Language) -> NullTranslations:
    """Read a language's catalogue; English has none."""
    if language is Language.EN:
        return NullTranslations()
    with catalogue_of(language).open("rb") as file:
        catalogue = read_po(file, locale=language.value)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def catalogue_of(language: Language) -> Path:
    return LOCALES / language.value / "LC_MESSAGES" / "console.po"


@cache
def time_zones() -> tuple[str, ...]:
    """Give the time zones a person can choose, UTC first; those without a place are left out."""
    places = {name for name in available_timezones() if "/" in name}
    places -= {name for name in places if name.startswith(("Etc/", "SystemV/", "posix/", "right/"))}
    return ("UTC", *sorted(places))


@cache
def zone_of(name: str) -> tzinfo:
    return ZoneInfo(name)


def accepted_language(header: str) -> Language:
    """Choose the interface's language by an Accept-Language header; English if none fits."""
    wanted: list[tuple[float, Language]] = []
    for part in header.split(",")[:MAX_PREFERENCES]:
        name, _, quality = part.partition(";")
        code = name.strip().partition("-")[0].lower()
        weight = _quality(quality)
        if weight > 0 and code in SUPPORTED_LANGUAGES:
            wanted.append((weight, Language(code)))
    # The first of the best: `max` keeps the order of what weighs the same.
    return max(wanted, key=lambda row: row[0], default=(0.0, Language.EN))[1]


def _quality(written: str) -> float:
    name, _, value = written.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
