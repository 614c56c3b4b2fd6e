"""What routes are given, and how they describe themselves in the OpenAPI document."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import Request

from serving.body import read_body
from serving.problems import MEDIA_TYPE, BodyTooSlow, MalformedBody, answer_to
from serving.security import authorise, scoped
from serving.service import Service
from triage_ml.errors import (
    InvalidInput,
    Overloaded,
    ScopeMissing,
    StoreUnavailable,
    TooLarge,
    TriageError,
    Unauthenticated,
)
from triage_ml.ports import ApiKey


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def get_service(request: Request) -> Service:
    return service_of(request)  # FastAPI runs what is not async in a thread


Running = Annotated[Service, Depends(get_service)]
IntakeKey = Annotated[ApiKey, Depends(scoped("intake"))]
ReviewKey = Annotated[ApiKey, Depends(scoped("review"))]


def place(*scopes: str) -> Callable[[Request], AsyncIterator[ApiKey]]:
    """Make a dependency that holds one of the places for intake and scores.

    Only for a known caller, and while the request is worked on: the body is read before, as a
    slow sender holds no place. One dependency, not three: each costs as much as reading the body.
    """

    async def held(request: Request) -> AsyncIterator[ApiKey]:
        who = await authorise(request, *scopes)
        await read_body(request)
        with service_of(request).slots.taken():
            yield who

    return held


IntakePlace = Annotated[ApiKey, Depends(place("intake"))]

Examples = Mapping[str, Mapping[str, Any]]
_BODY_ERRORS = (MalformedBody, BodyTooSlow, TooLarge, InvalidInput)


def operation(
    *scopes: str,
    body: type[BaseModel] | None = None,
    examples: Examples | None = None,
    answer: object = None,
    status: int = 200,
    errors: tuple[type[TriageError], ...] = (),
    content: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe a route: its scopes, its body with examples, an answer, what can go wrong."""
    extra: dict[str, Any] = {"security": [{"ApiKey": list(scopes)}] if scopes else []}
    if content is None and body is not None:
        schema = {"$ref": f"#/components/schemas/{body.__name__}"}
        content = {"application/json": {"schema": schema, "examples": examples or {}}}
    if content is not None:
        extra["requestBody"] = {"required": True, "content": content}
    possible = [
        *((Unauthenticated, ScopeMissing, StoreUnavailable) if scopes else ()),
        *(_BODY_ERRORS if content else ()),
        *((Overloaded,) if "intake" in scopes and content else ()),
        *errors,
    ]
    responses: dict[int | str, Any] = {}
    for kind in possible:
        row = answer_to(kind.__new__(kind))
        responses.setdefault(row.status, _problem_response(row.title))
    if answer is not None:
        responses[status] = {
            "description": "Stored durably" if status == 201 else "Done",
            "content": {"application/json": {"example": answer}},
        }
    return {"status_code": status, "responses": responses, "openapi_extra": extra}


def _problem_response(title: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": title, "content": {MEDIA_TYPE: {"schema": schema}}}
