"""What decisions say, gathered on disk: a million of them need not fit into memory.

A file of SQLite in the draft folder holds each text once with every verdict on it; it is gone
when the export stands.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np

from training.corpora.examples import is_reserved
from training.corpora.sources import MAX_CHARACTERS, OUTPUTS
from training.feedback.noise import NoiseModel, Votes, probabilities
from training.feedback.scrub import clean
from triage_ml.domain.example import (
    DecidedText,
    Exclusion,
    Given,
    GivenKind,
    Judgement,
    judgements,
)
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.domain.text import is_blank, normalise

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE text (row INTEGER PRIMARY KEY, id TEXT UNIQUE, text TEXT, language TEXT);
CREATE TABLE said (text INTEGER, at TEXT, case_id TEXT, kind TEXT, reviewer TEXT, line TEXT,
    findings TEXT, PRIMARY KEY (text, at, case_id, kind, reviewer)) WITHOUT ROWID;
CREATE TABLE vote (output INTEGER, text INTEGER, person INTEGER, value INTEGER, sure INTEGER,
    at TEXT, PRIMARY KEY (output, text, person)) WITHOUT ROWID;
CREATE TABLE joined (text INTEGER, output INTEGER, p REAL, PRIMARY KEY (text, output))
    WITHOUT ROWID;
CREATE TABLE erased (case_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Gathered:
    """One text with the probability of each output that somebody decided, and who said what."""

    example_id: str
    text: str
    language: str
    probabilities: Mapping[str, float]
    judgements: tuple[Mapping[str, Any], ...]
    findings: tuple[Mapping[str, int], ...]


@dataclass
class Gathering:
    """Texts and verdicts of an export that is being made, without `reserved` ones (hashes)."""

    path: Path
    hints: Set[Label]
    reserved: Set[str] = frozenset()
    excluded: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._db = sqlite3.connect(self.path)
        self._db.executescript(_SCHEMA)
        self._people: dict[str, int] = {}

    def close(self) -> None:
        self._db.close()

    def add(self, case: DecidedText) -> None:
        """Take in a decided case, or count why it is no example."""
        reason = case.excluded or self._unusable(case)
        if reason is None:
            text = clean(case.text, case.language)
            reason = Exclusion.EMPTY if is_blank(text) else None
        if reason is None:
            self._keep(case, text)
            return
        self.excluded[reason.value] += 1
        if reason is Exclusion.ERASED:
            self._db.execute("INSERT OR IGNORE INTO erased VALUES (?)", (str(case.case_id),))

    def join(self, model: NoiseModel) -> None:
        """Join the verdicts on each text, one output at a time."""
        n_texts = self._db.execute("SELECT coalesce(max(row), 0) FROM text").fetchone()[0] + 1
        for output in range(len(OUTPUTS)):
            rows = self._db.execute(
                "SELECT text, person, value, sure FROM vote WHERE output = ? ORDER BY text, person",
                (output,),
            )
            found = np.fromiter(rows, dtype=np.dtype((np.int64, 4)))
            if not len(found):
                continue
            texts, people, values, sure = np.asarray(found, np.int64).T
            votes = Votes(texts, people, values, sure == 1)
            p = probabilities(votes, n_texts, model)
            self._db.executemany(
                "INSERT INTO joined VALUES (?, ?, ?)",
                ((int(row), output, float(p[row])) for row in np.unique(votes.texts)),
            )

    def examples(self) -> Iterator[Gathered]:
        """Give every text, in the order of its name."""
        for row, name, text, language in self._db.execute(
            "SELECT row, id, text, language FROM text ORDER BY id"
        ):
            joined = self._db.execute(
                "SELECT output, p FROM joined WHERE text = ? ORDER BY output", (row,)
            )
            said = self._db.execute(
                "SELECT line, findings FROM said WHERE text = ?"
                " ORDER BY at, case_id, kind, reviewer",
                (row,),
            ).fetchall()
            yield Gathered(
                name,
                text,
                language,
                {OUTPUTS[output]: p for output, p in joined},
                tuple(json.loads(line) for line, _ in said),
                tuple(json.loads(findings) for _, findings in said),
            )

    def was_erased(self, case_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM erased WHERE case_id = ?", (case_id,))
        return found.fetchone() is not None

    def _unusable(self, case: DecidedText) -> Exclusion | None:
        if case.language is Language.UND:
            return Exclusion.UNDETERMINED_LANGUAGE
        if is_blank(case.text):
            return Exclusion.EMPTY
        if not self.reserved:
            return None
        # Here, for without its mentions and numbers the text is not known again.
        read = normalise(case.text[:MAX_CHARACTERS]).text
        return Exclusion.RESERVED if is_reserved(case.text, read, self.reserved) else None

    def _keep(self, case: DecidedText, text: str) -> None:
        said = judgements(case, self.hints)
        if not any(judgement.labels for judgement in said):
            self.excluded[Exclusion.UNDECIDED.value] += 1
            return
        name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._db.execute(
            "INSERT OR IGNORE INTO text (id, text, language) VALUES (?, ?, ?)",
            (name, text, case.language.value),
        )
        [row] = self._db.execute("SELECT row FROM text WHERE id = ?", (name,)).fetchone()
        for judgement in said:
            self._note(row, str(case.case_id), judgement)

    def _note(self, row: int, case_id: str, judgement: Judgement) -> None:
        given = judgement.given
        line = json.dumps(_line(case_id, judgement), sort_keys=True)
        findings = {} if judgement.overturned else given.findings
        kept = json.dumps({label.value: int(level) for label, level in sorted(findings.items())})
        at = _at(given)
        self._db.execute(
            "INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row, at, case_id, given.kind.value, given.reviewer, line, kept),
        )
        sure = given.kind is GivenKind.GOLDEN
        self._db.executemany(
            # The newest word of a person on a text is the one that counts.
            "INSERT INTO vote VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " value = excluded.value, sure = excluded.sure, at = excluded.at"
            " WHERE excluded.at >= at",
            [
                (OUTPUTS.index(output), row, self._person(given.reviewer), value, sure, at)
                for output, value in judgement.labels.items()
            ],
        )

    def _person(self, reviewer: str) -> int:
        return self._people.setdefault(reviewer, len(self._people))


def _line(case_id: str, judgement: Judgement) -> dict[str, Any]:
    given = judgement.given
    return {
        "case_id": case_id,
        "decided_at": _at(given),
        "reviewer": given.reviewer,
        "policy_version": given.policy_version,
        "stage": given.stage,
        "kind": given.kind.value,
        "blind": given.blind,
        "drawn_at_random": given.drawn_at_random,
        "propensity": given.propensity,
        "overturned": judgement.overturned,
    }


def _at(given: Given) -> str:
    return given.at.astimezone(UTC).isoformat()
