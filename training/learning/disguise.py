"""Disguise a share of the drawn rows as users disguise words; their labels stay."""

from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from training.config import Experiment
from training.learning.batches import Disguise, Rows
from training.learning.obfuscate import augment
from training.learning.prepare import cut_tokens
from triage_ml.domain.text import normalise


def disguiser(experiment: Experiment, tokenizer: Tokenizer) -> Disguise:
    """Give a function of rows and their pool's number, which with the seed decides everything.

    Rows with marked words are left as they are: their marks would no longer fit.
    """

    def disguise(rows: Rows, pool: int) -> Rows:
        random = np.random.default_rng((experiment.seed, pool, 1))
        tokens: list[Sequence[int]] = list(rows.tokens)
        for i in np.flatnonzero(random.random(len(rows)) < experiment.augment_share).tolist():
            if not rows.marks[i]:
                text = augment(rows.texts[i], str(rows.languages[i]), random)
                text = experiment.text_prefix + normalise(text).text
                tokens[i] = cut_tokens(tokenizer.encode(text).ids)
        return rows.with_tokens(tokens)

    return disguise
