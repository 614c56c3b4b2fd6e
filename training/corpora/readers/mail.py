"""E-mails as plain text: no headers, mark-up, addresses, numbers or names of correspondents."""

import gzip
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from quopri import decodestring

from training.corpora.sources import SPAM, Row, require_file
from triage_ml.domain.taxonomy import VIOLATION

MAX_MAIL_CHARACTERS = 600
"""An e-mail shows what it is in its first lines."""

_N_ESCAPES = 3  # fewer are ordinary signs of equality
_ESCAPED = re.compile(r"=[0-9A-F]{2}|=\n")
_TAG = re.compile(r"<[^<>]{1,2000}>")
_FIELDS = (
    r"from|to|cc|bcc|date|sent|reply-to|kimden|kime|gönderen|tarih|alıcı|von|an|gesendet|datum"
    r"|de|para|enviado|fecha"
)
_HEADER = re.compile(
    rf"^\W*(?:{_FIELDS})\s*:.*$|^\W*(?:begin )?forwarded message\W*$", re.IGNORECASE | re.MULTILINE
)
# Some copies have lost the line ends between header fields.
_RUN_ON = re.compile(r"(?:Kimden|Kime|Tarih|From|Date|Sent|To): ?[^,\n]{0,60}(?:,|(?=\n|$))")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.\w+)*")
_NUMBER = re.compile(r"\+?\(?\d[\d\s()./-]{6,}\d")
_CAPITALISED = r"[A-ZÄÖÜÇĞİŞÁÉÍÓÚÑ][\w'-]+"
# One to three capitalised words after a form of address.
_NAME = re.compile(
    r"\b((?i:sayın|sn\.?|sevgili|merhaba|selam|bayan|bay|hallo|liebe[rs]?|sehr geehrte[rs]?|herrn?"
    r"|frau|hola|estimad[oa]s?(?:/[oa])?|querid[oa]|dear|hi|hello))"
    rf"\s+{_CAPITALISED}(?: {_CAPITALISED}){{0,2}},?"
)
# Turkish signatures write the family name in capitals.
_SIGNED = re.compile(r"\b[A-ZÇĞİÖŞÜ][a-zçğıöşü]{2,}(?: [A-ZÇĞİÖŞÜ][a-zçğıöşü]+)? [A-ZÇĞİÖŞÜ]{3,}")
_JUNK = re.compile(r"\S{40,}")
_MASKS = (
    (_LINK, "[link]"),
    (_ADDRESS, "[email]"),
    (_JUNK, " "),
    (_NUMBER, "[number]"),
    (_NAME, r"\1 [name]"),
    (_SIGNED, "[name]"),
)
_BLANK = re.compile(r"\s*\n\s*")


def scrub_mail(text: str) -> str:
    """Give the first characters of a mail's body without what identifies its correspondents."""
    text = _decode(text.replace("\r\n", "\n"))
    text = _TAG.sub(" ", html.unescape(text))
    text = _RUN_ON.sub(" ", _HEADER.sub("", text))
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    lines = (" ".join(line.split()) for line in _BLANK.split(text))
    return "\n".join(line for line in lines if line)[:MAX_MAIL_CHARACTERS].strip()


def phishing_mails(path: Path) -> Iterator[Row]:
    """Mails that reached decoy mailboxes: all of them phishing or scams."""
    require_file(path)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            mail = json.loads(line)
            text = scrub_mail(f"{mail['subject']}\n{mail['text']}")
            yield Row(text, {SPAM: 1, VIOLATION: 1})


def _decode(text: str) -> str:
    """Undo quoted-printable where a text is full of its escapes, and UTF-8 read as Latin-1."""
    if len(_ESCAPED.findall(text)) >= _N_ESCAPES:
        raw = decodestring(text.encode("utf-8"))
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("iso-8859-9")
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text
