"""Corpora in several languages."""

import re
from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.english_abuse import hasoc_labels
from training.corpora.readers.english_research import HATEVAL
from training.corpora.readers.selection import not_hateful_to_women
from training.corpora.sources import (
    ADULT,
    HATE,
    OUTPUTS,
    SELF_HARM,
    SPAM,
    Labels,
    Row,
    Source,
    read_table,
)
from triage_ml.domain.taxonomy import VIOLATION

SIB_LANGUAGES = {
    "en": "eng_Latn",
    "de": "deu_Latn",
    "tr": "tur_Latn",
    "es": "spa_Latn",
    "ko": "kor_Hang",
}
HASOC_FILES = (
    ("en", "english_dataset", False),
    ("en", "hasoc2019_en_test-2919", True),
    ("de", "german_dataset", False),
    ("de", "hasoc_de_test_gold", True),
)
# Of the tweets marked as sexual violence some are plain pornography, others are quarrels.
SEXUAL_WORDS = re.compile(
    r"\b(cocks?(?! carousel)|pussy|dick|cum|cumslut|horny|nudes?|naked|nsfw|porn\w*|tits?"
    r"|titty|titties|boobs|blowjob|escorts?|orgasm|sexting|polla|coño|follar\w*|tetas|culo"
    r"|chupar\w*|desnud\w+)\b",
    re.IGNORECASE,
)
HASOC_GERMAN = {"HATE": {HATE: 1, VIOLATION: 1}}
BENIGN = dict.fromkeys(OUTPUTS, 0) | {VIOLATION: 0}


def _sib200(folder: Path) -> Iterator[Row]:
    """Encyclopaedic sentences on seven topics, the same in every language."""
    for language, code in SIB_LANGUAGES.items():
        for split in ("train", "dev", "test"):
            path = folder / f"data__annotated__{code}__{split}.tsv"
            for row in read_table(path, ("text",), delimiter="\t", quoted=False):
                yield Row(row["text"], BENIGN, split == "test", language)


def _hasoc2019(folder: Path) -> Iterator[Row]:
    for language, name, held_out in HASOC_FILES:
        path = folder / f"data__HASOC__{name}.tsv"
        for row in read_table(path, ("text", "task_2"), delimiter="\t", quoted=False):
            text, mark = row["text"], row["task_2"]
            if language == "de":
                labels = HASOC_GERMAN.get(mark) or hasoc_labels(text, mark)
            else:
                labels = {} if mark == "OFFN" else hasoc_labels(text, mark)
            if labels:
                yield Row(text, labels, held_out, language)


def _exist2021(folder: Path) -> Iterator[Row]:
    columns = ("language", "text", "task2")
    for split in ("training", "test"):
        path = folder / f"data__EXIST2021_{split}.tsv"
        for row in read_table(path, columns, delimiter="\t"):
            if labels := _exist_labels(row["text"], row["task2"]):
                yield Row(row["text"], labels, split == "test", row["language"])


def _exist_labels(text: str, category: str) -> Labels:
    if category == "non-sexist":
        return not_hateful_to_women(text)
    if category == "sexual-violence":
        explicit = len(SEXUAL_WORDS.findall(text)) >= 2
        return {ADULT: 1, VIOLATION: 1} if explicit else {VIOLATION: 1}
    return {HATE: 1, VIOLATION: 1}


def _hateval_trial(folder: Path) -> Iterator[Row]:
    for language in ("en", "es"):
        path = folder / f"SemEval2019-Task5__datasets__trial__trial_{language}.tsv"
        for row in read_table(path, ("text", "HS"), delimiter="\t", quoted=False):
            yield Row(row["text"], HATEVAL[row["HS"]], language=language)


SEVERAL = (
    Source(
        "deen_hasoc2019",
        "multi",
        "unstated",
        "none stated in the copy",
        "Mandl et al. 2019, Overview of the HASOC Track at FIRE 2019",
        _hasoc2019,
        (SELF_HARM, SPAM),
        weak=True,  # political protest counts as hate
    ),
    Source(
        "enes_exist2021",
        "multi",
        "unstated",
        "MIT on the repository, none stated for the data (organisers: participant agreement)",
        "Rodríguez-Sánchez et al. 2021, Overview of EXIST 2021: sEXism Identification in Social"
        " neTworks",
        _exist2021,
        (SELF_HARM, SPAM),
        weak=True,  # tweets that report or criticise sexism count as sexist
    ),
    Source(
        "enes_hateval2019_official",
        "multi",
        "non-commercial",
        "none stated in the copy (organisers: CC BY-NC 4.0)",
        "Basile et al. 2019, SemEval-2019 Task 5: Multilingual Detection of Hate Speech Against"
        " Immigrants and Women in Twitter",
        _hateval_trial,
        (SELF_HARM, SPAM),
    ),
    Source(
        "multi_sib200_benign",
        "multi",
        "open",
        "Apache-2.0",
        "Adelani et al. 2024, SIB-200: A Simple, Inclusive, and Big Evaluation Dataset",
        _sib200,
    ),
)
