"""Turkish corpora of bullying, mined offence and unwanted e-mail."""

import json
from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.mail import scrub_mail
from training.corpora.readers.sampling import keep_some
from training.corpora.sources import (
    HARASSMENT,
    HATE,
    PROFANITY,
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

MAX_WEAK_ROWS = 4_000
BULLYING: Labels = {HARASSMENT: 1, VIOLATION: 1}


def _cyberbullying_3000(folder: Path) -> Iterator[Row]:
    path = folder / "turkish_cyberbullying_3000.csv"
    for row in read_table(path, ("message", "cyberbullying"), delimiter="\t", quoted=False):
        if row["cyberbullying"] in ("0", "1"):
            bullies = row["cyberbullying"] == "1"
            yield Row(row["message"], BULLYING if bullies else {HARASSMENT: 0})


def _tweetset(folder: Path) -> Iterator[Row]:
    """Bullying or not; many of the first kind are only coarse."""
    rows = (
        Row(row["Paylasim"], BULLYING if row["Tip"] == "Negatif" else {HARASSMENT: 0})
        for row in read_table(folder / "tweetset_utf8.csv", ("Tip", "Paylasim"))
        if row["Tip"] in ("Negatif", "Pozitif")
    )
    yield from keep_some(rows, MAX_WEAK_ROWS)


def _lingda(folder: Path) -> Iterator[Row]:
    """Offence mined by seed words, less what other corpora here hold."""
    rows = (
        Row(row["text"], {VIOLATION: 1} if row["label"] == "1" else no_violation())
        for row in read_table(folder / "lingda_new.csv", ("text", "label"))
        if row["label"] in ("0", "1")
    )
    yield from keep_some(rows, MAX_WEAK_ROWS)


def _spam_email(folder: Path) -> Iterator[Row]:
    path = folder / "trspam_parsed.jsonl"
    require_file(path)
    with path.open(encoding="utf-8") as file:
        for mail in map(json.loads, file):
            if text := scrub_mail(mail["text"]):
                unwanted = mail["label"] == "spam"
                yield Row(text, {SPAM: 1, VIOLATION: 1} if unwanted else {SPAM: 0})


TURKISH_OTHER = (
    Source(
        "tr_cyberbullying_3000",
        "tr",
        "unstated",
        "Apache-2.0 file on the copy, origin not stated",
        "TRT Data Warriors, Tackling-Hate-Speech: Turkish cyberbullying messages",
        _cyberbullying_3000,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "tr_cyberbullying_tweetset",
        "tr",
        "unstated",
        "none stated in the copy",
        "L2-Regulasyon/Teknofest2023, tweetset of cyberbullying (Kaggle)",
        _tweetset,
        (THREAT, SELF_HARM, SPAM),
        weak=True,
    ),
    Source(
        "tr_lingda_new",
        "tr",
        "open",
        "MIT (repository), CC BY 2.0 (data card)",
        "Tanyel, Alkurdi, Ayvaz 2022, Linguistic-based Data Augmentation Approach",
        _lingda,
        (SELF_HARM, SPAM),
        weak=True,
    ),
    Source(
        "tr_spam_email",
        "tr",
        "unstated",
        "MIT on the copy; original at UCI under CC BY 4.0",
        "Turkish Spam V01, UCI Machine Learning Repository",
        _spam_email,
        (HATE, HARASSMENT, THREAT, SELF_HARM, PROFANITY),
    ),
)
