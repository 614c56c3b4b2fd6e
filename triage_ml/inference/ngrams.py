"""Character n-grams as numbers: what the model's second branch reads beside the tokens.

An encoder reads pieces of words and their order; it has seen few of the spellings that slang and
disguise bring. Counted n-grams know spellings and no order. A text's n-grams are folded (case,
accents, dotless i), hashed, and looked up in a table of weights inside the model.
"""

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

PADDING = 0
"""The row of the table that weighs nothing."""
LONGEST = 5
"""Letters of the longest n-gram; for Korean these are syllables."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: Fibonacci hashing
_SEED = np.uint64(0xD6E8FEB86659FD93)
_DIGITS = str.maketrans("123456789", "000000000")
_FOLDED = str.maketrans({"ı": "i", "ø": "o", "đ": "d", "ł": "l"})


def fold(text: str) -> str:
    """Drop what people drop when they type in a hurry: case, accents, the dot of an i."""
    plain = unicodedata.normalize("NFD", text.casefold())
    if not plain.isascii():
        bare = "".join(c for c in plain if unicodedata.category(c) != "Mn")
        plain = unicodedata.normalize("NFC", bare).translate(_FOLDED)
    return f" {plain.translate(_DIGITS).strip()} "


def ngrams(text: str, n_bits: int) -> Ints:
    """Give the buckets, 1 to 2^n_bits, of a normalised text's n-grams, sorted, each bucket once."""
    found: Ints = ngram_rows([text], n_bits)[0]
    return found


def ngram_rows(texts: Sequence[str], n_bits: int) -> Ints:
    """Give the buckets of several normalised texts, (B, N) int64; short rows end with PADDING.

    All numbers of all texts are found at once: the hash of an n-gram is made from that of its
    beginning and its last letter, and those that begin in one text and end in the next are dropped.
    """
    folded = [fold(text) for text in texts]
    letters = np.frombuffer("".join(folded).encode("utf-32-le", "surrogatepass"), np.uint32)
    letters = letters.astype(np.uint64) + np.uint64(1)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in folded])
    shift = np.uint64(64 - n_bits)
    hashes = np.full(len(letters), _SEED)
    keys = []  # of a row and its bucket
    for n in range(min(LONGEST, len(letters))):
        last = letters[n:]
        hashes = (hashes[: len(last)] ^ last) * _FACTOR  # wraps around at 2^64
        hashes ^= hashes >> np.uint64(32)
        key = (rows[: len(last)] << n_bits) | ((hashes * _FACTOR) >> shift).view(np.int64)
        keys.append(key if len(texts) == 1 else key[rows[: len(last)] == rows[n:]])
    key = np.sort(np.concatenate(keys))
    key = key[np.concatenate(([True], key[1:] != key[:-1]))]
    row, bucket = key >> n_bits, (key & ((1 << n_bits) - 1)) + 1
    counts = np.bincount(row, minlength=len(texts))
    found = np.full((len(texts), counts.max()), PADDING, np.int64)
    found[row, np.arange(len(key)) - (np.cumsum(counts) - counts)[row]] = bucket
    return found
