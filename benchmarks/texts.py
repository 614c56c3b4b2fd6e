"""A fixed sample of real texts in five languages, read from the labelled corpora."""

import random
from pathlib import Path

from training.corpora.readers import SOURCES
from triage_ml.domain.report import check_text
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES
from triage_ml.errors import InvalidInput


def sample(data: Path, n: int, seed: int = 7) -> list[tuple[str, str]]:
    """Give n (language, text) pairs, as many of each language, with the corpora's length mix.

    Raises: InvalidInput when a corpus is missing.
    """
    draw = random.Random(seed)
    by_language: dict[str, list[str]] = {language.value: [] for language in SUPPORTED_LANGUAGES}
    for source in SOURCES:
        for row in source.read(data / "raw" / source.name):
            texts = by_language.get(row.language or source.language)
            if texts is not None and _is_storable(row.text):
                texts.append(row.text)
    share = -(-n // len(by_language))
    pairs = [
        (language, text)
        for language, texts in by_language.items()
        for text in draw.sample(texts, share)
    ]
    draw.shuffle(pairs)
    return pairs[:n]


def _is_storable(text: str) -> bool:
    try:
        check_text("text", text)
    except InvalidInput:
        return False
    return True
