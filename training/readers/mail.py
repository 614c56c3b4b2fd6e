"""E-mails as plain text: no headers, mark-up, addresses, numbers or names of correspondents."""

import gzip
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from quopri import decodestring

from training.sources import SPAM, Row, require_file
from triage_ml.domain.taxonomy import VIOLATION

MAX_MAIL_CHARACTERS = 600
"""An e-mail shows what it is in its first lines."""

_ESCAPED = re.compile(r"=[0-9A-F]{2}|=\n")
_TAG = re.compile(r"<[^<>]{1,2000}>")
_HEADER = re.compile(
    r"^\W*(?:from|to|cc|bcc|date|sent|reply-to|kimden|kime|gönderen|tarih|alıcı|von|an|gesendet"
    r"|datum|de|para|enviado|fecha)\s*:.*$|^\W*(?:begin )?forwarded message\W*$",
    re.IGNORECASE | re.MULTILINE,
)
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.\w+)*")
_NUMBER = re.compile(r"\+?\(?\d[\d\s()./-]{6,}\d")
# A capitalised word or two after a form of address.
_NAME = re.compile(
    r"\b((?i:sayın|sn\.?|sevgili|hallo|liebe[rs]?|sehr geehrte[rs]?|herrn?|frau|hola|estimad[oa]s?"
    r"(?:/[oa])?|querid[oa]|dear|hi|hello|bay|bayan))\s+((?:[A-ZÄÖÜÇĞİŞÁÉÍÓÚÑ][\w'-]+[ ,]?){1,3})"
)
_BLANK = re.compile(r"\s*\n\s*")


def scrub_mail(text: str) -> str:
    """Give the first characters of a mail's body without what identifies its correspondents."""
    text = _decode(text.replace("\r\n", "\n"))
    text = _TAG.sub(" ", html.unescape(text))
    text = _ADDRESS.sub("[email]", _LINK.sub("[link]", _HEADER.sub("", text)))
    text = _NAME.sub(r"\1 [name] ", _NUMBER.sub("[number]", text))
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
    """Undo quoted-printable where the text is full of its escapes."""
    if len(_ESCAPED.findall(text)) < 3:
        return text
    raw = decodestring(text.encode("utf-8"))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("iso-8859-9")
