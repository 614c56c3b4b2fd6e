"""Korean corpora of abuse, beyond those in `korean`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    require_file,
)
from triage_ml.domain.taxonomy import VIOLATION

UNSMILE_HATE = (
    "여성/가족",
    "남성",
    "성소수자",
    "인종/국적",
    "연령",
    "지역",
    "종교",
    "기타 혐오",
)
UNSMILE_MEAN, UNSMILE_CLEAN, UNSMILE_PERSON = "악플/욕설", "clean", "개인지칭"

# Whom the offence is aimed at; without a target it is mere coarseness.
KOLD: dict[str, Labels] = {
    "group": {HATE: 1, VIOLATION: 1},
    "individual": {HATE: 0, HARASSMENT: 1, VIOLATION: 1},
    "untargeted": {HATE: 0, HARASSMENT: 0},
    "other": {HATE: 0},
}
HATESCORE: dict[str, Labels] = {
    "혐오발언": {HATE: 1, VIOLATION: 1},
    "단순 악플": {HATE: 0, VIOLATION: 1},
    "Clean": no_violation(),
}
HATESCORE_MADE = "규칙 기반 생성"
# Threats, extortion, bullying at work, other bullying.
DKTC: dict[str, Labels] = {
    "협박 대화": {THREAT: 1, VIOLATION: 1},
    "갈취 대화": {VIOLATION: 1},
    "직장 내 괴롭힘 대화": {HARASSMENT: 1, VIOLATION: 1},
    "기타 괴롭힘 대화": {HARASSMENT: 1, VIOLATION: 1},
}


def _curse(folder: Path) -> Iterator[Row]:
    """The question was 욕설, abusive or foul wording; whether it attacks anyone was not."""
    path = folder / "dataset.txt"
    require_file(path)
    for line in path.read_text("utf-8").splitlines():
        text, _, mark = line.rpartition("|")
        if mark in ("0", "1"):
            yield Row(text, {PROFANITY: 1} if mark == "1" else no_violation(**{PROFANITY: 0}))


def _malicious(folder: Path) -> Iterator[Row]:
    """0 is malicious. Two thirds come from ko_beep_kocohub and ko_curse_2runo."""
    path = folder / "Dataset.csv"
    for row in read_table(path, ("content", "lable"), delimiter="\t", quoted=False):
        if row["lable"] in ("0", "1"):
            malicious = row["lable"] == "0"
            labels = {VIOLATION: 1} if malicious else {HARASSMENT: 0, VIOLATION: 0}
            yield Row(row["content"], labels)


def _kold(folder: Path) -> Iterator[Row]:
    """Offensive comments only, as written, not in their dialect versions."""
    for name, held_out in (("valid", False), ("test", True)):
        for row in _records(folder / f"experiment__gs_kold_{name}.json"):
            if row["OFF"] and row["TGT"] in KOLD:
                spans = _find_spans(row["standard"], row["OFF_span"] or "")
                yield Row(row["standard"], KOLD[row["TGT"]], held_out, spans=spans)


def _find_spans(text: str, listed: str) -> Spans | None:
    """Locate the comma-separated pieces in order. None where one is not in the text."""
    spans: list[tuple[int, int]] = []
    for piece in filter(None, (part.strip() for part in listed.split(", "))):
        after = spans[-1][1] if spans else 0
        start = text.find(piece, after)
        start = text.find(piece) if start < 0 else start
        if start < 0:
            return None
        spans.append((start, start + len(piece)))
    return tuple(sorted(set(spans))) or None


def _kosbi(folder: Path) -> Iterator[Row]:
    """Prejudice and discrimination are hate; a stereotype alone is left out."""
    for name, held_out in (("valid", False), ("test", True)):
        for row in _records(folder / f"data__KoSBi__kosbi_{name}.json"):
            kinds = {kind.split("_")[0] for kind in row["sentence_sub_label"] or ()}
            if row["sentence_label"] == "safe":
                yield Row(row["sentence"], no_violation(), held_out)
            elif kinds & {"prejudice", "discrimination"}:
                yield Row(row["sentence"], {HATE: 1, VIOLATION: 1}, held_out)


def _unsmile(folder: Path) -> Iterator[Row]:
    columns = ("문장", *UNSMILE_HATE, UNSMILE_MEAN, UNSMILE_CLEAN, UNSMILE_PERSON)
    for name, held_out in (("train", False), ("valid", True)):
        path = folder / f"unsmile_{name}_v1.0.tsv"
        for row in read_table(path, columns, delimiter="\t", quoted=False):
            if labels := _unsmile_labels({name for name in columns if row[name] == "1"}):
                yield Row(row["문장"], labels, held_out)


def _unsmile_labels(marked: set[str]) -> Labels:
    """Mean comments insult, swear or are obscene; aimed at a known person, they harass."""
    if marked & {*UNSMILE_HATE}:
        return {HATE: 1, VIOLATION: 1}
    if UNSMILE_MEAN in marked:
        aimed = {HARASSMENT: 1} if UNSMILE_PERSON in marked else {}
        return {HATE: 0, VIOLATION: 1} | aimed
    return no_violation(**{PROFANITY: 0}) if UNSMILE_CLEAN in marked else {}


def _hatescore(folder: Path) -> Iterator[Row]:
    """Comments and encyclopaedic sentences; those made by rule are left out."""
    columns = ("comment", "macrolabel", "source")
    for row in read_table(folder / "HateScore.csv", columns):
        if row["source"] != HATESCORE_MADE and row["macrolabel"] in HATESCORE:
            yield Row(row["comment"], HATESCORE[row["macrolabel"]])


def _dktc(folder: Path) -> Iterator[Row]:
    """Acted dialogues. Those of the test file have no labels in the copy."""
    for row in read_table(folder / "data__train.csv", ("class", "conversation")):
        if row["class"] in DKTC:
            yield Row(row["conversation"], DKTC[row["class"]])


def _records(path: Path) -> list[dict[str, Any]]:
    require_file(path)
    records: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return records


KOREAN_ABUSE = (
    Source(
        "ko_curse_2runo",
        "ko",
        "open",
        "MIT",
        "2runo, Curse-detection-data",
        _curse,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "ko_malicious_zizun",
        "ko",
        "open",
        "MIT",
        "ZIZUN, korean-malicious-comments-dataset",
        _malicious,
        (THREAT, SELF_HARM, SPAM),
        weak=True,
    ),
    Source(
        "ko_kold_dialect_subset",
        "ko",
        "unstated",
        "none stated in the copy",
        "Jeong et al. 2022, KOLD: Korean Offensive Language Dataset",
        _kold,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "ko_kosbi_square",
        "ko",
        "open",
        "MIT",
        "Lee et al. 2023, KoSBi: A Dataset for Mitigating Social Bias Risks",
        _kosbi,
        (THREAT, SELF_HARM, SPAM),
        weak=True,
    ),
    Source(
        "ko_unsmile",
        "ko",
        "non-commercial",
        "CC BY-NC-ND 4.0",
        "Kang et al. 2022, Korean Online Hate Speech Dataset (UnSmile)",
        _unsmile,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "ko_hatescore",
        "ko",
        "non-commercial",
        "Apache-2.0 file; read-me: non-profit and academic use",
        "Kang et al. 2022, Korean Online Hate Speech Dataset (HateScore)",
        _hatescore,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "ko_dktc_threat",
        "ko",
        "non-commercial",
        "CC BY-NC-SA 4.0",
        "TUNiB 2022, DKTC: Dataset of Korean Threatening Conversations",
        _dktc,
        (SELF_HARM,),
    ),
)
