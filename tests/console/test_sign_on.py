"""Signing in with the organisation: who is let in, and what is not believed."""

import io
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from joserfc import jwk
from pydantic import SecretStr

from serving.sign_on import Provider
from tests.console.desk import bench_with_mara
from tests.console.person import PASSWORD, Person
from tests.console.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    PUBLIC_URL,
    Issuer,
    new_key,
)
from tests.serving.bench import Bench
from tests.serving.conftest import MakeBench
from triage_ml.testing import FixedClock


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(FixedClock())


def start(make_bench: MakeBench, issuer: Issuer, **changes: Any) -> Person:
    """Start the console with that provider and one account, and open a browser."""
    claim = changes.pop("name_claim", "preferred_username")
    provider = Provider(
        ISSUER,
        CLIENT_ID,
        SecretStr(CLIENT_SECRET),
        PUBLIC_URL,
        issuer.clock,
        name_claim=claim,
        transport=issuer.transport,
    )
    return Person(bench_with_mara(make_bench, provider=provider, **changes))


@pytest.fixture
def stranger(make_bench: MakeBench, issuer: Issuer) -> Person:
    return start(make_bench, issuer)


def go_there(person: Person, issuer: Issuer, path: str = "/console/sign-on") -> str:
    """Go to the provider, agree, and give the path that it sends back to."""
    away = person.get(path)
    assert away.status_code == 303, away.text
    assert away.headers["location"].startswith(f"{ISSUER}/authorize?")
    back = person.bench.run(issuer.visit, away.headers["location"])
    assert back.startswith(f"{PUBLIC_URL}/console/sign-on/back?")
    return back.removeprefix(PUBLIC_URL)


def sign_on(person: Person, issuer: Issuer, path: str = "/console/sign-on") -> Response:
    return person.get(go_there(person, issuer, path))


def refused(person: Person, answer: Response, status: int, words: str) -> None:
    """Check that a page says why, leads back, and nobody is in."""
    assert answer.status_code == status
    assert words in answer.text
    assert 'href="/console/sign-in"' in answer.text
    assert person.get("/console/preferences").status_code == 303


UNTRUSTED = "could not be trusted"


def test_a_person_signs_on_and_has_a_session(stranger: Person, issuer: Issuer) -> None:
    """The same as with a password, and the way leads to the page they wanted."""
    page = stranger.get("/console/sign-in?next=/console/preferences").text
    assert 'href="/console/sign-on?next=/console/preferences"' in page
    assert "Or with a password" in page
    answer = sign_on(stranger, issuer, "/console/sign-on?next=/console/preferences")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/preferences")
    assert "Mara Diaz" in stranger.get("/console/preferences").text
    assert "triage_sign_on" not in stranger.bench.client.cookies


def test_a_person_comes_to_the_first_page_that_is_open_to_them(
    stranger: Person, issuer: Issuer
) -> None:
    """As with a password: where nothing was wanted; what was wanted is kept."""
    accounts = stranger.bench.service.accounts
    stranger.bench.run(accounts.create, "ines", "Ines", ["ml"], None)
    issuer.user = "ines"
    assert 'href="/console/sign-on"' in stranger.get("/console/sign-in").text
    assert sign_on(stranger, issuer).headers["location"] == "/console/means"
    assert stranger.get("/console/means").status_code == 200
    wanted = sign_on(stranger, issuer, "/console/sign-on?next=/console/queues")
    assert wanted.headers["location"] == "/console/queues"


def test_the_way_on_never_leaves_the_console(stranger: Person, issuer: Issuer) -> None:
    """Whatever a link to the sign-on names."""
    answer = sign_on(stranger, issuer, "/console/sign-on?next=https://evil.example/")
    assert answer.headers["location"] == "/console/queues"


def test_what_is_asked_is_fresh_and_holds_no_secret(stranger: Person) -> None:
    """State, nonce and challenge are drawn anew; the verifier stays here."""
    asked = [
        parse_qs(urlsplit(stranger.get("/console/sign-on").headers["location"]).query)
        for _ in range(2)
    ]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
        assert len(asked[0][name][0]) >= 43
    assert "client_secret" not in asked[0]


def test_the_cookie_of_the_way_is_kept_from_scripts(stranger: Person) -> None:
    """HttpOnly, Lax, ten minutes; over https with the prefix that keeps it there."""
    cookies = stranger.get("/console/sign-on").headers.get_list("set-cookie")
    [cookie] = [row for row in cookies if row.startswith("triage_sign_on=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=600" in cookie
    answer = stranger.bench.client.get("https://testserver/console/sign-on")
    safe = answer.headers.get_list("set-cookie")
    assert any(row.startswith("__Secure-triage_sign_on=") and "; Secure" in row for row in safe)


def test_another_state_is_refused(stranger: Person, issuer: Issuer) -> None:
    """Nobody is signed in by an answer that their browser did not ask for."""
    back = go_there(stranger, issuer)
    wrong = stranger.get(back.replace("state=", "state=x"))
    refused(stranger, wrong, 403, "begun in another browser")
    assert "token" not in issuer.asked
    assert stranger.get(back).status_code == 303  # the attempt itself was not ended by it


def test_an_answer_is_used_once(stranger: Person, issuer: Issuer) -> None:
    """Neither the address nor a kept cookie opens a second session."""
    back = go_there(stranger, issuer)
    kept = dict(stranger.bench.client.cookies)
    assert stranger.get(back).status_code == 303
    stranger.bench.client.cookies.clear()
    refused(stranger, stranger.get(back), 403, "used before")
    for name, value in kept.items():
        stranger.bench.client.cookies.set(name, value)
    refused(stranger, stranger.get(back), 403, "used before")


def test_another_browser_cannot_finish_the_way(stranger: Person, issuer: Issuer) -> None:
    """The cookie is sealed for the visit that began it, and seals of one's own are not ours."""
    back = go_there(stranger, issuer)
    sealed = stranger.bench.client.cookies["triage_sign_on"]
    stranger.bench.client.cookies.clear()
    stranger.get("/console/sign-in")
    stranger.bench.client.cookies.set("triage_sign_on", sealed, path="/console")
    refused(stranger, stranger.get(back), 403, "begun in another browser")


@pytest.mark.parametrize("forged", ["", "x", "e30.00", "e30." + "0" * 64, "é.é"])
def test_a_forged_cookie_is_none(stranger: Person, issuer: Issuer, forged: str) -> None:
    """It is not even read."""
    provider = stranger.bench.service.provider
    assert provider is not None
    assert provider.unseal(forged, "visit") is None


def test_a_way_of_more_than_ten_minutes_is_over(stranger: Person, issuer: Issuer) -> None:
    back = go_there(stranger, issuer)
    issuer.clock.advance(timedelta(minutes=10))
    refused(stranger, stranger.get(back), 403, "took too long")


EPOCH = int(FixedClock().now().timestamp())


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["another"]},
        {"iss": "https://id.example/other"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": EPOCH - 61},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": EPOCH + 61},
        {"iat": None},
        {"nbf": EPOCH + 61},
        {"sub": None},
        {"preferred_username": None},
        {"preferred_username": ["mara"]},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_refused(
    stranger: Person, issuer: Issuer, claims: dict[str, Any]
) -> None:
    """However well it is signed."""
    issuer.claims = claims
    refused(stranger, sign_on(stranger, issuer), 403, UNTRUSTED)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": EPOCH - 59},
        {"iat": EPOCH + 59},
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"preferred_username": "MARA"},
    ],
    ids=str,
)
def test_a_token_within_the_rules_is_believed(
    stranger: Person, issuer: Issuer, claims: dict[str, Any]
) -> None:
    """A minute between the clocks, several audiences with ours named, capital letters."""
    issuer.claims = claims
    assert sign_on(stranger, issuer).headers["location"] == "/console/queues"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512", "PS256"])
def test_other_signatures_are_refused(stranger: Person, issuer: Issuer, algorithm: str) -> None:
    """No signature at all, the public key used as a secret, and what was not agreed on."""
    issuer.header = {"alg": algorithm}
    refused(stranger, sign_on(stranger, issuer), 403, UNTRUSTED)


def test_a_key_of_somebody_else_is_refused(stranger: Person, issuer: Issuer) -> None:
    """Though it bears the right name."""
    issuer.published = [new_key("first")]
    refused(stranger, sign_on(stranger, issuer), 403, UNTRUSTED)


def test_an_elliptic_key_is_as_good(stranger: Person, issuer: Issuer) -> None:
    issuer.key = jwk.ECKey.generate_key("P-256", {"kid": "curve"})
    issuer.header = {"alg": "ES256"}
    assert sign_on(stranger, issuer).status_code == 303


def test_a_new_key_is_fetched_when_it_is_met(stranger: Person, issuer: Issuer) -> None:
    """The provider's keys are remembered, and asked for again when one is missing."""
    for _ in range(2):
        assert sign_on(stranger, issuer).status_code == 303
        stranger.bench.client.cookies.clear()
    assert issuer.asked.count("keys") == 1
    assert issuer.asked.count("openid-configuration") == 1
    issuer.key = new_key("second")
    assert sign_on(stranger, issuer).status_code == 303
    assert issuer.asked.count("keys") == 2
    issuer.clock.advance(timedelta(hours=1))
    stranger.get("/console/sign-on")
    assert issuer.asked.count("openid-configuration") == 2


@pytest.mark.parametrize(
    "name", ["nobody", "noor", "mar\u0061\u0301", " mara", "\u212amara", "a" * 65]
)
def test_only_open_accounts_sign_on(stranger: Person, issuer: Issuer, name: str) -> None:
    """Unknown, closed and look-alike names are told the same, and no account is made."""
    accounts = stranger.bench.service.accounts
    stranger.bench.run(accounts.create, "noor", "Noor", ["review"], None)
    stranger.bench.run(accounts.disable, "noor")
    issuer.user = name
    refused(stranger, sign_on(stranger, issuer), 403, "Ask who runs the service")
    assert [row.name for row in stranger.bench.run(accounts.all)] == ["mara", "noor"]


def test_an_account_without_a_password_signs_on(stranger: Person, issuer: Issuer) -> None:
    stranger.bench.run(stranger.bench.service.accounts.create, "noor", "Noor", ["review"], None)
    issuer.user = "noor"
    assert sign_on(stranger, issuer).status_code == 303
    assert "Noor" in stranger.get("/console/preferences").text


@pytest.mark.parametrize(
    ("verified", "status"), [(True, 303), (False, 403), (None, 403), ("true", 403)]
)
def test_an_address_counts_only_if_the_provider_verified_it(
    make_bench: MakeBench, issuer: Issuer, verified: object, status: int
) -> None:
    """Anybody can type somebody else's."""
    person = start(make_bench, issuer, name_claim="email")
    accounts = person.bench.service.accounts
    person.bench.run(accounts.create, "ada@desk.example", "Ada", ["review"], None)
    issuer.claims = {"email": "Ada@desk.example", "email_verified": verified}
    assert sign_on(person, issuer).status_code == status


def test_a_refusal_of_the_provider_is_told(stranger: Person, issuer: Issuer) -> None:
    """Without its words."""
    state = parse_qs(urlsplit(go_there(stranger, issuer)).query)["state"][0]
    back = f"/console/sign-on/back?state={state}&error=access_denied&error_description=Hello"
    answer = stranger.get(back)
    refused(stranger, answer, 403, "declined or cancelled")
    assert "Hello" not in answer.text


def test_an_answer_of_another_issuer_is_refused(stranger: Person, issuer: Issuer) -> None:
    """RFC 9207: the answer names who sent it."""
    back = go_there(stranger, issuer).partition("&iss=")[0] + "&iss=https://evil.example"
    refused(stranger, stranger.get(back), 403, UNTRUSTED)


def test_a_provider_that_is_down_is_told(stranger: Person, issuer: Issuer) -> None:
    """At the way out and at the way back; the password still works."""
    back = go_there(stranger, issuer)
    issuer.down = True
    refused(stranger, stranger.get(back), 503, "does not answer")
    issuer.clock.advance(timedelta(hours=1))
    refused(stranger, stranger.get("/console/sign-on"), 503, "does not answer")
    assert stranger.sign_in().status_code == 303


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": None},
        {"token_endpoint": "http://id.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
    ids=str,
)
def test_a_description_that_cannot_be_right_is_refused(
    stranger: Person, issuer: Issuer, described: dict[str, Any]
) -> None:
    """Another issuer, or an address that is not safe."""
    issuer.described = described
    refused(stranger, stranger.get("/console/sign-on"), 403, UNTRUSTED)


def test_the_secret_goes_into_the_form_where_the_provider_wants_it(
    stranger: Person, issuer: Issuer
) -> None:
    issuer.described = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert sign_on(stranger, issuer).status_code == 303


def test_nothing_of_a_token_is_logged(
    stranger: Person,
    issuer: Issuer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither of one that is good nor of one that is not; the reason is."""
    # Whatever was set up for logs before, and without the browser's own log of this test.
    log = io.StringIO()
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(log)])
    monkeypatch.setattr(logging.getLogger("httpx2"), "disabled", True)
    sign_on(stranger, issuer)
    stranger.bench.client.cookies.clear()
    issuer.claims = {"nonce": "another"}
    sign_on(stranger, issuer)
    printed = log.getvalue() + "".join(capsys.readouterr())
    assert "another nonce" in printed
    assert len(issuer.tokens) == 2
    for token in issuer.tokens:
        assert not any(part in printed for part in token.split("."))
    assert "code-0" not in printed
    assert CLIENT_SECRET not in printed


def test_passwords_can_be_switched_off(make_bench: MakeBench, issuer: Issuer) -> None:
    """Then the page has no form, and a form that is sent opens nothing."""
    settings = {
        "local_sign_in": False,
        "oidc_issuer": ISSUER,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "public_url": PUBLIC_URL.replace("testserver", "localhost"),
    }
    person = start(make_bench, issuer, settings=settings)
    page = person.get("/console/sign-in").text
    assert "Sign in with your organisation" in page
    assert 'name="password"' not in page
    fields = {
        "csrf": csrf_of(person),
        "name": "mara",
        "password": PASSWORD,
    }
    answer = person.post("/console/sign-in", fields)
    assert answer.status_code == 403
    assert "Nobody signs in with a password here." in answer.text
    assert sign_on(person, issuer).status_code == 303


def csrf_of(person: Person) -> str:
    """Take the token of the page's head: a page without a form has it there."""
    text = person.get("/console/sign-in").text
    return text.partition('name="csrf-token" content="')[2].partition('"')[0]


def test_without_a_provider_there_is_no_such_page(bench: Bench) -> None:
    """Nor a link to it."""
    person = Person(bench)
    assert person.get("/console/sign-on").status_code == 404
    assert person.get("/console/sign-on/back?code=x&state=y").status_code == 404
    assert "organisation" not in person.get("/console/sign-in").text
