"""Verdicts, complaints and notes that do not hold together are refused by name."""

from collections.abc import Callable

import pytest

from tests.unit.builders import make_verdict, shipped_policy
from triage_ml.domain.decision import (
    HARMLESS_ACTIONS,
    MAX_EXPLANATION_CHARS,
    MAX_FACTS_CHARS,
    MAX_NOTE_CHARS,
    Action,
    Appeal,
    check_verdict,
    dsa_category,
)
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.errors import InvalidInput, TooLarge

POLICY = shipped_policy()
WRONG: list[tuple[Callable[[], object], str, str]] = [
    (lambda: make_verdict(facts="a\x00"), "facts", "NUL"),
    (lambda: make_verdict(facts="a\ud800"), "facts", "lone surrogate"),
    (lambda: make_verdict(facts="x" * (MAX_FACTS_CHARS + 1)), "facts", "5,001 characters"),
    (lambda: make_verdict(explanation="\x00"), "explanation", "NUL"),
    (
        lambda: make_verdict(explanation="x" * (MAX_EXPLANATION_CHARS + 1)),
        "explanation",
        "2,001 characters",
    ),
    (
        lambda: make_verdict(action=Action.WARN_AUTHOR, needs_classification=True),
        "action",
        "must be no_action",
    ),
    (lambda: Appeal("", "no"), "complainant_ref", "must not be empty"),
    (lambda: Appeal("a", " "), "grounds", "must not be empty"),
    (lambda: Appeal("a", "no\x00"), "grounds", "NUL"),
    (lambda: Appeal("a", "no\ud800"), "grounds", "lone surrogate"),
    (lambda: Appeal("a", "x" * (MAX_NOTE_CHARS + 1)), "grounds", "2,001 characters"),
]


@pytest.mark.parametrize(("build", "field", "reason"), WRONG)
def test_a_wrong_value_names_its_field(
    build: Callable[[], object], field: str, reason: str
) -> None:
    """Every refusal says which field is wrong and why."""
    with pytest.raises(InvalidInput, match=reason) as caught:
        build()
    assert caught.value.field == field


def test_the_limits_themselves_are_allowed() -> None:
    """Texts as long as the statement of reasons takes are accepted."""
    make_verdict(facts="x" * MAX_FACTS_CHARS, explanation="x" * MAX_EXPLANATION_CHARS)
    with pytest.raises(TooLarge):
        make_verdict(facts="x" * (MAX_FACTS_CHARS + 1))


@pytest.mark.parametrize("action", sorted(set(Action) - HARMLESS_ACTIONS))
def test_an_action_against_an_item_needs_a_violation_and_a_reason(action: Action) -> None:
    """Neither a mention (S0) nor profanity, nor an empty explanation carries it."""
    reasons = "clause 1.1"
    for findings in ({}, {Label.HATE: Severity.S0}, {Label.PROFANITY: Severity.S4}):
        with pytest.raises(InvalidInput, match="needs a finding of a violation"):
            check_verdict(POLICY, make_verdict(findings, action, explanation=reasons))
    hate = {Label.HATE: Severity.S1}
    with pytest.raises(InvalidInput, match="needs a statement of reasons"):
        check_verdict(POLICY, make_verdict(hate, action, explanation=" "))
    check_verdict(POLICY, make_verdict(hate, action, explanation=reasons))


@pytest.mark.parametrize("action", sorted(HARMLESS_ACTIONS))
def test_an_action_that_takes_nothing_away_needs_neither(action: Action) -> None:
    """Doing nothing, and telling an authority of a danger, are possible without a finding."""
    check_verdict(POLICY, make_verdict(action=action))


def test_the_statement_takes_the_category_of_the_gravest_violation() -> None:
    """A graver hint, or a mention, does not set the category."""
    findings = {
        Label.PROFANITY: Severity.S4,
        Label.HATE: Severity.S1,
        Label.VIOLENT_THREAT: Severity.S3,
        Label.SELF_HARM: Severity.S0,
    }
    assert dsa_category(POLICY, make_verdict(findings)) == "VIOLENCE"
    assert dsa_category(POLICY, make_verdict({Label.PROFANITY: Severity.S4})) is None
    assert dsa_category(POLICY, make_verdict()) is None
