"""What a disguise costs a model: the AUC lost per kind of obfuscation and language."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from training.learning.obfuscate import kinds_for, obfuscate
from training.metrics import Bools, Floats, Interval, bootstrap_gain

Score = Callable[[list[str]], Floats]
"""Gives the violation score of each text; normalises as serving does."""

N_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Robustness:
    """One kind in one language, measured on the texts it changed."""

    kind: str
    language: str
    n_texts: int
    n_violating: int
    drop: Interval  # AUC lost when every text is changed: slips, habits of spelling
    evasion: Interval  # AUC lost when the violating texts alone are: somebody hides something


def measure_robustness(
    score: Score,
    texts: Sequence[str],
    languages: Sequence[str],
    truth: Bools,
    base_scores: Floats,
    random_seed: int,
    *,
    n_rounds: int = N_ROUNDS,
    min_texts: int = 20,
) -> list[Robustness]:
    """Score texts in every disguise their language has, beside `base_scores` of the same rows.

    A cell needs `min_texts` changed texts of either truth; smaller ones are left out. A cell's
    texts depend on the seed, its kind and its language, not on which other cells there are.
    """
    if len({len(texts), len(languages), len(truth), len(base_scores)}) > 1:
        raise ValueError("texts, languages, truth and scores differ in length")
    truth, base_scores = np.asarray(truth, dtype=bool), np.asarray(base_scores, dtype=float)
    cells: list[Robustness] = []
    for kind, language, rows, changed in _changed(texts, languages, random_seed):
        if min(truth[rows].sum(), (~truth[rows]).sum()) < max(min_texts, 1):
            continue
        base, disguised = base_scores[rows], np.asarray(score(changed), dtype=float)
        cells.append(_measure(kind, language, truth[rows], base, disguised, n_rounds, random_seed))
    return cells


def _changed(
    texts: Sequence[str], languages: Sequence[str], seed: int
) -> Iterator[tuple[str, str, npt.NDArray[np.intp], list[str]]]:
    """Yield, per kind and language, the rows it changes and what it makes of them."""
    for language in dict.fromkeys(languages):
        own = [i for i, name in enumerate(languages) if name == language]
        for kind in kinds_for(language):
            random = np.random.default_rng((seed, crc32(f"{kind} {language}".encode())))
            made = [(i, obfuscate(texts[i], kind, random, language)) for i in own]
            made = [(i, text) for i, text in made if text != texts[i]]
            yield (
                kind,
                language,
                np.array([i for i, _ in made], dtype=np.intp),
                [t for _, t in made],
            )


def _measure(
    kind: str,
    language: str,
    truth: Bools,
    base: Floats,
    disguised: Floats,
    n_rounds: int,
    seed: int,
) -> Robustness:
    hidden = np.where(truth, disguised, base)
    return Robustness(
        kind,
        language,
        len(truth),
        int(truth.sum()),
        drop=bootstrap_gain(truth, base, disguised, n_rounds, seed),
        evasion=bootstrap_gain(truth, base, hidden, n_rounds, seed),
    )
