"""What a label covers and what it does not, in the words of the reviewer's language."""

from collections.abc import Mapping
from dataclasses import dataclass

from triage_ml.domain.document import Document, Table
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Label, Language
from triage_ml.errors import PolicyInvalid

FOLDER = "guidelines"
"""Folder of a policy that holds a file per language."""

MAX_POINTS = 5
"""Points under one heading: a guideline is read beside a case, in seconds."""


@dataclass(frozen=True, slots=True)
class Guideline:
    """`applies` and `excludes` are short points; `excludes` says what is no violation."""

    clause: str
    scope: str
    applies: tuple[str, ...]
    excludes: tuple[str, ...]


Guidelines = Mapping[Language, Mapping[Label, Guideline]]
"""Empty, or every label in every supported language."""


def parse_guidelines(documents: Mapping[str, Document]) -> Guidelines:
    """Read guidelines by language, of all languages or none.

    Raises: PolicyInvalid for a language or label that is missing or unknown, and for a text that
    is missing or empty.
    """
    unknown = set(documents) - set(SUPPORTED_LANGUAGES)
    if unknown:
        raise PolicyInvalid(_file(min(unknown)), "-", "is not of a supported language")
    if not documents:
        return {}
    for language in SUPPORTED_LANGUAGES:
        if language not in documents:
            raise PolicyInvalid(_file(language), "-", "is missing")
    return {
        language: _labels(Table(_file(language), documents[language]))
        for language in SUPPORTED_LANGUAGES
    }


def _file(language: str) -> str:
    return f"{FOLDER}/{language}.toml"


def _labels(table: Table) -> dict[Label, Guideline]:
    table.only(Label)
    return {label: _guideline(table.part(label.value)) for label in Label}


def _guideline(row: Table) -> Guideline:
    row.only(("clause", "scope", "applies", "not"))
    return Guideline(
        clause=row.get("clause", str),
        scope=row.get("scope", str),
        applies=_points(row, "applies"),
        excludes=_points(row, "not"),
    )


def _points(row: Table, key: str) -> tuple[str, ...]:
    points = row.get(key, list)
    if not 1 <= len(points) <= MAX_POINTS:
        raise PolicyInvalid(row.file, row.at(key), f"must be 1 to {MAX_POINTS} points")
    reader = Table(row.file, {f"[{i}]": point for i, point in enumerate(points)}, row.at(key))
    return tuple(reader.get(place, str) for place in reader.document)
