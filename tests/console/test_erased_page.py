"""What the console shows of a text that was erased, and what its form asks about."""

from tests.console.desk import decide, hold, keys_of, stored
from tests.console.person import Person
from triage_ml.domain.case import CaseState
from triage_ml.domain.taxonomy import Label

ERASED = "text was erased on"


def erase(person: Person, page: str) -> None:
    item_id = stored(person, page).item.item_id
    person.bench.run(person.bench.service.eraser.erase, "anna", item_id, "the author asked")


def test_the_page_says_that_the_text_is_gone(person: Person) -> None:
    """In place of the text, with when."""
    page = hold(person)
    assert ERASED not in person.get(page).text
    erase(person, page)
    shown = person.get(page).text
    assert ERASED in shown
    assert "You are a loser." not in shown


def test_a_finding_on_an_erased_text_is_refused_at_the_field(person: Person) -> None:
    """Nothing is saved, and the case can be closed without a finding."""
    page = hold(person)
    erase(person, page)
    refused = decide(person, page)
    assert refused.status_code == 422
    assert "the case can only be closed with no action" in refused.text
    assert stored(person, page).state is CaseState.CLAIMED
    fields = {**keys_of(person, page), "action": "no_action"}
    assert person.post(f"{page}/decide", fields).status_code == 303
    assert stored(person, page).state is CaseState.DECIDED


def test_a_tick_says_that_every_label_was_looked_for(person: Person) -> None:
    page = hold(person)
    assert 'name="looked"' in person.get(page).text
    fields = {**keys_of(person, page), "action": "no_action", "looked": "1"}
    assert person.post(f"{page}/decide", fields).status_code == 303
    decision = stored(person, page).decision
    assert decision is not None
    assert decision.verdict.asked == frozenset(Label)


def test_without_the_tick_nothing_was_asked(person: Person) -> None:
    page = hold(person)
    assert decide(person, page).status_code == 303
    decision = stored(person, page).decision
    assert decision is not None
    assert decision.verdict.asked == frozenset()
