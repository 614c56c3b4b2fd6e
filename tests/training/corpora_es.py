"""Spanish corpora in small, and what their readers find in them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.training.shapes import (
    AT_RISK,
    COARSE,
    HATE,
    HATEFUL,
    INSULT,
    INSULTING,
    NO_ABUSE,
    ODD,
    PLAIN,
    SPAM,
    table,
    zipped_lines,
)

COLD = "Another sunny day, how original of them"
MAIL = "Estimada [name]\nsu cuenta fue cerrada\nescriba a [email] o abra [link]"
DETOXIS_NAMES = (
    "thread_id,comment,target_person,target_group,stereotype,mockery,insult,improper_language,"
    "aggressiveness,intolerance,toxicity_level"
)


def _detoxis(d: Path) -> None:
    rows: list[list[object]] = [
        [*DETOXIS_NAMES.split(",")],
        ["0_1", INSULT, 1, 0, 0, 0, 1, 0, 0, 0, 2],
        ["0_1", HATE, 0, 1, 1, 0, 0, 0, 1, 1, 3],
        ["0_2", COLD, 0, 0, 0, 1, 0, 0, 0, 0, 1],
        ["0_3", COARSE, 0, 0, 0, 0, 0, 1, 0, 0, 0],
    ]
    table(d / "data__DATASET_DETOXIS.csv", [[f'"{c}"' for c in row] for row in rows], ",")


def _homomex(d: Path) -> None:
    stem = "data__public_data_train_phase__track"
    tweets: list[list[object]] = [
        ["", "content", "label"],
        [0, HATE, "P"],
        [1, PLAIN, "NP"],
        [2, ODD, "NR"],
    ]
    table(d / f"{stem}_1_train.csv", tweets, ",")
    songs: list[list[object]] = [["lyrics", "label"], ["La " * 900, "NP"], [INSULT, "P"]]
    table(d / f"{stem}_3_train.csv", songs, ",")


def _mexa3t(d: Path) -> None:
    table(d / "text__data__mex-a3t__train.csv", [[INSULT, 1]], "\t")
    table(d / "text__data__mex-a3t__test.csv", [[PLAIN, 0]], "\t")


def _hope(d: Path) -> None:
    rows: list[list[object]] = [["id", "text", "category"], [1, PLAIN, "HS"], [2, ODD, "NHS"]]
    table(d / "assets__hopespeech__2021__dataset__dataset.csv", rows, ",")


def _chilean(d: Path) -> None:
    rows: list[list[object]] = [
        [
            "tweet a etiquetar",
            "9. Grosería c/Int.",
            "10. Grosería s/Int.",
            "11. Insulto/Sobrenombre",
            "12. Estereotipo",
        ],
        [INSULT, 0, 0, 1, 0],
        [COARSE, 0, 1, 0, 0],
        [COLD, 0, 0, 0, 1],
        [ODD, "", "", "", ""],
    ]
    quoted: list[list[object]] = [[f'"{cell}"' for cell in row] for row in rows]
    table(d / "Chilean dataset__Dataset_sample_500.csv", quoted, ",")


def _hateval(d: Path) -> None:
    head: list[object] = ["id", "text", "HS", "TR", "AG"]
    table(d / "hs-es.train.csv", [head, [1, HATE, 1, 0, 0]], ",")
    table(d / "hs-es.test_partial.csv", [head, [2, PLAIN, 0, 0, 0]], ",")


def _anorexia(d: Path) -> None:
    rows: list[list[object]] = [
        ["tweet_text", "class"],
        ["Hoy tampoco como #ayuno", "anorexia"],
        ["Sopa de lentejas #receta", "control"],
    ]
    table(d / "anorexia_tweets.csv", rows, ",")


def _umsab(d: Path) -> None:
    stem = "data__sentiment__spanish__train"
    table(d / f"{stem}_labels.txt", [[2], [0]], " ")
    table(d / f"{stem}_text.txt", [[PLAIN], [ODD]], " ")


def _phishing(d: Path) -> None:
    body = "De: Banco\nsu cuenta fue cerrada<br>\nescriba a ayuda@banco.example o abra http://a.example"
    mail: dict[str, object] = {"subject": "Estimada Ana Ruiz,", "text": body}
    zipped_lines(d / "phishing_pot_es.jsonl.gz", [mail])


SPANISH: Mapping[str, Callable[[Path], None]] = {
    "es_detoxis2021": _detoxis,
    "es_homomex2024": _homomex,
    "es_mexa3t_aggressive": _mexa3t,
    "es_hope_lgbt": _hope,
    "es_chilean_sample": _chilean,
    "es_hateval2019": _hateval,
    "es_anorexia_tweets": _anorexia,
    "es_umsab_tweets": _umsab,
    "es_phishing_pot": _phishing,
}

EXPECTED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "es_detoxis2021": {
        INSULT: INSULTING | {"hate": 0, "violent_threat": 0, "profanity": 0},
        HATE: HATEFUL | {"harassment": 0, "profanity": 0},
        COLD: {"hate": 0, "violent_threat": 0, "profanity": 0},
        COARSE: NO_ABUSE | {"violent_threat": 0, "profanity": 1},
    },
    "es_homomex2024": {
        HATE: HATEFUL,
        PLAIN: {"hate": 0},
        ODD: {"hate": 0},
        ("La " * 900)[:600]: {"hate": 0},
    },
    "es_mexa3t_aggressive": {INSULT: {"violation": 1}, PLAIN: NO_ABUSE},
    "es_hope_lgbt": {PLAIN: {"hate": 0, "violation": 0}},
    "es_chilean_sample": {
        INSULT: INSULTING | {"profanity": 0},
        COARSE: NO_ABUSE | {"profanity": 1},
        COLD: {"harassment": 0, "profanity": 0},
    },
    "es_hateval2019": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "es_anorexia_tweets": {"Hoy tampoco como": AT_RISK, "Sopa de lentejas": {"self_harm": 0}},
    "es_umsab_tweets": {PLAIN: {}},
    "es_phishing_pot": {MAIL: SPAM},
}
