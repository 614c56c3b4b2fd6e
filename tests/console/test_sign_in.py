"""In and out of the console, and forms that nobody else can send."""

import re
from datetime import timedelta

import pytest

from serving.console.session import safe_next
from tests.console.person import PASSWORD, Person


def test_a_person_signs_in_and_out(stranger: Person) -> None:
    """A session begins with the password and ends with the button."""
    answer = stranger.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/queues")
    assert "Mara Diaz" in stranger.get("/console/preferences").text
    token = stranger.token("/console/preferences")
    left = stranger.post("/console/sign-out", {"csrf": token})
    assert left.headers["location"] == "/console/sign-in?out=1"
    assert stranger.get("/console/preferences").status_code == 303


def test_a_closed_session_is_closed_for_every_copy_of_its_cookie(person: Person) -> None:
    """Signing out is remembered by the store, not by the browser."""
    kept = dict(person.bench.client.cookies)
    person.post("/console/sign-out", {"csrf": person.token("/console/preferences")})
    person.bench.client.cookies.clear()
    for name, value in kept.items():
        person.bench.client.cookies.set(name, value)
    assert person.get("/console/preferences").status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [("mara", "not the right one"), ("nobody", PASSWORD), ("", ""), ("MARA'--", "x" * 300)],
)
def test_a_failure_says_the_same_whatever_was_wrong(
    stranger: Person, name: str, password: str
) -> None:
    """It neither tells who has an account nor sends the password back."""
    answer = stranger.sign_in(password, name=name)
    assert answer.status_code == 401
    assert "The name or the password is wrong" in answer.text
    assert not password or password not in answer.text
    assert "set-cookie" not in answer.headers


def test_many_failures_have_to_wait(stranger: Person) -> None:
    """Guessing is slow, and the page says for how long."""
    answers = [stranger.sign_in(f"wrong number {n}") for n in range(30)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Too many attempts" in answers[-1].text


def test_the_cookie_is_kept_from_scripts_and_other_sites(stranger: Person) -> None:
    """HttpOnly, Lax, and only for the console."""
    cookie = stranger.sign_in().headers["set-cookie"]
    assert cookie.startswith("triage_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/console" in cookie
    assert "Secure" not in cookie.split(", triage_visit")[0]


def test_over_https_the_cookie_is_secure(stranger: Person) -> None:
    """Its name makes a browser refuse it over plain http."""
    answer = stranger.bench.client.get("https://testserver/console/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Secure-triage_visit=")
    assert "; Secure" in cookie


def test_a_session_ends_when_it_is_not_used(person: Person) -> None:
    """An hour away from the desk asks for the password again."""
    person.bench.clock.advance(timedelta(minutes=61))
    answer = person.get("/console/preferences")
    assert answer.headers["location"] == "/console/sign-in?next=/console/preferences"


def test_a_session_ends_after_its_whole_time(person: Person) -> None:
    """However busy it is."""
    for _ in range(14):
        person.bench.clock.advance(timedelta(minutes=55))
        answer = person.get("/console/preferences")
    assert answer.status_code == 303


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
def test_a_form_without_its_token_is_refused(person: Person, token: str | None) -> None:
    """Another site can make a browser send a form, but cannot know the token."""
    fields = {"locale": "de", "time_zone": "UTC"}
    given = fields if token is None else {**fields, "csrf": token}
    answer = person.post("/console/preferences", given)
    assert answer.status_code == 403
    assert "The form is out of date" in answer.text
    assert '<html lang="en">' in person.get("/console/preferences").text


def test_the_token_may_stand_in_a_header(person: Person) -> None:
    """Scripts of our own pages send it so."""
    token = person.token("/console/preferences")
    fields = {"locale": "de", "time_zone": "UTC"}
    answer = person.post("/console/preferences", fields, **{"x-csrf-token": token})
    assert answer.status_code == 303


def test_nobody_is_signed_in_by_another_site(stranger: Person) -> None:
    """The form before sign-in has a token of its own."""
    answer = stranger.post("/console/sign-in", {"name": "mara", "password": PASSWORD})
    assert answer.status_code == 403
    assert "triage_session" not in answer.headers.get("set-cookie", "")


def test_the_token_before_sign_in_is_worth_nothing_after_it(stranger: Person) -> None:
    """What was known of the visit does not open the session."""
    token = stranger.token()
    stranger.sign_in()
    answer = stranger.post("/console/sign-out", {"csrf": token})
    assert answer.status_code == 403


def test_a_person_comes_back_to_the_page_they_wanted(stranger: Person) -> None:
    """The way leads through the sign-in and on."""
    answer = stranger.get("/console/preferences?saved=1")
    assert answer.headers["location"] == "/console/sign-in?next=/console/preferences%3Fsaved%3D1"
    shown = stranger.get(answer.headers["location"]).text
    assert 'value="/console/preferences?saved=1"' in shown
    gone = stranger.sign_in(next="/console/preferences?saved=1")
    assert gone.headers["location"] == "/console/preferences?saved=1"


@pytest.mark.parametrize(
    ("scope", "home"),
    [
        ("review", "/console/queues"),
        ("lead", "/console/trends"),
        ("ml", "/console/means"),
        ("intake", "/console/care"),
    ],
)
def test_a_person_comes_to_the_first_page_that_is_open_to_them(
    stranger: Person, scope: str, home: str
) -> None:
    """After the sign-in, from the sign-in that is open still, and from the console's root."""
    bench = stranger.bench
    bench.run(bench.service.accounts.create, "ines", "Ines", [scope], PASSWORD)
    ines = Person(bench, "ines")
    assert ines.get("/console").headers["location"] == "/console/sign-in"
    assert ines.sign_in().headers["location"] == home
    for path in ("/console", "/console/sign-in"):
        assert ines.get(path).headers["location"] == home
    assert ines.get(home).status_code == 200


def test_who_may_not_open_the_page_they_wanted_is_told_so(stranger: Person) -> None:
    """And led to one of theirs; nobody is sent to another page in silence."""
    bench = stranger.bench
    bench.run(bench.service.accounts.create, "ines", "Ines", ["ml"], PASSWORD)
    ines = Person(bench, "ines")
    for page in ("/console/leads", "/console/queues"):
        wanted = f"/console/sign-in?next={page}"
        bench.client.cookies.clear()
        assert ines.get(page).headers["location"] == wanted
        assert f'value="{page}"' in ines.get(wanted).text
        assert ines.sign_in(next=page).headers["location"] == page
        assert ines.get(wanted).headers["location"] == page
        refused = ines.get(page)
        assert refused.status_code == 403
        back = re.findall(r'href="([^"]+)"', refused.text.partition("<main")[2])
        assert back == ["/console/means"]


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/\\evil.example",
        "/console\\@evil.example",
        "/console/../docs",
        "/console/%2e%2e/docs",
        "/consoles",
        "javascript:alert(1)",
        "/console/queues\r\nSet-Cookie: a=b",
        "/console/" + "a" * 600,
        "/console/sign-in?next=/console/sign-in",
        "",
    ],
)
def test_the_way_on_never_leaves_the_console(wanted: str) -> None:
    """Whatever a link to the sign-in names."""
    assert safe_next(wanted) == "/console"


def test_a_form_that_cannot_be_read_is_refused(person: Person) -> None:
    """Bytes that are no text, and more fields than any form of ours has."""
    token = person.token("/console/preferences")
    for body in (b"locale=%ff", b"\xff\xfe", b"&".join(b"a=1" for _ in range(600))):
        answer = person.bench.client.post(
            "/console/preferences",
            content=body,
            headers={
                "accept": "text/html",
                "content-type": "application/x-www-form-urlencoded",
                "x-csrf-token": token,
            },
        )
        assert answer.status_code == 422, body[:20]


def test_preferences_are_kept(person: Person) -> None:
    """Language, clock and what one does not want to be given."""
    token = person.token("/console/preferences")
    fields = {
        "csrf": token,
        "locale": "ko",
        "time_zone": "Asia/Seoul",
        "excluded_labels": ["self_harm", "child_safety"],
    }
    assert person.post("/console/preferences", fields).status_code == 303
    text = person.get("/console/preferences").text
    assert '<html lang="ko">' in text
    assert '<option value="Asia/Seoul" selected>' in text
    assert text.count(" checked>") == 2


@pytest.mark.parametrize(
    "wrong", [{"locale": "xx"}, {"locale": "und"}, {"time_zone": "Mars/Base"}, {"time_zone": ""}]
)
def test_preferences_that_are_not_offered_are_refused(
    person: Person, wrong: dict[str, str]
) -> None:
    """Nothing is saved."""
    token = person.token("/console/preferences")
    fields = {"csrf": token, "locale": "de", "time_zone": "UTC", **wrong}
    assert person.post("/console/preferences", fields).status_code == 422
    assert '<html lang="en">' in person.get("/console/preferences").text


def test_a_closed_account_is_out_at_once(person: Person) -> None:
    """Its open page leads to the sign-in, and the password opens nothing any more."""
    person.bench.run(person.bench.service.accounts.disable, "mara")
    assert person.get("/console/preferences").status_code == 303
    assert person.sign_in().status_code == 401
