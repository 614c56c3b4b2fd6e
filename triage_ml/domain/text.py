"""The one normaliser, used by training and serving alike.

`normalise` makes texts that look the same to a reader the same to the model, and keeps
offsets so that a span in its output can be shown in the original.

Choices:
- NFKC rather than NFC: full-width letters, circled and mathematical letters and ligatures
  are common disguises, and the tokenizer folds them anyway. Compatibility jamo (ㅋ, ㅠ) are
  kept as they are: NFKC would turn laughter and tears into half-syllables.
- Case is kept: shouting is a signal, and lower-casing without knowing the language breaks
  Turkish (I/ı, İ/i). A combining dot left on an `i` by such lower-casing is removed.
- Look-alike Cyrillic and Greek letters are mapped only inside a word that also holds Latin
  letters, so that Russian or Greek text stays itself.
- Four letters or more that stand alone with one sign between them ("s p e l l e d") are joined;
  with spaces between them, six Korean syllables or more.
- A letter or sign repeated three times or more is kept twice. Digits are left alone. Of
  combining marks piled on one letter, sixteen are kept.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

NORMALISER_VERSION = "2"
"""Recorded in every artifact; serving refuses an artifact made with another version."""

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r" \s+|[^\S ]\s*")
"""White space that is not a single space already."""
_VISIBLE = re.compile("[A-Za-z0-9\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]")
"""Some characters that certainly show something; the others take `normalise` to tell."""
_STRETCHED = re.compile(r"([^\d\s])\1{2,}")
_DOTTED_I = re.compile("(?<=[ij])\u0307")
_WORD = re.compile(r"[^\W\d_]+")
_CLUSTER = re.compile(
    "[\u1100-\u115e\u1161-\u11ff\ua960-\ua97f\uac00-\ud7ff]+|[^\u0300-\u036f]?[\u0300-\u036f]+|."
    "[\u0591-\u05bd\u064b-\u0655\u0e31-\u0e3a\u3099\u309a\uff9e\uff9f]*",
    re.DOTALL,
)
_MARKS = "".join(chr(c) for c in range(0x300, 0x1F000) if unicodedata.combining(chr(c)))
_FIRST_MARK = _MARKS[0]
MAX_MARKS = 16
"""Combining marks kept in a row. Unicode's Stream-Safe Text Format (UAX 15) allows 30; ordering a
run takes time with the square of its length."""
_PILED_MARKS = re.compile(f"[{_MARKS}]{{{MAX_MARKS + 1},}}")
# Four letters or more, each alone, with the same sign between them; three may be "U.S.A.". With
# spaces, syllables have to be six: Korean has many words of one.
_LETTER, _NO_SYLLABLE = r"[^\W\d_]", r"[^\W\d_가-힣]"
_SPELLED_OUT = re.compile(
    rf"(?<!\w)(?:{_NO_SYLLABLE}(?: {_NO_SYLLABLE}){{3,}}|{_LETTER}(?: {_LETTER}){{5,}}"
    rf"|{_LETTER}([.\-_*·•~]){_LETTER}(?:\1{_LETTER}){{2,}})(?!\w)"
)
_COMPAT_JAMO_RUN = re.compile("[\u3131-\u3163]{4,}")

# Source: Unicode TR39 confusables, the single-letter rows of Cyrillic and Greek to Latin.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁԛԝһѵАВЕКМНОРСТУХІЈЅҮԚԜαορνικυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdqwhvABEKMHOPCTYXIJSYQWaopvikuABEZHIKMNOPTYX",
)
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_CYRILLIC_OR_GREEK = re.compile("[\u0370-\u03ff\u0400-\u052f]")

# Compatibility jamo in Unicode's order of leading consonants, vowels and trailing consonants.
_LEADING = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_TRAILING = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_SYLLABLE = re.compile(f"([{_LEADING}])([{_VOWELS}])([{_TRAILING}](?![{_VOWELS}]))?")
_SYLLABLES = re.compile(f"(?:{_SYLLABLE.pattern}){{2,}}")


@dataclass(frozen=True)
class NormalisedText:
    """Normalised text with, per character, where it came from.

    `starts[i]` is the index in the original of the first character that made `text[i]`;
    `starts[len(text)]` is the original's length.
    """

    text: str
    starts: tuple[int, ...]

    @cached_property
    def is_identity(self) -> bool:
        return self.starts == tuple(range(len(self.text) + 1))

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Map `[start, end)` of the normalised text to the original.

        The end may take in characters that were dropped right after the span.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"span {start}..{end} is outside a text of {len(self.text)}")
        first = self.starts[start]
        return first, max(self.starts[end], first + 1)


def normalise(text: str) -> NormalisedText:
    """Normalise `text`; applying it to its own result changes nothing."""
    current, starts = text, list(range(len(text) + 1))
    while True:
        before = current
        for step in _STEPS:
            current, starts = step(current, starts)
        if current == before:
            return NormalisedText(current, tuple(starts))


def _replace(
    pattern: re.Pattern[str], new: Callable[[str], str], text: str, starts: list[int]
) -> tuple[str, list[int]]:
    """Replace matches and carry the offsets; all of a replacement points at the match's start."""
    parts: list[str] = []
    moved: list[int] = []
    done = 0
    for match in pattern.finditer(text):
        begin, end = match.span()
        replacement = new(match.group())
        if replacement == match.group():
            continue
        parts += [text[done:begin], replacement]
        moved += starts[done:begin]
        moved += [starts[begin]] * len(replacement)
        done = end
    if not parts:
        return text, starts
    parts.append(text[done:])
    moved += starts[done:]
    return "".join(parts), moved


def _drop_invisible(text: str, starts: list[int]) -> tuple[str, list[int]]:
    text, starts = _replace(_SURROGATE, lambda _: "\ufffd", text, starts)
    return _replace(_INVISIBLE, lambda _: "", text, starts)


def _thin_marks(text: str, starts: list[int]) -> tuple[str, list[int]]:
    if max(text, default="") < _FIRST_MARK:  # most texts; the pattern is slow
        return text, starts
    return _replace(_PILED_MARKS, lambda run: run[:MAX_MARKS], text, starts)


def _compose(text: str, starts: list[int]) -> tuple[str, list[int]]:
    if unicodedata.is_normalized("NFKC", text):
        return text, starts
    return _replace(_CLUSTER, _compose_cluster, text, starts)


def _compose_cluster(cluster: str) -> str:
    if "\u3131" <= cluster <= "\u318e":
        return cluster
    return unicodedata.normalize("NFKC", cluster)


def _undot(text: str, starts: list[int]) -> tuple[str, list[int]]:
    return _replace(_DOTTED_I, lambda _: "", text, starts)


def _join_letters(text: str, starts: list[int]) -> tuple[str, list[int]]:
    """Drop the signs between spelled-out letters; the letters keep their places."""
    dropped = {
        i for run in _SPELLED_OUT.finditer(text) for i in range(run.start() + 1, run.end(), 2)
    }
    if not dropped:
        return text, starts
    kept = [i for i in range(len(text)) if i not in dropped]
    return "".join(text[i] for i in kept), [*(starts[i] for i in kept), starts[-1]]


def _join_jamo(text: str, starts: list[int]) -> tuple[str, list[int]]:
    return _replace(_COMPAT_JAMO_RUN, _join_jamo_run, text, starts)


def _join_jamo_run(run: str) -> str:
    """Compose a run that is nothing but two or more whole syllables; leave laughter alone."""
    if not _SYLLABLES.fullmatch(run):
        return run
    return "".join(_syllable(*match.groups()) for match in _SYLLABLE.finditer(run))


def _syllable(leading: str, vowel: str, trailing: str | None) -> str:
    final = _TRAILING.index(trailing) + 1 if trailing else 0
    return chr(0xAC00 + (_LEADING.index(leading) * 21 + _VOWELS.index(vowel)) * 28 + final)


def _unmask(text: str, starts: list[int]) -> tuple[str, list[int]]:
    if not _CYRILLIC_OR_GREEK.search(text):
        return text, starts
    return _replace(_WORD, _unmask_word, text, starts)


def _unmask_word(word: str) -> str:
    return word.translate(_LOOKALIKES) if _LATIN.search(word) else word


def _shorten(text: str, starts: list[int]) -> tuple[str, list[int]]:
    return _replace(_STRETCHED, lambda run: run[:2], text, starts)


def _collapse_spaces(text: str, starts: list[int]) -> tuple[str, list[int]]:
    text, starts = _replace(_SPACES, lambda _: " ", text, starts)
    begin = 1 if text.startswith(" ") else 0
    end = len(text) - 1 if len(text) > 1 and text.endswith(" ") else len(text)
    return text[begin:end], [*starts[begin:end], starts[-1]]


_STEPS = (
    _drop_invisible,
    _thin_marks,
    _compose,
    _undot,
    _join_letters,
    _join_jamo,
    _unmask,
    _shorten,
    _collapse_spaces,
)


def is_blank(text: str) -> bool:
    """Say whether a text shows nothing: white space and invisible characters alone."""
    # The beginning is as a rule enough to see something, and quick.
    if _VISIBLE.search(text, 0, 100):
        return False
    return not normalise(text[:100]).text and not normalise(text).text
