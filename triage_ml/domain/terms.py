"""Words and groups of near-duplicates that became more frequent in what is reported.

Nothing that stands for one person comes out: a term is one of several items by several authors,
and what looks like an address, an account or a number is left out before anything is counted.
"""

import hashlib
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from triage_ml.domain.taxonomy import Language

MIN_ITEMS = 5
MIN_AUTHORS = 3
MIN_Z = 2.5
MIN_GROWTH = 2.0
"""Ratio of the odds: a frequent word that wavers is surely more frequent, and no news."""
PRIOR = 50.0
"""Occurrences that the prior is worth: what all texts together say of a term's share."""
PRIOR_OF_EACH = 0.5
"""And for each term, so that one never seen before has a variance that is not endless."""
MAX_TERMS = 20
"""Of each language and kind."""
MAX_CASES = 100
MAX_CHARS = 2_000
"""Of each text; what is new in a text stands seldom only after its first pages."""

_BARE_LINK = re.compile(r"(?<![\w/.@\-])((?:[\w\-]+\.)+[^\W\d_]{2,})/\S*")
# Each begins at the start of a word only: tried at every letter, a long word would take its square.
_ADDRESS = re.compile(r"(?<!\S)[^\s@]*@\S*")
_URL = re.compile(r"(?:https?://|www\.)([^\s/?#:]+)\S*", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\S)\S*(?:\d[\s.\-()/]?){5,}\S*")
_WORD = re.compile(r"[^\W_][\w'’\-]*(?:\.[^\W\d_]{2,})*")
_HANGUL = re.compile("[가-힣]{2,}")
_SYLLABLES = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class ReportedText:
    """A text that was reported, and whose it is. `recent`: in the days that are looked at."""

    case_id: UUID
    item_id: str
    author_ref: str
    language: Language
    text: str
    received_at: datetime
    recent: bool


@dataclass(frozen=True, slots=True)
class Emerging:
    """A `term`, or a `cluster` of items with the same words, that became more frequent.

    `score` is the z of the log-odds for a term, the number of items for a cluster. `case_ids` are
    the newest, at most 100.
    """

    kind: str
    language: Language
    words: str
    n_items: int
    n_authors: int
    n_before: int
    score: float
    first_at: datetime
    last_at: datetime
    case_ids: tuple[UUID, ...]

    @property
    def key(self) -> str:
        """Name it in a link; the same while it lasts."""
        named = f"{self.kind}\0{self.language.value}\0{self.words}"
        return hashlib.sha256(named.encode()).hexdigest()[:16]


class Growth(NamedTuple):
    """How the odds of a term grew: their ratio, and the z of its logarithm."""

    ratio: float
    z: float


def find_emerging(texts: Iterable[ReportedText]) -> list[Emerging]:
    """Find what emerged in each language, strongest first: terms, then clusters."""
    by_language: dict[Language, list[ReportedText]] = defaultdict(list)
    for row in texts:
        by_language[row.language].append(row)
    found: list[Emerging] = []
    for language in sorted(by_language):
        rows = by_language[language]
        terms = [terms_of(row.text, language) for row in rows]
        found += _terms(language, rows, terms)
        found += _clusters(language, rows, terms)
    return found


def terms_of(text: str, language: Language) -> frozenset[str]:
    """Give the terms of a text: words, hosts of links, and for Korean runs of syllables too.

    Korean joins particles to its words, so that a run of two to four syllables finds them again.
    """
    plain = unicodedata.normalize("NFKC", text[:MAX_CHARS])
    links = [*_URL.findall(plain), *_BARE_LINK.findall(plain)]
    hosts = [host.lower() for host in links if not _private(host)]
    for pattern in (_URL, _BARE_LINK, _ADDRESS, _NUMBER):
        plain = pattern.sub(" ", plain)
    words = {word for word in map(_folded(language), _WORD.findall(plain)) if _is_term(word)}
    if language is Language.KO:
        words |= {
            run[at : at + n]
            for run in _HANGUL.findall(plain)
            for n in _SYLLABLES
            for at in range(len(run) - n + 1)
        }
    return frozenset({*words, *hosts})


def _private(host: str) -> bool:
    return "@" in host or _NUMBER.fullmatch(host) is not None or len(host) > 100


def _folded(language: Language) -> Callable[[str], str]:
    """Lower-case as the language does: I is ı in Turkish."""
    if language is Language.TR:
        return lambda word: word.replace("İ", "i").replace("I", "ı").lower()
    return str.lower


def _is_term(word: str) -> bool:
    n_digits = sum(letter.isdigit() for letter in word)
    shortest = 2 if _HANGUL.match(word) else 3
    return shortest <= len(word) <= 40 and n_digits < 5 and n_digits < len(word)


def _terms(
    language: Language, rows: Sequence[ReportedText], terms: Sequence[frozenset[str]]
) -> list[Emerging]:
    recent, before = Counter[str](), Counter[str]()
    seen: set[tuple[str, bool]] = set()
    holders: dict[str, list[ReportedText]] = defaultdict(list)
    for row, words in zip(rows, terms, strict=True):
        if (row.item_id, row.recent) in seen:  # an item reported twice is one item
            continue
        seen.add((row.item_id, row.recent))
        (recent if row.recent else before).update(words)
        if row.recent:
            for word in words:
                holders[word].append(row)
    growth = log_odds(recent, before)
    grown = [w for w, row in growth.items() if row.z >= MIN_Z and row.ratio >= MIN_GROWTH]
    kept: list[Emerging] = []
    for word in sorted(grown, key=lambda word: (-growth[word].z, -len(word), word)):
        if len(kept) == MAX_TERMS:
            break
        one = _emerging("term", language, word, holders[word], before[word], growth[word].z)
        if one is not None and not _says_the_same(one, kept):
            kept.append(one)
    return kept


def _says_the_same(new: Emerging, kept: Sequence[Emerging]) -> bool:
    """Leave out what is a part of a stronger term, or holds one, in the same items."""
    return any(
        (new.words in old.words or old.words in new.words)
        and set(new.case_ids) == set(old.case_ids)
        for old in kept
    )


def log_odds(recent: Counter[str], before: Counter[str]) -> dict[str, Growth]:
    """Give for each recent term how its odds grew; nothing where there is one term in all.

    Log-odds ratio with an informative Dirichlet prior made of both periods together.
    Source: Monroe, Colaresi and Quinn 2008, Fightin' Words, section 3.5.1.
    """
    together = recent + before
    if len(together) < 2:  # its odds are endless: there is no other word
        return {}
    total = together.total()
    priors = {word: PRIOR * together[word] / total + PRIOR_OF_EACH for word in recent}
    whole = PRIOR + PRIOR_OF_EACH * len(together)
    n_recent, n_before = recent.total() + whole, before.total() + whole
    found = {}
    for word, prior in priors.items():
        now, then = recent[word] + prior, before[word] + prior
        ratio = now / (n_recent - now) / (then / (n_before - then))
        found[word] = Growth(ratio, math.log(ratio) / math.sqrt(1 / now + 1 / then))
    return found


def _clusters(
    language: Language, rows: Sequence[ReportedText], terms: Sequence[frozenset[str]]
) -> list[Emerging]:
    """Group items that have the same words, whatever their order, numbers and links' paths."""
    members: dict[frozenset[str], list[ReportedText]] = defaultdict(list)
    earlier: dict[frozenset[str], set[str]] = defaultdict(set)
    common = Counter[str]()
    for row, words in zip(rows, terms, strict=True):
        common.update(words)
        if len(words) < 3:
            continue
        if row.recent:
            members[words].append(row)
        else:
            earlier[words].add(row.item_id)
    found = []
    for words, group in members.items():
        n_before = len(earlier[words])
        rarest = sorted(words, key=lambda word: (common[word], -len(word), word))[:4]
        name = " · ".join(rarest)[:200]
        n_items = len({row.item_id for row in group})
        one = _emerging("cluster", language, name, group, n_before, float(n_items))
        if one is not None and n_items > n_before / 4:  # 28 days before against 7
            found.append(one)
    return sorted(found, key=lambda row: (-row.score, row.words))[:MAX_TERMS]


def _emerging(
    kind: str,
    language: Language,
    words: str,
    rows: Sequence[ReportedText],
    n_before: int,
    score: float,
) -> Emerging | None:
    """Sum up a term's or cluster's items; None where they are too few or of too few people."""
    n_items = len({row.item_id for row in rows})
    n_authors = len({row.author_ref for row in rows})
    if n_items < MIN_ITEMS or n_authors < MIN_AUTHORS:
        return None
    newest = sorted(rows, key=lambda row: (row.received_at, row.case_id), reverse=True)
    return Emerging(
        kind,
        language,
        words,
        n_items,
        n_authors,
        n_before,
        score,
        newest[-1].received_at,
        newest[0].received_at,
        tuple(row.case_id for row in newest[:MAX_CASES]),
    )
