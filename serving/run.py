"""Processes: the server, the worker alone, and one errand at the store."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from socket import socket
from typing import TypeVar

import structlog
import uvicorn

from serving.app import SystemClock, create_app, open_service, open_store, open_worker
from serving.demo import demo_keys, submit_demo
from serving.metrics import Metrics
from serving.preflight import check_folder, check_port
from serving.service import Service
from serving.settings import Settings
from serving.telemetry import configure_logging
from triage_ml.ports import CaseStore, Clock

T = TypeVar("T")
Say = Callable[[str], None]

GRACE_SECONDS = 20
"""Longest that requests in progress may take after a signal to stop."""

_log = structlog.stdlib.get_logger("triage.run")


class _Server(uvicorn.Server):
    """A server that leaves signals to us: store and worker are closed after it, not killed."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @property
    def port(self) -> int:
        found: int = self.servers[0].sockets[0].getsockname()[1]
        return found

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run_server(settings: Settings, *, demo: bool = False, say: Say = print) -> None:
    """Serve until SIGINT or SIGTERM. Raises: SetupFailed and its siblings, before listening."""
    configure_logging(settings.log_level, settings.log_format)
    if settings.port:
        check_port(settings.host, settings.port)
    if settings.database_url is None or demo:
        check_folder(settings.data_dir)
    asyncio.run(_serve(settings, demo, say))


def run_worker(settings: Settings) -> None:
    """Score what waits and deliver webhooks until SIGINT or SIGTERM. Raises: SetupFailed."""
    configure_logging(settings.log_level, settings.log_format)
    asyncio.run(_work(settings))


async def with_store(settings: Settings, use: Callable[[CaseStore, Clock], Awaitable[T]]) -> T:
    """Open the store for one errand. Raises: SetupFailed, and what `use` raises."""
    async with open_store(settings) as store:
        return await use(store, SystemClock())


async def _serve(settings: Settings, demo: bool, say: Say) -> None:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service(settings, Metrics()))
        if settings.worker_in_server:
            await stack.enter_async_context(open_worker(service))
        server = _Server(
            uvicorn.Config(
                create_app(service),
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        _on_stop(lambda: _stop(server))
        serving = asyncio.create_task(server.serve())
        try:
            await server.listening.wait()
            await _announce(server.port, service, demo, say)
            await serving
        finally:
            _stop(server)
            await serving


async def _announce(port: int, service: Service, demo: bool, say: Say) -> None:
    """Say where the service listens, and with `demo` make keys and submit reports."""
    settings = service.settings
    url = f"http://{settings.host}:{port}"
    say(f"listening on {url} (API reference: {url}/docs)")
    if demo:
        keys = await demo_keys(service.store, service.clock, settings.data_dir)
        n_sent = await asyncio.to_thread(submit_demo, url, keys["demo-intake"])
        say(f"{n_sent} demo reports submitted; the keys are in {settings.data_dir}")


async def _work(settings: Settings) -> None:
    async with open_service(settings, Metrics()) as service, open_worker(service):
        _log.info("worker started", webhook=settings.webhook_url is not None)
        stopped = asyncio.Event()
        _on_stop(stopped.set)
        await stopped.wait()


def _stop(server: _Server) -> None:
    """Finish what is in progress; asked a second time, finish at once."""
    server.force_exit = server.should_exit
    server.should_exit = True


def _on_stop(call: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, call)
