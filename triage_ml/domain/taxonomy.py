"""Labels, languages, severities, tiers, and what a model was measured on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Label(StrEnum):
    """What a policy is about. The first ten are the model's heads, in output order."""

    HATE = "hate"
    HARASSMENT = "harassment"
    VIOLENT_THREAT = "violent_threat"
    SELF_HARM = "self_harm"
    ADULT_SEXUAL = "adult_sexual"
    VIOLENT_EXTREMISM = "violent_extremism"
    DECEPTION_SPAM = "deception_spam"
    CHILD_SAFETY = "child_safety"
    GRAPHIC_VIOLENCE = "graphic_violence"
    PROFANITY = "profanity"
    INTIMATE_PRIVACY = "intimate_privacy"
    CIVIC_MISINFO = "civic_misinfo"
    ILLEGAL_GOODS_IP = "illegal_goods_ip"


HEADS: tuple[Label, ...] = tuple(Label)[:10]
"""Model heads in output order; an artifact may carry fewer, never other ones."""

VIOLATION = "violation"
"""Name of the model's extra output: does any violation label apply?"""


class Language(StrEnum):
    """A language the product supports, or UND for undetermined, mixed or any other."""

    EN = "en"
    DE = "de"
    TR = "tr"
    ES = "es"
    KO = "ko"
    UND = "und"


SUPPORTED_LANGUAGES: tuple[Language, ...] = tuple(Language)[:5]


class Severity(IntEnum):
    """Ordinal severity of one label.

    S0 mention, counterspeech, news, reclaimed use; S1 borderline; S2 clear violation;
    S3 serious, real victim or wide spread; S4 imminent danger to life or child abuse.
    """

    S0 = 0
    S1 = 1
    S2 = 2
    S3 = 3
    S4 = 4


class Tier(IntEnum):
    """Lexicographic urgency: a lower number always goes first."""

    T0 = 0
    T1 = 1
    T2 = 2
    T3 = 3
    T4 = 4


class Support(StrEnum):
    """What is known of a language × label cell of a model."""

    MEASURED = "measured"
    FUNCTIONAL = "functional"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class SupportMatrix:
    """Support per (language, label); a cell that is not listed is unsupported."""

    cells: Mapping[tuple[Language, Label], Support]

    def of(self, language: Language, label: Label) -> Support:
        return self.cells.get((language, label), Support.UNSUPPORTED)

    def as_nested(self) -> dict[str, dict[str, str]]:
        """Give {language: {label: support}} for every supported language and label."""
        return {
            language.value: {label.value: self.of(language, label).value for label in Label}
            for language in SUPPORTED_LANGUAGES
        }

    @classmethod
    def from_nested(cls, nested: Mapping[str, Mapping[str, str]]) -> "SupportMatrix":
        """Read what `as_nested` wrote. Raises: ValueError for an unknown name."""
        return cls(
            {
                (Language(language), Label(label)): Support(support)
                for language, row in nested.items()
                for label, support in row.items()
            }
        )
