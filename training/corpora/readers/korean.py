"""Korean corpora of abuse with several labels, and the list of all Korean corpora."""

from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.korean_abuse import KOREAN_ABUSE
from training.corpora.readers.korean_other import KOREAN_OTHER
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

KMHAS_PROFANITY, KMHAS_NONE = "7", "8"


def _kodoli(folder: Path) -> Iterator[Row]:
    """OFFEN is a violation of unstated kind; LIKELY is borderline: only its severity is known.

    The abuse column marks abusive wording; where nothing offends, it says profanity.
    """
    for row in read_table(folder / "data__kodoli.csv", ("sentences", "abuse", "offensiveness")):
        abusive = int(row["abuse"] == "ABS")
        if row["offensiveness"] == "OFFEN":
            yield Row(row["sentences"], {VIOLATION: 1}, severity={VIOLATION: 2})
        elif row["offensiveness"] == "LIKELY":
            yield Row(row["sentences"], {}, severity={VIOLATION: 1})
        elif row["offensiveness"] == "NOT":
            yield Row(row["sentences"], no_violation(**{PROFANITY: abusive}))


def _beep(folder: Path) -> Iterator[Row]:
    """`hate` is hate or insult: hate where the comment is also biased, harassment where not."""
    for name, held_out in (("train", False), ("dev", True)):
        path = folder / f"labeled__{name}.tsv"
        for row in read_table(path, ("comments", "bias", "hate"), delimiter="\t", quoted=False):
            yield Row(row["comments"], _beep_labels(row["bias"], row["hate"]), held_out)


def _beep_labels(bias: str, hate: str) -> Labels:
    if hate == "none":
        return no_violation() if bias == "none" else {HARASSMENT: 0}
    if bias == "none":
        return {HATE: 0, HARASSMENT: 1, VIOLATION: 1}
    return {HATE: 1, VIOLATION: 1} if hate == "hate" else {VIOLATION: 1}


def _kmhas(folder: Path) -> Iterator[Row]:
    path = folder / "data__kmhas_valid.txt"
    for row in read_table(path, ("document", "label"), delimiter="\t"):
        yield Row(row["document"], _kmhas_labels(set(row["label"].split(","))))


def _kmhas_labels(classes: set[str]) -> Labels:
    if classes == {KMHAS_NONE}:
        return no_violation(**{PROFANITY: 0})
    if classes == {KMHAS_PROFANITY}:
        return {HATE: 0, PROFANITY: 1}
    return {HATE: 1, VIOLATION: 1, PROFANITY: int(KMHAS_PROFANITY in classes)}


KOREAN = (
    Source(
        "ko_kodoli",
        "ko",
        "open",
        "CC BY-SA 4.0",
        "Park et al. 2023, Why do I feel offended? Korean Dataset for Offensive Language",
        _kodoli,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "ko_beep_kocohub",
        "ko",
        "open",
        "CC BY-SA 4.0",
        "Moon, Cho, Lee 2020, BEEP! Korean Corpus of Online News Comments",
        _beep,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "ko_kmhas",
        "ko",
        "unstated",
        "none stated",
        "Lee et al. 2022, K-MHaS: A Multi-label Hate Speech Detection Dataset in Korean",
        _kmhas,
        (THREAT, SELF_HARM, SPAM),
    ),
    *KOREAN_ABUSE,
    *KOREAN_OTHER,
)
