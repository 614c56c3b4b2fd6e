"""Run the service from the command line: look first, serve, stop cleanly."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import httpx
import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from serving.app import SystemClock, build, open_service, open_store, open_worker
from serving.console.live import end_live
from serving.demo import KEY_FILE, demo_keys, submit_demo
from serving.metrics import Metrics
from serving.preflight import check_folder, check_port
from serving.service import Service
from serving.settings import Settings
from serving.telemetry import configure_logging
from triage_ml.errors import SetupFailed
from triage_ml.ports import Clock
from triage_ml.storage.postgres import PostgresCaseStore

NAME_DATABASE = "set TRIAGE_DATABASE_URL, or TRIAGE_DATA_DIR to the data folder of a server"

_log = structlog.stdlib.get_logger("triage.run")
T = TypeVar("T")
Say = Callable[[str], None]


def run_server(settings: Settings, *, demo: bool, say: Say) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises: SetupFailed, PolicyInvalid, StoreUnavailable."""
    check_port(settings.host, settings.port)
    if settings.database_url is None or demo:
        check_folder(settings.data_dir)
    configure_logging(settings.log_level, settings.log_format)
    app = build(settings)
    uvloop.run(_serve(settings, app, demo, say))
    _leave(app.state.service)


def run_worker(settings: Settings, say: Say) -> None:
    """Score what waits and deliver webhooks until Ctrl-C or SIGTERM."""
    configure_logging(settings.log_level, settings.log_format)
    _leave(asyncio.run(_work(settings, say)))


async def with_store(
    settings: Settings, use: Callable[[PostgresCaseStore, Clock], Awaitable[T]]
) -> T:
    """Open the database of the settings for one use of it."""
    if settings.database_url is None:
        check_folder(settings.data_dir)
    async with open_store(settings) as store:
        return await use(store, SystemClock())


async def with_existing_store(
    settings: Settings, use: Callable[[PostgresCaseStore, Clock], Awaitable[T]]
) -> T:
    """Open a database that is there for one use, also beside a server that uses it.

    Raises: SetupFailed where there is none: none is made for the sake of reading it.
    """
    if not settings.has_database:
        raise SetupFailed(f"there is no database: {NAME_DATABASE}")
    async with open_store(settings) as store:
        return await use(store, SystemClock())


class _Server(uvicorn.Server):
    """A server that says when it listens, and leaves the signals to us."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises a caught signal again when it is done, which would cut short the
        # stop of worker and database that comes after.
        yield


async def _serve(settings: Settings, app: FastAPI, demo: bool, say: Say) -> None:
    # The app is started here and not by uvicorn, so that a failed start is our one line.
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
    )
    server = _Server(config)

    def stop() -> None:
        end_live(app)  # open streams would be waited for
        server.handle_exit(signal.SIGTERM, None)

    _on_stop(stop)
    async with app.router.lifespan_context(app):
        serving = asyncio.create_task(server.serve())
        await asyncio.wait(
            [serving, asyncio.create_task(server.listening.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not serving.done():
            await _greet(settings, app, server, demo, say)
        await serving


async def _greet(
    settings: Settings, app: FastAPI, server: uvicorn.Server, demo: bool, say: Say
) -> None:
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://{settings.host}:{port}"
    say(f"triage-ml is ready: {url}/docs   readiness {url}/readyz   metrics {url}/metrics")
    if not demo:
        return
    service = app.state.service
    keys = await demo_keys(service.store, service.clock, settings.data_dir)
    try:
        n_reports = await asyncio.to_thread(submit_demo, url, keys["demo-intake"])
        say(f"{n_reports} demo reports are in")
    except httpx.HTTPError as error:
        say(f"the demo reports could not be submitted: {type(error).__name__}")
    say(f"API keys (kept in {settings.data_dir / KEY_FILE}):")
    for name, secret in keys.items():
        say(f"  {name:<14} {secret}")
    say("stop with Ctrl-C")


async def _work(settings: Settings, say: Say) -> Service:
    stop = asyncio.Event()
    _on_stop(stop.set)
    async with open_service(settings, Metrics()) as service, open_worker(service):
        say("the worker is ready; stop with Ctrl-C")
        await stop.wait()
    return service


def _leave(service: Service) -> None:
    """End the process at once if the model hangs: Python would wait for its thread for ever.

    Everything else is closed by then.
    """
    if service.scoring.hangs:
        _log.error("the model hangs: left without it")
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


def _on_stop(call: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, call)
