"""Spanish corpora."""

from collections.abc import Iterator
from pathlib import Path

from training.sources import (
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
)
from triage_ml.domain.taxonomy import VIOLATION

# Offensive to a person, to a group, not offensive but with expletives, not offensive.
MEOFFENDES: dict[str, Labels] = {
    "OFP": {HARASSMENT: 1, VIOLATION: 1},
    "OFG": {HATE: 1, VIOLATION: 1},
    "NOE": no_violation(**{PROFANITY: 1}),
    "NO": no_violation(**{PROFANITY: 0}),
}


def _meoffendes(folder: Path) -> Iterator[Row]:
    for name, held_out in (("training", False), ("dev", True)):
        path = folder / f"split_MeOffendES__{name}_set.tsv"
        for row in read_table(path, ("comment", "label"), delimiter="\t"):
            if row["label"] in MEOFFENDES:
                yield Row(row["comment"], MEOFFENDES[row["label"]], held_out)


def _suicide_tweets(folder: Path) -> Iterator[Row]:
    path = folder / "dataset__suicidio_notacion.csv"
    for row in read_table(path, ("tweet_clean", "suicidio")):
        at_risk = row["suicidio"] == "1"
        yield Row(row["tweet_clean"], {SELF_HARM: 1, VIOLATION: 1} if at_risk else {SELF_HARM: 0})


SPANISH = (
    Source(
        "es_meoffendes",
        "es",
        "unstated",
        "none stated",
        "Plaza-del-Arco et al. 2021, OffendES: A New Corpus in Spanish",
        _meoffendes,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "es_suicide_tweets",
        "es",
        "unstated",
        "none stated, asks for citation",
        "Valeriano, Condori-Larico, Sulla-Torres 2020, Detection of Suicidal Intent in Spanish",
        _suicide_tweets,
        (HATE, THREAT, SPAM),
    ),
)
