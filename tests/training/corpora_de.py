"""German corpora in small, and what their readers find in them."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.training.shapes import (
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

RISING = "Down with the assembly, to arms tonight"


def _germeval2025(d: Path) -> None:
    stem = "Competition-Solution__data__processed__"
    head: list[object] = ["id", "description", "VIO"]
    rows: list[list[object]] = [head, [1, HATE, "True"], [2, ODD, "nan"], [3, RISING, "True"]]
    table(d / f"{stem}vio__vio_cleaned_train.csv", rows, ";")
    table(d / f"{stem}vio__vio_cleaned_trial.csv", [head, [4, INSULT, "False"]], ";")
    head = ["id", "description", "DBO"]
    rows = [head, [3, RISING, "subversive"], [4, INSULT, "agitation"]]
    table(d / f"{stem}dbo__dbo_cleaned_train.csv", rows, ";")
    table(d / f"{stem}dbo__dbo_cleaned_trial.csv", [head, [5, PLAIN, "nothing"]], ";")


def _iwg(d: Path) -> None:
    experts = [f"HatespeechOrNot (Expert {i})" for i in (1, 2)]
    rows: list[list[object]] = [
        ["Tweet", *experts],
        [HATE, "YES", "YES"],
        [ODD, "YES", "NO"],
        [PLAIN, "NO", "NO"],
    ]
    table(d / "german hatespeech refugees.csv", rows, ",")


def _germs(d: Path) -> None:
    def marks(*labels: str) -> list[dict[str, str]]:
        return [{"user": "A1", "label": label} for label in labels]

    stem = "site__data__germeval-competition"
    train: list[dict[str, object]] = [
        {"id": "a", "text": HATE, "annotations": marks("3-Stark", "2-Vorhanden", "3-Stark")},
        {"id": "b", "text": ODD, "annotations": marks("0-Kein", "1-Gering")},
    ]
    zipped_lines(d / f"{stem}-traindev.jsonl.gz", train)
    test: list[dict[str, object]] = [{"id": "c", "text": PLAIN, "annotators": ["A1", "A2"]}]
    zipped_lines(d / f"{stem}-test.jsonl.gz", test)
    targets = json.dumps([{"id": "c", "labels": ["0-Kein", "0-Kein"]}])
    (d / f"{stem}-targets.json.gz").write_bytes(gzip.compress(targets.encode()))


def _robot(d: Path) -> None:
    lines = ("negative du bist ein Besen", "negative so ein Regen", "neutral er ist ein Mann")
    text = "".join(f"__label__{line}\n" for line in lines)
    (d / "source-data__emotions.txt").write_text(text, "utf-8")


def _umsab(d: Path) -> None:
    stem = "data__sentiment__german__train"
    table(d / f"{stem}_labels.txt", [[2], [1]], " ")
    table(d / f"{stem}_text.txt", [[PLAIN], [ODD]], " ")


def _potts(d: Path) -> None:
    path = d / "source-data__PotTS__not-preprocessed__corpus_label_text.tsv"
    table(path, [["positive", PLAIN], ["mixed", ODD]], "\t")


def _phishing(d: Path) -> None:
    mail: dict[str, object] = {"subject": "Letzte Mahnung", "text": "Sehr geehrte Frau Anna Berg,"}
    zipped_lines(d / "phishing_pot_de.jsonl.gz", [mail])


GERMAN: Mapping[str, Callable[[Path], None]] = {
    "de_germeval2025_harmful": _germeval2025,
    "de_iwg": _iwg,
    "de_germs_at": _germs,
    "de_robot_insults": _robot,
    "de_umsab_tweets": _umsab,
    "de_potts_sentiment": _potts,
    "de_phishing_pot": _phishing,
}

EXPECTED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "de_germeval2025_harmful": {
        HATE: {"violent_threat": 1, "violation": 1},
        INSULT: {"violent_threat": 0},
        RISING: {"violent_extremism": 1, "violation": 1},  # a threat, too: of the row before
        PLAIN: {"violent_extremism": 0},
    },
    "de_iwg": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "de_germs_at": {HATE: HATEFUL, PLAIN: {"hate": 0}},
    "de_robot_insults": {"du bist ein Besen": INSULTING, "er ist ein Mann": NO_ABUSE},
    "de_umsab_tweets": {PLAIN: {}},
    "de_potts_sentiment": {PLAIN: {}},
    "de_phishing_pot": {"Letzte Mahnung\nSehr geehrte [name]": SPAM},
}
