"""The review page of a case whose hints are withheld."""

import pytest

from tests.console.desk import (
    another,
    bench_with_mara,
    claim_of,
    decide,
    hold,
    signed_in,
    stored,
    take,
)
from tests.console.person import Person
from tests.serving.bench import policy_with
from tests.serving.conftest import MakeBench

NOTICE = "Hints are withheld for this case until you decide"
TOLD = ("very likely", "Harm together", "no rule asks for more", 'class="terms"', "Any violation")
"""What the page of an ordinary case says because of the model."""


@pytest.fixture
def blind(make_bench: MakeBench) -> Person:
    """Somebody signed in to a service where every claim is decided without hints."""
    return signed_in(bench_with_mara(make_bench, policy=policy_with(blind_share=1.0)))


def test_a_blind_case_tells_nothing_of_the_model(blind: Person) -> None:
    """Text, reports and the form are there; the page says that hints are withheld, and why."""
    shown = blind.get(hold(blind)).text
    assert NOTICE in shown
    assert "You are a loser." in shown
    assert "1 × Harassment" in shown
    assert 'id="decision"' in shown
    assert [words for words in (*TOLD, "<mark") if words in shown] == []


def test_an_ordinary_case_tells_it(person: Person) -> None:
    """So that the test above looks for the right words."""
    shown = person.get(hold(person)).text
    assert NOTICE not in shown
    assert [words for words in TOLD if words not in shown] == []


def test_hidden_text_of_a_blind_case_stays_hidden_without_a_name(blind: Person) -> None:
    """What it is hidden for would be a hint."""
    blind.bench.report(report_reason="graphic_violence")
    shown = blind.get(take(blind)).text
    assert "data-veil" in shown
    assert "Hidden text." in shown
    assert "Hidden because of" not in shown


def test_after_the_decision_everything_is_shown(blind: Person) -> None:
    """With a word that the hints had been withheld."""
    page = hold(blind)
    assert decide(blind, page).status_code == 303
    decision = stored(blind, page).decision
    assert decision is not None
    assert decision.hints_withheld
    shown = blind.get(page).text
    assert "Hints had been withheld until this decision." in shown
    assert "Harm together" in shown
    assert NOTICE not in shown


def test_a_wrong_form_does_not_show_the_hints(blind: Person) -> None:
    """The page that comes back is as blind as the first one."""
    page = hold(blind)
    answer = decide(blind, page, action="")
    assert answer.status_code == 422
    assert NOTICE in answer.text
    assert "Harm together" not in answer.text


def test_others_read_a_blind_case_as_always(blind: Person) -> None:
    """Only who decides it is kept from the hints."""
    page = hold(blind)
    shown = another(blind.bench, "noor").get(page).text
    assert "Harm together" in shown
    assert NOTICE not in shown


def test_lists_of_cases_tell_the_holder_no_label(blind: Person) -> None:
    """What a case is likely to be stands in no list for who holds it blind."""
    blind.bench.report(report_reason="hate")
    page = take(blind)
    listed = section_of(blind.get("/console/trends/cases").text)
    assert page in listed
    assert "badge" not in listed
    assert decide(blind, page).status_code == 303
    assert "Harassment" in section_of(blind.get("/console/trends/cases").text)


def test_others_read_the_labels_of_a_blind_case_in_lists(blind: Person) -> None:
    """They do not decide it."""
    hold(blind)
    noor = another(blind.bench, "noor")
    assert "Harassment" in section_of(noor.get("/console/trends/cases").text)


def section_of(text: str) -> str:
    """Give the rows of a page's table."""
    return text.partition("<tbody>")[2].partition("</tbody>")[0]


def test_a_decision_made_with_hints_says_nothing(person: Person) -> None:
    """The note is for blind ones."""
    page = hold(person)
    assert claim_of(person.get(page).text)
    decide(person, page)
    assert "Hints had been withheld" not in person.get(page).text
