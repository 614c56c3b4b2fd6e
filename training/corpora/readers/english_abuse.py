"""English corpora on abuse of several kinds, or on how offensive a text is."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

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
    Spans,
    no_violation,
    read_table,
)
from triage_ml.domain.taxonomy import VIOLATION

SPAN_TYPES = {
    "Insult": HARASSMENT,
    "Threat": THREAT,
    "Profane/Obscene": PROFANITY,
    "Identity based Attack": HATE,
}
# Most of HASOC's English hate is anger at politicians or a cricket board: it decides nothing.
HASOC: dict[str, Labels] = {
    "HATE": {},
    "OFFN": {VIOLATION: 1},
    "PRFN": {PROFANITY: 1},
    "NONE": no_violation(),
}
PROTEST = re.compile(
    r"resign|modi|bjp|covid|\bicc\b|bcci|dhoni|trump|election|mamata|didi\b|doctors|murderer",
    re.IGNORECASE,
)
# A very offensive comment may only swear; one that speaks to somebody seldom does.
ADDRESSED = re.compile(r"\b(you|your|you['’]?re|u|ur)\b", re.IGNORECASE)


def hasoc_labels(text: str, mark: str) -> Labels:
    """Give what a HASOC mark decides; on political protest only its absence of abuse counts."""
    return {} if mark != "NONE" and PROTEST.search(text) else HASOC[mark]


def _toxic_spans(folder: Path) -> Iterator[Row]:
    """Join the typed spans of single raters with the shared task's spans.

    A type is present when two raters marked it, absent when none did.
    """
    texts = {
        row["comment_id"]: row["comment_text"]
        for row in read_table(folder / "data__comments.csv", ("comment_id", "comment_text"))
    }
    raters: Counter[str] = Counter()
    comment_of: dict[str, str] = {}
    for row in read_table(folder / "data__annotations.csv", ("annotation", "comment_id")):
        comment_of[row["annotation"]] = row["comment_id"]
        raters[row["comment_id"]] += 1
    types: dict[str, set[tuple[str, str]]] = defaultdict(set)
    marked: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for row in read_table(folder / "data__spans.csv", ("annotation", "type", "start", "end")):
        rater = row["annotation"]
        if row["type"] in SPAN_TYPES and rater in comment_of:
            types[comment_of[rater]].add((rater, SPAN_TYPES[row["type"]]))
        if row["type"] and rater in comment_of:
            letters = range(int(row["start"]), int(row["end"]))
            marked[comment_of[rater]].update((rater, letter) for letter in letters)
    shared = dict(_shared_task(folder))
    for comment, text in texts.items():
        if raters[comment] >= 2:
            labels = _span_labels(types[comment])
            spans, held_out = shared.pop(text, (None, False))
            if spans is None:
                spans = _agreed_spans(marked[comment], raters[comment])
            spans = tuple((start, min(end, len(text))) for start, end in spans)
            yield Row(text, labels, held_out, spans=spans)
    for text, (spans, held_out) in shared.items():
        yield Row(text, {VIOLATION: 1}, held_out, spans=spans)


def _shared_task(folder: Path) -> Iterator[tuple[str, tuple[Spans, bool]]]:
    for split in ("train", "trial", "test"):
        path = folder / f"SemEval2021__data__tsd_{split}.csv"
        for row in read_table(path, ("spans", "text")):
            yield row["text"], (merged(json.loads(row["spans"])), split == "test")


def _agreed_spans(marked: Iterable[tuple[str, int]], n_raters: int) -> Spans:
    votes = Counter(letter for _, letter in marked)
    return merged(letter for letter, count in votes.items() if 2 * count >= n_raters)


def merged(letters: Iterable[int]) -> Spans:
    """Join character positions into [start, end) ranges."""
    spans: list[tuple[int, int]] = []
    for letter in sorted(set(letters)):
        if spans and spans[-1][1] == letter:
            spans[-1] = spans[-1][0], letter + 1
        else:
            spans.append((letter, letter + 1))
    return tuple(spans)


def _span_labels(marks: set[tuple[str, str]]) -> Labels:
    votes = Counter(output for _, output in marks)
    labels = {output: 1 for output, count in votes.items() if count >= 2}
    labels |= {output: 0 for output in SPAN_TYPES.values() if output not in votes}
    if any(labels.get(output) == 1 for output in (HATE, HARASSMENT, THREAT)):
        labels[VIOLATION] = 1
    return labels


def _youtoxic(folder: Path) -> Iterator[Row]:
    columns = ("Text", "IsToxic", "IsAbusive", "IsThreat", "IsObscene", "IsHatespeech")
    for row in read_table(folder / "youtoxic_english_1000.csv", columns):
        yield Row(row["Text"], _youtoxic_labels(row))


def _youtoxic_labels(row: Mapping[str, str]) -> Labels:
    """Leave harassment open where a comment is abusive: it may be hate, a threat or an insult."""
    is_set = {name: int(cell == "True") for name, cell in row.items()}
    labels = {
        HATE: is_set["IsHatespeech"],
        THREAT: is_set["IsThreat"],
        PROFANITY: is_set["IsObscene"],
        VIOLATION: is_set["IsToxic"],
    }
    return labels if is_set["IsAbusive"] else {**labels, HARASSMENT: 0}


def _hasoc2021(folder: Path) -> Iterator[Row]:
    path = folder / "Code__task1A__en__data__rawData.csv"
    for row in read_table(path, ("text", "task_2")):
        if labels := hasoc_labels(row["text"], row["task_2"]):
            yield Row(row["text"], labels)


def _ruddit(folder: Path) -> Iterator[Row]:
    """Comments on a scale from kind (-1) to offensive (1); only its ends decide anything."""
    path = folder / "ruddit_with_text.csv"
    for row in read_table(path, ("post_id", "offensiveness_score", "comment_body")):
        text, score = row["comment_body"], float(row["offensiveness_score"])
        if text.strip() in {"[deleted]", "[removed]", ""}:
            continue
        if score >= 0.75 and ADDRESSED.search(text):
            severity = {VIOLATION: 1 + (score >= 0.8) + (score >= 0.9)}
            yield Row(text, {VIOLATION: 1}, severity=severity, group=row["post_id"])
        elif score <= -0.2:
            yield Row(text, no_violation(), group=row["post_id"])


ENGLISH_ABUSE = (
    Source(
        "en_toxic_spans",
        "en",
        "open",
        "CC0-1.0",
        "Pavlopoulos et al. 2022, From the Detection of Toxic Spans in Online Discussions;"
        " Pavlopoulos et al. 2021, SemEval-2021 Task 5: Toxic Spans Detection",
        _toxic_spans,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_youtoxic1000",
        "en",
        "unstated",
        "none stated in the copy",
        "YouTube toxicity data (youtoxic_english_1000), published on Kaggle",
        _youtoxic,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_hasoc2021",
        "en",
        "unstated",
        "none stated in the copy",
        "Mandl et al. 2021, Overview of the HASOC Subtrack at FIRE 2021",
        _hasoc2021,
        (SELF_HARM, SPAM),
        weak=True,  # political protest counts as hate
    ),
    Source(
        "en_ruddit",
        "en",
        "unstated",
        "none stated in the copy",
        "Hada et al. 2021, Ruddit: Norms of Offensiveness for English Reddit Comments",
        _ruddit,
        (SELF_HARM, SPAM),
        weak=True,  # the raters compared how offensive texts are, not what they break
    ),
)
