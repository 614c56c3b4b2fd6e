"""Texts as 64 numbers each, for comparing crowds of texts without keeping any.

Not what the model reads: character n-grams, hashed as the model's n-gram branch does, each a fixed
direction of signs. A mean of many such vectors says which spellings were frequent, and cannot be
turned back into a text.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from triage_ml.domain.drift import N_DIMS
from triage_ml.domain.text import normalise
from triage_ml.inference.ngrams import PADDING, ngram_rows

N_BITS = 14
MAX_CHARS = 2_000
TEXTS_AT_ONCE = 256

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SEED = np.uint64(0x2545F4914F6CDD1D)


def project(texts: Sequence[str]) -> NDArray[np.float64]:
    """Give a vector of length about 1 for each text; empty ones are left out.  # (B, N_DIMS)"""
    cut = [normalise(text[:MAX_CHARS]).text for text in texts]
    known = [text for text in cut if text]
    pieces = [
        _project(known[start : start + TEXTS_AT_ONCE])
        for start in range(0, len(known), TEXTS_AT_ONCE)
    ]
    return np.concatenate(pieces) if pieces else np.zeros((0, N_DIMS))


def _project(texts: Sequence[str]) -> NDArray[np.float64]:
    buckets = ngram_rows(texts, N_BITS)  # (B, N)
    found = np.empty((len(texts), N_DIMS))
    for at, row in enumerate(buckets):
        known = row[row != PADDING]
        signs = _directions()[known].sum(axis=0, dtype=np.int64)
        found[at] = signs / np.sqrt(len(known) * N_DIMS)
    return found


@cache
def _directions() -> NDArray[np.int8]:
    """Give a sign per bucket and dimension, from a hash: the same in every version of numpy."""
    at = np.arange(((1 << N_BITS) + 1) * N_DIMS, dtype=np.uint64)
    mixed = (at + _SEED) * _FACTOR
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    bits = (mixed & np.uint64(1)).astype(np.int8).reshape(-1, N_DIMS)
    return (2 * bits - 1).astype(np.int8)
