"""A priority with every term and a plain sentence for each."""

from pydantic import Field

from serving.schemas.base import Answer
from triage_ml.domain.policy import PriorityPolicy
from triage_ml.domain.priority import HarmTerm, IndexNow, Priority

TIMELY = frozenset({"reach", "reporter", "context", "urgency", "age"})
"""Terms that tell nothing of the model's scores."""


class IndexOut(Answer):
    """Position inside the tier; higher goes first. value = base + urgency + age."""

    value: float
    base: float = Field(description="harm x reach x reporter x context")
    urgency: float = Field(description="Grows once the due time is near.")
    age: float = Field(description="Grows with waiting, so that nothing starves.")


class Term(Answer):
    name: str = Field(examples=["harm.harassment", "reach"])
    value: float
    why: str = Field(description="The same in one plain sentence.")


class PriorityOut(Answer):
    tier: str = Field(description="T0 (first) to T4; a tier always beats the ones below it.")
    tier_reason: str | None = Field(
        description="Null, like the index and its terms of harm, for who holds the case with "
        "hints withheld."
    )
    index: IndexOut | None
    terms: list[Term]
    policy_version: str


def priority_out(
    row: PriorityPolicy, priority: Priority, index: IndexNow, *, withheld: bool = False
) -> PriorityOut:
    told = terms(row, priority, index)
    return PriorityOut(
        tier=priority.tier.name,
        tier_reason=None if withheld else priority.tier_reason,
        index=None if withheld else index_out(index),
        terms=[term for term in told if term.name in TIMELY] if withheld else told,
        policy_version=priority.policy_version,
    )


def index_out(index: IndexNow) -> IndexOut:
    return IndexOut(
        value=round(index.value, 6),
        base=round(index.base, 6),
        urgency=round(index.urgency, 6),
        age=round(index.age, 6),
    )


def terms(row: PriorityPolicy, priority: Priority, index: IndexNow) -> list[Term]:
    """Explain a priority: harm per label, the factors on it, and what time adds."""
    low, high = row.reporter_bounds
    minutes = 4 * priority.handling_seconds / 60
    told = [
        ("harm", priority.harm, _harm(priority)),
        (
            "reach",
            priority.reach,
            f"Reach multiplies by {priority.reach:.2f}: 1 + log10(1 + views per hour), "
            f"at most {row.reach_cap:g}.",
        ),
        (
            "reporter",
            priority.reporter,
            f"The best reporter's record multiplies by {priority.reporter:.2f}, within {low:g} "
            f"and {high:g}; 1 is being right half of the time.",
        ),
        (
            "context",
            priority.context,
            f"Circumstances multiply by {priority.context:g}: 1, and 0.5 more for each of a high "
            "profile, a repeat author and an incident.",
        ),
        ("base", index.base, "Harm times reach, reporter and context; time does not change it."),
        (
            "urgency",
            index.urgency,
            f"Being close to the due time adds {index.urgency:.2f}; it grows from 0 to "
            f"{row.urgency_weight:g} over the last {minutes:g} minutes, and on after them.",
        ),
        (
            "age",
            index.age,
            f"Waiting adds {index.age:.2f}: {row.age_weight:g} for each full clock waited.",
        ),
    ]
    rows = [Term(name=name, value=round(value, 6), why=why) for name, value, why in told]
    return [*(_harm_term(term) for term in priority.harm_terms), *rows]


def _harm_term(term: HarmTerm) -> Term:
    basis = {
        "calibrated": "the model's calibrated probability",
        "upper bound": "an upper bound, because the model was not measured here",
        "report": "the share of such reports that are right",
    }.get(term.basis, term.basis)
    why = (
        f"{term.label.value.replace('_', ' ').capitalize()} at probability {term.probability:.2f} "
        f"({basis}) times weight {term.weight:g} of severity {term.severity:.1f}, divided by "
        f"{term.handling_minutes:g} minutes of work."
    )
    return Term(name=f"harm.{term.label.value}", value=round(term.value, 6), why=why)


def _harm(priority: Priority) -> str:
    if priority.harm and priority.harm == priority.unspecified:
        return (
            "A violation whose label is not named, seen by the model or reported, weighs "
            f"{priority.harm:.3f} per minute of work: no less than the labels together."
        )
    return f"The labels above add up to {priority.harm:.3f} of harm per minute of work."
