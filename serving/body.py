"""Bodies: bounded while they stream in, parsed once from the raw bytes."""

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import BodyTooSlow, MalformedBody, field_name, from_validation, respond
from triage_ml.errors import InvalidInput, TooLarge, TriageError

M = TypeVar("M", bound=BaseModel)
Location = tuple[int | str, ...]
_SURROGATE = re.compile("[\ud800-\udfff]")


class BodyLimit:
    """Refuse a body over its path's limit before it is read whole, stated length or not.

    Refuse one that takes too long as well: who sends half a body must not hold a place.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, bulk_paths: dict[str, int], timeout: timedelta
    ) -> None:
        self._app = app
        self._seconds = timeout.total_seconds()
        self._max_bytes = max_bytes
        self._bulk_paths = bulk_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._bulk_paths.get(scope["path"], self._max_bytes)
        stated = _content_length(scope)
        if stated > limit:
            error = TooLarge("body", stated, limit, "bytes")
            await respond(error, scope["state"]["request_id"])(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit, self._seconds), send)


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _counted(receive: Receive, limit: int, seconds: float) -> Receive:
    seen = 0
    ends_at: float | None = None
    complete = False

    async def counting() -> Message:
        nonlocal seen, ends_at, complete
        if complete:  # what comes now is the end of the connection, whenever that is
            return await receive()
        ends_at = ends_at or asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow(seconds) from None
        complete = not message.get("more_body", False)
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge("body", seen, limit, "bytes")
        return message

    return counting


def parsed(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """Make a dependency that reads and validates the body as `model`."""

    async def read(request: Request) -> M:
        return parse(model, await read_body(request))

    return read


async def read_body(request: Request) -> bytes:
    """Read the whole body. Raises: TooLarge; MalformedBody when the client hung up."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise MalformedBody("the body ended early") from None


def parse(model: type[M], body: bytes) -> M:
    """Validate raw JSON. Raises: MalformedBody, InvalidFields, InvalidInput."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _explained(from_validation(error), body) from None


def load_json(body: bytes) -> Any:
    """Read JSON that may hold lone surrogates. Raises: MalformedBody."""
    try:
        return json.loads(body)
    except RecursionError:
        raise MalformedBody("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise MalformedBody(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise MalformedBody(f"{error.msg} at {where}") from None
    except ValueError:
        raise MalformedBody("a number is too long") from None


def digest(model: BaseModel, exclude: set[str] | None = None) -> str:
    """Identify what a body says: white space, key order and stated defaults do not matter."""
    return hashlib.sha256(model.model_dump_json(exclude=exclude).encode()).hexdigest()


def _explained(error: TriageError, body: bytes) -> TriageError:
    """Name the field whose lone surrogate makes otherwise valid JSON unreadable."""
    if not isinstance(error, MalformedBody):
        return error
    try:
        place = _surrogate_in(load_json(body))
    except MalformedBody:
        return error
    if place is None:
        return error
    return InvalidInput(field_name(place), "holds a lone surrogate: it is not valid Unicode")


def _surrogate_in(document: object) -> Location | None:
    """Find a string with a lone surrogate and give its place; no depth is too deep."""
    waiting: list[tuple[Location, object]] = [((), document)]
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, str) and _SURROGATE.search(value):
            return at
        rows: Iterable[tuple[int | str, object]] = ()
        if isinstance(value, dict):
            if any(_SURROGATE.search(key) for key in value):
                return at
            rows = value.items()
        elif isinstance(value, list):
            rows = enumerate(value)
        waiting += [((*at, key), row) for key, row in rows]
    return None
