"""To the organisation's sign-in and back."""

from urllib.parse import quote

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.console.frame import redirect, render, way_on
from serving.console.session import (
    HOME,
    SIGN_IN,
    attempt_of,
    begin_visit,
    drop_attempt,
    keep_attempt,
    keep_session,
    keep_visit,
    safe_next,
    session_token,
    visit_of,
)
from serving.dependencies import service_of
from serving.sign_on import BACK, LASTS, Attempt, Provider
from triage_ml.errors import NotFound, SignInFailed, SignOnFailed

URL = "/console/sign-on"

router = APIRouter(include_in_schema=False)
_log = structlog.stdlib.get_logger("triage.sign_on")


def sign_on_url(go_to: str) -> str:
    """Give the address that leads to the provider, and in the end to `go_to`."""
    return URL if go_to == HOME else f"{URL}?next={quote(go_to, safe='/')}"


@router.get(URL)
async def leave(request: Request) -> Response:
    """Send the browser to the provider. A link leads here: no form goes to another site."""
    provider, clock = _provider(request), service_of(request).clock
    attempt = Attempt.begin(safe_next(request.query_params.get("next", HOME)), clock.now())
    visit = begin_visit(request)
    try:
        response: Response = redirect(await provider.way_out(attempt))
    except SignOnFailed as error:
        return _failed(request, error)
    if visit is not None:
        keep_visit(request, response, visit)
    keep_attempt(request, response, provider.seal(attempt, visit_of(request)), LASTS)
    return response


@router.get(BACK)
async def come_back(request: Request) -> Response:
    """Open a session for whom the provider vouches. One attempt has one answer."""
    provider = _provider(request)
    attempt = provider.unseal(attempt_of(request), visit_of(request))
    if attempt is None or not attempt.is_of(request.query_params.get("state", "")):
        # The cookie stays: another site can lead here, and must not end an attempt that runs.
        return _failed(request, SignOnFailed("outdated", "no attempt of this browser"))
    try:
        response = await _signed_on(request, provider, attempt)
    except SignOnFailed as error:
        response = _failed(request, error)
    drop_attempt(request, response)
    return response


async def _signed_on(request: Request, provider: Provider, attempt: Attempt) -> Response:
    """Raises: SignOnFailed."""
    service, asked = service_of(request), request.query_params
    provider.check_sender(asked.get("iss"))
    if "error" in asked:
        raise SignOnFailed("denied", "the provider answered with an error")
    name = await provider.name_of(asked.get("code", ""), attempt)
    try:
        token = await service.accounts.sign_in_as(name)
    except SignInFailed:
        raise SignOnFailed("unknown", "no open account has this name") from None
    earlier = session_token(request)
    if earlier:
        await service.accounts.sign_out(earlier)
    account = await service.accounts.who(token)
    response = redirect(way_on(account, attempt.go_to))
    keep_session(request, response, token, service.settings.session)
    return response


def _provider(request: Request) -> Provider:
    provider = service_of(request).provider
    if provider is None:
        raise NotFound("page", "of this name")
    return provider


def _failed(request: Request, error: SignOnFailed) -> Response:
    _log.warning("sign-on failed", kind=error.kind, reason=error.reason)
    status = 503 if error.kind == "unavailable" else 403
    return render(request, "sign_on_failed.html", status=status, kind=error.kind, back=SIGN_IN)
