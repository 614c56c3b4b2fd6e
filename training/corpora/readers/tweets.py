"""Everyday tweets with nothing decided but their sentiment."""

from collections.abc import Iterator
from pathlib import Path

from training.corpora.sources import Row, require_file

UMSAB_POSITIVE = "2"


def positive_tweets(labels: Path, texts: Path) -> Iterator[Row]:
    """Pair two files line by line and keep what was marked positive; it decides no output."""
    require_file(labels)
    require_file(texts)
    marks, lines = (path.read_text("utf-8").split("\n") for path in (labels, texts))
    for mark, line in zip(marks, lines, strict=False):
        if mark.strip() == UMSAB_POSITIVE:
            yield Row(line, {})
