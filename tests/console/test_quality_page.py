"""A second look: what is shown, what is kept, and to whom."""

import re
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.console.desk import FINDING, another, bench_with_mara, decide, hold, id_of, take
from tests.console.person import Person
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.policy import load_policy

START = "/console/quality"
QUIET = {"action": "no_action", "note": "a joke among friends"}


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """One reviewer, and every decision is judged again."""
    policy = load_policy()
    policy = replace(policy, quality=replace(policy.quality, double_share=1.0, golden_share=0.0))
    return bench_with_mara(make_bench, policy=policy)


@pytest.fixture
def decided(person: Person) -> str:
    """The page of a case that Mara decided."""
    page = hold(person)
    assert decide(person, page).status_code == 303
    return page


def draw(person: Person) -> str:
    answer = person.post(f"{START}/next", {"csrf": person.token(START)})
    assert answer.status_code == 303
    return str(answer.headers["location"])


def send(person: Person, page: str, **fields: str) -> int:
    return person.post(page, {"csrf": person.token(page), **fields}).status_code


def test_nothing_to_look_at_is_said(person: Person) -> None:
    assert draw(person) == f"{START}?empty=1"
    assert "no case for you to look at again" in person.get(draw(person)).text
    assert person.get(f"{START}/next").headers["location"] == START


def test_nobody_gets_their_own_decision(person: Person, decided: str) -> None:
    assert draw(person) == f"{START}?empty=1"


def test_a_second_look_shows_nothing_of_the_first(bench: Bench, decided: str) -> None:
    """Text, reports and policy; no decision, no hint, no name, no way to the case."""
    otto = another(bench, "otto")
    page = draw(otto)
    text = otto.get(page).text
    assert "You are a loser." in text
    assert "Harassment" in text
    case_id = str(id_of(decided))
    for hidden in (case_id, "mara", "<mark", "Hints", FINDING["explanation"], FINDING["facts"]):
        assert hidden not in text, hidden
    assert not re.search(r'name="(?:label|action)"[^>]* checked', text)
    assert case_id not in page


def test_a_second_verdict_is_saved_and_changes_nothing(bench: Bench, decided: str) -> None:
    """A drawn decision says only that it is saved, and is not given again."""
    case = bench.run(bench.store.get_case, id_of(decided))
    otto = another(bench, "otto")
    page = draw(otto)
    assert send(otto, page, **QUIET) == 303
    text = otto.get(page).text
    assert "Saved." in text
    assert "Remove the content" not in text
    assert bench.run(bench.store.get_case, id_of(decided)) == case
    assert draw(otto) == f"{START}?empty=1"
    token = otto.token(START)
    again = otto.post(page, {"csrf": token, "action": "remove_content", **FINDING})
    assert again.headers["location"] == page
    [pair] = bench.run(bench.service.quality.disagreements, bench.run(_lead, bench))
    assert pair.second.findings == {}


async def _lead(bench: Bench) -> object:
    return await bench.service.accounts.create("lena", "Lena", ["lead"], None)


def test_a_golden_case_shows_the_right_answer_afterwards(bench: Bench, decided: str) -> None:
    """With the lead's note; before, nothing tells it from another."""
    lena = another(bench, "lena", "lead")
    form = f"/console/leads/golden/{id_of(decided)}"
    right = {"label": "profanity", "severity.profanity": "S1", "action": "no_action"}
    assert send(lena, form, **right, note="A mild word.") == 303
    otto = another(bench, "otto")
    first = draw(otto)
    assert send(otto, first, **QUIET) == 303  # the drawn decision
    page = draw(otto)
    assert page != first
    assert "A mild word." not in otto.get(page).text
    assert send(otto, page, **QUIET) == 303
    text = otto.get(page).text
    assert "Profanity S1" in text
    assert "A mild word." in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"note": "x"}, "Choose an action."),
        ({"label": "hate", "action": "no_action"}, "Choose a severity for this label."),
        ({"action": "warn_author"}, "This action needs a label that is a violation"),
        ({"action": "no_action", "note": "x" * 2001}, "This is too long."),
        ({"action": "no_action", "note": "a\x00b"}, "This cannot be stored"),
    ],
)
def test_a_wrong_form_comes_back(
    bench: Bench, decided: str, fields: dict[str, str], said: str
) -> None:
    """With what is wrong; nothing is saved."""
    otto = another(bench, "otto")
    page = draw(otto)
    answer = otto.post(page, {"csrf": otto.token(page), **fields})
    assert answer.status_code == 422
    assert said in answer.text
    assert "Reported text" in otto.get(page).text


def test_a_forged_form_saves_nothing(bench: Bench, decided: str) -> None:
    otto = another(bench, "otto")
    page = draw(otto)
    assert otto.post(page, QUIET).status_code == 403
    assert otto.post(f"{START}/next", {}).status_code == 403
    assert "Reported text" in otto.get(page).text


def test_what_may_not_be_given_is_not_there(bench: Bench, person: Person, decided: str) -> None:
    """One's own decision, a made-up number, a restricted case."""
    page = draw(another(bench, "otto"))
    bench.client.cookies.clear()
    person.sign_in()
    for path in (page, f"{START}/{uuid4()}", f"{START}/nonsense"):
        assert person.get(path).status_code == 404
        fields = {"csrf": person.token(START), **QUIET}
        assert person.post(path, fields).status_code == 404


def test_tricks_in_a_text_have_no_effect(bench: Bench, person: Person) -> None:
    """Markup is text, and a sign that turns it is shown by its code."""
    bench.report(item_id="post-9", text="<script>x</script> \u202e loser")
    decide(person, take(person))
    otto = another(bench, "otto")
    text = otto.get(draw(otto)).text
    assert "&lt;script&gt;" in text
    assert "U+202E" in text
    assert "<script>x" not in text


def test_a_second_look_speaks_the_reviewer_s_language(bench: Bench, decided: str) -> None:
    """Clauses and guidelines as on the page of a case; so does the form of a golden case."""
    lena = another(bench, "lena", "lead")
    account, _ = bench.run(bench.store.find_account, "lena")
    bench.run(bench.store.save_account, replace(account, locale=Language.DE))
    guideline = bench.service.policy.guidelines[Language.DE][Label.HARASSMENT]
    for page in (draw(lena), f"/console/leads/golden/{id_of(decided)}"):
        text = lena.get(page).text
        for words in (guideline.clause, guideline.scope, *guideline.applies, *guideline.excludes):
            assert words in text, page
        assert "(Englisch)" not in text


def test_a_second_look_counts_no_report_that_was_withdrawn(bench: Bench, person: Person) -> None:
    """As on the page of the case."""
    first = bench.report()
    bench.report(report_reporter_ref="reporter-2", report_reason="hate")
    withdrawn = {"report_id": first["report_id"], "reason": "A mistake."}
    answer = bench.post(f"/v1/cases/{first['case_id']}/withdrawal", withdrawn)
    assert answer.status_code == 200, answer.text
    decide(person, take(person))
    otto = another(bench, "otto")
    text = otto.get(draw(otto)).text
    reports = text.partition('id="reports-title"')[2].partition("</section>")[0]
    assert "1 × Hate" in reports
    assert "Harassment" not in reports


def test_graphic_text_is_folded_away(bench: Bench, person: Person) -> None:
    text = "The film shows the accident."
    receipt = bench.report(item_id="post-9", text=text, report_reason="self_harm")
    decide(person, take(person, receipt["queue"]))
    otto = another(bench, "otto")
    assert "Show the hidden text" in otto.get(draw(otto)).text
