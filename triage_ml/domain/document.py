"""Reading values out of the tables of a policy file, with errors that say where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from triage_ml.domain.rules import Condition, compile_condition
from triage_ml.domain.taxonomy import Severity
from triage_ml.errors import PolicyInvalid

Document = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one file; every method raises PolicyInvalid with file, field and reason."""

    file: str
    document: Document
    path: str = ""

    def at(self, key: str) -> str:
        between = "." if self.path and not key.startswith("[") else ""
        return f"{self.path}{between}{key}"

    def get(self, key: str, kind: type[T]) -> T:
        value = self.document.get(key)
        if not isinstance(value, kind):
            raise PolicyInvalid(self.file, self.at(key), f"must be a {kind.__name__}")
        if value == "":
            raise PolicyInvalid(self.file, self.at(key), "must not be empty")
        return value

    def only(self, keys: Iterable[str]) -> None:
        """Refuse a key that nothing reads: a misspelt `restricted` must not pass."""
        unknown = set(self.document) - set(keys)
        if unknown:
            raise PolicyInvalid(self.file, self.at(min(unknown)), "is not a known key")

    def number(self, key: str, low: float, high: float) -> float:
        value = self.document.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise PolicyInvalid(self.file, self.at(key), "must be a number")
        if not low <= value <= high:
            raise PolicyInvalid(self.file, self.at(key), f"must lie within {low:g} and {high:g}")
        return float(value)

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.number(key, low, high)
        if not value.is_integer():
            raise PolicyInvalid(self.file, self.at(key), "must be a whole number")
        return int(value)

    def numbers(self, key: str, n: int) -> tuple[float, ...]:
        values = self.get(key, list)
        if len(values) != n:
            raise PolicyInvalid(self.file, self.at(key), f"must be {n} numbers")
        places = {f"[{i}]": value for i, value in enumerate(values)}
        reader = Table(self.file, places, self.at(key))
        return tuple(reader.number(place, 0, 1e9) for place in places)

    def severity(self, name: str, key: str) -> Severity:
        if name not in Severity.__members__:
            raise PolicyInvalid(self.file, self.at(key), f"{name} is not one of S0 to S4")
        return Severity[name]

    def part(self, key: str) -> "Table":
        return Table(self.file, self.get(key, dict), self.at(key))

    def rows(self, key: str, kind: type) -> list["Table"]:
        """Give the rows of an array of tables, with the fields of `kind` as their only keys."""
        rows = []
        for number, row in enumerate(self.get(key, list)):
            path = f"{self.at(key)}[{number}]"
            if not isinstance(row, dict):
                raise PolicyInvalid(self.file, path, "must be a table")
            rows.append(Table(self.file, row, path))
            rows[-1].only(kind.__annotations__)
        return rows

    def condition(self, allowed: frozenset[str]) -> Condition:
        return compile_condition(
            self.document.get("when"), allowed, file=self.file, where=self.at("when")
        )
