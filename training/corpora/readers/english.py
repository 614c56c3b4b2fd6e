"""English corpora."""

from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.english_abuse import ENGLISH_ABUSE
from training.corpora.readers.english_benign import ENGLISH_BENIGN
from training.corpora.readers.english_harm import ENGLISH_HARM
from training.corpora.readers.english_hate import ENGLISH_HATE
from training.corpora.readers.english_research import ENGLISH_RESEARCH
from training.corpora.readers.english_spam import ENGLISH_SPAM
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
)
from triage_ml.domain.taxonomy import VIOLATION

# `offensive` in Davidson is mostly coarse language found by a word list: a hint, no violation.
DAVIDSON: dict[str, Labels] = {
    "0": {HATE: 1, VIOLATION: 1},
    "1": {HATE: 0, PROFANITY: 1},
    "2": no_violation(**{PROFANITY: 0}),
}
OLID: dict[tuple[str, str], Labels] = {
    ("NULL", "NULL"): no_violation(**{PROFANITY: 0}),
    ("UNT", "NULL"): {HATE: 0, HARASSMENT: 0, PROFANITY: 1},
    ("TIN", "IND"): {HARASSMENT: 1, VIOLATION: 1},
    ("TIN", "GRP"): {HATE: 1, VIOLATION: 1},
    ("TIN", "OTH"): {VIOLATION: 1},
}
HATEXPLAIN: dict[str, Labels] = {
    "hate": {HATE: 1, VIOLATION: 1},
    "offensive": {HATE: 0, VIOLATION: 1},
    "normal": no_violation(),
}


def _davidson(folder: Path) -> Iterator[Row]:
    for row in read_table(folder / "data__labeled_data.csv", ("class", "tweet")):
        yield Row(row["tweet"], DAVIDSON[row["class"]])


def _olid(folder: Path) -> Iterator[Row]:
    columns = ("tweet", "subtask_a", "subtask_b", "subtask_c")
    path = folder / "data__olid-training-v1.0.tsv"
    for row in read_table(path, columns, delimiter="\t", quoted=False):
        fine = row["subtask_b"], row["subtask_c"]
        if fine in OLID:
            yield Row(row["tweet"], OLID[fine])


def _implicit_hate(folder: Path) -> Iterator[Row]:
    path = folder / "implicit-hate-corpus__implicit_hate_v1_stg1_posts.tsv"
    for row in read_table(path, ("post", "class"), delimiter="\t"):
        hateful = row["class"] != "not_hate"
        yield Row(row["post"], {HATE: 1, VIOLATION: 1} if hateful else {HATE: 0})


def _hatexplain(folder: Path) -> Iterator[Row]:
    for name in ("val", "test"):
        for row in read_table(folder / f"{name}.csv", ("unmasked_sentence", "gt_label")):
            if row["gt_label"] in HATEXPLAIN:
                yield Row(row["unmasked_sentence"], HATEXPLAIN[row["gt_label"]], name == "test")


def _jigsaw(folder: Path) -> Iterator[Row]:
    columns = ("comment_text", "toxic", "obscene", "threat", "insult", "identity_hate", "dataset")
    for row in read_table(folder / "toxic_comments.csv", columns):
        labels = {
            HATE: int(row["identity_hate"]),
            HARASSMENT: int(row["insult"]),
            THREAT: int(row["threat"]),
            PROFANITY: int(row["obscene"]),
        }
        if labels[HATE] or labels[HARASSMENT] or labels[THREAT]:
            labels[VIOLATION] = 1
        elif row["toxic"] == "0":
            labels[VIOLATION] = 0
        yield Row(row["comment_text"], labels, row["dataset"] == "test")


def _suicide_twitter(folder: Path) -> Iterator[Row]:
    path = folder / "Suicide_Ideation_Dataset(Twitter-based).csv"
    for row in read_table(path, ("Text", "Semantic")):
        at_risk = row["Semantic"].startswith("Potential")
        yield Row(row["Text"], {SELF_HARM: 1, VIOLATION: 1} if at_risk else {SELF_HARM: 0})


def _sms_spam(folder: Path) -> Iterator[Row]:
    path = folder / "data__SMSSpamCollection"
    columns = ("class", "text")
    for row in read_table(path, columns, delimiter="\t", header=False, quoted=False):
        labels = {SPAM: 1, VIOLATION: 1} if row["class"] == "spam" else {SPAM: 0}
        yield Row(row["text"], labels)


ENGLISH = (
    Source(
        "en_davidson2017",
        "en",
        "open",
        "MIT",
        "Davidson et al. 2017, Automated Hate Speech Detection and Offensive Language",
        _davidson,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "en_olid2019",
        "en",
        "unstated",
        "none stated in the copy",
        "Zampieri et al. 2019, Predicting the Type and Target of Offensive Posts",
        _olid,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "en_implicit_hate",
        "en",
        "open",
        "CC BY 4.0",
        "ElSherief et al. 2021, Latent Hatred: A Benchmark for Understanding Implicit Hate",
        _implicit_hate,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_hatexplain_valtest",
        "en",
        "open",
        "MIT",
        "Mathew et al. 2021, HateXplain",
        _hatexplain,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_jigsaw_subset",
        "en",
        "unstated",
        "none stated in the copy (Jigsaw: CC0; Wikipedia text CC BY-SA 3.0)",
        "Jigsaw 2018, Toxic Comment Classification Challenge",
        _jigsaw,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_suicide_twitter_1787",
        "en",
        "unstated",
        "none stated in the copy",
        "greatwhite9/Suicidal_Text_Detection, potentially suicidal tweets",
        _suicide_twitter,
        (HATE, THREAT, SPAM),
    ),
    Source(
        "en_sms_spam_uci",
        "en",
        "open",
        "free with citation (read-me)",
        "Almeida, Gómez Hidalgo, Yamakami 2011, Contributions to the Study of SMS Spam",
        _sms_spam,
        (HATE, HARASSMENT, THREAT, SELF_HARM, PROFANITY),
    ),
    *ENGLISH_HATE,
    *ENGLISH_ABUSE,
    *ENGLISH_HARM,
    *ENGLISH_SPAM,
    *ENGLISH_BENIGN,
    *ENGLISH_RESEARCH,
)
