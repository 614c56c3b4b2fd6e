"""Tokenised rows of which a test cares for a few columns."""

from typing import Any

import numpy as np

from training.learning.batches import Rows


def rows(labels: list[list[int]], languages: list[str], sources: list[str], **other: Any) -> Rows:
    """Give rows with these labels; other columns say nothing unless given by name."""
    table = np.array(labels, np.int8)
    n = len(table)
    columns = {
        "texts": [f"text {i}" for i in range(n)],
        "tokens": [[0, 2]] * n,
        "marks": [[]] * n,
        "weak": np.zeros(table.shape, np.bool_),
        "severities": np.full(table.shape, -1, np.int8),
    }
    return Rows(
        labels=table,
        languages=np.array(languages),
        sources=np.array(sources),
        **(columns | other),
    )
