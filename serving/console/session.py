"""Who is signed in, and forms that only our own pages can send.

The session's token lives in a cookie that no script can read; the store keeps its hash. The token
of a form is an HMAC keyed by the cookie: whoever can write one has the session already. Before
sign-in a cookie of its own takes the session's place, so that nobody can be signed in to an
account that is not theirs.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from serving.body import read_body
from serving.dependencies import service_of
from triage_ml.domain.account import LEAD, Account
from triage_ml.errors import AccessDenied, InvalidInput, ScopeMissing, TooLarge, Unauthenticated

SESSION = "triage_session"
VISIT = "triage_visit"
ATTEMPT = "triage_sign_on"
PATH = "/console"
HOME = PATH
"""What is wanted where no page is; `frame.way_on` leads on to the account's first one."""
SIGN_IN = "/console/sign-in"
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
MAX_FORM_BYTES = 256 * 1024
"""A statement of reasons and the facts in Korean, percent-encoded, are a quarter of it."""
MAX_FIELDS = 500
MAX_NEXT_CHARS = 500


class FormRefused(AccessDenied):
    """A form was not sent by a page of this session."""

    def __init__(self) -> None:
        super().__init__("the form is not one of this session")


async def signed_in(request: Request) -> Account:
    """Give who is signed in. Raises: Unauthenticated, StoreUnavailable.

    A page that raises it is answered with the way to the sign-in (`serving.console.errors`).
    """
    token = request.cookies.get(_name(request, SESSION))
    if not token:
        raise Unauthenticated
    account = await service_of(request).accounts.who(token)
    request.state.account = account
    return account


def signed_in_with(*scopes: str) -> Callable[[Request], Awaitable[Account]]:
    """Make a dependency that lets in accounts with one of the scopes, or with `admin`."""

    async def who(request: Request) -> Account:
        account = await signed_in(request)
        if not account.scopes.intersection((*scopes, "admin")):
            raise ScopeMissing(scopes[0])
        return account

    return who


SignedIn = Annotated[Account, Depends(signed_in)]
Reviewer = Annotated[Account, Depends(signed_in_with("review"))]
Lead = Annotated[Account, Depends(signed_in_with(LEAD))]


def account_of(request: Request) -> Account | None:
    """Give who is signed in, once `signed_in` has found them."""
    return getattr(request.state, "account", None)


async def form(request: Request) -> dict[str, list[str]]:
    """Read a form that one of our own pages sent.

    Raises: FormRefused, TooLarge, InvalidInput, MalformedBody.
    """
    body = await read_body(request)
    if len(body) > MAX_FORM_BYTES:
        raise TooLarge("form", len(body), MAX_FORM_BYTES, "bytes")
    fields: dict[str, list[str]] = {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        try:
            fields = parse_qs(
                body.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MAX_FIELDS,
            )
        except ValueError:
            raise InvalidInput("form", "cannot be read") from None
    given = request.headers.get(CSRF_HEADER) or "".join(fields.pop(CSRF_FIELD, []))
    expected = csrf_token(request)
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise FormRefused
    return fields


def first(fields: Mapping[str, list[str]], name: str) -> str:
    """Give a field's only value, or nothing."""
    return next(iter(fields.get(name, [])), "")


def csrf_token(request: Request) -> str:
    """Give the token for forms of this page; empty where there is neither session nor visit."""
    if account_of(request) is not None:
        secret = request.cookies.get(_name(request, SESSION), "")
    else:
        secret = visit_of(request)
    return hmac.new(secret.encode(), b"triage console form", "sha256").hexdigest() if secret else ""


def visit_of(request: Request) -> str:
    """Give what tells this browser from others before sign-in; empty where nothing does."""
    return getattr(request.state, "visit", "") or request.cookies.get(_name(request, VISIT), "")


def begin_visit(request: Request) -> str | None:
    """Prepare a form before sign-in; give the cookie to set where there is none yet."""
    if request.cookies.get(_name(request, VISIT)):
        return None
    request.state.visit = secrets.token_urlsafe(32)
    return str(request.state.visit)


def keep_visit(request: Request, response: Response, visit: str) -> None:
    """Set the cookie of `begin_visit`; it ends with the browser."""
    _set(request, response, VISIT, visit, None)


def keep_session(request: Request, response: Response, token: str, lasts: timedelta) -> None:
    """Set the cookie of a new session, and drop the one of the visit before it."""
    _set(request, response, SESSION, token, int(lasts.total_seconds()))
    _drop(request, response, VISIT)


def keep_attempt(request: Request, response: Response, sealed: str, lasts: timedelta) -> None:
    """Set the cookie of a way to the identity provider and back."""
    _set(request, response, ATTEMPT, sealed, int(lasts.total_seconds()))


def attempt_of(request: Request) -> str:
    return request.cookies.get(_name(request, ATTEMPT), "")


def drop_attempt(request: Request, response: Response) -> None:
    _drop(request, response, ATTEMPT)


def drop_session(request: Request, response: Response) -> None:
    _drop(request, response, SESSION)


def session_token(request: Request) -> str:
    """Give the token the browser sent, whether it is still good or not."""
    return request.cookies.get(_name(request, SESSION), "")


def safe_next(wanted: str) -> str:
    """Keep an address to go on to only if it is a page of the console."""
    if len(wanted) > MAX_NEXT_CHARS or not wanted.isascii() or not wanted.isprintable():
        return HOME
    if "\\" in wanted or not (wanted == PATH or wanted.startswith((PATH + "/", PATH + "?"))):
        return HOME
    parts = urlsplit(wanted)
    away = parts.scheme or parts.netloc or ".." in parts.path or "%" in parts.path
    return HOME if away or parts.path == SIGN_IN else wanted


def wants_htmx(request: Request) -> bool:
    return "hx-request" in request.headers


def wants_page(request: Request) -> bool:
    """Say whether a person's browser goes to this address, and no script asks for it."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    accepted = request.headers.get("accept", "*/*")
    html = "text/html" in accepted or "*/*" in accepted
    return mode == "navigate" and html and not wants_htmx(request)


def sign_in_url(request: Request) -> str:
    """Give the way to the sign-in and back to the page that the person looks at."""
    page = safe_next(_page(request))
    return SIGN_IN if page == HOME else f"{SIGN_IN}?next={quote(page, safe='/')}"


def _page(request: Request) -> str:
    """Find the page behind a request: itself, or the one that sent it."""
    behind = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    if request.method == "GET" and wants_page(request):
        behind = str(request.url)
    try:
        parts = urlsplit(behind)
    except ValueError:
        return HOME
    if parts.netloc != request.url.netloc:
        return HOME
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _name(request: Request, name: str) -> str:
    # A browser lets no page over plain http set a cookie with this prefix.
    return f"__Secure-{name}" if request.url.scheme == "https" else name


def _set(request: Request, response: Response, name: str, value: str, max_age: int | None) -> None:
    response.set_cookie(
        _name(request, name),
        value,
        max_age=max_age,
        path=PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def _drop(request: Request, response: Response, name: str) -> None:
    response.delete_cookie(
        _name(request, name),
        path=PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
