"""Which rows of a corpus are worth reading: caps, and what a narrow question leaves open."""

import re
from collections.abc import Iterable, Iterator

from training.corpora.readers.sampling import keep_some
from training.corpora.sources import HATE, Labels, Row

MAX_ROWS = 20_000

# A corpus on sexism does not ask about other groups: a text that names one may well be hateful.
_OTHER_GROUP = re.compile(
    r"\b(jew|jud[eií]|kike|black|negr|nigg|nig\b|white|blanc[oa]|asian|chin[ae]|mexic|latin|hispan"
    r"|indian|arab|muslim|moslem|mussul|mosl|musulm|islam|christian|catholic|immigra|inmigra|migra"
    r"|refug|african|somali|paki|gyps|gitan|gay|lesbi|queer|homo|fag|trans|trann|maric|retard|autis"
    r"|disab|rac[ie]|mud|goy|zion|semit)",
    re.IGNORECASE,
)


def capped(rows: Iterable[Row], limit: int = MAX_ROWS) -> Iterator[Row]:
    """Keep every row with a present label or held out, then others in hash order up to `limit`."""
    kept: list[Row] = []
    others: list[Row] = []
    for row in rows:
        (kept if row.held_out or any(row.labels.values()) else others).append(row)
    yield from kept
    yield from keep_some(others, max(0, limit - len(kept)))


def not_hateful_to_women(text: str) -> Labels:
    """Say what "not sexist" decides: no hate, unless the text speaks of another group."""
    return {} if _OTHER_GROUP.search(text) else {HATE: 0}
