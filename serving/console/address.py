"""What the address of a page asks for: fields that are read, and queries that are written."""

from collections.abc import Iterable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

from triage_ml.errors import InvalidInput

Choice = TypeVar("Choice")
Default = TypeVar("Default")


def one_of(
    given: Mapping[str, str], field: str, choices: Iterable[Choice], default: Default
) -> Choice | Default:
    """Read a choice by how it is written; the default where it is left out.

    Raises: InvalidInput.
    """
    written = given.get(field, "")
    if not written:
        return default
    known = {str(choice): choice for choice in choices}
    if written not in known:
        raise InvalidInput(field, f"must be one of {', '.join(known)}")
    return known[written]


def query_of(fields: Mapping[str, str]) -> str:
    """Write the query of an address; what is empty is left out."""
    return urlencode({name: value for name, value in fields.items() if value})
