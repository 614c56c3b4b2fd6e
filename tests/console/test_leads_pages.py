"""The pages of leads: work in hand, quality and measures."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.console.desk import (
    FINDING,
    add_account,
    another,
    bench_with_mara,
    claim_of,
    decide,
    hold,
    id_of,
    keys_of,
    take,
)
from tests.console.person import Person
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench
from triage_ml.domain.case import CaseState
from triage_ml.domain.decision import Action
from triage_ml.domain.quality import Judgement
from triage_ml.domain.taxonomy import Label
from triage_ml.policy import load_policy
from triage_ml.testing.memory import MemoryCaseStore

PAGES = ("/console/leads", "/console/leads/quality", "/console/leads/measures")
WORK = "/console/leads"


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """One reviewer, and every decision is judged again."""
    policy = load_policy()
    policy = replace(policy, quality=replace(policy.quality, double_share=1.0))
    return bench_with_mara(make_bench, policy=policy)


@pytest.fixture
def held(person: Person) -> str:
    """The page of a case that Mara holds."""
    return hold(person)


def lead(bench: Bench, name: str = "lena", *scopes: str) -> Person:
    """Sign a lead in with the same browser."""
    return another(bench, name, "lead", *scopes)


def claims(bench: Bench) -> list[UUID]:
    store: MemoryCaseStore = bench.store
    return [case.claim.claim_id for case in store._cases.values() if case.claim]


def state(bench: Bench, page: str) -> CaseState:
    return bench.run(bench.store.get_case, id_of(page)).state


def send(person: Person, path: str, page: str = WORK, **fields: object) -> tuple[int, str]:
    """Send a form with the token of a page; give the status, and the address it leads to."""
    answer = person.post(path, {"csrf": person.token(page), **fields})
    return answer.status_code, answer.headers.get("location", answer.text)


@pytest.mark.parametrize("path", [*PAGES, f"/console/leads/golden/{uuid4()}"])
def test_pages_of_leads_are_closed_to_others(person: Person, path: str) -> None:
    """With a page that says so; the navigation does not offer them either."""
    answer = person.get(path)
    assert answer.status_code == 403
    assert "text/html" in answer.headers["content-type"]
    assert 'href="/console/leads"' not in answer.text
    assert 'href="/console/quality"' in answer.text


@pytest.mark.parametrize("path", ["release", f"claims/{uuid4()}", f"quality/{uuid4()}/settle"])
def test_forms_of_leads_are_closed_to_others(person: Person, path: str) -> None:
    status, _ = send(person, f"{WORK}/{path}", "/console/queues", reason="why", all="1")
    assert status == 403


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_leads_open_to_a_lead(bench: Bench, path: str) -> None:
    """With the scope, and with `admin`."""
    for name, scope in (("lena", "lead"), ("ada", "admin")):
        answer = another(bench, name, scope).get(path)
        assert answer.status_code == 200
        assert 'href="/console/leads"' in answer.text
        assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]* src=)", answer.text)


def test_who_holds_what_is_shown(bench: Bench, held: str) -> None:
    """The person, how many, the case with queue, tier and times."""
    page = lead(bench).get(WORK).text
    assert "<bdi>mara</bdi>" in page
    assert "1 case" in page
    assert f'href="{held}"' in page
    assert "std-en-safety" in page
    assert "You are a loser" not in page


def test_what_is_past_due_stands_out(bench: Bench, held: str) -> None:
    assert "Past due" not in lead(bench).get(WORK).text
    due_at = bench.run(bench.store.get_case, id_of(held)).placement.due_at
    bench.clock.set(due_at - timedelta(minutes=1))
    bench.claim()
    bench.clock.advance(timedelta(minutes=2))
    assert "Past due" in lead(bench, "lou").get(WORK).text


def test_chosen_cases_are_given_back(bench: Bench, held: str) -> None:
    """The lead is told how many; the reviewer's page then says that the case is lost."""
    lena = lead(bench)
    fields = {"reviewer": "mara", "claim_id": claims(bench), "reason": "end of the shift"}
    status, to = send(lena, f"{WORK}/release", **fields)
    assert (status, to) == (303, f"{WORK}?released=1&gone=0")
    assert "1 case went back to its queue." in lena.get(to).text
    assert state(bench, held) is CaseState.QUEUED
    event = bench.run(bench.store.events, id_of(held))[-1]
    assert (event.actor, event.detail["released_for"]) == ("lena", "mara")


def test_a_reviewer_whose_case_was_given_back_is_told(bench: Bench, person: Person) -> None:
    """What they wrote is shown to copy, and nothing is decided."""
    page = hold(person)
    claim_id = claim_of(person.get(page).text)
    send(lead(bench), f"{WORK}/release", reviewer="mara", all="1", reason="ill")
    bench.client.cookies.clear()
    person.sign_in()
    fields = {"csrf": person.token("/console/queues"), "claim_id": claim_id, **FINDING}
    answer = person.post(f"{page}/decide", fields)
    assert answer.status_code == 410
    assert FINDING["explanation"] in answer.text
    assert state(bench, page) is CaseState.QUEUED


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"all": "1", "reason": " "}, "This must not be empty."),
        ({"all": "1", "reason": "x" * 2001}, "This is too long."),
        ({"reason": "why"}, "Choose at least one case."),
        ({"reason": "why", "claim_id": "nonsense"}, "Choose at least one case."),
    ],
)
def test_a_wrong_form_gives_nothing_back(
    bench: Bench, held: str, fields: dict[str, str], said: str
) -> None:
    """It comes back with what was written and what is wrong."""
    status, text = send(lead(bench), f"{WORK}/release", reviewer="mara", **fields)
    assert status == 422
    assert said in text
    assert fields["reason"].strip() in text
    assert state(bench, held) is CaseState.CLAIMED


def test_a_forged_form_gives_nothing_back(bench: Bench, held: str) -> None:
    fields = {"reviewer": "mara", "all": "1", "reason": "why"}
    assert lead(bench).post(f"{WORK}/release", fields).status_code == 403
    assert state(bench, held) is CaseState.CLAIMED


def test_a_case_is_given_to_somebody_else(bench: Bench, held: str) -> None:
    """Offered are people who can have it; the case then waits with a name on it."""
    another(bench, "otto")
    lena = lead(bench)
    page = f"{WORK}/claims/{claims(bench)[0]}"
    text = lena.get(page).text
    assert '<option value="otto">Otto (otto)</option>' in text
    assert 'value="mara"' not in text
    assert send(lena, page, page, owner="mara", reason="why")[0] == 422
    assert send(lena, page, page, owner="otto", reason=" ")[0] == 422
    assert send(lena, page, page, owner="otto", reason="why") == (303, f"{WORK}?reassigned=1")
    case = bench.run(bench.store.get_case, id_of(held))
    assert (case.owner, case.state) == ("otto", CaseState.QUEUED)
    assert lena.get(page).status_code == 409


def test_restricted_work_is_closed_without_the_scope(bench: Bench) -> None:
    """Neither in the list nor by its address."""
    bench.report(report_reason="child_safety")
    bench.claim("child-safety", scope="lead")
    lena = lead(bench)
    [claim_id] = claims(bench)
    assert "child-safety" not in lena.get(WORK).text
    assert lena.get(f"{WORK}/claims/{claim_id}").status_code == 403
    assert "child-safety" in lead(bench, "lea", "restricted").get(WORK).text


@pytest.fixture
def differing(person: Person) -> str:
    """The page of a case on which a second verdict differs."""
    page = hold(person)
    assert decide(person, page).status_code == 303
    bench = person.bench
    add_account(bench, "otto")
    bench.run(_judge, bench)
    return page


async def _judge(bench: Bench) -> None:
    otto = next(row for row in await bench.service.accounts.all() if row.name == "otto")
    sample_id = await bench.service.quality.draw(otto)
    assert sample_id is not None
    await bench.service.quality.judge(
        otto, sample_id, Judgement({}, Action.NO_ACTION), "a <b>joke</b> \u202e"
    )


def test_verdicts_that_differ_are_settled(bench: Bench, differing: str) -> None:
    """Side by side, without the name of the second; an odd sign in a note has no effect."""
    lena = lead(bench)
    text = lena.get(PAGES[1]).text
    assert "Harassment S2" in text
    assert "a &lt;b&gt;joke&lt;/b&gt;" in text
    assert "U+202E" in text
    assert "otto" not in text
    assert "mara" not in text
    found = re.search(r'action="(/console/leads/quality/[^"]+/settle)"', text)
    assert found is not None
    for fields in ({"note": "why"}, {"outcome": "first", "note": " "}, {"outcome": "both"}):
        assert send(lena, found[1], PAGES[1], **fields)[0] == 422
    fields = {"outcome": "policy_unclear", "note": "clause 1.2"}
    assert send(lena, found[1], PAGES[1], **fields) == (303, f"{PAGES[1]}?saved=1")
    assert "There is nothing to settle." in lena.get(PAGES[1]).text
    assert "Harassment: 1" in lena.get(PAGES[2]).text
    assert send(lena, found[1], PAGES[1], **fields)[0] == 409


def test_golden_cases_are_marked_and_retired(bench: Bench, differing: str) -> None:
    """From the page of the case; the form holds what was decided."""
    lena = lead(bench)
    form = f"/console/leads/golden/{id_of(differing)}"
    assert f'href="{form}"' in lena.get(differing).text
    assert 'value="harassment" checked' in lena.get(form).text
    right = {"label": "harassment", "severity.harassment": "S1", "action": "warn_author"}
    assert send(lena, form, form, **right, note="")[0] == 422
    assert send(lena, form, form, **right, note="A taunt.") == (303, f"{PAGES[1]}?saved=1")
    assert send(lena, form, form, **right, note="A taunt.")[0] == 409
    text = lena.get(PAGES[1]).text
    assert "Harassment S1" in text
    assert "A taunt." in text
    found = re.search(r'action="(/console/leads/golden/[^"]+/retire)"', text)
    assert found is not None
    assert send(lena, found[1], PAGES[1])[0] == 303
    assert "There is no golden case." in lena.get(PAGES[1]).text
    assert send(lena, found[1], PAGES[1])[0] == 404


def test_a_reviewer_is_not_offered_to_mark_a_case(person: Person) -> None:
    page = hold(person)
    decide(person, page)
    assert "/console/leads/golden" not in person.get(page).text


@pytest.fixture
def busy(bench: Bench) -> Bench:
    """A desk on which seven people decided cases, each at a speed of their own."""
    for number in range(7):
        person = another(bench, f"person-{number}")
        bench.report(item_id=f"post-{number}", item_author_ref=f"author-{number}")
        page = take(person)
        keys = keys_of(person, page)
        bench.clock.advance(timedelta(minutes=1 + number))
        assert person.post(f"{page}/decide", {**keys, **FINDING}).status_code == 303
    return bench


@pytest.mark.parametrize("path", PAGES)
def test_no_page_of_leads_measures_a_person(busy: Bench, path: str) -> None:
    """No speed, no count of decisions, no agreement by name: nobody's work is measured here."""
    text = lead(busy).get(path).text
    assert "person-" not in text
    if path == PAGES[2]:
        assert "std-en-safety" in text
        assert "4 min" in text


def test_few_people_are_not_timed(bench: Bench, person: Person) -> None:
    """Under five the times would be those of a person."""
    decide(person, hold(person))
    text = lead(bench).get(PAGES[2]).text
    assert "too few people" in text
    assert "mara" not in text


@pytest.mark.parametrize("language", ["de", "tr", "es", "ko"])
def test_pages_of_leads_speak_every_language(busy: Bench, language: str) -> None:
    """Per cent signs and names survive translation."""
    lena = lead(busy)
    fields = {"locale": language, "time_zone": "UTC"}
    lena.post("/console/preferences", {"csrf": lena.token("/console/preferences"), **fields})
    for path in (*PAGES, "/console/quality"):
        answer = lena.get(path)
        assert answer.status_code == 200
        assert f'<html lang="{language}">' in answer.text
        assert "%%" not in answer.text


def test_every_label_has_its_row(busy: Bench) -> None:
    text = lead(busy).get(PAGES[2]).text
    assert text.count('<th scope="row">') >= len(Label) + 1
    assert "too few" in text
