"""Korean corpora of other matters than abuse."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.sampling import keep_some
from training.corpora.sources import (
    HARASSMENT,
    HATE,
    PROFANITY,
    SELF_HARM,
    SPAM,
    THREAT,
    Row,
    Source,
    no_violation,
    read_table,
    require_file,
)
from triage_ml.domain.taxonomy import VIOLATION

MAX_CALL_CHARACTERS = 600
MAX_ROWS = 6_000
TRUSTED_SPAM = "2"
LIKED = ("9", "10")

# Transcribers of ordinary calls noted both forms of a number, breath, noise and slips.
_BOTH_FORMS = re.compile(r"\(([^()]*)\)/\([^()]*\)")
_MARKS = re.compile(r"(?<!\w)[bnolu]/|[/+*]")
_DARK = re.compile(r"죽|자살|욕|때리|쓰레기|새끼|섹스")


def _sms_spam(folder: Path) -> Iterator[Row]:
    """Only class 2, reported spam, is to be trusted."""
    for row in read_table(folder / "ko_sms_spam.csv", ("content", "class")):
        if row["class"] == TRUSTED_SPAM:
            yield Row(row["content"], {SPAM: 1, VIOLATION: 1})


def _voice_phishing(folder: Path) -> Iterator[Row]:
    """Transcribed calls by swindlers and, with marks taken out, between acquaintances."""
    path = folder / "Data_Collection_Preprocessing__KorCCViD_v1.3.csv"
    for row in read_table(path, ("Transcript", "Label")):
        text = _MARKS.sub("", _BOTH_FORMS.sub(r"\1", row["Transcript"]))
        text = " ".join(text.split())[:MAX_CALL_CHARACTERS].rstrip()
        yield Row(text, {SPAM: 1, VIOLATION: 1} if row["Label"] == "1" else {SPAM: 0})


def _chatbot(folder: Path) -> Iterator[Row]:
    """Short everyday sentences written for a companion, without those on darker things."""
    labels = no_violation(**{THREAT: 0, SELF_HARM: 0, SPAM: 0, PROFANITY: 0})
    rows = (
        Row(row[side], labels)
        for row in read_table(folder / "ChatbotData.csv", ("Q", "A", "label"))
        for side in ("Q", "A")
        if not _DARK.search(row["Q"] + row["A"])
    )
    yield from keep_some(rows, MAX_ROWS)


def _nsmc(folder: Path) -> Iterator[Row]:
    """Film reviews of people who liked the film: nothing is decided."""
    path = folder / "nsmc_sample.tsv.gz"
    require_file(path)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        pairs = (line.rstrip("\n").rpartition("\t") for line in file)
        rows = [Row(review, {}) for review, _, rating in pairs if rating in LIKED]
    yield from keep_some(rows, MAX_ROWS)


def _siren(folder: Path) -> Iterator[Row]:
    """Levels 1 to 3 rise from a wish to die to a plan; a language model gave them."""
    path = folder / "siren_train.json"
    require_file(path)
    for row in json.loads(path.read_text("utf-8")):
        level = int(row["label"])
        labels = {SELF_HARM: 1, VIOLATION: 1} if level else {SELF_HARM: 0}
        yield Row(row["text"], labels, severity={SELF_HARM: level} if level else {})


KOREAN_OTHER = (
    Source(
        "ko_sms_spam_19k",
        "ko",
        "unstated",
        "none stated",
        "j2h00n/smishing_ai, reported spam messages",
        _sms_spam,
        (HATE, HARASSMENT, THREAT, SELF_HARM),
    ),
    Source(
        "ko_voice_phishing",
        "ko",
        "unstated",
        "none stated",
        "Moussavou Boussougou, Park 2022, KorCCVi: Korean Voice Phishing Detection",
        _voice_phishing,
        (HATE, HARASSMENT, THREAT, SELF_HARM),
    ),
    Source(
        "ko_chatbot_benign",
        "ko",
        "open",
        "MIT",
        "songys, Chatbot_data for Korean v1.0",
        _chatbot,
        weak=True,  # everyday sentences, but nobody rated them
    ),
    Source(
        "ko_nsmc_sample",
        "ko",
        "open",
        "CC0 1.0",
        "Park, Naver Sentiment Movie Corpus v1.0",
        _nsmc,
        (HATE, HARASSMENT, THREAT, SELF_HARM, SPAM),
        weak=True,
    ),
    Source(
        "ko_siren_suicide",
        "ko",
        "unstated",
        "none stated",
        "leesiemundo/SIREN, posts graded after C-SSRS",
        _siren,
        (SPAM,),
        weak=True,
    ),
)
