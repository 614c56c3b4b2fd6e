"""Failures told to a person, in their language; scripts and the API get problems."""

from typing import Any, NoReturn

import pytest

from serving.console.errors import TOLD
from serving.problems import TABLE
from tests.console.person import Person
from triage_ml.errors import (
    Conflict,
    LeaseExpired,
    NotFound,
    Overloaded,
    ScopeMissing,
    StoreUnavailable,
)

PATH = "/console/preferences"


def failing(error: Exception) -> Any:
    async def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    return fail


def test_every_status_has_words() -> None:
    """What the service answers itself; the rest is its own fault."""
    statuses = {row.status for row in TABLE.values()}
    assert statuses - TOLD.keys() <= {400, 502}


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ScopeMissing("restricted"), 403, "This is not open to you"),
        (NotFound("case", "1"), 404, "There is nothing here"),
        (Conflict("no"), 409, "The case has changed"),
        (LeaseExpired("1"), 410, "Your claim has ended"),
        (Overloaded(3), 429, "Too many requests at once"),
        (StoreUnavailable("away"), 503, "The service cannot answer now"),
        (RuntimeError("a secret text"), 500, "Something went wrong"),
    ],
)
def test_a_failure_is_a_page(
    stranger: Person, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, words: str
) -> None:
    """With what happened and what to do, and nothing of the error itself."""
    monkeypatch.setattr(stranger.bench.service.accounts, "who", failing(error))
    answer = stranger.get(PATH, cookie="triage_session=x")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert f"<h1>{words}</h1>" in answer.text
    assert "secret" not in answer.text
    assert (answer.headers["x-request-id"] in answer.text) is (status >= 500)
    assert answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "Hier ist nichts"),
        ("tr", "Burada bir şey yok"),
        ("es", "Aquí no hay nada"),
        ("ko", "여기에는 아무것도 없습니다"),
    ],
)
def test_a_failure_speaks_the_language_of_its_reader(
    stranger: Person, language: str, words: str
) -> None:
    """Before sign-in the one the browser asks for."""
    answer = stranger.get("/console/nothing", **{"accept-language": language})
    assert answer.status_code == 404
    assert f"<h1>{words}</h1>" in answer.text


def test_a_failure_says_when_to_try_again(
    stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the API does."""
    monkeypatch.setattr(stranger.bench.service.accounts, "who", failing(Overloaded(2.5)))
    answer = stranger.get(PATH, cookie="triage_session=x")
    assert answer.headers["retry-after"] == "3"


def test_htmx_gets_a_piece_of_a_page(stranger: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands where the piece would have stood."""
    monkeypatch.setattr(stranger.bench.service.accounts, "who", failing(LeaseExpired("1")))
    answer = stranger.get(PATH, cookie="triage_session=x", **{"hx-request": "true"})
    assert answer.status_code == 410
    assert "<html" not in answer.text
    assert 'role="alert"' in answer.text


def test_htmx_is_led_to_the_sign_in(stranger: Person) -> None:
    """And back to the page it stood on."""
    headers = {"hx-request": "true", "hx-current-url": "http://testserver/console/queues?a=1"}
    answer = stranger.get(PATH, **headers)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/console/sign-in?next=/console/queues%3Fa%3D1"


@pytest.mark.parametrize("url", ["http://evil.example/console/queues", "http://[", "/console/x"])
def test_the_way_back_is_a_page_of_ours(stranger: Person, url: str) -> None:
    """Whatever a request says it comes from."""
    answer = stranger.get(PATH, **{"hx-request": "true", "hx-current-url": url})
    assert answer.headers["hx-redirect"] == "/console/sign-in"


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_scripts_get_a_problem(stranger: Person, accept: str) -> None:
    """The same as the callers of the API."""
    answer = stranger.get(PATH, accept=accept)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["hx-redirect"].startswith("/console/sign-in")


def test_a_script_of_a_page_gets_a_problem(stranger: Person) -> None:
    """A browser says who asks, whatever is accepted."""
    answer = stranger.get(PATH, **{"sec-fetch-mode": "same-origin"})
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unexpected_error_is_a_problem_for_scripts(
    stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the error's own words."""
    monkeypatch.setattr(stranger.bench.service.accounts, "who", failing(RuntimeError("hush")))
    answer = stranger.get(PATH, cookie="triage_session=x", accept="application/json")
    assert (answer.status_code, answer.json()["status"]) == (500, 500)
    assert "hush" not in answer.text


def test_the_api_answers_as_before(stranger: Person) -> None:
    """A browser that opens it gets a problem as well."""
    answer = stranger.get("/v1/queues")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_told(person: Person) -> None:
    """An address that only takes forms says so."""
    answer = person.get("/console/sign-out")
    assert answer.status_code == 405
    assert "This cannot be opened like this" in answer.text
    assert answer.headers["allow"] == "POST"
