"""German corpora beside the shared tasks on offence."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median_low
from typing import Any

from training.corpora.readers.mail import phishing_mails
from training.corpora.readers.sampling import keep_some
from training.corpora.readers.tweets import positive_tweets
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

MAX_ROWS = 3_000
_EXPERTS = ("HatespeechOrNot (Expert 1)", "HatespeechOrNot (Expert 2)")
_ADDRESSED = re.compile(r"^(?:du\b|bist du\b)")
_FASTTEXT = "__label__"


def _iwg(folder: Path) -> Iterator[Row]:
    """Where two experts agree; where they do not, nothing is decided."""
    for row in read_table(folder / "german hatespeech refugees.csv", ("Tweet", *_EXPERTS)):
        votes = {row[expert].strip() for expert in _EXPERTS}
        if votes == {"YES"}:
            yield Row(row["Tweet"], {HATE: 1, VIOLATION: 1})
        elif votes == {"NO"}:
            yield Row(row["Tweet"], {HATE: 0})


def _germs(folder: Path) -> Iterator[Row]:
    """Sexism as most raters saw it, in grades 0 to 4; the median of all is the severity."""
    grades = {
        row["id"]: row["labels"]
        for row in _unzip(folder / "site__data__germeval-competition-targets.json.gz")[0]
    }
    stem = "site__data__germeval-competition"
    for name, held_out in (("traindev", False), ("test", True)):
        for row in _unzip(folder / f"{stem}-{name}.jsonl.gz"):
            marks = [mark["label"] for mark in row.get("annotations", ())] or grades[row["id"]]
            levels = [int(mark[0]) for mark in marks]
            n_sexist = sum(level > 0 for level in levels)
            if 2 * n_sexist > len(levels):
                severity = {HATE: median_low(levels)}
                yield Row(row["text"], {HATE: 1, VIOLATION: 1}, held_out, severity=severity)
            elif 2 * n_sexist < len(levels):
                yield Row(row["text"], {HATE: 0}, held_out)


def _unzip(path: Path) -> list[Any]:
    require_file(path)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _robot(folder: Path) -> Iterator[Row]:
    """Templates said to a robot: abuse of it, praise, and bare names of groups."""
    path = folder / "source-data__emotions.txt"
    require_file(path)
    for line in path.read_text("utf-8").splitlines():
        mark, _, text = line.removeprefix(_FASTTEXT).partition(" ")
        if mark in ("positive", "neutral"):
            yield Row(text, no_violation())
        elif mark == "negative" and _ADDRESSED.match(text):
            yield Row(text, {HARASSMENT: 1, VIOLATION: 1})


def _umsab(folder: Path) -> Iterator[Row]:
    """Everyday tweets of positive sentiment: nothing is decided. Only the training file."""
    stem = "data__sentiment__german__train"
    yield from positive_tweets(folder / f"{stem}_labels.txt", folder / f"{stem}_text.txt")


def _potts(folder: Path) -> Iterator[Row]:
    """Tweets of positive sentiment: nothing is decided."""
    path = folder / "source-data__PotTS__not-preprocessed__corpus_label_text.tsv"
    columns = ("mark", "text")
    rows = read_table(path, columns, delimiter="\t", header=False, quoted=False)
    liked = (Row(row["text"], {}) for row in rows if row["mark"] == "positive")
    yield from keep_some(liked, MAX_ROWS)


def _phishing(folder: Path) -> Iterator[Row]:
    yield from phishing_mails(folder / "phishing_pot_de.jsonl.gz")


GERMAN_OTHER = (
    Source(
        "de_iwg",
        "de",
        "open",
        "CC BY-SA 3.0",
        "Ross et al. 2016, Measuring the Reliability of Hate Speech Annotations",
        _iwg,
        (SELF_HARM, SPAM),
    ),
    Source(
        "de_germs_at",
        "de",
        "non-commercial",
        "CC BY-NC-SA 4.0",
        "Gross et al. 2024, GermEval2024 Shared Task: GerMS-Detect",
        _germs,
        (SELF_HARM, SPAM),
    ),
    Source(
        "de_robot_insults",
        "de",
        "open",
        "MIT",
        "Guhr et al. 2020, Training a Broad-Coverage German Sentiment Classification Model",
        _robot,
        (THREAT, SELF_HARM, SPAM),
        weak=True,
    ),
    Source(
        "de_umsab_tweets",
        "de",
        "open",
        "Apache-2.0 on the copy; tweets under the terms of Twitter",
        "Barbieri, Espinosa Anke, Camacho-Collados 2022, XLM-T",
        _umsab,
        (HATE, HARASSMENT, THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "de_potts_sentiment",
        "de",
        "unstated",
        "none stated for the data (copy: MIT)",
        "Sidarenka 2016, PotTS: The Potsdam Twitter Sentiment Corpus",
        _potts,
        (HATE, THREAT, SELF_HARM, SPAM),
        weak=True,
    ),
    Source(
        "de_phishing_pot",
        "de",
        "non-commercial",
        "CC BY-NC 4.0",
        "Peixoto, phishing_pot: a collection of phishing samples",
        _phishing,
        (HATE, HARASSMENT, THREAT, SELF_HARM, PROFANITY),
    ),
)
