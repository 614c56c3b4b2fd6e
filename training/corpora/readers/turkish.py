"""Turkish corpora of abuse, and the list of all Turkish corpora."""

from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.turkish_other import TURKISH_OTHER
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
    read_sheet,
    read_table,
)
from triage_ml.domain.taxonomy import VIOLATION

OFFENSEVAL: dict[str, Labels] = {
    "OFF": {VIOLATION: 1},
    "NOT": no_violation(**{PROFANITY: 0}),
}
# Fine types of the same tweets: profanity without a target, aimed at a person, at a group.
TROFF: dict[str, Labels] = {
    "non": no_violation(**{PROFANITY: 0}),
    "prof": {HATE: 0, HARASSMENT: 0, PROFANITY: 1},
    "ind": {HARASSMENT: 1, VIOLATION: 1},
    "grp": {HATE: 1, VIOLATION: 1},
    "oth": {VIOLATION: 1},
}
TEKNOFEST: dict[str, Labels] = {
    "OTHER": no_violation(**{PROFANITY: 0}),
    "INSULT": {HATE: 0, HARASSMENT: 1, VIOLATION: 1},
    "PROFANITY": {HATE: 0, PROFANITY: 1},
    "RACIST": {HATE: 1, VIOLATION: 1},
    "SEXIST": {HATE: 1, VIOLATION: 1},
}


def _offenseval2020(folder: Path) -> Iterator[Row]:
    path = folder / "offenseval-tr-training-v1.tsv"
    for row in read_table(
        path, ("id", "tweet", "label"), delimiter="\t", header=False, quoted=False
    ):
        if row["label"] in OFFENSEVAL:
            yield Row(row["tweet"], OFFENSEVAL[row["label"]])


def _troff(folder: Path) -> Iterator[Row]:
    path = folder / "troff_fine_trainonly.tsv"
    for row in read_table(path, ("text", "label"), delimiter="\t", quoted=False):
        if row["label"] in TROFF:
            yield Row(row["text"], TROFF[row["label"]])


def _mayda(folder: Path) -> Iterator[Row]:
    """Hate, merely offensive, or neither; the subject is ethnic and religious groups."""
    labels: dict[str, Labels] = {
        "nefret": {HATE: 1, VIOLATION: 1},
        "saldırgan": {HATE: 0, VIOLATION: 1},
        "hiçbiri": no_violation(),
    }
    for row in read_sheet(folder / "final_hate_speech.xlsx", ("tweet", "etiket")):
        if row["etiket"] in labels:
            yield Row(row["tweet"], labels[row["etiket"]])


def _teknofest(folder: Path) -> Iterator[Row]:
    """Drop the few rows whose two label columns disagree."""
    path = folder / "data__raw__teknofest_train_final.csv"
    for row in read_table(path, ("text", "is_offensive", "target"), delimiter="|"):
        benign = row["target"] == "OTHER"
        if row["target"] in TEKNOFEST and benign == (row["is_offensive"] == "0"):
            yield Row(row["text"], TEKNOFEST[row["target"]])


def _hmpk(folder: Path) -> Iterator[Row]:
    for row in read_sheet(folder / "HMPK_dataset.xlsx", ("mesaj", "label")):
        if row["label"] == "1":
            yield Row(row["mesaj"], {HARASSMENT: 1, VIOLATION: 1})
        elif row["label"] == "0":
            yield Row(row["mesaj"], {HARASSMENT: 0})


def _sms_spam(folder: Path) -> Iterator[Row]:
    path = folder / "TurkishSMSCollection.csv"
    for row in read_table(path, ("Message", "GroupText"), delimiter=";"):
        if row["GroupText"] == "Spam":
            yield Row(row["Message"], {SPAM: 1, VIOLATION: 1})
        elif row["GroupText"] == "Normal":
            yield Row(row["Message"], {SPAM: 0})


TURKISH = (
    Source(
        "tr_offenseval2020",
        "tr",
        "open",
        "CC BY (task page)",
        "Çöltekin 2020, A Corpus of Turkish Offensive Language on Social Media",
        _offenseval2020,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "tr_troff_finelabels",
        "tr",
        "unstated",
        "CC BY (corpus page), Apache-2.0 file on the copy",
        "Çöltekin 2020, A Corpus of Turkish Offensive Language on Social Media",
        _troff,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "tr_mayda_hate",
        "tr",
        "unstated",
        "none stated, asks for citation",
        "Mayda et al. 2021, Türkçe Tweetler Üzerinde Otomatik Nefret Söylemi Tespiti",
        _mayda,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "tr_teknofest2023_offense",
        "tr",
        "unstated",
        "none stated (competition data)",
        "Teknofest 2023, Aşağılayıcı Söylemlerin Doğal Dil İşleme ile Tespiti",
        _teknofest,
        (SELF_HARM, SPAM),
    ),
    Source(
        "tr_hmpk_insult",
        "tr",
        "open",
        "Apache-2.0",
        "Kutadgu Bilig 2024, Açık Hack TCK hakaret tespiti",
        _hmpk,
        (SELF_HARM, SPAM),
    ),
    Source(
        "tr_sms_spam",
        "tr",
        "unstated",
        "none stated, asks for citation",
        "Karasoy, Ballı 2022, Spam SMS Detection for Turkish Language with Deep Text Analysis",
        _sms_spam,
        (HATE, HARASSMENT, THREAT, SELF_HARM, PROFANITY),
    ),
    *TURKISH_OTHER,
)
