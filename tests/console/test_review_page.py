import re
from datetime import timedelta
from uuid import uuid4

import pytest

from serving.console.pages.review import LABEL_KEYS
from tests.console.desk import (
    FINDING,
    QUEUE,
    add_account,
    another,
    claim_of,
    decide,
    hold,
    id_of,
    keys_of,
    stored,
    take,
)
from tests.console.person import Person
from triage_ml.domain.case import CaseState
from triage_ml.domain.decision import Action
from triage_ml.domain.taxonomy import Label, Severity
from triage_ml.errors import ScoringFailed


def test_held_case_shows_what_is_needed_to_decide(person: Person) -> None:
    """Text, hints with their support, the terms of the index and every label are on the page."""
    text = person.get(hold(person)).text
    for words in ("You are a loser.", "very likely", "measured", "Harm together", "1.2 Harassment"):
        assert words in text
    assert text.count('name="label"') == len(Label)
    assert text.count('name="action"') == len(Action)


def test_every_label_has_a_key() -> None:
    """No two labels share a key, and none takes one of the page's own."""
    assert len(set(LABEL_KEYS)) == len(LABEL_KEYS) == len(Label)
    assert not set(LABEL_KEYS) & set("afgtlehrnu?")


def test_markup_in_the_text_is_text(person: Person) -> None:
    """Tags are shown as they were typed, links are not links, and turning signs have no effect."""
    text = "<script>alert(1)</script> <b>loser</b> https://example.org \u202e\u2066"
    person.bench.report(text=text)
    shown = person.get(take(person)).text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert 'href="https://example.org' not in shown
    assert "\u202e" not in shown
    assert "U+202E" in shown


def test_white_space_of_the_text_is_kept(person: Person) -> None:
    """Nothing of the template gets between the characters of the item."""
    person.bench.report(text="  a loser\n\n\tyes  ")
    assert ">  a loser\n\n\tyes  </div>" in person.get(take(person)).text


def test_graphic_text_waits_behind_a_fold(person: Person) -> None:
    """A text of a graphic kind is not on the page at once; without scripts a fold opens it."""
    person.bench.report(report_reason="graphic_violence")
    shown = person.get(take(person)).text
    veil = re.search(r"<details [^>]*data-veil>(.*?)</details>", shown, re.DOTALL)
    assert veil is not None
    assert "You are a loser." in veil[1]
    assert shown.count("You are a loser.") == 1


def test_degraded_case_says_so(person: Person) -> None:
    """A case without scores is decided all the same, and the page says what is missing."""
    person.bench.scorer.failure = ScoringFailed("broken")
    person.bench.report()
    assert "No scores for the newest text" in person.get(take(person)).text


def test_decision_is_stored_and_the_next_case_opened(person: Person) -> None:
    """Findings, action and texts arrive as entered; then the next case is claimed."""
    page = hold(person)
    person.bench.report(item_id="post-2")
    answer = decide(person, page, next="1", facts="One.\r\nTwo.")
    following = answer.headers["location"]
    assert following.endswith(f"?done={id_of(page)}")
    assert id_of(following) != id_of(page)
    case = stored(person, page)
    assert case.state is CaseState.DECIDED
    assert case.decision is not None
    assert case.decision.reviewer == "mara"
    assert case.decision.verdict.findings == {Label.HARASSMENT: Severity.S2}
    assert case.decision.verdict.facts == "One.\nTwo."
    assert 'id="decision"' in person.get(following).text


def test_after_the_last_case_one_is_back_at_the_queues(person: Person) -> None:
    """Where no case is left to open, the queues say so."""
    answer = decide(person, hold(person), next="1")
    assert answer.headers["location"].startswith(f"/console/queues?empty={QUEUE}&done=")


def test_decided_case_stays_on_view(person: Person) -> None:
    """Who does not want the next case sees the decided one, without a form."""
    page = hold(person)
    answer = decide(person, page)
    assert answer.headers["location"] == f"{page}?done={id_of(page)}"
    shown = person.get(answer.headers["location"]).text
    assert "The decision is saved." in shown
    assert "It insults a person (policy 1.2)." in shown
    assert 'id="decision"' not in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action": ""}, "Choose an action."),
        ({"severity.harassment": ""}, "Choose a severity"),
        ({"explanation": " "}, "needs a statement of reasons"),
        ({"label": "profanity", "severity.profanity": "S2"}, "needs a label that is a violation"),
        ({"facts": "x" * 5_001}, "too long"),
        ({"gap": "1"}, "must be “No action”"),
        ({"explanation": "a\x00b"}, "cannot be stored"),
    ],
)
def test_wrong_field_is_named_and_the_rest_kept(
    person: Person, changes: dict[str, str], words: str
) -> None:
    """A refused form comes back with what was entered, and the case is not decided."""
    page = hold(person)
    answer = decide(person, page, **changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert (changes.get("facts") or FINDING["facts"]) in answer.text
    assert stored(person, page).decision is None


def test_policy_gap_needs_no_action_chosen(person: Person) -> None:
    """A case the policy has no word for goes to the queue for such cases."""
    page = hold(person)
    answer = decide(person, page, gap="1", action="", label=[])
    assert answer.status_code == 303
    assert stored(person, page).placement.queue == "policy-gap"


def test_decision_sent_twice_counts_once(person: Person) -> None:
    """The same form from a second tab or after going back is answered 409, and changes nothing."""
    page = hold(person)
    form = {**keys_of(person, page), **FINDING}
    assert person.post(f"{page}/decide", form).status_code == 303
    again = person.post(f"{page}/decide", {**form, "action": "no_action"})
    assert again.status_code == 409
    assert "concluded already" in again.text
    decision = stored(person, page).decision
    assert decision is not None
    assert decision.verdict.action is Action.REMOVE_CONTENT


def test_lost_lease_keeps_what_was_written(person: Person) -> None:
    """A decision that comes too late is answered 410 with the texts, to be copied."""
    page = hold(person)
    form = {**keys_of(person, page), **FINDING}
    person.bench.clock.advance(person.bench.service.settings.lease + timedelta(seconds=1))
    answer = person.post(f"{page}/decide", form)
    assert answer.status_code == 410
    assert "It insults a person (policy 1.2)." in answer.text
    assert "Your lease on this case has ended" in person.get(page).text


def test_wrong_form_after_the_lease_says_the_lease(person: Person) -> None:
    """What was entered wrongly and too late is not worth mending: the page says so."""
    page = hold(person)
    form = {**keys_of(person, page), "facts": "Kept."}
    person.bench.clock.advance(person.bench.service.settings.lease + timedelta(seconds=1))
    answer = person.post(f"{page}/decide", form)
    assert answer.status_code == 410
    assert "Kept." in answer.text


@pytest.mark.parametrize("claim_id", ["", "nonsense", str(uuid4())])
def test_made_up_claim_decides_nothing(person: Person, claim_id: str) -> None:
    """Only the claim one holds lets one decide."""
    page = hold(person)
    assert decide(person, page, claim_id=claim_id).status_code == 410
    assert stored(person, page).decision is None


def test_case_of_somebody_else_is_read_only(person: Person) -> None:
    """One can read a case that another person holds, and see who, but not decide it."""
    page = hold(person)
    other = another(person.bench, "noor")
    shown = other.get(page).text
    assert "mara holds this case" in shown
    assert 'id="decision"' not in shown


def test_restricted_case_is_not_shown(person: Person) -> None:
    """Without the scope a case of a restricted queue is refused, and none of it told."""
    receipt = person.bench.report(report_reason="child_safety")
    answer = person.get(f"/console/cases/{receipt['case_id']}")
    assert answer.status_code == 403
    assert "loser" not in answer.text


def test_unknown_case(person: Person) -> None:
    """A case that does not exist gives a page that says so."""
    assert person.get(f"/console/cases/{uuid4()}").status_code == 404


def test_release_needs_a_reason(person: Person) -> None:
    """Giving a case back without a reason opens the dialog again; with one it waits again."""
    page = hold(person)
    keys = keys_of(person, page)
    answer = person.post(f"{page}/release", {**keys, "reason": " "})
    assert answer.status_code == 422
    assert '<dialog id="release" aria-labelledby="release-title" open>' in answer.text
    answer = person.post(f"{page}/release", {**keys, "reason": "Not my field."})
    assert answer.status_code == 303
    assert stored(person, page).state is CaseState.QUEUED


def test_escalation_names_an_owner(person: Person) -> None:
    """A case goes to the named person's queue; without a name it stays."""
    page = hold(person)
    keys = keys_of(person, page)
    answer = person.post(f"{page}/escalate", {**keys, "owner": "", "reason": "Press asks."})
    assert answer.status_code == 422
    assert "Press asks." in answer.text
    add_account(person.bench, "lea")
    answer = person.post(f"{page}/escalate", {**keys, "owner": "lea", "reason": "Press asks."})
    assert answer.status_code == 303
    assert stored(person, page).owner == "lea"
    assert stored(person, page).placement.queue == "escalation"


def test_lease_is_renewed_by_the_page(person: Person) -> None:
    """A page in use prolongs its lease, with the token of the session in a header."""
    page = hold(person)
    keys = keys_of(person, page)
    person.bench.clock.advance(timedelta(minutes=5))
    url = f"/console/claims/{keys['claim_id']}/renew"
    headers = {"x-csrf-token": keys["csrf"], "accept": "application/json"}
    answer = person.post(url, {}, **headers)
    ends_at = person.bench.clock.now() + person.bench.service.settings.lease
    assert answer.json() == {"expires_at": ends_at.isoformat(), "seconds": 600}
    person.bench.clock.advance(timedelta(hours=1))
    assert person.post(url, {}, **headers).status_code in {401, 410}


def test_renewal_is_not_forged(person: Person) -> None:
    """Without the token of the session no lease is prolonged."""
    page = hold(person)
    url = f"/console/claims/{claim_of(person.get(page).text)}/renew"
    assert person.post(url, {}, accept="application/json").status_code == 403


@pytest.mark.parametrize("step", ["decide", "release", "hold", "escalate", "take"])
def test_reloaded_step_leads_back_to_the_case(person: Person, step: str) -> None:
    """The address of a refused step, opened again, shows the case."""
    page = hold(person)
    assert person.get(f"{page}/{step}").headers["location"] == page


def test_complaint_shows_the_first_decision(person: Person) -> None:
    """Who decides about a complaint sees its grounds and what was decided, not who complains."""
    page = hold(person)
    decide(person, page)
    complaint = {"complainant_ref": "author-1-secret", "grounds": "It was a joke."}
    answer = person.bench.post(f"/v1/cases/{id_of(page)}/appeal", complaint)
    assert answer.status_code == 200, answer.text
    shown = another(person.bench, "noor").get(page).text
    assert "It was a joke." in shown
    assert "Remove the content" in shown
    assert "author-1-secret" not in shown


def test_earlier_texts_are_hidden_with_the_text(person: Person) -> None:
    """An author who edits a text does not bring the first one into sight."""
    first, second = "The film shows it all, loser.", "The film shows a part, loser."
    person.bench.report(text=first, report_reason="graphic_violence")
    person.bench.report(text=second, report_reason="graphic_violence")
    page = person.get(take(person)).text
    folds = re.findall(r"<details [^>]*data-veil>.*?</details>", page, re.DOTALL)
    for text in (first, second):
        assert page.count(text) == sum(text in fold for fold in folds) == 1


def test_what_reviewers_wrote_turns_nothing_around(person: Person) -> None:
    """They may quote a text with such signs."""
    page = hold(person)
    assert decide(person, page, facts="It says \u202eloser.", next="").status_code == 303
    shown = person.get(page).text
    assert "\u202e" not in shown
    assert "U+202E" in shown


def test_reports_that_are_too_many_to_be_counted_are_said_to_be_the_newest(person: Person) -> None:
    """So that 100 of one reason are not taken for all of them."""
    person.bench.report()
    page = take(person)
    assert "The newest" not in person.get(page).text
    for n in range(100):
        person.bench.report(report_reporter_ref=f"another-{n}")
    text = person.get(page).text
    reports = text.partition('id="reports-title"')[2].partition("<dl")[0]
    assert "101 reports" in reports
    assert "The newest 100 reports:" in reports
    assert "100 × Harassment" in reports
