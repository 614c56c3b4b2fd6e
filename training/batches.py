"""Which rows make up which step, decided by the seed and the step alone.

Rows are drawn in pools, languages and sources balanced, sorted by length inside a pool and cut
into batches, so that little is padded. A run can resume at any step without stored state.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.encoder import PAD_ID

BATCHES_PER_POOL = 32

Ints = npt.NDArray[np.int64]

RARE = 0.01
"""An output is rare when fewer than this share of the rows is positive for it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Tokenised rows of one split, outputs restricted to the model's."""

    tokens: Sequence[Sequence[int]]
    labels: npt.NDArray[np.int8]  # (N, L + 1): 1, 0, -1 unknown
    weak: npt.NDArray[np.bool_]  # (N, L + 1)
    languages: npt.NDArray[np.str_]
    sources: npt.NDArray[np.str_]  # the first source of each row

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, chosen: Ints) -> "Rows":
        return Rows(
            [self.tokens[i] for i in chosen],
            self.labels[chosen],
            self.weak[chosen],
            self.languages[chosen],
            self.sources[chosen],
        )


def row_weights(
    rows: Rows,
    language_shares: dict[str, float],
    source_power: float,
    rare_boost: float = 1.0,
) -> npt.NDArray[np.float64]:
    """Give each row's chance to be drawn; they add up to one.

    Rows that are positive for an output few rows are positive for count `rare_boost` times.
    """
    weights = np.zeros(len(rows))
    for language in np.unique(rows.languages):
        inside = rows.languages == language
        names, counts = np.unique(rows.sources[inside], return_counts=True)
        mass = counts**source_power
        mass = mass / mass.sum() * language_shares.get(str(language), 1.0)
        for name, count, share in zip(names, counts, mass, strict=True):
            weights[inside & (rows.sources == name)] = share / count
    positive = rows.labels == 1  # (N, L + 1)
    rare = positive.mean(0) < RARE
    weights[positive[:, rare].any(1)] *= rare_boost
    total: npt.NDArray[np.float64] = weights / weights.sum()
    return total


def plan(
    lengths: Ints, weights: npt.NDArray[np.float64], batch_size: int, seed: int, start: int = 0
) -> Iterator[Ints]:
    """Yield row numbers of each step from `start` on, for ever."""
    step_in_pool = start % BATCHES_PER_POOL
    pool = start // BATCHES_PER_POOL
    while True:
        random = np.random.default_rng((seed, pool))
        drawn = random.choice(len(lengths), BATCHES_PER_POOL * batch_size, p=weights)
        drawn = drawn[np.argsort(lengths[drawn], kind="stable")]
        batches = random.permutation(drawn.reshape(BATCHES_PER_POOL, batch_size))
        yield from batches[step_in_pool:]
        pool, step_in_pool = pool + 1, 0


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
