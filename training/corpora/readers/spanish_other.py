"""Spanish corpora of other matters than abuse."""

import re
from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.mail import phishing_mails
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
    read_table,
)
from triage_ml.domain.taxonomy import VIOLATION

_HASHTAG = re.compile(r"#\w+")


def _suicide_tweets(folder: Path) -> Iterator[Row]:
    path = folder / "dataset__suicidio_notacion.csv"
    for row in read_table(path, ("tweet_clean", "suicidio")):
        at_risk = row["suicidio"] == "1"
        yield Row(row["tweet_clean"], {SELF_HARM: 1, VIOLATION: 1} if at_risk else {SELF_HARM: 0})


def _anorexia_tweets(folder: Path) -> Iterator[Row]:
    """Tweets on anorexia against tweets on food, found by hashtag: those are taken out."""
    for row in read_table(folder / "anorexia_tweets.csv", ("tweet_text", "class")):
        text = " ".join(_HASHTAG.sub(" ", row["tweet_text"]).split())
        promotes = row["class"] == "anorexia"
        yield Row(text, {SELF_HARM: 1, VIOLATION: 1} if promotes else {SELF_HARM: 0})


def _umsab(folder: Path) -> Iterator[Row]:
    """Everyday tweets of positive sentiment: nothing is decided. Only the training file."""
    stem = "data__sentiment__spanish__train"
    yield from positive_tweets(folder / f"{stem}_labels.txt", folder / f"{stem}_text.txt")


def _phishing(folder: Path) -> Iterator[Row]:
    yield from phishing_mails(folder / "phishing_pot_es.jsonl.gz")


SPANISH_OTHER = (
    Source(
        "es_suicide_tweets",
        "es",
        "unstated",
        "none stated, asks for citation",
        "Valeriano, Condori-Larico, Sulla-Torres 2020, Detection of Suicidal Intent in Spanish",
        _suicide_tweets,
        (HATE, THREAT, SPAM),
    ),
    Source(
        "es_anorexia_tweets",
        "es",
        "unstated",
        "none stated",
        "gusgoos/eating-disorder-tweet-detector; probably López-Úbeda et al. 2019, SAD",
        _anorexia_tweets,
        (HATE, THREAT, SPAM),
        weak=True,
    ),
    Source(
        "es_umsab_tweets",
        "es",
        "open",
        "Apache-2.0 on the copy; tweets under the terms of Twitter",
        "Barbieri, Espinosa Anke, Camacho-Collados 2022, XLM-T",
        _umsab,
        (HATE, HARASSMENT, THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "es_phishing_pot",
        "es",
        "non-commercial",
        "CC BY-NC 4.0",
        "Peixoto, phishing_pot: a collection of phishing samples",
        _phishing,
        (HATE, HARASSMENT, THREAT, SELF_HARM, PROFANITY),
    ),
)
