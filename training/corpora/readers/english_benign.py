"""English corpora of everyday texts, which nobody rated for safety."""

import re
from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.sampling import keep_some
from training.corpora.readers.tweets import positive_tweets
from training.corpora.sources import (
    EXTREMISM,
    HARASSMENT,
    HATE,
    SELF_HARM,
    SPAM,
    THREAT,
    Row,
    Source,
    no_violation,
    read_table,
    require_file,
)

KIND = {"admiration", "caring", "gratitude", "joy", "love", "optimism", "relief"}
MAX_KIND = 5_000
ASSUMED = (HATE, HARASSMENT, THREAT, SELF_HARM, EXTREMISM, SPAM)

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def _goemotions(folder: Path) -> Iterator[Row]:
    """Take comments whose every emotion is kind as no violation, and leave all others out."""
    names = folder / "data__original__labels.txt"
    require_file(names)
    emotions = names.read_text("utf-8").split()
    path = folder / "data__original__train.tsv"
    rows = read_table(path, ("text", "emotions", "id"), delimiter="\t", header=False, quoted=False)
    kind = (row for row in rows if {emotions[int(i)] for i in row["emotions"].split(",")} <= KIND)
    yield from keep_some((Row(row["text"], no_violation()) for row in kind), MAX_KIND)


def _umsab(folder: Path) -> Iterator[Row]:
    """Read positive tweets; their mood decides nothing, but abuse is rare among them."""
    for split in ("train", "val", "test"):
        stem = f"data__sentiment__english__{split}"
        for row in positive_tweets(folder / f"{stem}_labels.txt", folder / f"{stem}_text.txt"):
            yield Row(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), row.text), row.labels)


ENGLISH_BENIGN = (
    Source(
        "en_goemotions",
        "en",
        "open",
        "Apache-2.0",
        "Demszky et al. 2020, GoEmotions: A Dataset of Fine-Grained Emotions",
        _goemotions,
        ASSUMED,
        weak=True,  # rated for emotion only
    ),
    Source(
        "en_umsab_tweets",
        "en",
        "open",
        "Apache-2.0 (tweets under Twitter's terms)",
        "Barbieri, Espinosa Anke, Camacho-Collados 2022, XLM-T: Multilingual Language Models in"
        " Twitter",
        _umsab,
        ASSUMED,
        weak=True,  # rated for sentiment only
    ),
)
