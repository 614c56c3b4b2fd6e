"""Exception handlers: every failure leaves as a problem."""

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from serving.problems import Answer, InvalidFields, field_name, render, respond, shape
from triage_ml.errors import TriageError

_ROUTING = {
    404: Answer(404, "no-such-path", "No such path"),
    405: Answer(405, "method-not-allowed", "This path does not take this method"),
}


async def on_triage_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, TriageError):
        raise error
    return respond(error, request.state.request_id)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Answer for path parameters and headers; bodies are ours to parse."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = [(field_name(tuple(e["loc"][1:])), str(e["msg"])) for e in error.errors()]
    return respond(InvalidFields(found), request.state.request_id)


async def on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    row = _ROUTING.get(error.status_code, Answer(error.status_code, "http", "HTTP error"))
    return render(shape(row, ""), request.state.request_id, dict(error.headers or {}))
