"""English corpora in small, and what their readers find in them: abuse."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.training.shapes import (
    COARSE,
    HATE,
    HATEFUL,
    INSULT,
    NO_ABUSE,
    ODD,
    PLAIN,
    table,
)

WARNING = "We will come for them at night with sticks"
NAMED = "The gay choir sings at nine"
NUDES = "Send me nudes for my porn page"
PROTEST = "Time to go #ResignNow"
TOXIC = {"violation": 1}
CLAIMS_NO_THREAT = HATEFUL | {"violent_threat": 0}
CLAIMS_THREAT = HATEFUL | {"violent_threat": 1}


def _edos(d: Path) -> None:
    rows: list[list[object]] = [
        ["rewire_id", "text", "label_sexist", "label_category", "split"],
        [1, WARNING, "sexist", '"1. threats, plans to harm and incitement"', "train"],
        [2, HATE, "sexist", "2. derogation", "train"],
        [3, NAMED, "not sexist", "none", "train"],
        [4, PLAIN, "not sexist", "none", "test"],
    ]
    table(d / "data__edos_labelled_aggregated.csv", rows, ",")


def _ethos(d: Path) -> None:
    stem = "ethos__ethos_data__Ethos_Dataset"
    fine: list[list[object]] = [["comment", "violence"], [WARNING, 0.75], [HATE, 0]]
    table(d / f"{stem}_Multi_Label.csv", fine, ";")
    rows: list[list[object]] = [["comment", "isHate"], [WARNING, 1], [HATE, 0.6], [ODD, 0.4]]
    table(d / f"{stem}_Binary.csv", [*rows, [PLAIN, 0]], ";")


def _gab(d: Path) -> None:
    head: list[object] = ["text", "hd", "cv", "vo"]
    rows: list[list[object]] = [head, [HATE, 1, 0, 1], [WARNING, 0, 1, 0], [COARSE, 0, 0, 1]]
    table(d / "GabHateCorpus__Data__ghc_train.tsv", rows, "\t")
    table(d / "GabHateCorpus__Data__ghc_test.tsv", [head, [PLAIN, 0, 0, 0]], "\t")


def _hatemojibuild(d: Path) -> None:
    head: list[object] = ["text", "type", "label_gold"]
    table(d / "HatemojiBuild__train.csv", [head, [WARNING, "threateninglanguage", 1]], ",")
    table(d / "HatemojiBuild__validation.csv", [head], ",")
    table(d / "HatemojiBuild__test.csv", [head, [PLAIN, "none", 0]], ",")


def _toxigen(d: Path) -> None:
    marks = ((HATE, "hate", 4.5), (ODD, "neutral", 3.0), (PLAIN, "neutral", 1.0))
    rows = [{"text": text, "label": label, "toxicity_score": s} for text, label, s in marks]
    (d / "data__toxiGen.json").write_text(json.dumps(rows), "utf-8")


def _stormfront(d: Path) -> None:
    rows: list[list[object]] = [
        ["file_id", "label", "text"],
        ["7_1", "hate", HATE],
        ["7_2", "noHate", PLAIN],
        ["7_3", "relation", ODD],
    ]
    table(d / "stormfront_all.csv", rows, ",")


def _foxnews(d: Path) -> None:
    rows = ({"title": "News", "text": text, "label": i} for i, text in enumerate((PLAIN, HATE)))
    path = d / "data__fox-news__fox-news-comments.json"
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")


def _mlma(d: Path) -> None:
    rows: list[list[object]] = [
        ["tweet", "sentiment"],
        [HATE, "offensive_hateful"],
        [ODD, "hateful_normal"],
        [PLAIN, "normal"],
    ]
    table(d / "data__hate_speech_mlma__en_dataset.csv", rows, ",")


def _toxic_spans(d: Path) -> None:
    table(d / "data__comments.csv", [["comment_id", "comment_text"], [7, INSULT], [8, PLAIN]], ",")
    marks: list[list[object]] = [["annotation", "comment_id"], [0, 7], [1, 7], [2, 7], [3, 8]]
    table(d / "data__annotations.csv", marks, ",")
    spans: list[list[object]] = [
        ["annotation", "type", "start", "end"],
        [0, "Insult", 10, 24],
        [1, "Insult", 10, 17],
        [2, "Threat", 0, 3],
    ]
    table(d / "data__spans.csv", spans, ",")
    head: list[object] = ["spans", "text"]
    for split in ("train", "trial"):
        table(d / f"SemEval2021__data__tsd_{split}.csv", [head], ",")
    table(d / "SemEval2021__data__tsd_test.csv", [head, ['"[9, 0, 1, 2]"', COARSE]], ",")


def _youtoxic(d: Path) -> None:
    rows: list[list[object]] = [
        ["Text", "IsToxic", "IsAbusive", "IsThreat", "IsObscene", "IsHatespeech"],
        [HATE, True, False, False, False, True],
        [WARNING, True, True, True, False, False],
        [PLAIN, False, False, False, False, False],
    ]
    table(d / "youtoxic_english_1000.csv", rows, ",")


def _hasoc2021(d: Path) -> None:
    rows: list[list[object]] = [
        ["text", "task_2"],
        [HATE, "HATE"],
        [PROTEST, "OFFN"],
        [INSULT, "OFFN"],
        [COARSE, "PRFN"],
        [PLAIN, "NONE"],
    ]
    table(d / "Code__task1A__en__data__rawData.csv", rows, ",")


def _ruddit(d: Path) -> None:
    rows: list[list[object]] = [
        ["post_id", "offensiveness_score", "comment_body"],
        ["a", 0.85, INSULT],
        ["a", 0.9, "[deleted]"],
        ["a", 0.1, ODD],
        ["b", -0.6, PLAIN],
    ]
    table(d / "ruddit_with_text.csv", rows, ",")


def _hateval(d: Path) -> None:
    rows: list[list[object]] = [["id", "text", "HS"], [1, HATE, 1]]
    table(d / "dataset__hs-en.tsv.train", rows, "\t")
    for split, text in (("val", ODD), ("test", PLAIN)):
        table(d / f"tweeteval__hate__{split}_text.txt", [[text]], " ")
        table(d / f"tweeteval__hate__{split}_labels.txt", [[0]], " ")


def _conan(d: Path) -> None:
    rows: list[list[object]] = [["hateSpeech", "counterSpeech"], [HATE, PLAIN], [HATE, ODD]]
    table(d / "CONAN_en.csv", rows, ",")


def _hateval_trial(d: Path) -> None:
    head: list[object] = ["id", "text", "HS"]
    for language, text, mark in (("en", HATE, 1), ("es", PLAIN, 0)):
        path = d / f"SemEval2019-Task5__datasets__trial__trial_{language}.tsv"
        table(path, [head, [1, text, mark]], "\t")


def _hasoc2019(d: Path) -> None:
    head: list[object] = ["text_id", "text", "task_2"]
    for name, text, mark in (
        ("english_dataset", ODD, "HATE"),
        ("hasoc2019_en_test-2919", PLAIN, "NONE"),
        ("german_dataset", HATE, "HATE"),
        ("hasoc_de_test_gold", PLAIN, "NONE"),
    ):
        table(d / f"data__HASOC__{name}.tsv", [head, ["x", text, mark]], "\t")


def _exist(d: Path) -> None:
    head: list[object] = ["id", "language", "text", "task2"]
    rows: list[list[object]] = [
        [1, "en", HATE, "stereotyping-dominance"],
        [2, "en", NUDES, "sexual-violence"],
        [3, "es", ODD, "sexual-violence"],
        [4, "en", NAMED, "non-sexist"],
    ]
    table(d / "data__EXIST2021_training.tsv", [head, *rows], "\t")
    table(d / "data__EXIST2021_test.tsv", [head, [5, "es", PLAIN, "non-sexist"]], "\t")


ENGLISH: Mapping[str, Callable[[Path], None]] = {
    "en_edos": _edos,
    "en_ethos": _ethos,
    "en_gab_hate_corpus": _gab,
    "en_hatemojibuild": _hatemojibuild,
    "en_toxigen_human": _toxigen,
    "en_stormfront_vicomtech": _stormfront,
    "en_foxnews": _foxnews,
    "en_mlma": _mlma,
    "en_toxic_spans": _toxic_spans,
    "en_youtoxic1000": _youtoxic,
    "en_hasoc2021": _hasoc2021,
    "en_ruddit": _ruddit,
    "en_hateval2019": _hateval,
    "en_conan": _conan,
    "enes_hateval2019_official": _hateval_trial,
    "deen_hasoc2019": _hasoc2019,
    "enes_exist2021": _exist,
}

EXPECTED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "en_edos": {WARNING: CLAIMS_THREAT, HATE: CLAIMS_NO_THREAT, PLAIN: {"hate": 0}},
    "en_ethos": {WARNING: CLAIMS_THREAT, HATE: CLAIMS_NO_THREAT, PLAIN: {"hate": 0}},
    "en_gab_hate_corpus": {
        HATE: HATEFUL,
        WARNING: {"violent_threat": 1, "violation": 1},
        COARSE: {"hate": 0},
        PLAIN: NO_ABUSE,
    },
    "en_hatemojibuild": {WARNING: CLAIMS_THREAT, PLAIN: {"hate": 0}},
    "en_toxigen_human": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "en_stormfront_vicomtech": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "en_foxnews": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "en_mlma": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "en_toxic_spans": {
        INSULT: {"harassment": 1, "violation": 1, "hate": 0, "profanity": 0},
        COARSE: TOXIC,
    },
    "en_youtoxic1000": {
        HATE: CLAIMS_NO_THREAT | {"harassment": 0, "profanity": 0},
        WARNING: {"hate": 0, "violent_threat": 1, "profanity": 0, "violation": 1},
        PLAIN: NO_ABUSE | {"violent_threat": 0, "profanity": 0},
    },
    "en_hasoc2021": {INSULT: TOXIC, COARSE: {"profanity": 1}, PLAIN: NO_ABUSE},
    "en_ruddit": {INSULT: TOXIC, PLAIN: NO_ABUSE},
    "en_hateval2019": {HATE: HATEFUL, ODD: {"hate": 0}, PLAIN: {"hate": 0}},
    "en_conan": {HATE: HATEFUL, PLAIN: NO_ABUSE, ODD: NO_ABUSE},
    "enes_hateval2019_official": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "deen_hasoc2019": {HATE: HATEFUL, PLAIN: NO_ABUSE},
    "enes_exist2021": {
        HATE: HATEFUL,
        NUDES: {"adult_sexual": 1, "violation": 1},
        ODD: TOXIC,
        PLAIN: {"hate": 0},
    },
}
