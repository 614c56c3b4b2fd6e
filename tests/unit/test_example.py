"""What verdicts say of a text, label by label: present, absent or unknown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from triage_ml.domain.decision import Action
from triage_ml.domain.example import DecidedText, Given, GivenKind, judgements, severities
from triage_ml.domain.quality import Outcome
from triage_ml.domain.taxonomy import Label, Language, Severity

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CLAIM = UUID(int=1)
HINTS = frozenset({Label.PROFANITY})
HARASSMENT, HATE, SPAM = Label.HARASSMENT, Label.HATE, Label.DECEPTION_SPAM


def given(findings=None, *, minutes=0, **more) -> Given:
    found = findings or {}
    violated = any(s >= Severity.S1 and x not in HINTS for x, s in found.items())
    facts = {
        "kind": GivenKind.DECISION,
        "at": AT + timedelta(minutes=minutes),
        "reviewer": "r-1",
        "findings": found,
        "action": Action.REMOVE_CONTENT if violated else Action.NO_ACTION,
        "upheld": violated,
        "claim_id": CLAIM,
    }
    return Given(**{**facts, **more})


def case(*rows, reasons=(HARASSMENT,)) -> DecidedText:
    return DecidedText(UUID(int=9), AT, Language.EN, "a text", frozenset(reasons), rows)


def labels(*rows, reasons=(HARASSMENT,)):
    return [dict(j.labels) for j in judgements(case(*rows, reasons=reasons), HINTS)]


def second(findings, outcome=None, **more) -> Given:
    kind = GivenKind.SECOND_LOOK
    return given(
        findings, minutes=5, kind=kind, upheld=None, reviewer="r-2", outcome=outcome, **more
    )


def test_a_label_that_was_found_applies_and_says_nothing_of_others():
    assert labels(given({HARASSMENT: Severity.S2})) == [{"harassment": 1, "violation": 1}]


def test_a_mention_is_no_violation_and_the_label_is_absent():
    assert labels(given({HATE: Severity.S0}), reasons=()) == [{"hate": 0, "violation": 0}]


def test_without_a_finding_what_was_reported_is_absent():
    assert labels(given(), reasons=(HARASSMENT, SPAM)) == [
        {"harassment": 0, "deception_spam": 0, "violation": 0}
    ]


def test_with_another_violation_what_was_reported_stays_unknown():
    """The reviewer may have chosen the gravest label and left it at that."""
    assert labels(given({HATE: Severity.S3})) == [{"hate": 1, "violation": 1}]


def test_what_the_form_asked_for_is_known_either_way():
    [found] = labels(given({HATE: Severity.S2}, asked=frozenset({HATE, SPAM})), reasons=())
    assert found == {"hate": 1, "deception_spam": 0, "violation": 1}


def test_a_hint_alone_is_no_violation():
    [found] = labels(given({Label.PROFANITY: Severity.S1}, upheld=False), reasons=())
    assert found == {"profanity": 1, "violation": 0}


def test_the_policy_of_the_day_says_what_a_violation_was():
    [found] = labels(given({Label.PROFANITY: Severity.S2}, upheld=True), reasons=())
    assert found["violation"] == 1


def test_labels_without_a_head_and_child_safety_are_never_outputs():
    asked = frozenset({Label.CHILD_SAFETY, Label.CIVIC_MISINFO})
    [found] = labels(given({Label.INTIMATE_PRIVACY: Severity.S2}, asked=asked), reasons=())
    assert found == {"violation": 1}


def test_a_second_look_answers_what_the_first_one_found():
    first, other = labels(given({HATE: Severity.S2}), second({SPAM: Severity.S1}), reasons=())
    assert first == {"hate": 1, "deception_spam": 0, "violation": 1}
    assert other == {"hate": 0, "deception_spam": 1, "violation": 1}


def test_a_complaint_that_changed_the_finding_takes_the_first_decisions_place():
    later = given({}, minutes=60, stage="appeal", claim_id=UUID(int=2), reviewer="r-3")
    first, last = judgements(case(given({HARASSMENT: Severity.S2}), later), HINTS)
    assert (first.overturned, dict(first.labels)) == (True, {})
    assert (last.overturned, dict(last.labels)) == (False, {"harassment": 0, "violation": 0})


def test_a_complaint_that_was_refused_confirms_the_first_decision():
    first = given({HARASSMENT: Severity.S2})
    later = replace(first, at=AT + timedelta(hours=1), stage="appeal", claim_id=UUID(int=2))
    assert [j.overturned for j in judgements(case(first, later), HINTS)] == [False, False]


def test_a_settlement_says_which_verdict_stands():
    first = given({HATE: Severity.S2})
    for outcome, overturned in ((Outcome.FIRST, [False, True]), (Outcome.SECOND, [True, False])):
        found = judgements(case(first, second({}, outcome)), HINTS)
        assert [j.overturned for j in found] == overturned


def test_where_the_policy_is_unclear_nothing_is_decided():
    unclear = second({SPAM: Severity.S1, HATE: Severity.S1}, Outcome.POLICY_UNCLEAR)
    first, other = labels(given({HATE: Severity.S2}), unclear, reasons=())
    assert first == other == {"hate": 1, "violation": 1}
    first, other = labels(given({HATE: Severity.S2}), second({}, Outcome.POLICY_UNCLEAR))
    assert "violation" not in first | other
    assert "hate" not in first | other


def test_severity_is_the_middle_one_and_of_two_the_graver():
    found = [{"hate": 1}, {"hate": 3}, {"hate": 0, "harassment": 2}]
    assert severities({"hate": 1, "harassment": 0}, found) == {"hate": 3}
    assert severities({"hate": 1}, [*found, {"hate": 2}]) == {"hate": 2}
