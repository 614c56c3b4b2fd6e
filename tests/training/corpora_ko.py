"""Korean corpora in small, and what their readers find in them."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.training.shapes import (
    AT_RISK,
    CLEAN,
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
)

UNSMILE_NAMES = (
    "여성/가족,남성,성소수자,인종/국적,연령,지역,종교,기타 혐오,악플/욕설,clean,개인지칭"
)
LONG = "안녕하세요 고객님 " * 80


def _curse(d: Path) -> None:
    (d / "dataset.txt").write_text(f"{COARSE}|1\n{PLAIN}|0\n", "utf-8")


def _malicious(d: Path) -> None:
    table(d / "Dataset.csv", [["content", "lable"], [INSULT, 0], [PLAIN, 1]], "\t")


def _kold(d: Path) -> None:
    def record(text: str, target: str, span: str) -> dict[str, object]:
        return {"standard": text, "dialect": ODD, "OFF": True, "TGT": target, "OFF_span": span}

    valid = [
        record(HATE, "group", "Those people, driven away"),
        record(INSULT, "individual", "useless person"),
    ]
    _json(d / "experiment__gs_kold_valid.json", valid)
    test = [record(COARSE, "untargeted", "damned"), record(ODD, "other", "closed")]
    _json(d / "experiment__gs_kold_test.json", test)


def _kosbi(d: Path) -> None:
    def record(text: str, label: str, kinds: list[str] | None) -> dict[str, object]:
        return {"sentence": text, "sentence_label": label, "sentence_sub_label": kinds}

    valid = [
        record(HATE, "unsafe", ["prejudice_explicit", "stereotype_explicit"]),
        record(ODD, "unsafe", ["stereotype_explicit"]),
    ]
    _json(d / "data__KoSBi__kosbi_valid.json", valid)
    _json(d / "data__KoSBi__kosbi_test.json", [record(PLAIN, "safe", None)])


def _unsmile(d: Path) -> None:
    def row(text: str, *marked: str) -> list[object]:
        return [text, *(int(name in marked) for name in names)]

    names = UNSMILE_NAMES.split(",")
    head: list[object] = ["문장", *names]
    train = [head, row(HATE, "지역"), row(INSULT, "악플/욕설", "개인지칭"), row(ODD)]
    table(d / "unsmile_train_v1.0.tsv", train, "\t")
    valid = [head, row(COARSE, "악플/욕설"), row(PLAIN, "clean")]
    table(d / "unsmile_valid_v1.0.tsv", valid, "\t")


def _hatescore(d: Path) -> None:
    rows: list[list[object]] = [
        ["", "comment", "macrolabel", "source"],
        [0, HATE, "혐오발언", "온라인 댓글"],
        [1, INSULT, "단순 악플", "온라인 댓글"],
        [2, PLAIN, "Clean", "위키피디아"],
        [3, ODD, "Clean", "규칙 기반 생성"],
    ]
    table(d / "HateScore.csv", rows, ",")


def _dktc(d: Path) -> None:
    rows: list[list[object]] = [
        ["idx", "class", "conversation"],
        [0, "협박 대화", HATE],
        [1, "갈취 대화", ODD],
        [2, "기타 괴롭힘 대화", INSULT],
    ]
    table(d / "data__train.csv", rows, ",")


def _voice_phishing(d: Path) -> None:
    rows: list[list[object]] = [
        ["Transcript", "Confidence", "Label"],
        [LONG, 0.9, 1],
        ["o/ 그니까* 한 (3시)/(세 시)에 봐. n/", "", 0],
    ]
    table(d / "Data_Collection_Preprocessing__KorCCViD_v1.3.csv", rows, ",")


def _chatbot(d: Path) -> None:
    rows: list[list[object]] = [["Q", "A", "label"], [PLAIN, ODD, 0], ["다 죽겠네", COARSE, 0]]
    table(d / "ChatbotData.csv", rows, ",")


def _nsmc(d: Path) -> None:
    with gzip.open(d / "nsmc_sample.tsv.gz", "wt", encoding="utf-8") as file:
        file.write(f"review\trating\n{PLAIN}\t10\n{ODD}\t2\n")


def _siren(d: Path) -> None:
    rows = [{"text": "그만 살고 싶다", "label": 2}, {"text": PLAIN, "label": 0}]
    _json(d / "siren_train.json", rows)


def _json(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text(json.dumps(rows), "utf-8")


KOREAN: Mapping[str, Callable[[Path], None]] = {
    "ko_curse_2runo": _curse,
    "ko_malicious_zizun": _malicious,
    "ko_kold_dialect_subset": _kold,
    "ko_kosbi_square": _kosbi,
    "ko_unsmile": _unsmile,
    "ko_hatescore": _hatescore,
    "ko_dktc_threat": _dktc,
    "ko_voice_phishing": _voice_phishing,
    "ko_chatbot_benign": _chatbot,
    "ko_nsmc_sample": _nsmc,
    "ko_siren_suicide": _siren,
}

BENIGN = CLEAN | {"violent_threat": 0, "self_harm": 0, "deception_spam": 0}
EXPECTED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "ko_curse_2runo": {COARSE: {"profanity": 1}, PLAIN: CLEAN},
    "ko_malicious_zizun": {INSULT: {"violation": 1}, PLAIN: {"harassment": 0, "violation": 0}},
    "ko_kold_dialect_subset": {
        HATE: HATEFUL,
        INSULT: INSULTING | {"hate": 0},
        COARSE: {"hate": 0, "harassment": 0},
        ODD: {"hate": 0},
    },
    "ko_kosbi_square": {HATE: HATEFUL, PLAIN: NO_ABUSE},
    "ko_unsmile": {
        HATE: HATEFUL,
        INSULT: INSULTING | {"hate": 0},
        COARSE: {"hate": 0, "violation": 1},
        PLAIN: CLEAN,
    },
    "ko_hatescore": {HATE: HATEFUL, INSULT: {"hate": 0, "violation": 1}, PLAIN: NO_ABUSE},
    "ko_dktc_threat": {
        HATE: {"violent_threat": 1, "violation": 1},
        ODD: {"violation": 1},
        INSULT: INSULTING,
    },
    "ko_voice_phishing": {
        LONG[:600].strip(): SPAM,
        "그니까 한 3시에 봐.": {"deception_spam": 0},
    },
    "ko_chatbot_benign": {PLAIN: BENIGN, ODD: BENIGN},
    "ko_nsmc_sample": {PLAIN: {}},
    "ko_siren_suicide": {"그만 살고 싶다": AT_RISK, PLAIN: {"self_harm": 0}},
}
