"""What browsers are told to refuse."""

import pytest

from serving.console.assets import static
from serving.console.headers import HEADERS
from tests.console.person import Person


@pytest.mark.parametrize(
    "path",
    [
        "/console",
        "/console/sign-in",
        "/console/preferences",
        "/console/nothing",
        "/console/static/x",
    ],
)
def test_every_answer_of_the_console_has_the_headers(stranger: Person, path: str) -> None:
    """Pages, ways on and failures alike."""
    answer = stranger.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_no_code_of_others_runs(stranger: Person) -> None:
    """Nothing that stands in a page is executed, and nothing is fetched from outside."""
    policy = stranger.get("/console/sign-in").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_pages_are_not_kept(person: Person) -> None:
    """They hold what people wrote; only files without content are."""
    assert person.get("/console/preferences").headers["cache-control"] == "no-store"
    assert "immutable" in person.get(static("console.js")).headers["cache-control"]


def test_the_api_keeps_its_own_headers(stranger: Person) -> None:
    """Outside the console nothing is added."""
    answer = stranger.get("/consoles")
    assert "content-security-policy" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_a_body_that_is_too_long_has_them_too(stranger: Person) -> None:
    """It is refused before a page sees it."""
    answer = stranger.post("/console/sign-in", {"name": "x" * (3 * 2**20)})
    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"
