"""Disguises and slips as users write them: to train on, and to measure what they cost a model.

Every obfuscation is pure: the text, the language and the state of the generator decide it. It
changes a share of the words or gaps, at least one where one fits, or the whole text. What goes by
word leaves links and mentions alone.
"""

import re
import tomllib
from bisect import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np

from training.learning import korean, spelling

Random = np.random.Generator
Spans = list[tuple[int, int]]
ChangeText = Callable[[str, float, Random, str], str]
ChangeWord = Callable[[str, Random, str], str]

_TABLES = tomllib.loads(Path(__file__).with_name("obfuscations.toml").read_text("utf-8"))
_EMOJI: str = _TABLES["emoji"]
_LEET: Mapping[str, str] = _TABLES["leet"]
_LOOKALIKES: Mapping[str, str] = _TABLES["lookalikes"]
_PHRASES: Mapping[str, list[str]] = _TABLES["phrases"]

_KEPT = r"https?://\S+|www\.\S+|@\w+"
_LONG_WORD = re.compile(rf"{_KEPT}|([^\W\d_]{{4,}})")
# A Korean syllable is two or three letters, so that a word of two holds four.
_LONG_KOREAN = re.compile(rf"{_KEPT}|([가-힣]{{2,}}|[^\W\d_가-힣]{{4,}})")
_GAP = re.compile(r"(?<=\w) (?=\w)")
_SPACE = re.compile(r"(?<=\S) (?=\S)")
_INVISIBLE = "\u200b\u200c\u00ad"
_SEPARATORS = " .-_"
_VOWEL = re.compile("[aeiouyäöüıáéíóú]", re.IGNORECASE)

TWO_KINDS = 0.3
"""How often `augment` draws a second kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of changing a text. `weight` says how often `augment` takes it, beside the others."""

    change: ChangeText
    languages: tuple[str, ...]
    share: float  # of the words or gaps it fits
    weight: float


def obfuscate(text: str, kind: str, random: Random, language: str) -> str:
    """Give the text in disguise, or as it is where nothing of it can be changed that way."""
    how = KINDS[kind]
    return how.change(text, how.share, random, language) if language in how.languages else text


@cache
def kinds_for(language: str) -> tuple[str, ...]:
    return tuple(name for name, kind in KINDS.items() if language in kind.languages)


def augment(text: str, language: str, random: Random) -> str:
    """Change a text in one way, or sometimes two, half to one and a half times as much as usual."""
    names, steps = _odds(language)
    if not names:
        return text
    n_kinds = 2 if random.random() < TWO_KINDS else 1
    for i in sorted({bisect(steps, random.random() * steps[-1]) for _ in range(n_kinds)}):
        kind = KINDS[names[min(i, len(names) - 1)]]
        text = kind.change(text, kind.share * (0.5 + random.random()), random, language)
    return text


@cache
def _odds(language: str) -> tuple[tuple[str, ...], list[float]]:
    names = kinds_for(language)
    return names, list(accumulate(KINDS[name].weight for name in names))


def _index(n: int, random: Random) -> int:
    return int(random.random() * n)  # quicker than Generator.integers


def _some(n: int, share: float, random: Random) -> list[int]:
    """Draw about `share` of n places, in order, and one at least."""
    if not n:
        return []
    sure = _index(n, random)
    return [i for i, r in enumerate(random.random(n).tolist()) if i == sure or r < share]


def _by_word(change: ChangeWord) -> ChangeText:
    def change_text(text: str, share: float, random: Random, language: str) -> str:
        pattern = _LONG_KOREAN if language == "ko" else _LONG_WORD
        words = [m.span() for m in pattern.finditer(text) if m.lastindex]
        return _replace(text, words, share, random, lambda word: change(word, random, language))

    return change_text


def _at(pattern: re.Pattern[str], sign: Callable[[Random], str]) -> ChangeText:
    def change_text(text: str, share: float, random: Random, _: str) -> str:
        gaps = [m.span() for m in pattern.finditer(text)]
        return _replace(text, gaps, share, random, lambda _: sign(random))

    return change_text


def _replace(
    text: str, spans: Spans, share: float, random: Random, new: Callable[[str], str]
) -> str:
    parts, done = [], 0
    for i in _some(len(spans), share, random):
        start, end = spans[i]
        parts += [text[done:start], new(text[start:end])]
        done = end
    return "".join([*parts, text[done:]])


def _whole(change: ChangeWord) -> ChangeText:
    return lambda text, _share, random, language: change(text, random, language)


def _swap_letters(word: str, table: Mapping[str, str], share: float, random: Random) -> str:
    places = [i for i, letter in enumerate(word) if letter.lower() in table]
    letters = list(word)
    for i in _some(len(places), share, random):
        choices = table[word[places[i]].lower()]
        letters[places[i]] = choices[_index(len(choices), random)]
    return "".join(letters)


def _leetspeak(word: str, random: Random, _: str) -> str:
    return _swap_letters(word, _LEET, 0.5, random)


def _homoglyphs(word: str, random: Random, _: str) -> str:
    if random.random() < 0.2:
        return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)
    return _swap_letters(word, _LOOKALIKES, 0.4, random)


def _spacing(word: str, random: Random, _: str) -> str:
    return _SEPARATORS[_index(len(_SEPARATORS), random)].join(word)


def _zero_width(word: str, random: Random, _: str) -> str:
    sign = _INVISIBLE[_index(len(_INVISIBLE), random)]
    places = _some(len(word) - 1, 0.3, random)
    return "".join(c + sign if i in places else c for i, c in enumerate(word))


def _masking(word: str, random: Random, _: str) -> str:
    place = 1 + _index(max(1, len(word) - 2), random)
    return word[:place] + "*#"[random.random() < 0.2] + word[place + 1 :]


def _repetition(word: str, random: Random, _: str) -> str:
    n_more = 2 + _index(4, random)
    if korean.is_korean(word):
        return korean.stretch(word, n_more, random)
    places = [m.start() for m in _VOWEL.finditer(word)] or [len(word) - 1]
    place = places[_index(len(places), random)]
    return word[:place] + word[place] * n_more + word[place:]


def _case(text: str, share: float, random: Random, language: str) -> str:
    whole = random.random() < 0.5
    return _upper(text, language) if whole else _random_case(text, share, random, language)


def _upper(text: str, language: str) -> str:
    return (text.replace("i", "İ") if language == "tr" else text).upper()


def _scatter(word: str, random: Random, language: str) -> str:
    places = _some(len(word), 0.5, random)
    return "".join(_upper(c, language) if i in places else c for i, c in enumerate(word))


_random_case = _by_word(_scatter)


def _typo(word: str, random: Random, _: str) -> str:
    if len(word) < 3:  # two syllables
        return korean.drop_final(word, random)
    place = 1 + _index(len(word) - 2, random)
    if random.random() < 0.5:
        return word[:place] + word[place + 1 :]
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _turkish_dotless(text: str, share: float, random: Random, language: str) -> str:
    """Mix up dotted and dotless i, or change case by English rules."""
    by_english = (text, text.upper(), text.lower())[_index(3, random)]
    return _wrong_i(text, share, random, language) if by_english == text else by_english


_wrong_i = _by_word(spelling.swap_i)


def _code_switch(text: str, random: Random, language: str) -> str:
    if not text.strip():
        return text
    others = [phrase for name in _PHRASES if name != language for phrase in _PHRASES[name]]
    phrase = others[_index(len(others), random)]
    return f"{phrase}, {text}" if random.random() < 0.5 else f"{text} {phrase}"


_LATIN = ("en", "de", "tr", "es")
_ALL = (*_LATIN, "ko")

KINDS: Mapping[str, Kind] = {
    # In the order in which two of them are applied; weights are by judgement, not measured.
    "turkish_ascii": Kind(_whole(spelling.turkish_ascii), ("tr",), 1.0, 2.0),
    "turkish_dotless": Kind(_turkish_dotless, ("tr",), 0.3, 1.0),
    "german_umlaut": Kind(_whole(spelling.german_umlaut), ("de",), 1.0, 2.0),
    "spanish_accents": Kind(_whole(spelling.spanish_accents), ("es",), 1.0, 2.0),
    "case": Kind(_case, _LATIN, 0.3, 4.0),
    "typos": Kind(_by_word(_typo), _ALL, 0.25, 1.5),
    "repetition": Kind(_by_word(_repetition), _ALL, 0.2, 1.0),
    "korean_respelling": Kind(_by_word(korean.respell), ("ko",), 0.3, 3.0),
    "leetspeak": Kind(_by_word(_leetspeak), _LATIN, 0.33, 1.5),
    "homoglyphs": Kind(_by_word(_homoglyphs), _LATIN, 0.33, 0.5),
    "masking": Kind(_by_word(_masking), _ALL, 0.25, 1.5),
    "jamo": Kind(_by_word(korean.split_jamo), ("ko",), 0.3, 0.7),
    "spacing": Kind(_by_word(_spacing), _ALL, 0.2, 1.5),
    "zero_width": Kind(_by_word(_zero_width), _ALL, 0.33, 0.3),
    "joining": Kind(_at(_GAP, lambda _: ""), _ALL, 0.4, 1.0),
    "emoji": Kind(_at(_SPACE, lambda r: f" {_EMOJI[_index(len(_EMOJI), r)]} "), _ALL, 0.15, 1.0),
    "code_switch": Kind(_whole(_code_switch), _ALL, 1.0, 0.5),
}
