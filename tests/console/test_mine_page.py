"""Holding a case, the page of one's own cases, and cases that were handed over."""

import re
from datetime import datetime, timedelta

import pytest

from tests.console.desk import add_account, hold, id_of, keys_of, stored
from tests.console.person import Person
from triage_ml.domain.case import CaseState

MINE = "/console/mine"
HOLD = {"minutes": "60", "reason": "A colleague translates it."}


def hand_over(person: Person, owner: str) -> str:
    """Report a case, claim it and hand it to somebody; give the address of its page."""
    page = hold(person)
    form = {**keys_of(person, page), "owner": owner, "reason": "Press asks."}
    assert person.post(f"{page}/escalate", form).status_code == 303
    return page


def take_over(person: Person, page: str) -> int:
    answer = person.post(f"{page}/take", {"csrf": person.token(MINE)})
    if answer.status_code == 303:
        assert answer.headers["location"] == page
    return answer.status_code


def test_a_held_case_stands_among_ones_own(person: Person) -> None:
    """With until when, and that it is on hold; the page of the case says so too."""
    page = hold(person)
    assert "on hold" not in person.get(MINE).text
    answer = person.post(f"{page}/hold", {**keys_of(person, page), **HOLD})
    assert answer.headers["location"] == f"{MINE}?held={id_of(page)}"
    claim = stored(person, page).claim
    assert claim is not None
    assert claim.held_until == person.bench.clock.now() + timedelta(hours=1)
    shown = person.get(answer.headers["location"]).text
    assert "The case is on hold." in shown
    assert '<span class="badge warn">on hold</span>' in shown
    assert f'href="{page}"' in shown
    assert 'id="on-hold"' in person.get(page).text


def test_a_hold_outlasts_the_lease_and_its_renewal(person: Person) -> None:
    """After half an hour it is still there, and the page is told how long."""
    page = hold(person)
    keys = keys_of(person, page)
    person.post(f"{page}/hold", {**keys, **HOLD})
    person.bench.clock.advance(timedelta(minutes=30))
    url = f"/console/claims/{keys['claim_id']}/renew"
    headers = {"x-csrf-token": keys["csrf"], "accept": "application/json"}
    assert person.post(url, {}, **headers).json()["seconds"] == 1_800
    assert 'id="decision"' in person.get(page).text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"minutes": "600"}, "must be decided before that time"),
        ({"minutes": ""}, "must be decided before that time"),
        ({"reason": " "}, "This must not be empty."),
        ({"reason": "x" * 2_001}, "This is too long."),
    ],
)
def test_a_wrong_hold_opens_the_dialog_again(
    person: Person, changed: dict[str, str], words: str
) -> None:
    """With what was entered, and the lease is as it was."""
    page = hold(person)
    before = stored(person, page)
    answer = person.post(f"{page}/hold", {**keys_of(person, page), **HOLD, **changed})
    assert answer.status_code == 422
    assert '<dialog id="hold" aria-labelledby="hold-title" open>' in answer.text
    assert words in answer.text
    assert stored(person, page) == before


def test_only_holds_that_end_in_time_are_offered(person: Person) -> None:
    """No choice lies beyond the due time; when none is left the dialog says so."""
    page = hold(person)
    assert offered(person, page) == ["15", "30", "60", "120", "240"]
    due_at = stored(person, page).placement.due_at
    before_due(person, page, due_at - timedelta(minutes=40))
    assert offered(person, page) == ["15", "30"]
    late = person.post(f"{page}/hold", {**keys_of(person, page), **HOLD})
    assert late.status_code == 422
    assert "must be decided before that time" in late.text
    before_due(person, page, due_at - timedelta(minutes=5))
    assert offered(person, page) == []
    assert "The case is due too soon to be held." in person.get(page).text


def before_due(person: Person, page: str, moment: datetime) -> None:
    """Go on to a moment when the lease is over, and claim the case anew."""
    clock = person.bench.clock
    clock.advance(moment - clock.now())
    person.bench.client.cookies.clear()
    assert person.sign_in().status_code == 303
    answer = person.post(
        "/console/queues/std-en-safety/next", {"csrf": person.token("/console/queues")}
    )
    assert answer.headers["location"] == page


def offered(person: Person, page: str) -> list[str]:
    found = re.search(r'<select id="hold-minutes".*?</select>', person.get(page).text, re.DOTALL)
    return re.findall(r'<option value="(\d+)"', found[0]) if found else []


def test_a_late_hold_says_that_the_lease_is_over(person: Person) -> None:
    """As every other step does."""
    page = hold(person)
    keys = keys_of(person, page)
    person.bench.clock.advance(timedelta(minutes=11))
    assert person.post(f"{page}/hold", {**keys, **HOLD}).status_code == 410


def test_who_has_nothing_to_do_is_told_so(person: Person) -> None:
    """Both lists are empty, and the page is in the navigation."""
    shown = person.get(MINE).text
    assert "You hold no case." in shown
    assert "No case waits for you." in shown
    assert f'<a href="{MINE}" aria-current="page">My cases</a>' in shown


def test_a_case_that_was_handed_over_is_taken(person: Person) -> None:
    """From the list or from its page; then it is among the cases one holds."""
    add_account(person.bench, "lea")
    page = hand_over(person, "lea")
    assert page not in person.get(MINE).text
    assert f"{page}/take" not in person.get(page).text
    person.bench.client.cookies.clear()
    lea = Person(person.bench, "lea")
    lea.sign_in()
    assert f'action="{page}/take"' in lea.get(MINE).text
    assert f'action="{page}/take"' in lea.get(page).text
    assert take_over(lea, page) == 303
    assert stored(lea, page).state is CaseState.CLAIMED
    shown = lea.get(MINE).text
    assert f'action="{page}/take"' not in shown
    assert f'href="{page}"' in shown
    assert take_over(lea, page) == 409


def test_a_case_is_not_taken_by_somebody_else(person: Person) -> None:
    """Neither by who handed it over nor with a forged form."""
    add_account(person.bench, "lea")
    page = hand_over(person, "lea")
    assert take_over(person, page) == 409
    assert person.post(f"{page}/take", {}).status_code == 403
    assert stored(person, page).state is CaseState.QUEUED


def test_an_unwanted_label_is_said_before_a_case_is_taken(person: Person) -> None:
    """A case that names one directly passes no filter; the person decides with open eyes."""
    add_account(person.bench, "lea")
    hand_over(person, "lea")
    person.bench.client.cookies.clear()
    lea = Person(person.bench, "lea")
    lea.sign_in()
    warning = "has a label you do not want to see"
    assert warning not in lea.get(MINE).text
    wish = {"locale": "en", "time_zone": "UTC", "excluded_labels": "harassment"}
    token = lea.token("/console/preferences")
    assert lea.post("/console/preferences", {"csrf": token, **wish}).status_code == 303
    assert warning in lea.get(MINE).text


def test_a_name_that_cannot_review_is_refused(person: Person) -> None:
    """The dialog opens again, and says what is wrong with the name."""
    page = hold(person)
    form = {**keys_of(person, page), "owner": "nobody", "reason": "Press asks."}
    answer = person.post(f"{page}/escalate", form)
    assert answer.status_code == 422
    assert "There is no account of this name that can review." in answer.text
    assert 'value="nobody"' in answer.text
    assert stored(person, page).owner is None


def test_those_who_can_review_are_offered(person: Person) -> None:
    """By name, with what they are called; not who asks, nor a disabled account."""
    add_account(person.bench, "lea")
    add_account(person.bench, "gone")
    person.bench.run(person.bench.service.accounts.disable, "gone")
    person.bench.run(person.bench.service.accounts.create, "bot", "Bot", ["intake"], None)
    shown = person.get(hold(person)).text
    listed = re.search(r'<datalist id="owners">(.*?)</datalist>', shown, re.DOTALL)
    assert listed is not None
    assert re.findall(r'value="([^"]+)">([^<]+)<', listed[1]) == [("lea", "Lea")]
