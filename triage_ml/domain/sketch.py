"""Small fingerprints of texts, by which texts that are nearly the same find each other.

A text is the set of its 5-character shingles. Its sketch keeps, for each of 96 hash functions,
the least hash of the set (MinHash): two texts agree in a function with a probability that is the
Jaccard similarity of their sets. Three functions make a band; texts that share a band are looked
at, others are not. With 32 bands that finds 99 % of pairs at a similarity of 0.5, and 3 % at 0.1.

Source: Broder (1997), resemblance; Li & König (2010), b-bit minwise hashing.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from triage_ml.domain.text import normalise

SHINGLE = 5
"""Characters of a shingle; of Korean, letters and not syllables, or a particle would weigh much."""
N_BANDS = 32
ROWS = 3
N_HASHES = N_BANDS * ROWS
SIMILAR = 0.5
NEAR_DUPLICATE = 0.9

_MARKS = re.compile("[\u0300-\u036f]")
_BLOCK = 2_048  # shingles at once: bounds the memory that a long text takes
_CHANCE = 1 / 256  # that the kept bytes of two different hashes are equal
_Hashes = NDArray[Any]  # of uint64, the least ones of uint32
T = TypeVar("T")

_BASE = np.uint64(0x100000001B3)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class Sketch:
    """`bands`: 32 signed 32-bit hashes, to look up by. `signature`: a byte per hash function."""

    bands: tuple[int, ...]
    signature: bytes


def sketch_of(text: str) -> Sketch:
    """Sketch a text. Takes time with its length; under 0.3 ms for 200 characters."""
    shingles = _shingles(_plain(text))
    least: _Hashes = np.full(N_HASHES, np.iinfo(np.uint32).max, dtype=np.uint32)  # (N_HASHES,)
    for start in range(0, len(shingles), _BLOCK):
        block = shingles[start : start + _BLOCK, None]  # (shingles, 1)
        hashes = ((block * _TIMES + _PLUS) >> np.uint64(32)).astype(np.uint32)
        least = np.minimum(least, hashes.min(axis=0))
    return Sketch(_bands(least), least.astype(np.uint8).tobytes())


def similarity(one: bytes, other: bytes) -> float:
    """Estimate the Jaccard similarity behind two signatures; standard error 0.05 at one half."""
    same = np.frombuffer(one, np.uint8) == np.frombuffer(other, np.uint8)
    return max(0.0, (float(same.mean()) - _CHANCE) / (1 - _CHANCE))


def closest(
    signature: bytes, candidates: Iterable[tuple[T, bytes]], n: int
) -> list[tuple[T, float]]:
    """Give the `n` most similar ones that are similar at all; equals keep their order."""
    found = [(named, similarity(signature, other)) for named, other in candidates]
    found.sort(key=lambda row: -row[1])
    return [row for row in found if row[1] >= SIMILAR][:n]


def _plain(text: str) -> str:
    """Drop what a copy changes most easily: capitals, accents, the dots of Turkish letters."""
    folded = unicodedata.normalize("NFD", normalise(text).text.casefold())
    return f" {_MARKS.sub('', folded).replace('ı', 'i')} ".ljust(SHINGLE)


def _shingles(text: str) -> _Hashes:
    """Hash every run of 5 characters."""
    signs = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    n = len(signs) - SHINGLE + 1
    hashes: _Hashes = np.zeros(n, np.uint64)
    for place in range(SHINGLE):
        hashes = hashes * _BASE + signs[place : place + n]
    return _mixed(hashes)


def _mixed(hashes: _Hashes) -> _Hashes:
    """Spread the bits (the finaliser of splitmix64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _MIX_1
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _MIX_2
    mixed: _Hashes = hashes ^ (hashes >> np.uint64(31))
    return mixed


# Multipliers, odd, and offsets. Computed and not drawn: stored sketches were made with them.
_DRAWN: _Hashes = _mixed(np.arange(1, 2 * N_HASHES + 1, dtype=np.uint64) * _GOLDEN)
_TIMES, _PLUS = _DRAWN[:N_HASHES] | np.uint64(1), _DRAWN[N_HASHES:]


def _bands(least: _Hashes) -> tuple[int, ...]:
    """Join the rows of each band; its number goes in, so that no two bands are mixed up."""
    joined: _Hashes = np.arange(1, N_BANDS + 1, dtype=np.uint64)
    for row in least.reshape(N_BANDS, ROWS).T.astype(np.uint64):
        joined = _mixed(joined * _BASE + row)
    bands: list[int] = (joined >> np.uint64(32)).astype(np.uint32).view(np.int32).tolist()
    return tuple(bands)
