"""Find near duplicates: texts that share most of their character five-grams.

MinHash proposes candidates, their estimated Jaccard similarity decides. Source: Broder 1997, On
the resemblance and containment of documents.
"""

import re
from collections.abc import Sequence

from rensa import RMinHash, RMinHashLSH

SHINGLE = 5
N_PERMUTATIONS = 128
N_BANDS = 16
THRESHOLD = 0.8
_SEED = 1
_SIGNS = re.compile(r"[\W\d_]+")


class Clusters:
    """Disjoint sets of row numbers; the smallest number of a set stands for it."""

    def __init__(self, n_rows: int) -> None:
        self._parent = list(range(n_rows))

    def of(self, row: int) -> int:
        while self._parent[row] != row:
            self._parent[row] = self._parent[self._parent[row]]
            row = self._parent[row]
        return row

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self._parent[second] = first


def shingles(text: str) -> set[str]:
    """Cut a text into character five-grams without case, digits, signs and spaces."""
    bare = _bare(text)
    return {bare[i : i + SHINGLE] for i in range(max(1, len(bare) - SHINGLE + 1))}


def _bare(text: str) -> str:
    return _SIGNS.sub("", text.casefold())


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> Clusters:
    """Join the rows whose texts are nearly the same.

    Texts without a letter are only like themselves; callers merge equal texts before.
    """
    clusters = Clusters(len(texts))
    known = _different(texts, clusters)
    sets = [list(shingles(texts[row])) for row in known]
    hashes = RMinHash.from_token_sets(sets, N_PERMUTATIONS, _SEED)
    index = RMinHashLSH(threshold, N_PERMUTATIONS, N_BANDS)
    index.insert_many(hashes)
    for at, candidates in enumerate(index.query_all(hashes)):
        for other in candidates:
            new = other > at and clusters.of(known[at]) != clusters.of(known[other])
            if new and hashes[at].jaccard(hashes[other]) >= threshold:
                clusters.join(known[at], known[other])
    return clusters


def _different(texts: Sequence[str], clusters: Clusters) -> list[int]:
    """Join texts that differ in digits and signs alone, and give one row of each.

    A flood of them would be compared each with each.
    """
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        if bare := _bare(text):
            clusters.join(first.setdefault(bare, row), row)
    return list(first.values())
