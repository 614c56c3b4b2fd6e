"""English corpora."""

from collections import Counter, defaultdict
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
SPAN_TYPES = {
    "Insult": HARASSMENT,
    "Threat": THREAT,
    "Profane/Obscene": PROFANITY,
    "Identity based Attack": HATE,
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


def _toxic_spans(folder: Path) -> Iterator[Row]:
    """Take a type as present when two raters marked it, as absent when none did."""
    texts = {
        row["comment_id"]: row["comment_text"]
        for row in read_table(folder / "data__comments.csv", ("comment_id", "comment_text"))
    }
    raters: Counter[str] = Counter()
    comment_of: dict[str, str] = {}
    for row in read_table(folder / "data__annotations.csv", ("annotation", "comment_id")):
        comment_of[row["annotation"]] = row["comment_id"]
        raters[row["comment_id"]] += 1
    marks: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in read_table(folder / "data__spans.csv", ("annotation", "type")):
        if row["type"] in SPAN_TYPES and row["annotation"] in comment_of:
            mark = row["annotation"], SPAN_TYPES[row["type"]]
            marks[comment_of[row["annotation"]]].add(mark)
    for comment, text in texts.items():
        if raters[comment] >= 2:
            yield Row(text, _span_labels(marks[comment]))


def _span_labels(marks: set[tuple[str, str]]) -> Labels:
    votes = Counter(output for _, output in marks)
    labels = {output: 1 for output, count in votes.items() if count >= 2}
    labels |= {output: 0 for output in SPAN_TYPES.values() if output not in votes}
    if any(labels.get(output) == 1 for output in (HATE, HARASSMENT, THREAT)):
        labels[VIOLATION] = 1
    return labels


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
        "en_toxic_spans",
        "en",
        "open",
        "CC0-1.0",
        "Pavlopoulos et al. 2022, From the Detection of Toxic Spans in Online Discussions",
        _toxic_spans,
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
)
