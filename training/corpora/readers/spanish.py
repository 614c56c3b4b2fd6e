"""Spanish corpora of abuse, and the list of all Spanish corpora."""

from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.spanish_other import SPANISH_OTHER
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

MAX_LYRIC_CHARACTERS = 600
MAX_TWEET_CHARACTERS = 600

# Offensive to a person, to a group, not offensive but with expletives, not offensive.
MEOFFENDES: dict[str, Labels] = {
    "OFP": {HARASSMENT: 1, VIOLATION: 1},
    "OFG": {HATE: 1, VIOLATION: 1},
    "NOE": no_violation(**{PROFANITY: 1}),
    "NO": no_violation(**{PROFANITY: 0}),
}
DETOXIS_COLUMNS = (
    "thread_id",
    "comment",
    "target_person",
    "target_group",
    "stereotype",
    "mockery",
    "insult",
    "improper_language",
    "aggressiveness",
    "intolerance",
    "toxicity_level",
)
VULGAR_AT, VULGAR, INSULT, STEREOTYPE = (
    "9. Grosería c/Int.",
    "10. Grosería s/Int.",
    "11. Insulto/Sobrenombre",
    "12. Estereotipo",
)


def _meoffendes(folder: Path) -> Iterator[Row]:
    for name, held_out in (("training", False), ("dev", True)):
        path = folder / f"split_MeOffendES__{name}_set.tsv"
        for row in read_table(path, ("comment", "label"), delimiter="\t"):
            if row["label"] in MEOFFENDES:
                yield Row(row["comment"], MEOFFENDES[row["label"]], held_out)


def _detoxis(folder: Path) -> Iterator[Row]:
    for row in read_table(folder / "data__DATASET_DETOXIS.csv", DETOXIS_COLUMNS):
        level = int(row["toxicity_level"])
        severity = {VIOLATION: level} if level else {}
        marks = {name: row[name] == "1" for name in DETOXIS_COLUMNS}
        labels = _detoxis_labels(level, marks)
        yield Row(row["comment"], labels, severity=severity, group=row["thread_id"])


def _detoxis_labels(level: int, marks: dict[str, bool]) -> Labels:
    """Mild toxicity of no stated kind, mostly sarcasm, is short of a decided violation."""
    labels = {PROFANITY: int(marks["improper_language"])}
    abuse = marks["insult"] or marks["intolerance"] or marks["aggressiveness"]
    if level > 1 or (level and abuse):
        labels[VIOLATION] = 1
    elif not level and not abuse:
        labels |= no_violation()
    if marks["insult"] and level and (marks["target_person"] or not marks["target_group"]):
        labels[HARASSMENT] = 1
    elif not marks["insult"] and not marks["mockery"]:
        labels[HARASSMENT] = 0
    if marks["intolerance"] and level:
        labels[HATE] = 1
    elif not marks["intolerance"] and not marks["stereotype"]:
        labels[HATE] = 0
    if not marks["aggressiveness"]:
        labels[THREAT] = 0
    return labels


def _homomex(folder: Path) -> Iterator[Row]:
    """Phobic of LGBT people, not phobic, not about them. The development files repeat rows.

    A song is cut, so the phobic line of a phobic one may be lost: those are left out.
    """
    labels: dict[str, Labels] = {
        "P": {HATE: 1, VIOLATION: 1},
        "NP": {HATE: 0},
        "NR": {HATE: 0},
    }
    stem = "data__public_data_train_phase__track"
    for row in read_table(folder / f"{stem}_1_train.csv", ("content", "label")):
        if row["label"] in labels:
            yield Row(row["content"], labels[row["label"]])
    for row in read_table(folder / f"{stem}_3_train.csv", ("lyrics", "label")):
        if row["label"] == "NP":
            yield Row(row["lyrics"][:MAX_LYRIC_CHARACTERS], labels["NP"])


def _mexa3t(folder: Path) -> Iterator[Row]:
    """Aggressive is meant to hurt or belittle. Both files split the labelled training data."""
    for name in ("train", "test"):
        path = folder / f"text__data__mex-a3t__{name}.csv"
        for row in read_table(path, ("text", "label"), delimiter="\t", header=False, quoted=False):
            yield Row(row["text"], {VIOLATION: 1} if row["label"] == "1" else no_violation())


def _hope(folder: Path) -> Iterator[Row]:
    """Hope speech on LGBT subjects is benign; what is no hope speech mixes all the rest."""
    path = folder / "assets__hopespeech__2021__dataset__dataset.csv"
    for row in read_table(path, ("text", "category")):
        if row["category"] == "HS":
            yield Row(row["text"], {HATE: 0, VIOLATION: 0})


def _chilean(folder: Path) -> Iterator[Row]:
    """Insults count as such, with coarse words or without; rows without marks are context."""
    columns = ("tweet a etiquetar", VULGAR_AT, VULGAR, INSULT, STEREOTYPE)
    for row in read_table(folder / "Chilean dataset__Dataset_sample_500.csv", columns):
        if row[INSULT] not in ("0", "1"):
            continue
        labels = {PROFANITY: int("1" in (row[VULGAR_AT], row[VULGAR]))}
        if "1" in (row[VULGAR_AT], row[INSULT]):
            labels |= {HARASSMENT: 1, VIOLATION: 1}
        else:
            labels |= {HARASSMENT: 0} if row[STEREOTYPE] == "1" else no_violation()
        yield Row(row["tweet a etiquetar"], labels)


def _hateval(folder: Path) -> Iterator[Row]:
    for name, held_out in (("train", False), ("test_partial", True)):
        for row in read_table(folder / f"hs-es.{name}.csv", ("text", "HS")):
            labels = {HATE: 1, VIOLATION: 1} if row["HS"] == "1" else {HATE: 0}
            if len(row["text"]) <= MAX_TWEET_CHARACTERS:  # longer: tweets run together in the copy
                yield Row(row["text"], labels, held_out)


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
        "es_detoxis2021",
        "es",
        "unstated",
        "none stated in the copy",
        "Taulé et al. 2021, Overview of DETOXIS at IberLEF 2021",
        _detoxis,
        (SELF_HARM, SPAM),
    ),
    Source(
        "es_homomex2024",
        "es",
        "unstated",
        "none stated in the copy",
        "Gómez-Adorno et al. 2024, Overview of HOMO-MEX at IberLEF 2024",
        _homomex,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "es_mexa3t_aggressive",
        "es",
        "unstated",
        "none stated in the copy (original on request)",
        "Aragón et al. 2020, Overview of MEX-A3T at IberLEF 2020",
        _mexa3t,
        (SELF_HARM, SPAM),
    ),
    Source(
        "es_hope_lgbt",
        "es",
        "unstated",
        "none stated",
        "García-Baena et al. 2023, Hope Speech Detection in Spanish: The LGBT Case",
        _hope,
        (HARASSMENT, THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "es_chilean_sample",
        "es",
        "unstated",
        "none stated",
        "Arango Monnar et al. 2022, Resources for Multilingual Hate Speech Detection",
        _chilean,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "es_hateval2019",
        "es",
        "non-commercial",
        "CC BY-NC 4.0 (organisers)",
        "Basile et al. 2019, SemEval-2019 Task 5: Multilingual Detection of Hate Speech",
        _hateval,
        (SELF_HARM, SPAM),
    ),
    *SPANISH_OTHER,
)
