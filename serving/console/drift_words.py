"""Drift in words: what an alarm says, what to do next, how a number is read."""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.console.address import query_of
from serving.console.i18n import Voice, lazy
from serving.console.trend_words import URL as TRENDS
from triage_ml.domain.drift import ALL, Kind
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.drift_watch import Reading
from triage_ml.ports.drift import DriftAlarm

_l = lazy

_NAMES: Mapping[Kind, str] = {
    Kind.LANGUAGE: _l("Share of texts"),
    Kind.LENGTH: _l("Length of texts"),
    Kind.CONTENT: _l("Wording"),
    Kind.SCORE: _l("Probabilities"),
    Kind.FLAGGED: _l("Texts flagged by the model"),
    Kind.CALIBRATION: _l("Expected against found"),
    Kind.FOUND: _l("Share of decisions that found a violation"),
    Kind.OVERTURNED: _l("Overturned decisions"),
}

_SENTENCES: Mapping[Kind, str] = {
    Kind.LANGUAGE: _l(
        "%(language)s: the share of all texts went from %(before)s to %(after)s since %(day)s."
    ),
    Kind.CONTENT: _l(
        "%(language)s: the wording of the texts is another one since %(day)s (distance %(after)s)."
    ),
    Kind.SCORE: _l(
        "%(language)s: the model's mean probability of %(label)s went from %(before)s to "
        "%(after)s since %(day)s."
    ),
    Kind.FLAGGED: _l(
        "%(language)s: the share of texts that the model flags went from %(before)s to %(after)s "
        "since %(day)s."
    ),
    Kind.CALIBRATION: _l(
        "%(language)s: the model expects violations in %(before)s of random draws, and reviewers "
        "find them in %(after)s, since %(day)s."
    ),
    Kind.FOUND: _l(
        "%(language)s: reviewers find %(label)s in %(after)s of random draws, before it was "
        "%(before)s, since %(day)s."
    ),
    Kind.OVERTURNED: _l(
        "%(language)s: complaints overturn %(after)s of first decisions, before it was %(before)s, "
        "since %(day)s."
    ),
}
_MIX = _l("The mix of languages is another one since %(day)s.")
_LONGER = _l(
    "%(language)s: texts became longer: median %(before)s → %(after)s characters since %(day)s."
)
_SHORTER = _l(
    "%(language)s: texts became shorter: median %(before)s → %(after)s characters since %(day)s."
)
_SPREAD = _l(
    "%(language)s: texts have other lengths since %(day)s; the median stays at %(after)s "
    "characters."
)

_NEXT: Mapping[Kind, str] = {
    Kind.LANGUAGE: _l(
        "See which surfaces the texts come from, and whether enough reviewers read the language."
    ),
    Kind.LENGTH: _l(
        "See which surfaces the texts come from. A new field or limit in an app is a usual cause."
    ),
    Kind.CONTENT: _l(
        "Read the emerging terms and near-duplicates of this language. If reviewers find "
        "violations that the model misses, train on their decisions."
    ),
    Kind.SCORE: _l(
        "Compare with what reviewers find: if that moved too, the texts changed; if not, the model "
        "no longer fits them."
    ),
    Kind.FLAGGED: _l(
        "Compare with what reviewers find: if that moved too, the texts changed; if not, the model "
        "no longer fits them."
    ),
    Kind.CALIBRATION: _l(
        "Train on recent decisions. Until then trust the order of cases more than probabilities."
    ),
    Kind.FOUND: _l(
        "See the label's trend. If the policy or its guideline changed that day, this is the new "
        "normal."
    ),
    Kind.OVERTURNED: _l(
        "Look at second looks and at decisions that were overturned: is a guideline unclear?"
    ),
}


@dataclass(frozen=True, slots=True)
class SaidAlarm:
    """An alarm as a person reads it. `href` leads to its trend, where there is one."""

    alarm: DriftAlarm
    title: str
    text: str
    advice: str
    href: str


def measure_name(voice: Voice, key: Key) -> str:
    name = voice.gettext(_NAMES[key.kind])
    return f"{name}: {voice.label_name(key.label)}" if key.label else name


def part_name(voice: Voice, language: str) -> str:
    return voice.language_or_all("" if language == ALL else language)


def value_text(voice: Voice, key: Key, value: float) -> str:
    """Write a value as it is read: a share, characters, or a distance."""
    if key.kind is Kind.LENGTH:
        return voice.number(round(value))
    if key.kind is Kind.CONTENT or (key.kind is Kind.LANGUAGE and key.language == ALL):
        return voice.number(round(value, 3))
    return voice.share(value)


def strength_text(voice: Voice, z: float) -> str:
    return voice.number(round(z, 1))


def said(voice: Voice, alarm: DriftAlarm) -> SaidAlarm:
    """Put an alarm into words."""
    key = alarm.key
    values = {
        "language": part_name(voice, alarm.language),
        "label": voice.label_or_any(key.label),
        "before": value_text(voice, key, alarm.before),
        "after": value_text(voice, key, alarm.after),
        "day": voice.day_name(alarm.since),
    }
    return SaidAlarm(
        alarm=alarm,
        title=f"{part_name(voice, alarm.language)}: {measure_name(voice, key)}",
        text=voice.gettext(_sentence(key, alarm, values)) % values,
        advice=voice.gettext(_NEXT[key.kind]),
        href=_trend_href(key),
    )


def _sentence(key: Key, alarm: DriftAlarm, values: Mapping[str, str]) -> str:
    if key.kind is Kind.LANGUAGE and key.language == ALL:
        return _MIX
    if key.kind is not Kind.LENGTH:
        return _SENTENCES[key.kind]
    if values["before"] == values["after"]:
        return _SPREAD
    return _LONGER if alarm.after > alarm.before else _SHORTER


def _trend_href(key: Key) -> str:
    language = "" if key.language == ALL else key.language
    split = {Kind.LANGUAGE: "surface", Kind.LENGTH: "surface"}.get(key.kind, "")
    query = query_of({"language": language, "label": key.label, "split": split})
    return f"{TRENDS}?{query}" if query else TRENDS


def state_text(voice: Voice, reading: Reading) -> str:
    """Write what a series is at: its strength, or how much of the reference there is."""
    if reading.z is not None:
        return strength_text(voice, reading.z)
    drawn = reading.key.is_drawn
    words = _l("%(have)s of %(need)s decisions") if drawn else _l("%(have)s of %(need)s days")
    if reading.have >= reading.need:
        return voice.gettext(_l("too few recent ones"))
    numbers = {"have": reading.have, "need": reading.need}
    return voice.gettext(words) % numbers
