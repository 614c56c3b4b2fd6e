"""English corpora on spam and phishing.

Left out: en_sms_phishing_5971, whose labels are shuffled against its texts in the copy (against
the SMS Spam Collection, 82 % of spam and 81 % of ham are called ham).
"""

import gzip
import html
import json
import re
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path

from training.corpora.readers.mail import scrub_mail
from training.corpora.sources import (
    HARASSMENT,
    HATE,
    SELF_HARM,
    SPAM,
    THREAT,
    Labels,
    Row,
    Source,
    read_table,
    require_file,
)
from triage_ml.domain.taxonomy import VIOLATION

SPAMMY: Labels = {SPAM: 1, VIOLATION: 1}
MIN_MAIL_CHARACTERS = 30

# Quotes, signatures and the feet of mailing lists tell where a mail came from, not what it is.
_QUOTED = re.compile(
    r"^\s*(>|\||--\]|(url|date|subject|content-\S+|supplied by): |on .{8,60}$|.*\b(wrote|writes):$"
    r"|-+ ?original message).*$",
    re.IGNORECASE | re.MULTILINE,
)
_TAG = re.compile(r"</?\w[^<>]*>")
_FOOT = re.compile(r"\n(-- ?|[_=~*-]{10,}|-+ ?~-+.*)\n.*", re.DOTALL)
_UNSEEN = re.compile(r"<(style|script|head)\b.*?</\1>|<!--.*?-->", re.IGNORECASE | re.DOTALL)


def mail_body(raw: str) -> str:
    """Give the first plain part of a mail, else its first page, without quotes and feet."""
    parts = [p for p in message_from_string(raw).walk() if p.get_content_maintype() == "text"]
    parts.sort(key=lambda part: part.get_content_subtype() != "plain")
    text = _decoded(parts[0]).replace("\r", "") if parts else ""
    return _FOOT.sub("", _QUOTED.sub("", _UNSEEN.sub(" ", text)).lstrip("\n"))


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("latin-1") if isinstance(payload, bytes) else ""


def _spamassassin(folder: Path) -> Iterator[Row]:
    """Spam traps against mailing lists and newsletters: the two differ in more than spam."""
    path = folder / "spamassassin.jsonl.gz"
    require_file(path)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for mail in map(json.loads, file):
            text = scrub_mail(mail_body(mail["text"]))
            if len(text) >= MIN_MAIL_CHARACTERS:
                yield Row(text, SPAMMY if mail["group"].startswith("spam") else {SPAM: 0})


def _youtube_spam(folder: Path) -> Iterator[Row]:
    for name in ("01-Psy", "02-KatyPerry", "03-LMFAO", "04-Eminem"):
        path = folder / f"dataset__Youtube{name}.csv"
        for row in read_table(path, ("CONTENT", "CLASS")):
            text = html.unescape(_TAG.sub(" ", row["CONTENT"])).strip("\ufeff ")
            yield Row(text, SPAMMY if row["CLASS"] == "1" else {SPAM: 0})


ENGLISH_SPAM = (
    Source(
        "en_spamassassin",
        "en",
        "open",
        "ODC PDDL 1.0 (contents CC0 1.0)",
        "Apache SpamAssassin public mail corpus 2002-2003, as carried by stdlib-js",
        _spamassassin,
        (HATE, HARASSMENT, THREAT, SELF_HARM),
    ),
    Source(
        "en_youtube_spam",
        "en",
        "unstated",
        "none stated in the copy",
        "Alberto, Lochter, Almeida 2015, TubeSpam: Comment Spam Filtering on YouTube",
        _youtube_spam,
        (HATE, THREAT, SELF_HARM),
    ),
)
