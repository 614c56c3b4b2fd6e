"""Composition root: joins store, model, policy and routes into one app."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from datetime import UTC, datetime
from functools import partial

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from serving import failures, openapi
from serving.body import BodyLimit
from serving.console import assets
from serving.console.errors import pages
from serving.console.headers import ConsoleHeaders
from serving.console.pages import care as care_page
from serving.console.pages import drift as drift_page
from serving.console.pages import (
    labelling,
    leads,
    means,
    mine,
    models,
    preferences,
    quality,
    sign_in,
    sign_on,
    team_quality,
    trends,
)
from serving.console.pages import queues as queues_page
from serving.console.pages import review as review_page
from serving.metrics import Metrics
from serving.routes import (
    automated_means,
    cases,
    docs,
    drift,
    health,
    items,
    queues,
    reports,
    score,
    scores,
)
from serving.service import Parts, Service
from serving.settings import Settings
from serving.swap import Follower, beside, following
from serving.telemetry import Telemetry
from serving.trial import TrialFollower, shadowing
from serving.webhooks import WebhookSender
from serving.worker import Worker
from triage_ml.domain.policy import Policy
from triage_ml.errors import ArtifactInvalid, TriageError
from triage_ml.inference.artifact import SHIPPED
from triage_ml.inference.language import Detector
from triage_ml.inference.onnx import load_scorer
from triage_ml.policy import policy_of, read_policy
from triage_ml.ports import ModelStore, Scorer
from triage_ml.storage.embedded import EmbeddedServer
from triage_ml.storage.migrate import migrate
from triage_ml.storage.postgres import PostgresCaseStore
from triage_ml.workflow.policies import keep_policy
from triage_ml.workflow.review import check_queues

BULK_PATHS = ("/v1/reports:batch", "/v1/score")
WORKER_GRACE_SECONDS = 5.0
POLICY_UNNAMED = "the policy was CHANGED WITHOUT A NEW VERSION: raise `version` in policy.toml"
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_log = structlog.stdlib.get_logger("triage.app")


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def create_app(service: Service) -> FastAPI:
    """Make the app of a service that is open already; the caller closes it."""
    app = _assemble(service.settings, service.metrics)
    app.state.service = service
    return app


def build(settings: Settings | None = None) -> FastAPI:
    """Make the app that opens everything itself at start and closes it at the end."""
    settings = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(open_service(settings, metrics))
            if settings.worker_in_server:
                await stack.enter_async_context(open_worker(service))
            app.state.service = service
            yield

    return _assemble(settings, metrics, lifespan)


@asynccontextmanager
async def open_service(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """Open store, policy and model. Raises: SetupFailed, PolicyInvalid, StoreUnavailable."""
    files = read_policy(settings.policy_dir)
    policy = policy_of(files)
    async with open_store(settings) as store:
        follower = follow_live(settings, policy, store, metrics)
        scorer = await follower.first() if follower else None
        scorer = scorer or await asyncio.to_thread(load_model, settings, policy)
        clock = SystemClock()
        await check_queues(store, policy, clock.now())
        if await keep_policy(store, policy, files, clock):
            # Not refused: a service that is down is worse than a name that stands for two.
            _log.error(POLICY_UNNAMED, version=policy.version, sha256=policy.sha256[:12])
        service = Service(Parts(settings, policy, store, None, Detector(), clock), metrics)
        if scorer is not None:
            _use(service, scorer)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(asyncio.to_thread, service.close)
            if follower is not None:
                await stack.enter_async_context(following(follower, partial(_use, service)))
                await stack.enter_async_context(trying_out(service, store, follower))
            yield service


def follow_live(
    settings: Settings, policy: Policy, store: ModelStore, metrics: Metrics
) -> Follower | None:
    """Make what follows the live model of the database; None where a folder is set."""
    if settings.model_dir is not None:
        _log.info("TRIAGE_MODEL_DIR is set: the database's models are not followed")
        return None
    load = partial(load_scorer, severities=policy.typical_severities)
    return Follower(store, settings.data_dir / "models", load, metrics)


@asynccontextmanager
async def trying_out(
    service: Service, store: PostgresCaseStore, follower: Follower
) -> AsyncIterator[None]:
    """Keep the model beside the live one, and score by it what was stored."""
    trials = TrialFollower(store, follower.downloads, service)
    follower.told.append(trials.told)
    async with beside(shadowing(service.shadow)), beside(trials.run()):
        yield


def _use(service: Service, scorer: Scorer) -> None:
    """Replace the model; texts that the one before has begun are its own."""
    service.scoring.scorer = scorer
    service.metrics.show_model(scorer.info.version)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[PostgresCaseStore]:
    """Open the database of the settings, by default one of our own, with its schema up to date.

    Raises: SetupFailed, StoreUnavailable.
    """
    async with AsyncExitStack() as stack:
        if settings.database_url is not None:
            url = settings.database_url.get_secret_value()
        else:
            server = EmbeddedServer(settings.own_database)
            url = await asyncio.to_thread(server.start)
            stack.push_async_callback(asyncio.to_thread, server.stop)
        await asyncio.to_thread(migrate, url)
        store = await stack.enter_async_context(PostgresCaseStore.at(url))
        await store.ping()
        yield store


@asynccontextmanager
async def open_worker(service: Service) -> AsyncIterator[Worker]:
    """Run a worker with the webhook of the settings, until left."""
    settings = service.settings
    async with AsyncExitStack() as stack:
        send: WebhookSender | None = None
        if settings.webhook_url is not None and settings.webhook_secret is not None:
            send = WebhookSender(settings.webhook_url, settings.webhook_secret)
            stack.push_async_callback(send.close)
        yield await stack.enter_async_context(running(Worker(service, send)))


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[Worker]:
    """Run a worker beside what is inside; at the end it finishes the step it is at.

    A step that takes longer than the grace is given up: its transaction is rolled back, and
    an announcement that was on its way is sent again.
    """
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait({task}, timeout=WORKER_GRACE_SECONDS)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def load_model(settings: Settings, policy: Policy) -> Scorer | None:
    """Load the artifact; without a usable one say so loudly and serve without scores."""
    folder = settings.model_dir or SHIPPED
    try:
        scorer = load_scorer(folder, policy.typical_severities)
    except ArtifactInvalid as error:
        _log.error("NO MODEL: reports are queued by reason and age alone", reason=error.reason)
        return None
    _log.info("model loaded", version=scorer.info.version)
    return scorer


def _assemble(settings: Settings, metrics: Metrics, lifespan: Lifespan | None = None) -> FastAPI:
    app = FastAPI(
        title="triage-ml", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.openapi = partial(openapi.describe, app)  # type: ignore[method-assign]
    # The busiest first: a request is compared with the routes in this order.
    busy = (reports, score, queues, cases, scores, health)
    for module in (*busy, items, automated_means, drift, docs):
        app.include_router(module.router)
    for part in (
        review_page,
        queues_page,
        mine,
        quality,
        leads,
        team_quality,
        trends,
        labelling,
        care_page,
    ):
        app.include_router(part.router)
    for part in (drift_page, means, models, sign_in, sign_on, preferences, assets):
        app.include_router(part.router)
    app.add_exception_handler(TriageError, pages(failures.on_triage_error))
    app.add_exception_handler(RequestValidationError, pages(failures.on_invalid_request))
    app.add_exception_handler(HTTPException, pages(failures.on_http_error))
    bulk = dict.fromkeys(BULK_PATHS, settings.max_bulk_body_bytes)
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        bulk_paths=bulk,
        timeout=settings.body_timeout,
    )
    app.add_middleware(ConsoleHeaders)
    app.add_middleware(Telemetry, metrics=metrics)
    return app
