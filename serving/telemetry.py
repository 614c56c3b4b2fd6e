"""Logs and the line per request. Item text and reporter references never enter either."""

import asyncio
import logging
import re
import sys
import time
import traceback
from typing import Any
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics
from serving.problems import GivenUp, respond, unexpected

_SANE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_QUIET = ("/livez", "/readyz", "/metrics")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other word a client makes up would be a series of its own for ever."""
_log = structlog.stdlib.get_logger("triage.http")


def configure_logging(level: str = "info", style: str = "console") -> None:
    """Send every logger of the process, ours and others', to stderr in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A logger that was used shall follow a later configuration: no cache, 2 of 20 microseconds.
    )
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    last: structlog.typing.Processor = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    if style == "json":
        last = structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[remove_meta, _without_values, last],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("httpx", "httpcore"):  # they log the webhook's URL, which may hold a secret
        logging.getLogger(name).setLevel(logging.WARNING)


class Telemetry:
    """Outermost layer: names each request, times it, and turns what nobody caught into a 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
                if all(name != b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))  # answers hold item text
                message["headers"] = headers
            await send(message)

        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, noting)
            except (asyncio.CancelledError, ClientDisconnect) as error:
                # Not raised again: the server would log it, and there is nobody else to tell.
                _log.warning("request given up", **describe(error))
                if status == 0:
                    await respond(GivenUp(), request_id)(scope, receive, noting)
            except Exception as error:
                _log.error("request failed", **describe(error))
                if status == 0:
                    await unexpected(request_id)(scope, receive, noting)
            finally:
                self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "(none)")
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.requests.labels(route, method, str(status)).observe(seconds)
        write = _log.debug if route in _QUIET else _log.info
        write(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
        )


def describe(error: BaseException) -> dict[str, Any]:
    """Say what failed and where, without the message: it may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
    return {"error": type(error).__name__, "where": where}


def _without_values(
    _: Any, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Describe an exception, whoever logs it: a traceback shows locals, and they hold texts."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event.update(describe(error))
    if event.get("logger") == "asyncio":  # it writes out tasks with what they failed of
        event["event"] = re.split(r"[\n<(]", str(event["event"]), maxsplit=1)[0]
    return event


def _request_id(scope: Scope) -> str:
    """Take over the caller's id if it is a plain one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return uuid4().hex
