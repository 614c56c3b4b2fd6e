"""Turkish, German and Spanish words written without the marks of their letters."""

import re

import numpy as np

Random = np.random.Generator

_TURKISH_ASCII = str.maketrans("ışğçöüâîûİŞĞÇÖÜÂÎÛ", "isgcouaiuISGCOUAIU")
_TURKISH_I = str.maketrans("iıİI", "ıiIİ")
_BARE = str.maketrans("äöüÄÖÜ", "aouAOU")
_NO_DOTS = _BARE | {ord("ß"): "ss"}
_DIGRAPHS = {sign: chr(bare) + "e" for sign, bare in _BARE.items()} | {ord("ß"): "ss"}
_NO_ACCENTS = str.maketrans("áéíóúüñÁÉÍÓÚÜÑ", "aeiouunAEIOUUN", "¿¡")
_CHAT_K = re.compile("qu(?=[eiéí])|c(?=[aouáóú])", re.IGNORECASE)


def turkish_ascii(text: str, _random: Random, _: str) -> str:
    return text.translate(_TURKISH_ASCII)


def swap_i(word: str, _random: Random, _: str) -> str:
    return word.translate(_TURKISH_I)


def german_umlaut(text: str, random: Random, _: str) -> str:
    """Write ae for ä, or a; never ß."""
    return text.translate(_DIGRAPHS if random.random() < 0.6 else _NO_DOTS)


def spanish_accents(text: str, random: Random, _: str) -> str:
    """Drop accents and opening signs; in three texts of ten, and where there are none, write k."""
    plain = text.translate(_NO_ACCENTS)
    if not plain or (plain != text and random.random() < 0.7):
        return plain or text
    return _CHAT_K.sub(lambda m: "K" if m.group()[0].isupper() else "k", plain)
