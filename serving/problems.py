"""Errors as RFC 9457 problems: one table from an error's class to its answer."""

import math
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from triage_ml.errors import (
    AccessDenied,
    ArtifactInvalid,
    Conflict,
    ContentErased,
    DeliveryFailed,
    IdempotencyMismatch,
    IllegalTransition,
    InvalidInput,
    LeaseExpired,
    ModelMissing,
    NotFound,
    Overloaded,
    PolicyInvalid,
    ScopeMissing,
    ScoreDeadlineExceeded,
    ScoringFailed,
    SetupFailed,
    SignInFailed,
    SignOnFailed,
    StoreUnavailable,
    TooLarge,
    TooManyAttempts,
    TriageError,
    Unauthenticated,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5


class MalformedBody(TriageError):
    """The body is not JSON."""


class BodyTooSlow(TriageError):
    """The body did not arrive in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body did not arrive within {seconds:g} s")


class GivenUp(TriageError):
    """The service stopped, or the client hung up, before the answer was ready."""

    def __init__(self) -> None:
        super().__init__("the service is stopping; send the request again")


class InvalidFields(TriageError):
    """Several fields of a body are wrong; `errors` is (field, reason) each."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in errors[:3]))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    slug: str
    title: str


TABLE: dict[type[TriageError], Answer] = {
    MalformedBody: Answer(400, "malformed-body", "The body is not valid JSON"),
    Unauthenticated: Answer(401, "unauthenticated", "A valid API key is needed"),
    SignInFailed: Answer(401, "sign-in-failed", "Name or password is wrong"),
    SignOnFailed: Answer(403, "sign-on-failed", "The identity provider did not vouch for you"),
    ScopeMissing: Answer(403, "scope-missing", "The API key lacks a scope"),
    AccessDenied: Answer(403, "access-denied", "This is not allowed"),
    BodyTooSlow: Answer(408, "body-too-slow", "The body did not arrive in time"),
    NotFound: Answer(404, "not-found", "No such thing"),
    IdempotencyMismatch: Answer(409, "idempotency-mismatch", "Idempotency-Key used before"),
    ContentErased: Answer(409, "content-erased", "The item's text was erased"),
    IllegalTransition: Answer(409, "illegal-transition", "The case's state forbids this"),
    Conflict: Answer(409, "conflict", "What is stored forbids this"),
    LeaseExpired: Answer(410, "lease-expired", "The claim is over"),
    TooLarge: Answer(413, "too-large", "Over a stated limit"),
    InvalidInput: Answer(422, "invalid-input", "A field is invalid"),
    InvalidFields: Answer(422, "invalid-input", "A field is invalid"),
    Overloaded: Answer(429, "overloaded", "At capacity, try again later"),
    TooManyAttempts: Answer(429, "too-many-attempts", "Too many sign-ins failed, try again later"),
    DeliveryFailed: Answer(502, "delivery-failed", "A webhook did not take an announcement"),
    StoreUnavailable: Answer(503, "store-unavailable", "The database cannot be reached"),
    GivenUp: Answer(503, "given-up", "The service stopped before the answer was ready"),
    ModelMissing: Answer(503, "model-missing", "No model is loaded"),
    ScoreDeadlineExceeded: Answer(503, "score-deadline", "The model took too long"),
    ScoringFailed: Answer(503, "scoring-failed", "The model gave no scores"),
    ArtifactInvalid: Answer(500, "artifact-invalid", "The model artifact is invalid"),
    PolicyInvalid: Answer(500, "policy-invalid", "A policy file is invalid"),
    SetupFailed: Answer(500, "setup-failed", "The service cannot start"),
    TriageError: Answer(500, "internal", "An error of the service"),
}
UNEXPECTED = TABLE[TriageError]


def answer_to(error: TriageError) -> Answer:
    """Find the nearest class of the tree that has a row."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def problem(error: TriageError) -> dict[str, Any]:
    """Describe an error; never with the value that was wrong, which may be item text."""
    row = answer_to(error)
    body = shape(row, "" if row is UNEXPECTED else str(error))
    errors = _fields(error)
    if errors:
        body["errors"] = [{"field": field, "reason": reason} for field, reason in errors]
    if isinstance(error, ScopeMissing):
        body["scope"] = error.scope
    return body


def shape(row: Answer, detail: str) -> dict[str, Any]:
    body = {"type": f"/docs#{row.slug}", "title": row.title, "status": row.status}
    return {**body, "detail": detail} if detail else body


def respond(error: TriageError, request_id: str) -> Response:
    return render(problem(error), request_id, _headers(error))


def render(
    body: dict[str, Any], request_id: str, headers: dict[str, str] | None = None
) -> Response:
    content = orjson.dumps({**body, "instance": f"urn:request:{request_id}"})
    return Response(content, body["status"], headers, media_type=MEDIA_TYPE)


def _fields(error: TriageError) -> list[tuple[str, str]]:
    if isinstance(error, InvalidFields):
        return error.errors
    if isinstance(error, InvalidInput):
        return [(error.field, error.reason)]
    return [("body", str(error))] if isinstance(error, MalformedBody) else []


def unexpected(request_id: str) -> Response:
    """Answer what nobody foresaw; the log names the request."""
    detail = "The service failed. Its log names this request by its instance."
    return render(shape(UNEXPECTED, detail), request_id)


def retry_after(error: Exception) -> dict[str, str]:
    """Give the header that says when to come again, for errors that pass."""
    match error:
        case Overloaded() | TooManyAttempts():
            return {"Retry-After": str(max(1, math.ceil(error.retry_after_seconds)))}
        case StoreUnavailable() | ScoringFailed() | GivenUp():
            return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return {}


def _headers(error: TriageError) -> dict[str, str]:
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="triage"'}
        case ScopeMissing():
            challenge = f'Bearer realm="triage", error="insufficient_scope", scope="{error.scope}"'
            return {"WWW-Authenticate": challenge}
    return retry_after(error)


def from_validation(error: ValidationError, prefix: str = "") -> TriageError:
    """Turn what pydantic found into an error of ours, without the values it found."""
    found = error.errors(include_url=False, include_input=False, include_context=True)
    if found[0]["type"] == "json_invalid":
        return MalformedBody(str(found[0].get("ctx", {}).get("error", "not JSON")))
    return InvalidFields([(field_name(e["loc"], prefix), _reason(e)) for e in found])


def field_name(location: tuple[int | str, ...], prefix: str = "") -> str:
    """Write a location as `item.context[2].text`; a name that a caller made up is not echoed."""
    name = prefix
    for part in location:
        if isinstance(part, int):
            name += f"[{part}]"
        elif part != "[key]":
            safe = part if part.isidentifier() and len(part) <= 40 else "(unknown)"
            name += f".{safe}" if name else safe
    return name or "body"


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a field of this request"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
