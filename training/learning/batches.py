"""Which rows make up which step, decided by the seed and the step alone.

Rows are drawn in pools, languages and sources balanced, sorted by length inside a pool and cut
into batches, so that little is padded. A run can resume at any step without stored state.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.config import Experiment
from training.learning.encoder import PAD_ID

BATCHES_PER_POOL = 32

Ints = npt.NDArray[np.int64]

RARE = 0.01
"""An output is rare when fewer than this share of the rows is positive for it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Tokenised rows of one split, outputs restricted to the model's."""

    texts: Sequence[str]
    tokens: Sequence[Sequence[int]]
    marks: Sequence[Sequence[int]]  # per token 1 or 0; empty where nobody marked words
    labels: npt.NDArray[np.int8]  # (N, L + 1): 1, 0, -1 unknown
    weak: npt.NDArray[np.bool_]  # (N, L + 1)
    severities: npt.NDArray[np.int8]  # (N, L + 1): 0 to 4, -1 unknown
    languages: npt.NDArray[np.str_]
    sources: npt.NDArray[np.str_]  # the first source of each row
    worth: npt.NDArray[np.float64] | None = None  # of each row's labels; None: all the same

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, chosen: Ints) -> "Rows":
        return Rows(
            [self.texts[i] for i in chosen],
            [self.tokens[i] for i in chosen],
            [self.marks[i] for i in chosen],
            self.labels[chosen],
            self.weak[chosen],
            self.severities[chosen],
            self.languages[chosen],
            self.sources[chosen],
            None if self.worth is None else self.worth[chosen],
        )

    def with_tokens(self, tokens: Sequence[Sequence[int]]) -> "Rows":
        return replace(self, tokens=tokens)

    @property
    def firm(self) -> npt.NDArray[np.bool_]:
        """Where a rater's label is known, as opposed to none or a weak one.  # (N, L + 1)"""
        return (self.labels >= 0) & ~self.weak


Disguise = Callable[[Rows, int], Rows]
"""Give some rows of the pool with this number the tokens of a disguised text."""


def draws_of(rows: Rows, experiment: Experiment) -> npt.NDArray[np.float64]:
    """Give each row's chance to be drawn by the experiment's settings and what it is worth."""
    weights = row_weights(
        rows,
        experiment.language_shares,
        experiment.source_power,
        experiment.rare_boost,
        experiment.written_share,
        experiment.source_boosts,
    )
    if rows.worth is None:
        return weights
    found: npt.NDArray[np.float64] = weights * rows.worth / (weights * rows.worth).sum()
    return found


def row_weights(
    rows: Rows,
    language_shares: dict[str, float],
    source_power: float,
    rare_boost: float = 1.0,
    written_share: float = 0.0,
    source_boosts: Mapping[str, float] | None = None,
) -> npt.NDArray[np.float64]:
    """Give each row's chance to be drawn; they add up to one.

    Rows that are positive for an output few rows are positive for count `rare_boost` times.
    Examples written for the project get `written_share` of their language's draws where given,
    other sources their rows to the power of `source_power`, times their boost.
    """
    weights = np.zeros(len(rows))
    for language in np.unique(rows.languages):
        inside = rows.languages == language
        names, counts = np.unique(rows.sources[inside], return_counts=True)
        boosts = [(source_boosts or {}).get(str(name), 1.0) for name in names]
        mass = counts**source_power * np.array(boosts)
        mass = _with_written(names, mass / mass.sum(), written_share)
        mass *= language_shares.get(str(language), 1.0)
        for name, count, share in zip(names, counts, mass, strict=True):
            weights[inside & (rows.sources == name)] = share / count
    positive = rows.labels == 1  # (N, L + 1)
    rare = positive.mean(0) < RARE
    weights[positive[:, rare].any(1)] *= rare_boost
    total: npt.NDArray[np.float64] = weights / weights.sum()
    return total


def _with_written(
    names: npt.NDArray[np.str_], mass: npt.NDArray[np.float64], share: float
) -> npt.NDArray[np.float64]:
    written = np.char.startswith(names, "written_")
    if not share or not written.any() or written.all():
        return mass
    mass[~written] *= (1 - share) / mass[~written].sum()
    mass[written] *= share / mass[written].sum()
    return mass


def batches(
    rows: Rows,
    weights: npt.NDArray[np.float64],
    batch_size: int,
    max_tokens: int,
    seed: int,
    *,
    start: int = 0,
    disguise: Disguise | None = None,
) -> Iterator[Rows]:
    """Yield the rows of each step from `start` on, for ever.

    A pool is disguised before it is sorted: a disguise makes texts longer, and one long row pads
    its whole batch.
    """
    step_in_pool = start % BATCHES_PER_POOL
    number = start // BATCHES_PER_POOL
    while True:
        random = np.random.default_rng((seed, number))
        pool = rows.take(random.choice(len(rows), BATCHES_PER_POOL * batch_size, p=weights))
        if disguise:
            pool = disguise(pool, number)
        lengths = np.array([min(len(tokens), max_tokens) for tokens in pool.tokens])
        order = np.argsort(lengths, kind="stable").reshape(BATCHES_PER_POOL, batch_size)
        for chosen in random.permutation(order)[step_in_pool:]:
            yield pool.take(chosen)
        number, step_in_pool = number + 1, 0


def pad_marks(marks: Sequence[Sequence[int]], width: int) -> Tensor:
    """Give token marks (B, T) int8: 1, 0, or -1 where nobody was asked and on padding."""
    wanted = torch.full((len(marks), width), -1, dtype=torch.int8)
    for i, row in enumerate(marks):
        if row:
            cut = row[:width]
            wanted[i, : len(cut)] = torch.tensor(cut, dtype=torch.int8)
    return wanted


def pad(tokens: Sequence[Sequence[int]], max_tokens: int) -> tuple[Tensor, Tensor]:
    """Give input_ids and attention_mask, (B, T) int64; a cut text keeps its end mark."""
    cut = [t if len(t) <= max_tokens else [*t[: max_tokens - 1], t[-1]] for t in tokens]
    width = max(len(t) for t in cut)
    ids = torch.full((len(cut), width), PAD_ID, dtype=torch.int64)
    mask = torch.zeros((len(cut), width), dtype=torch.int64)
    for i, row in enumerate(cut):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask
