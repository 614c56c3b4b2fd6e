"""German corpora of abuse, and the list of all German corpora."""

from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.german_other import GERMAN_OTHER
from training.corpora.sources import (
    EXTREMISM,
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

# ABUSE attacks a group; INSULT a person; PROFANITY is coarse without a target.
GERMEVAL: dict[str, Labels] = {
    "ABUSE": {HATE: 1, VIOLATION: 1},
    "INSULT": {HATE: 0, HARASSMENT: 1, VIOLATION: 1},
    "PROFANITY": {HATE: 0, HARASSMENT: 0, PROFANITY: 1},
    "OTHER": no_violation(**{PROFANITY: 0}),
}


def _germeval(path: Path, *, held_out: bool = False) -> Iterator[Row]:
    columns = ("text", "coarse", "fine")
    for row in read_table(path, columns, delimiter="\t", header=False, quoted=False):
        if row["fine"] in GERMEVAL:
            yield Row(row["text"], GERMEVAL[row["fine"]], held_out)


def _germeval2018(folder: Path) -> Iterator[Row]:
    yield from _germeval(folder / "germeval2018.training.txt")


def _germeval2019(folder: Path) -> Iterator[Row]:
    yield from _germeval(folder / "germeval2019.training_subtask1_2_korrigiert.txt")
    yield from _germeval(folder / "germeval2019GoldLabelsSubtask1_2.txt", held_out=True)


def _germeval2021(folder: Path) -> Iterator[Row]:
    """Toxic comments are violations; which kind was not asked."""
    for name, held_out in (("Train", False), ("Test", True)):
        path = folder / f"data__GermEval21_{name}Data.csv"
        for row in read_table(path, ("text", "label")):
            toxic = row["label"] == "1"
            yield Row(row["text"], {VIOLATION: 1} if toxic else no_violation(), held_out)


def _germeval2025(folder: Path) -> Iterator[Row]:
    """Calls for violence, and attacks on the democratic order, asked of overlapping texts.

    The first is a threat; both together are violent extremism. Agitation alone is mostly
    insult of politicians, and calls to any action range from petitions on: nothing is decided.
    """
    violent: set[str] = set()
    for text, mark in _germeval2025_task(folder, "vio"):
        if mark == "True":
            violent.add(text)
            yield Row(text, {THREAT: 1, VIOLATION: 1})
        elif mark == "False":
            yield Row(text, {THREAT: 0})
    for text, mark in _germeval2025_task(folder, "dbo"):
        if mark in ("agitation", "subversive") and text in violent:
            yield Row(text, {EXTREMISM: 1, VIOLATION: 1})
        elif mark == "nothing":
            yield Row(text, {EXTREMISM: 0})


def _germeval2025_task(folder: Path, task: str) -> Iterator[tuple[str, str]]:
    for name in ("train", "trial"):
        path = folder / f"Competition-Solution__data__processed__{task}__{task}_cleaned_{name}.csv"
        for row in read_table(path, ("description", task.upper()), delimiter=";"):
            yield row["description"], row[task.upper()]


def _gahd(folder: Path) -> Iterator[Row]:
    for row in read_table(folder / "gahd.csv", ("text", "label", "split")):
        labels = {HATE: 1, VIOLATION: 1} if row["label"] == "1" else {HATE: 0}
        yield Row(row["text"], labels, row["split"] != "train")


GERMAN = (
    Source(
        "de_germeval2018",
        "de",
        "open",
        "CC BY 4.0",
        "Wiegand, Siegel, Ruppenhofer 2018, Overview of the GermEval 2018 Shared Task",
        _germeval2018,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "de_germeval2019",
        "de",
        "unstated",
        "none stated in the copy (organisers: CC BY 4.0)",
        "Struß et al. 2019, Overview of GermEval Task 2",
        _germeval2019,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "de_germeval2021",
        "de",
        "unstated",
        "none stated in the copy",
        "Risch et al. 2021, Overview of the GermEval 2021 Shared Task",
        _germeval2021,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "de_germeval2025_harmful",
        "de",
        "unstated",
        "none stated for the data",
        "GermEval 2025 Shared Task on Harmful Content Detection, violence and DBO",
        _germeval2025,
        (SELF_HARM, SPAM),
    ),
    Source(
        "de_gahd",
        "de",
        "open",
        "CC BY 4.0",
        "Goldzycher, Röttger, Schneider 2024, Improving Adversarial Data Collection (GAHD)",
        _gahd,
        (SELF_HARM, SPAM),
    ),
    *GERMAN_OTHER,
)
