"""English corpora on hate.

Left out: en_twitter_sentiment_hate_AV, whose labels are noisy and follow from the hashtags.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from training.corpora.readers.selection import capped, not_hateful_to_women
from training.corpora.sources import (
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
    require_file,
)
from triage_ml.domain.taxonomy import VIOLATION

HATEFUL: Labels = {HATE: 1, VIOLATION: 1}
AGREED_ABSENT = 1 / 3


def _edos(folder: Path) -> Iterator[Row]:
    columns = ("text", "label_sexist", "label_category", "split")
    for row in read_table(folder / "data__edos_labelled_aggregated.csv", columns):
        if row["label_sexist"] == "sexist":
            labels = {**HATEFUL, THREAT: int(row["label_category"].startswith("1."))}
        else:
            labels = {**not_hateful_to_women(row["text"])}
        if labels:
            yield Row(row["text"], labels, row["split"] != "train")


def _ethos(folder: Path) -> Iterator[Row]:
    """Take hate and calls for violence from half of the raters, and absence from a third."""
    stem = "ethos__ethos_data__Ethos_Dataset"
    path = folder / f"{stem}_Multi_Label.csv"
    violence = {
        row["comment"]: float(row["violence"])
        for row in read_table(path, ("comment", "violence"), delimiter=";")
    }
    for row in read_table(folder / f"{stem}_Binary.csv", ("comment", "isHate"), delimiter=";"):
        share, text = float(row["isHate"]), row["comment"]
        labels = {**HATEFUL} if share >= 0.5 else {HATE: 0}
        if violence.get(text, 0) >= 0.5:
            labels |= {THREAT: 1, VIOLATION: 1}
        elif violence.get(text) == 0:
            labels[THREAT] = 0
        if share >= 0.5 or share <= AGREED_ABSENT:
            yield Row(text, labels)


def _gab(folder: Path) -> Iterator[Row]:
    return capped(_gab_rows(folder))


def _gab_rows(folder: Path) -> Iterator[Row]:
    """Read assaults on dignity (hd), calls for violence (cv) and vulgar offence (vo)."""
    for split in ("train", "test"):
        path = folder / f"GabHateCorpus__Data__ghc_{split}.tsv"
        for row in read_table(path, ("text", "hd", "cv", "vo"), delimiter="\t"):
            yield Row(row["text"], _gab_labels(row), split == "test")


def _gab_labels(row: dict[str, str]) -> Labels:
    labels = {HATE: 1, VIOLATION: 1} if row["hd"] == "1" else {}
    if row["cv"] == "1":
        return {**labels, THREAT: 1, VIOLATION: 1}
    if labels:
        return labels
    return {HATE: 0} if row["vo"] == "1" else no_violation()


def _hatemojibuild(folder: Path) -> Iterator[Row]:
    for split in ("train", "validation", "test"):
        path = folder / f"HatemojiBuild__{split}.csv"
        for row in read_table(path, ("text", "type", "label_gold")):
            threat = int(row["type"] == "threateninglanguage")
            hateful = row["label_gold"] == "1"
            labels = {**HATEFUL, THREAT: threat} if hateful else {HATE: 0}
            yield Row(row["text"], labels, split != "train")


def _toxigen(folder: Path) -> Iterator[Row]:
    """Take only what raters agreed on: 4 or more of 5 as hate, 2 or less as none."""
    path = folder / "data__toxiGen.json"
    require_file(path)
    for row in json.loads(path.read_text("utf-8")):
        text = row["text"].replace("_x000D_", " ").strip()
        if row["label"] == "hate" and row["toxicity_score"] >= 4:
            yield Row(text, HATEFUL)
        elif row["label"] == "neutral" and row["toxicity_score"] <= 2:
            yield Row(text, {HATE: 0})


def _stormfront(folder: Path) -> Iterator[Row]:
    """Sentences of forum posts; those of one post are a group."""
    marks = {"hate": HATEFUL, "noHate": {HATE: 0}}
    for row in read_table(folder / "stormfront_all.csv", ("file_id", "label", "text")):
        if row["label"] in marks:
            post = row["file_id"].rpartition("_")[0]
            yield Row(row["text"], marks[row["label"]], group=post)


def _foxnews(folder: Path) -> Iterator[Row]:
    """Comments under ten news articles, rated with the article in view."""
    path = folder / "data__fox-news__fox-news-comments.json"
    require_file(path)
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            yield Row(row["text"], HATEFUL if row["label"] == 1 else {HATE: 0}, group=row["title"])


def _mlma(folder: Path) -> Iterator[Row]:
    """Tweets found by slurs, with raters' words joined; a mix of normal and not decides nothing."""
    path = folder / "data__hate_speech_mlma__en_dataset.csv"
    for row in read_table(path, ("tweet", "sentiment")):
        words = set(row["sentiment"].split("_"))
        if words == {"normal"}:
            yield Row(row["tweet"], {HATE: 0})
        elif "hateful" in words and "normal" not in words:
            yield Row(row["tweet"], HATEFUL)


ENGLISH_HATE = (
    Source(
        "en_edos",
        "en",
        "open",
        "CC0-1.0",
        "Kirk et al. 2023, SemEval-2023 Task 10: Explainable Detection of Online Sexism",
        _edos,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_ethos",
        "en",
        "open",
        "GPL-3.0",
        "Mollas et al. 2022, ETHOS: a multi-label hate speech detection dataset",
        _ethos,
        (SPAM,),
    ),
    Source(
        "en_gab_hate_corpus",
        "en",
        "unstated",
        "none stated in the copy",
        "Kennedy et al. 2022, Introducing the Gab Hate Corpus",
        _gab,
        (THREAT, SELF_HARM, SPAM),
    ),
    Source(
        "en_hatemojibuild",
        "en",
        "open",
        "CC BY 4.0",
        "Kirk et al. 2022, Hatemoji: A Test Suite and Adversarially-Generated Dataset",
        _hatemojibuild,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_toxigen_human",
        "en",
        "open",
        "MIT",
        "Hartvigsen et al. 2022, ToxiGen; Hosseini, Palangi, Awadallah 2023, An Empirical Study of"
        " Metrics to Measure Representational Harms",
        _toxigen,
        (SELF_HARM, SPAM, PROFANITY),
        weak=True,  # sentences written by a language model
    ),
    Source(
        "en_stormfront_vicomtech",
        "en",
        "open",
        "CC BY-SA 3.0 ES",
        "de Gibert et al. 2018, Hate Speech Dataset from a White Supremacy Forum",
        _stormfront,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_foxnews",
        "en",
        "unstated",
        "none stated in the copy",
        "Gao, Huang 2017, Detecting Online Hate Speech Using Context Aware Models",
        _foxnews,
        (SELF_HARM, SPAM),
    ),
    Source(
        "en_mlma",
        "en",
        "unstated",
        "none stated in the copy",
        "Ousidhoum et al. 2019, Multilingual and Multi-Aspect Hate Speech Analysis",
        _mlma,
        (SELF_HARM, SPAM),
        weak=True,  # words cut from the tweets, raters far apart
    ),
)
