"""Signs of life, for probes and Prometheus; they need no key and tell nothing of content."""

import asyncio
from datetime import datetime, timedelta

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from serving.dependencies import Running, operation
from serving.schemas.answers import READY
from serving.schemas.models import HealthOut, ReadyOut
from serving.service import Service
from triage_ml.errors import StoreUnavailable

router = APIRouter(tags=["Health"])

PATIENCE_SECONDS = 2.0
"""Longest that a probe or a scrape waits for the database."""

FRESH = timedelta(seconds=5)
"""How long the gauges that the database fills are kept: it counts all open cases for them."""


@router.get("/livez", summary="Is the process alive?", **operation(answer={"status": "alive"}))
async def livez() -> HealthOut:
    """Answer as long as the process serves requests; asks nothing of the database."""
    return HealthOut(status="alive")


@router.get(
    "/readyz",
    summary="Are reports accepted?",
    **operation(answer=READY, errors=(StoreUnavailable,)),
)
async def readyz(service: Running) -> ReadyOut:
    """Answer 200 while the database does. Without a model the answer says `degraded`."""
    try:
        await asyncio.wait_for(service.store.ping(), PATIENCE_SECONDS)
    except TimeoutError:
        raise StoreUnavailable(f"no answer within {PATIENCE_SECONDS:g} s") from None
    scorer = service.scoring.scorer
    return ReadyOut(
        status="ready",
        database="ok",
        model="ok" if scorer else "missing",
        model_version=scorer.info.version if scorer else None,
        degraded=scorer is None,
    )


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    **operation(),
)
async def metrics(service: Running) -> Response:
    """Give counters, timings and queue depths in Prometheus' text format.

    Restricted queues are in none of them.
    """
    await _refresh(service)
    return Response(service.metrics.render(), media_type=CONTENT_TYPE_LATEST)


async def _refresh(service: Service) -> None:
    """Ask the store for queue depths, one scrape for all that come within a few seconds."""
    async with service.scraping:
        now, last = service.clock.now(), service.scraped_at
        if last is not None and timedelta(0) <= now - last < FRESH:
            return
        await _ask_store(service, now)
        service.scraped_at = now


async def _ask_store(service: Service, now: datetime) -> None:
    """Set the gauges; a scrape still answers when the store is away.

    Restricted queues are left out: a scrape needs no key.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            rows = await service.store.queue_depths(now)
            service.metrics.undelivered.set(await service.store.n_undelivered())
            service.metrics.show_drift(await service.drift.state())
    except (StoreUnavailable, TimeoutError):
        service.metrics.store_up.set(0)
        return
    service.metrics.store_up.set(1)
    open_to_all = {name for name, row in service.policy.queues.items() if not row.restricted}
    service.metrics.show_queues([row for row in rows if row.queue in open_to_all], now)
