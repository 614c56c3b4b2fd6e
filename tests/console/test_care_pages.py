"""The ledger, the break, light cases in between, and what leads see."""

from datetime import timedelta

import pytest

from tests.console.desk import add_account, another, claim_of, decide, id_of, keys_of, take
from tests.console.person import Person
from tests.serving.bench import Bench
from triage_ml.domain.care import Exposure
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import ScoringFailed

QUEUE = "std-en-safety"
NOTHING = {"label": [], "action": "no_action", "facts": "", "explanation": ""}


@pytest.fixture(autouse=True)
def without_a_model(bench: Bench) -> None:
    """Each label is as severe as is typical for it."""
    bench.scorer.failure = ScoringFailed("off")


def read_heavy(person: Person, n: int) -> str:
    """Decide so many heavy cases and give where the last one led to."""
    where = ""
    for number in range(n):
        name = f"heavy-{number}-{person.bench.n_stored()}"
        person.bench.report(item_id=name, report_reason="self_harm")
        where = decide(person, take(person), **NOTHING, next="1").headers["location"]
    return where


def note(person: Person, name: str, points: float, days_ago: float = 0) -> None:
    at = person.bench.clock.now() - timedelta(days=days_ago)
    person.bench.store._exposures.append(Exposure(name, at, at, points))


def test_the_ledger_begins_empty(person: Person) -> None:
    """And says what counts and who sees it."""
    text = person.get("/console/care").text
    for words in ("You have read nothing yet", "Only you.", "Self-harm", "after 30 days"):
        assert words in text


def test_a_decision_shows_in_ones_own_ledger_alone(person: Person) -> None:
    """In a word and a number; somebody else's page knows nothing of it."""
    read_heavy(person, 1)
    text = person.get("/console/care").text
    assert "6 points" in text
    assert "1 case, of which heavy: 1." in text
    other = another(person.bench, "noor")
    assert "You have read nothing yet" in other.get("/console/care").text


@pytest.mark.parametrize(("points", "word"), [(10, "low"), (60, "raised"), (130, "high")])
def test_a_dose_is_said_in_a_word(person: Person, points: float, word: str) -> None:
    note(person, "mara", points)
    assert f">{word}</strong>" in person.get("/console/care").text


def test_one_deletes_ones_own_ledger(person: Person) -> None:
    """With the form of the page alone, and nobody else's."""
    note(person, "mara", 10)
    note(person, "noor", 10)
    assert person.post("/console/care/erase", {}).status_code == 403
    answer = person.post("/console/care/erase", {"csrf": person.token("/console/care")})
    assert answer.headers["location"] == "/console/care?erased=1"
    assert "Your ledger is deleted." in person.get(answer.headers["location"]).text
    assert [row.reviewer for row in person.bench.store._exposures] == ["noor"]
    assert person.get("/console/care/erase").headers["location"] == "/console/care"


def test_a_break_is_proposed_and_no_case_is_claimed(person: Person) -> None:
    """After the measure is full the next page asks, says what was saved, and leads on."""
    where = read_heavy(person, 7)
    assert where.startswith(f"/console/break?queue={QUEUE}&done=")
    person.bench.report(item_id="next")
    text = person.get(where).text
    assert "Take a break of 10 minutes?" in text
    assert "Saved." in text
    on = person.post(f"/console/queues/{QUEUE}/next", {"csrf": person.token(where)})
    assert on.headers["location"].startswith("/console/cases/")


def test_who_goes_on_is_not_asked_at_the_next_case(person: Person) -> None:
    """Only after another full measure."""
    read_heavy(person, 7)
    assert "/console/break" not in read_heavy(person, 1)


def test_giving_back_and_handing_up_propose_it_too(person: Person) -> None:
    """Whichever way the work on the case ended."""
    add_account(person.bench, "olga")
    for path, fields in (("release", {}), ("escalate", {"owner": "olga"})):
        person.bench.store._exposures.clear()
        note(person, "mara", 39)
        person.bench.report(item_id=path, report_reason="self_harm")
        page = take(person)
        given = {**keys_of(person, page), "reason": "a reason", **fields}
        where = person.post(f"{page}/{path}", given).headers["location"]
        assert where.startswith("/console/break?queue=")
        assert person.get(where).status_code == 200


def test_a_break_has_an_end_that_a_reload_does_not_move(person: Person) -> None:
    """The address holds it; afterwards the page says that it is over."""
    begun = person.get(f"/console/break/begin?queue={QUEUE}").headers["location"]
    text = person.get(begun).text
    assert "The break goes on until:" in text
    assert f"Go on with {QUEUE}" in text
    person.bench.clock.advance(timedelta(minutes=10))
    assert "Your break is over" in person.get(begun).text


@pytest.mark.parametrize(
    "query",
    ["until=soon", "until=99999999999999", "until=-1", "until=1", "until=٣", "queue=nowhere"],
)
def test_a_made_up_break_is_the_proposal(person: Person, query: str) -> None:
    """Nothing of the address is believed or repeated."""
    text = person.get(f"/console/break?{query}").text
    assert "Take a break of 10 minutes?" in text
    assert "nowhere" not in text


def test_a_break_tells_nothing_of_a_restricted_case(person: Person) -> None:
    """Neither a way to it nor its queue."""
    receipt = person.bench.report(report_reason="child_safety")
    text = person.get(f"/console/break?queue=child-safety&done={receipt['case_id']}").text
    assert "child-safety" not in text
    assert "/console/cases/" not in text
    unknown = person.get("/console/break?done=11111111-1111-4111-8111-111111111111")
    assert "/console/cases/" not in unknown.text


def test_after_heavy_cases_a_light_one_comes_first(person: Person) -> None:
    """Then the heavy one, as nothing light is left."""
    read_heavy(person, 3)
    heavy = person.bench.report(item_id="heavy", report_reason="self_harm")
    light = person.bench.report(item_id="light")
    assert str(id_of(take(person))) == light["case_id"]
    assert str(id_of(take(person))) == heavy["case_id"]


def test_with_nothing_light_the_usual_case_comes(person: Person) -> None:
    """Care never leaves somebody without work."""
    read_heavy(person, 3)
    heavy = person.bench.report(item_id="heavy", report_reason="self_harm")
    page = take(person)
    assert str(id_of(page)) == heavy["case_id"]
    assert claim_of(person.get(page).text)


def test_what_one_never_wants_to_see_stays_out(person: Person) -> None:
    """Also when a light case is looked for, and when there is none."""
    token = person.token("/console/preferences")
    fields = {"csrf": token, "locale": "en", "time_zone": "UTC", "excluded_labels": "harassment"}
    person.post("/console/preferences", fields)
    for n in range(3):
        note(person, "mara", 6.0)
        person.bench.report(item_id=f"post-{n}")
    assert take(person) == f"/console/queues?empty={QUEUE}"


def test_leads_see_groups_of_five_and_nobody_else_does(person: Person) -> None:
    """Of the week that is over; four people are not told of."""
    assert person.get("/console/care/group").status_code == 403
    assert "/console/care/group" not in person.get("/console/care").text
    lead = another(person.bench, "lena", "lead")
    assert "/console/care/group" in lead.get("/console/care").text
    for n in range(5):
        name = f"p{n}"
        add_account(lead.bench, name)
        text = lead.get("/console/care/group").text
        assert "Not shown: too few people" in text
        assert "about" not in text
        note(lead, name, 100.0, days_ago=5)
    text = lead.get("/console/care/group").text
    assert text.count("about 100") == 2
    assert "at most 10%" in text
    assert not any(f"p{n}" in text for n in range(5))


def test_nothing_of_it_is_measured_or_logged(
    person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """Metrics have no name and no dose; the log neither."""
    read_heavy(person, 7)
    person.get("/console/care")
    written = person.bench.client.get("/metrics").text + "".join(capsys.readouterr())
    assert "exposure" not in written
    assert "points" not in written
    assert "mara" not in written


@pytest.mark.parametrize("language", [Language.EN, Language.DE, Language.KO])
def test_pages_have_one_heading_and_no_style_of_their_own(
    person: Person, language: Language
) -> None:
    """As every page of the console."""
    fields = {"csrf": person.token("/console/preferences"), "locale": language, "time_zone": "UTC"}
    person.post("/console/preferences", fields)
    begun = person.get("/console/break/begin").headers["location"]
    for path in ("/console/care", "/console/break", begun):
        text = person.get(path).text
        assert text.count("<h1>") == 1
        assert f'<html lang="{language.value}">' in text
        assert " style=" not in text


def test_a_stranger_is_asked_to_sign_in(stranger: Person) -> None:
    """And comes back to the page."""
    for path in ("/console/care", "/console/break", "/console/break/begin", "/console/care/group"):
        answer = stranger.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in")
