"""Failures under /console, told to a person: a page, or a piece of one for htmx.

Scripts that ask for JSON or a stream get the same problems as the API's callers.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from serving import problems
from serving.console.frame import redirect, render
from serving.console.i18n import lazy
from serving.console.session import (
    PATH,
    FormRefused,
    sign_in_url,
    wants_htmx,
    wants_page,
)
from triage_ml.errors import TriageError, Unauthenticated

Handler = Callable[[Request, Exception], Awaitable[Response]]
_l = lazy


class Told(NamedTuple):
    """What a person is told; `text` says what to do."""

    title: str
    text: str


TOLD: dict[int, Told] = {
    401: Told(_l("You are not signed in"), _l("Your session has ended. Please sign in again.")),
    403: Told(
        _l("This is not open to you"),
        _l("Your account lacks the right to this. Someone who leads your team can give it."),
    ),
    404: Told(
        _l("There is nothing here"),
        _l("The address is wrong, or what was here is no longer kept."),
    ),
    405: Told(
        _l("This cannot be opened like this"), _l("Go back to the console and start from there.")
    ),
    408: Told(_l("That took too long"), _l("The connection was too slow. Please try again.")),
    409: Told(
        _l("The case has changed"),
        _l("It has moved on since you opened it. Nothing was saved. Open it again to see it."),
    ),
    410: Told(
        _l("Your claim has ended"),
        _l("The case went back to its queue, and nothing was saved. You can claim it again."),
    ),
    413: Told(_l("That is too long"), _l("Shorten what you wrote and send it again.")),
    422: Told(
        _l("Something is filled in wrongly"), _l("Go back, check the form and send it again.")
    ),
    429: Told(_l("Too many requests at once"), _l("Wait a moment, then try again.")),
    500: Told(
        _l("Something went wrong"),
        _l("This is not your fault. Try again; if it stays, report the number below."),
    ),
    503: Told(
        _l("The service cannot answer now"),
        _l("Nothing was saved. Try again in a moment; what you wrote is still on the page before."),
    ),
}
OUTDATED_FORM = Told(
    _l("The form is out of date"),
    _l("Nothing was saved. Open the page again and repeat what you did."),
)


def is_console(path: str) -> bool:
    return path == PATH or path.startswith(PATH + "/")


def pages(otherwise: Handler) -> Handler:
    """Make a handler that answers for the console; other paths and scripts get `otherwise`."""

    async def answer(request: Request, error: Exception) -> Response:
        if not is_console(request.url.path):
            return await otherwise(request, error)
        if isinstance(error, Unauthenticated):
            return await _ask_to_sign_in(request, error, otherwise)
        if not (wants_page(request) or wants_htmx(request)):
            return await otherwise(request, error)
        return _show(request, _status(error), _told(error), _headers(error))

    return answer


def unexpected(request: Request) -> Response:
    """Answer what nobody foresaw; the log names the request."""
    if wants_page(request) or wants_htmx(request):
        return _show(request, 500, TOLD[500], {})
    return problems.unexpected(request.state.request_id)


async def _ask_to_sign_in(request: Request, error: Unauthenticated, otherwise: Handler) -> Response:
    url = sign_in_url(request)
    if wants_page(request):
        return redirect(url)
    if wants_htmx(request):
        response = _show(request, 401, TOLD[401], {})
    else:
        response = await otherwise(request, error)
    response.headers["HX-Redirect"] = url
    return response


def _show(request: Request, status: int, told: Told, headers: dict[str, str]) -> Response:
    response = render(
        request,
        "error_message.html" if wants_htmx(request) else "error.html",
        status=status,
        title=told.title,
        text=told.text,
        request_id=request.state.request_id if status >= 500 else "",
    )
    response.headers.update(headers)
    return response


def _status(error: Exception) -> int:
    if isinstance(error, TriageError):
        return problems.answer_to(error).status
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, RequestValidationError):
        in_path = any(row["loc"][:1] == ("path",) for row in error.errors())
        return 404 if in_path else 422
    return 500


def _told(error: Exception) -> Told:
    if isinstance(error, FormRefused):
        return OUTDATED_FORM
    status = _status(error)
    return TOLD.get(status) or TOLD[422 if status < 500 else 500]


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, HTTPException):
        return dict(error.headers or {})
    return problems.retry_after(error)
