"""Choose rows of a corpus that is too large or too weak to be read whole."""

import hashlib
from collections.abc import Iterable

from training.corpora.sources import Row


def keep_some(rows: Iterable[Row], n_rows: int) -> list[Row]:
    """Keep the `n_rows` distinct texts whose hashes are lowest: the same ones in any order."""
    distinct = {row.text: row for row in rows}
    return sorted(distinct.values(), key=_text_hash)[:n_rows]


def _text_hash(row: Row) -> str:
    return hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).hexdigest()
