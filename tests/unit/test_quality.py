"""Second verdicts: when two differ, what holds together, and which decisions are drawn."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.unit.builders import NOW, shipped_policy
from triage_ml.domain.decision import MAX_NOTE_CHARS, Action
from triage_ml.domain.quality import Judgement, check_judgement, contested, lot
from triage_ml.domain.stats import wilson
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.errors import InvalidInput, TooLarge

HATE = Judgement({Label.HATE: Severity.S2}, Action.REMOVE_CONTENT)
NOTHING = Judgement({}, Action.NO_ACTION)


def test_a_mention_is_no_label() -> None:
    """S0 says that a word occurs, not that a label applies."""
    mention = Judgement({Label.HATE: Severity.S0}, Action.NO_ACTION)
    assert mention.applied == frozenset()
    assert not mention.differs(NOTHING)
    assert mention.severity is Severity.S0
    assert HATE.severity is Severity.S2


def test_verdicts_differ_by_labels_or_by_action() -> None:
    """Another severity of the same label alone is not worth a lead's time."""
    graver = Judgement({Label.HATE: Severity.S3}, Action.REMOVE_CONTENT)
    milder = Judgement({Label.HATE: Severity.S2}, Action.LABEL_CONTENT)
    assert not HATE.differs(graver)
    assert HATE.differs(milder)
    assert HATE.differs(NOTHING)


def test_contested_labels_are_those_of_one_side() -> None:
    """What both apply is not in question."""
    both = Judgement({Label.HATE: Severity.S1, Label.HARASSMENT: Severity.S1}, Action.NO_ACTION)
    assert contested(HATE, both) == {Label.HARASSMENT}


def test_an_action_needs_a_violation() -> None:
    """As with a decision; a statement of reasons is not asked for."""
    check_judgement(shipped_policy(), HATE, "")
    with pytest.raises(InvalidInput, match="action: warn_author needs a finding"):
        check_judgement(shipped_policy(), Judgement({}, Action.WARN_AUTHOR), "")


@pytest.mark.parametrize(
    ("note", "error"), [("x" * (MAX_NOTE_CHARS + 1), TooLarge), ("a\x00b", InvalidInput)]
)
def test_a_note_that_cannot_be_kept_is_refused(note: str, error: type[InvalidInput]) -> None:
    """Too long, or with a character no database takes."""
    with pytest.raises(error, match="note"):
        check_judgement(shipped_policy(), NOTHING, note)


def test_lots_are_spread_evenly_and_stay() -> None:
    """About as many lie under a share as it says; the same decision has the same lot."""
    lots = [lot(UUID(int=n), NOW) for n in range(4000)]
    assert all(0 <= value < 1 for value in lots)
    assert sum(value < 0.1 for value in lots) == pytest.approx(400, abs=80)
    assert lots[7] == lot(UUID(int=7), NOW)
    assert lots[7] != lot(UUID(int=7), NOW + timedelta(microseconds=1))


def test_a_share_has_an_interval() -> None:
    """Wilson's; of nothing everything is possible."""
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
