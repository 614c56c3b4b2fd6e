"""Turkish corpora in small, and what their readers find in them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.training.shapes import HATE, INSULT, INSULTING, NO_ABUSE, PLAIN, SPAM, table


def _cyberbullying(d: Path) -> None:
    rows: list[list[object]] = [["message", "cyberbullying"], [INSULT, 1], [PLAIN, 0]]
    table(d / "turkish_cyberbullying_3000.csv", rows, "\t")


def _tweetset(d: Path) -> None:
    rows: list[list[object]] = [["Tip", "Paylasim"], ["Negatif", INSULT], ["Pozitif", PLAIN]]
    table(d / "tweetset_utf8.csv", rows, ",")


def _lingda(d: Path) -> None:
    rows: list[list[object]] = [["text", "label", "split"], [HATE, 1, "train"], [PLAIN, 0, "valid"]]
    table(d / "lingda_new.csv", rows, ",")


def _spam_email(d: Path) -> None:
    spam = (
        "Kimden: Firma , Tarih: 1 Ocak\nSay=FDn Ay=FEe KAYA,\n=DCcretsiz katalog i=E7in <b>ara</b>"
    )
    mails = [
        {"text": spam, "label": "spam"},
        {"text": "Merhaba hocam, yarın geliyorum\nAyşe KAYA 0312 000 00 00", "label": "ham"},
        {"text": "From: birisi\n", "label": "ham"},
    ]
    lines = (json.dumps(mail) + "\n" for mail in mails)
    (d / "trspam_parsed.jsonl").write_text("".join(lines), "utf-8")


TURKISH: Mapping[str, Callable[[Path], None]] = {
    "tr_cyberbullying_3000": _cyberbullying,
    "tr_cyberbullying_tweetset": _tweetset,
    "tr_lingda_new": _lingda,
    "tr_spam_email": _spam_email,
}

EXPECTED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "tr_cyberbullying_3000": {INSULT: INSULTING, PLAIN: {"harassment": 0}},
    "tr_cyberbullying_tweetset": {INSULT: INSULTING, PLAIN: {"harassment": 0}},
    "tr_lingda_new": {HATE: {"violation": 1}, PLAIN: NO_ABUSE},
    "tr_spam_email": {
        "Sayın [name]\nÜcretsiz katalog için ara": SPAM,
        "Merhaba hocam, yarın geliyorum\n[name] [number]": {"deception_spam": 0},
    },
}
