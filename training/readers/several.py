"""Corpora in several languages."""

from collections.abc import Iterator
from pathlib import Path

from training.sources import OUTPUTS, Row, Source, read_table
from triage_ml.domain.taxonomy import VIOLATION

SIB_LANGUAGES = {
    "en": "eng_Latn",
    "de": "deu_Latn",
    "tr": "tur_Latn",
    "es": "spa_Latn",
    "ko": "kor_Hang",
}
BENIGN = dict.fromkeys(OUTPUTS, 0) | {VIOLATION: 0}


def _sib200(folder: Path) -> Iterator[Row]:
    """Encyclopaedic sentences on seven topics, the same in every language."""
    for language, code in SIB_LANGUAGES.items():
        for split in ("train", "dev", "test"):
            path = folder / f"data__annotated__{code}__{split}.tsv"
            for row in read_table(path, ("text",), delimiter="\t", quoted=False):
                yield Row(row["text"], BENIGN, split == "test", language)


SEVERAL = (
    Source(
        "multi_sib200_benign",
        "multi",
        "open",
        "Apache-2.0",
        "Adelani et al. 2024, SIB-200: A Simple, Inclusive, and Big Evaluation Dataset",
        _sib200,
    ),
)
