"""The way in and out."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.console.frame import redirect, render, voice_of, way_on
from serving.console.pages.sign_on import sign_on_url
from serving.console.session import (
    HOME,
    PATH,
    SIGN_IN,
    FormRefused,
    SignedIn,
    begin_visit,
    drop_session,
    first,
    form,
    keep_session,
    keep_visit,
    safe_next,
    session_token,
    signed_in,
)
from serving.dependencies import service_of
from triage_ml.errors import SignInFailed, TooManyAttempts, Unauthenticated

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def root(account: SignedIn) -> Response:
    return redirect(way_on(account, HOME))


@router.get(SIGN_IN)
async def show(request: Request) -> Response:
    go_to = safe_next(request.query_params.get("next", HOME))
    try:
        account = await signed_in(request)
    except Unauthenticated:
        left = "out" in request.query_params
        return _page(request, go_to=go_to, note="left" if left else "")
    return redirect(way_on(account, go_to))


@router.post(SIGN_IN)
async def sign_in(request: Request) -> Response:
    """Open a session. Every failure shows the form again, without the password."""
    accounts = service_of(request).accounts
    try:
        fields = await form(request)
    except FormRefused:
        return _page(request, note="outdated", status=403)
    if not service_of(request).settings.local_sign_in:
        return _page(request, go_to=safe_next(first(fields, "next")), note="elsewhere", status=403)
    name, go_to = first(fields, "name").strip(), safe_next(first(fields, "next"))
    try:
        token = await accounts.sign_in(name, first(fields, "password"))
    except SignInFailed:
        return _page(request, go_to=go_to, name=name, note="failed", status=401)
    except TooManyAttempts as error:
        seconds = max(1.0, error.retry_after_seconds)
        response = _page(
            request, go_to=go_to, name=name, note="waiting", wait_seconds=seconds, status=429
        )
        response.headers["Retry-After"] = str(round(seconds))
        return response
    earlier = session_token(request)
    if earlier:
        await accounts.sign_out(earlier)
    response = redirect(way_on(await accounts.who(token), go_to))
    keep_session(request, response, token, service_of(request).settings.session)
    return response


@router.post("/console/sign-out")
async def sign_out(request: Request) -> Response:
    await signed_in(request)
    await form(request)
    await service_of(request).accounts.sign_out(session_token(request))
    response = redirect(f"{SIGN_IN}?out=1")
    drop_session(request, response)
    return response


def _page(
    request: Request,
    *,
    go_to: str = HOME,
    name: str = "",
    note: str = "",
    wait_seconds: float = 0.0,
    status: int = 200,
) -> Response:
    visit = begin_visit(request)
    response = render(
        request,
        "sign_in.html",
        status=status,
        go_to=go_to,
        name=name[:100],
        note=note,
        local=service_of(request).settings.local_sign_in,
        organisation=sign_on_url(go_to) if service_of(request).provider else "",
        wait=voice_of(request).duration(wait_seconds),
    )
    if visit is not None:
        keep_visit(request, response, visit)
    return response
