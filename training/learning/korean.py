"""Korean words taken apart and spelled as users respell them."""

import re

import numpy as np

Random = np.random.Generator

_LEADING = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_TRAILING = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
_SILENT = _LEADING.index("ㅇ")
_TENSE = {
    _LEADING.index(a): _LEADING.index(b)
    for a, b in zip("ㄱㄷㅂㅅㅈㄲㄸㅃㅆㅉ", "ㄲㄸㅃㅆㅉㄱㄷㅂㅅㅈ", strict=True)
}
_CARRIED = {
    _TRAILING.index(c): _LEADING.index(c) for c in _LEADING if c in _TRAILING and c not in "ㅇㅎ"
}
_INSERTED = "1127@^;.!"  # signs users put between syllables
_SYLLABLES = re.compile("[가-힣]+")


def is_korean(word: str) -> bool:
    return _SYLLABLES.fullmatch(word) is not None


def split(syllable: str) -> tuple[int, int, int]:
    """Give the places of leading consonant, vowel and trailing consonant (0: none)."""
    place = ord(syllable) - 0xAC00
    return place // 588, place % 588 // 28, place % 28


def join(leading: int, vowel: int, trailing: int) -> str:
    return chr(0xAC00 + (leading * 21 + vowel) * 28 + trailing)


def stretch(word: str, n_more: int, random: Random) -> str:
    """Draw out one vowel: 시발 becomes 시이이발 or 시바아알."""
    place = _index(len(word), random)
    leading, vowel, trailing = split(word[place])
    drawn = join(_SILENT, vowel, 0) * (n_more - 1) + join(_SILENT, vowel, trailing)
    return word[:place] + join(leading, vowel, 0) + drawn + word[place + 1 :]


def split_jamo(word: str, random: Random, _: str) -> str:
    """Write the word, or now and then one syllable of it, as separate letters."""
    if not is_korean(word):
        return word
    if random.random() < 0.7:
        return "".join(map(_jamo, word))
    place = _index(len(word), random)
    return word[:place] + _jamo(word[place]) + word[place + 1 :]


def respell(word: str, random: Random, _: str) -> str:
    """Respell one way that fits: 시1발, ㅅㅂ, 씨발, 시바, or 머거 for 먹어."""
    if not is_korean(word):
        return word
    style = (_insert, _initials, _tense, _open, _carry)[_index(5, random)]
    respelled = style(word, random)
    return _insert(word, random) if respelled == word else respelled


def drop_final(word: str, random: Random) -> str:
    """Miss a word's last trailing consonant."""
    return _open(word, random)


def _jamo(syllable: str) -> str:
    leading, vowel, trailing = split(syllable)
    return (_LEADING[leading] + _VOWELS[vowel] + _TRAILING[trailing]).rstrip()


def _insert(word: str, random: Random) -> str:
    place = 1 + _index(len(word) - 1, random)
    return word[:place] + _INSERTED[_index(len(_INSERTED), random)] + word[place:]


def _initials(word: str, _: Random) -> str:
    if len(word) > 4:  # nobody would read it
        return word
    return "".join(_LEADING[split(syllable)[0]] for syllable in word)


def _tense(word: str, random: Random) -> str:
    """Swap a plain consonant and its tense one."""
    places = [i for i, syllable in enumerate(word) if split(syllable)[0] in _TENSE]
    if not places:
        return word
    place = places[_index(len(places), random)]
    leading, vowel, trailing = split(word[place])
    return word[:place] + join(_TENSE[leading], vowel, trailing) + word[place + 1 :]


def _open(word: str, _: Random) -> str:
    for place in reversed(range(len(word))):
        leading, vowel, trailing = split(word[place])
        if trailing:
            return word[:place] + join(leading, vowel, 0) + word[place + 1 :]
    return word


def _carry(word: str, _: Random) -> str:
    """Write a trailing consonant where it is heard, on the vowel after it."""
    syllables = [split(syllable) for syllable in word]
    for i in range(1, len(syllables)):
        leading, vowel, trailing = syllables[i - 1]
        if trailing in _CARRIED and syllables[i][0] == _SILENT:
            syllables[i - 1] = leading, vowel, 0
            syllables[i] = _CARRIED[trailing], *syllables[i][1:]
    return "".join(join(*parts) for parts in syllables)


def _index(n: int, random: Random) -> int:
    return int(random.random() * n)
