"""What routes are given, and how they describe themselves in the OpenAPI document."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, NamedTuple

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from serving.body import read_body
from serving.problems import MEDIA_TYPE, BodyTooSlow, MalformedBody, answer_to
from serving.security import ADMIN, authorise, scoped
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

JSON = "application/json"


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def get_service(request: Request) -> Service:
    return service_of(request)  # FastAPI runs what is not async in a thread


Running = Annotated[Service, Depends(get_service)]
IntakeKey = Annotated[ApiKey, Depends(scoped("intake"))]
ReviewKey = Annotated[ApiKey, Depends(scoped("review"))]
AdminKey = Annotated[ApiKey, Depends(scoped(ADMIN))]


class Placed(NamedTuple):
    """A request that holds a place: the service, who asks, and the whole body."""

    service: Service
    who: ApiKey
    body: bytes


@asynccontextmanager
async def place(request: Request, *scopes: str) -> AsyncIterator[Placed]:
    """Hold one of the places for intake and scores, for a known caller, while it is worked on.

    The body is read before: a slow sender holds no place. The busiest routes call this themselves,
    as FastAPI's dependencies cost them a third of their Python.

    Raises: Unauthenticated, ScopeMissing, StoreUnavailable, TooLarge, MalformedBody, Overloaded.
    """
    service = service_of(request)
    who = await authorise(request, *scopes)
    body = await read_body(request)
    with service.slots.taken():
        yield Placed(service, who, body)


def answer(body: BaseModel, status: int = 200) -> Response:
    """Answer with a body that needs no check: it is ours."""
    return Response(body.__pydantic_serializer__.to_json(body), status, media_type=JSON)


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
        content = {JSON: {"schema": schema, "examples": examples or {}}}
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
            "content": {JSON: {"example": answer}},
        }
    return {"status_code": status, "responses": responses, "openapi_extra": extra}


def _problem_response(title: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": title, "content": {MEDIA_TYPE: {"schema": schema}}}
