"""Conditions of tiers, routes and clocks: CEL expressions over a fixed set of facts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cel

from triage_ml.domain.report import OTHER_REASON, Source
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import PolicyInvalid

FACTS = frozenset(
    {
        "reasons",  # list of label names, or "other"
        "sources",  # list of source names
        "jurisdictions",  # list of two-letter codes
        "has_deadline",  # a report carries a legal deadline
        "n_reports",
        "high_profile",
        "views_per_hour",  # the surface's prior when unknown
        "repeat_actor",
        "incident",
        "stage",  # "first" or "appeal"
        "surface",
    }
)
SCORES = frozenset(
    {
        "language",
        "scored",
        "p",  # label name -> probability that priority may use, every label present
        "severity",  # label name -> expected severity, every label present
        "p_violation",
        "reason_measured",  # scored, and every reported reason is a measured cell
    }
)
PLACEMENT = frozenset({"tier", "degraded"})
"""Known only once the tier is, so for routes and clocks alone."""

_LABEL_ACCESS = re.compile(r"\b(?:p|severity)(?:\.(\w+)|\[[\"'](\w+)[\"']\])")

_LITERAL = re.compile(r"""(['"])(.*?)\1""")
_WORDS = frozenset({*Label, *Source, *Language, OTHER_REASON, "first", "appeal"})

_BOUND = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*(\w+)\s*,")


@dataclass(frozen=True)
class Condition:
    """A compiled CEL expression that answers true or false."""

    expression: str
    _program: Any = field(repr=False, compare=False)

    def holds(self, context: "RuleContext") -> bool:
        return bool(self._program.execute(context.prepared))


class RuleContext:
    """Facts laid out once for many conditions: converting them costs more than evaluating."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.prepared = cel.Context(variables=dict(values))


def compile_condition(
    expression: object, allowed: frozenset[str], *, file: str, where: str
) -> Condition:
    """Compile and try a condition. Raises: PolicyInvalid with the file, field and reason."""
    if not isinstance(expression, str) or not expression.strip():
        raise PolicyInvalid(file, where, "must be a CEL expression")
    try:
        program = cel.compile(expression)
    except ValueError as error:
        raise PolicyInvalid(file, where, str(error).splitlines()[0]) from error
    bound = set(_BOUND.findall(expression))  # `r` of reasons.exists(r, ...)
    unknown = set(program.variables()) - allowed - bound
    if unknown:
        known = ", ".join(sorted(allowed))
        raise PolicyInvalid(file, where, f"unknown fact {min(unknown)}; known are {known}")
    for dotted, keyed in _LABEL_ACCESS.findall(expression):
        if (dotted or keyed) not in set(Label):
            raise PolicyInvalid(file, where, f"unknown label {dotted or keyed}")
    if "surface" not in program.variables():  # whose names are the platform's own
        _check_words(expression, file, where)
    _try_out(program, allowed, file, where)
    return Condition(expression, program)


def _check_words(expression: str, file: str, where: str) -> None:
    """Refuse a misspelt label, source or language: such a rule would never match."""
    for _, word in _LITERAL.findall(expression):
        if word not in _WORDS and not re.fullmatch("[A-Z]{2}", word):
            raise PolicyInvalid(file, where, f"unknown word {word}")


def _try_out(program: Any, allowed: frozenset[str], file: str, where: str) -> None:
    for sample in (SAMPLE_CONTEXT, EMPTY_CONTEXT):
        try:
            answer = program.execute({name: sample[name] for name in allowed})
        except (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise PolicyInvalid(file, where, f"does not evaluate: {error}") from error
        if not isinstance(answer, bool):
            raise PolicyInvalid(file, where, f"must answer true or false, not {answer!r}")


SAMPLE_CONTEXT: dict[str, object] = {
    "reasons": ["hate"],
    "sources": ["user"],
    "jurisdictions": ["DE"],
    "has_deadline": False,
    "n_reports": 1,
    "high_profile": False,
    "views_per_hour": 0.0,
    "repeat_actor": False,
    "incident": False,
    "stage": "first",
    "surface": "post",
    "language": "en",
    "scored": True,
    "p": {label.value: 0.5 for label in Label},
    "severity": {label.value: 2.0 for label in Label},
    "p_violation": 0.5,
    "reason_measured": True,
    "tier": 3,
    "degraded": False,
}

EMPTY_CONTEXT: dict[str, object] = {
    **SAMPLE_CONTEXT,
    "reasons": ["other"],
    "jurisdictions": [],
    "language": "und",
    "scored": False,
    "p": {label.value: 0.0 for label in Label},
    "p_violation": 0.0,
    "reason_measured": False,
    "degraded": True,
}
"""A case of which little is known: a condition has to have an answer for it as well."""
