"""English corpora whose licence bars commercial use: for evaluation and research only."""

from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.mail import phishing_mails
from training.corpora.sources import (
    HARASSMENT,
    HATE,
    SELF_HARM,
    SPAM,
    THREAT,
    Labels,
    Row,
    Source,
    no_violation,
    read_table,
    require_file,
)
from triage_ml.domain.taxonomy import VIOLATION

HATEFUL: Labels = {HATE: 1, VIOLATION: 1}
# On women and immigrants only.
HATEVAL: dict[str, Labels] = {"1": HATEFUL, "0": {HATE: 0}}


def _hateval(folder: Path) -> Iterator[Row]:
    columns = ("text", "HS")
    path = folder / "dataset__hs-en.tsv.train"
    for row in read_table(path, columns, delimiter="\t", quoted=False):
        yield Row(row["text"], HATEVAL[row["HS"]])
    for split in ("val", "test"):
        texts, marks = (folder / f"tweeteval__hate__{split}_{p}.txt" for p in ("text", "labels"))
        require_file(texts)
        require_file(marks)
        lines = texts.read_text("utf-8").split("\n")
        for text, mark in zip(lines, marks.read_text("utf-8").split(), strict=False):
            yield Row(text, HATEVAL[mark], held_out=True)


def _conan(folder: Path) -> Iterator[Row]:
    """Lines against Muslims, written by NGO staff, and their answers to them."""
    seen: set[str] = set()
    for row in read_table(folder / "CONAN_en.csv", ("hateSpeech", "counterSpeech")):
        for text, labels in ((row["hateSpeech"], HATEFUL), (row["counterSpeech"], no_violation())):
            if text not in seen:
                seen.add(text)
                yield Row(text, labels)


def _phishing_pot(folder: Path) -> Iterator[Row]:
    return phishing_mails(folder / "phishing_pot_en.jsonl.gz")


ENGLISH_RESEARCH = (
    Source(
        "en_hateval2019",
        "en",
        "non-commercial",
        "CC BY-NC 4.0 (stated by the organisers)",
        "Basile et al. 2019, SemEval-2019 Task 5: Multilingual Detection of Hate Speech Against"
        " Immigrants and Women in Twitter",
        _hateval,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_conan",
        "en",
        "non-commercial",
        "research use (none in the copy)",
        "Chung et al. 2019, CONAN - COunter NArratives through Nichesourcing",
        _conan,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_phishing_pot",
        "en",
        "non-commercial",
        "CC BY-NC 4.0",
        "rf-peixoto/phishing_pot, a collection of phishing mails",
        _phishing_pot,
        (HATE, HARASSMENT, THREAT, SELF_HARM),
    ),
)
