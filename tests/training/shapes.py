"""Files in the shapes corpora come in, and sober sentences of our own to put into them."""

import gzip
import json
from pathlib import Path

from openpyxl import Workbook

HATE = "Those people from the valley should all be driven away"
INSULT = "You are a useless person and everyone knows it"
COARSE = "What a damned rainy day"
PLAIN = "The library opens at nine"
ODD = "Is the library open on Sunday?"

NO_ABUSE = {"hate": 0, "harassment": 0, "violation": 0}
CLEAN = NO_ABUSE | {"profanity": 0}
HATEFUL = {"hate": 1, "violation": 1}
INSULTING = {"harassment": 1, "violation": 1}
AT_RISK = {"self_harm": 1, "violation": 1}
SPAM = {"deception_spam": 1, "violation": 1}


def table(path: Path, rows: list[list[object]], delimiter: str) -> None:
    lines = (delimiter.join(str(cell) for cell in row) for row in rows)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def sheet(path: Path, rows: list[list[object]]) -> None:
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(path)


def zipped_lines(path: Path, records: list[dict[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
