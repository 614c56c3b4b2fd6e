"""Reports in, singly and in batches."""

import asyncio
import json
from codecs import BOM_UTF8
from datetime import timedelta
from typing import Annotated

import orjson
import structlog
from fastapi import APIRouter, Header
from starlette.requests import Request
from starlette.responses import Response

from serving.body import digest, load_json, parse
from serving.dependencies import answer, operation, place
from serving.problems import UNEXPECTED, MalformedBody, problem, shape
from serving.schemas.answers import BATCH_OUT, RECEIPT
from serving.schemas.examples import BATCH_CONTENT, REPORTS
from serving.schemas.reports import (
    MAX_BATCH,
    BatchLine,
    BatchOut,
    BatchReportIn,
    ReceiptOut,
    ReportIn,
    batch_line,
    receipt_out,
)
from serving.service import Service
from serving.telemetry import describe
from triage_ml.domain.priority import index_at
from triage_ml.domain.report import check_ref
from triage_ml.errors import IdempotencyMismatch, InvalidInput, TooLarge, TriageError
from triage_ml.ports import ApiKey

router = APIRouter(tags=["Reports"])

BATCH_WORKERS = 8
NDJSON = "application/x-ndjson"

_log = structlog.stdlib.get_logger("triage.reports")


@router.post(
    "/v1/reports",
    summary="Report an item",
    response_model=ReceiptOut,
    **operation(
        "intake",
        body=ReportIn,
        examples=REPORTS,
        answer=RECEIPT,
        status=201,
        errors=(IdempotencyMismatch,),
    ),
)
async def submit(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="Repeat a request safely: the same key, the same answer.")
    ] = None,
) -> Response:
    """Accept a report about an item. Once this answers 201 the report is stored durably.

    A second report on an item under review joins its case, which is prioritised anew. When the
    model is missing or slow the report is accepted all the same: `degraded` is true, and
    scores follow.
    """
    async with place(request, "intake") as (service, who, raw):
        receipt = await _accept(service, who, parse(ReportIn, raw), idempotency_key)
    return answer(receipt, 201)


@router.post(
    "/v1/reports:batch",
    summary="Report many items",
    response_model=BatchOut,
    **operation("intake", content=BATCH_CONTENT, answer=BATCH_OUT),
)
async def submit_batch(request: Request) -> Response:
    """Accept up to 1,000 reports as a JSON array or as NDJSON (`application/x-ndjson`).

    Each report stands alone: the answer has one line per report, in order, and a report that
    is refused harms no other. Reports may carry an `idempotency_key` each. Those on the same
    item, or with the same key, are accepted in the batch's order.
    """
    if "idempotency-key" in request.headers:
        raise InvalidInput("Idempotency-Key", "a batch has an idempotency_key per report instead")
    async with place(request, "intake") as (service, who, body):
        lines = await asyncio.to_thread(_lines, body, request.headers.get("content-type", ""))
        done = await _accept_lines(service, who, lines)
    n_accepted = sum(line.receipt is not None for line in done)
    return answer(BatchOut(n_accepted=n_accepted, n_refused=len(done) - n_accepted, results=done))


async def _accept_lines(service: Service, who: ApiKey, lines: list[bytes]) -> list[BatchLine]:
    """Work on several lines at once; one waits for those before it on the same item or key."""
    places = asyncio.Semaphore(BATCH_WORKERS)
    last: dict[tuple[str, str], asyncio.Task[BatchLine]] = {}
    tasks: list[asyncio.Task[BatchLine]] = []

    async def work(index: int, line: bytes, before: set[asyncio.Task[BatchLine]]) -> BatchLine:
        if before:
            await asyncio.wait(before)
        async with places:
            return await _accept_line(service, who, index, line)

    for index, line in enumerate(lines):
        shared = _shared(line)
        before = {last[name] for name in shared if name in last}
        tasks.append(asyncio.create_task(work(index, line, before)))
        last.update(dict.fromkeys(shared, tasks[-1]))
    return await asyncio.gather(*tasks)


def _shared(line: bytes) -> list[tuple[str, str]]:
    """Name what a line may share with others; one that cannot be read shares nothing."""
    try:
        found = orjson.loads(line)
        named = (("item", found["item"]["id"]), ("key", found.get("idempotency_key")))
        return [(kind, name) for kind, name in named if isinstance(name, str)]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


async def _accept_line(service: Service, who: ApiKey, index: int, line: bytes) -> BatchLine:
    try:
        report = parse(BatchReportIn, line)
        receipt = await _accept(service, who, report, report.idempotency_key)
    except TriageError as error:
        return batch_line(index, problem(error))
    except Exception as error:  # a mistake of ours in one report must not cost the others
        _log.error("report of a batch failed", index=index, **describe(error))
        return batch_line(index, shape(UNEXPECTED, "The service failed. Its log says where."))
    return BatchLine(index=index, status=201, receipt=receipt)


async def _accept(
    service: Service, who: ApiKey, body: ReportIn, idempotency_key: str | None
) -> ReceiptOut:
    if idempotency_key is not None:
        check_ref("Idempotency-Key", idempotency_key)
    began = service.clock.now()
    receipt = await service.intake.submit(
        body.item.to_domain(),
        body.report.to_domain(),
        who.name,
        idempotency_key,
        digest(body, exclude={"idempotency_key"}),
    )
    if receipt.received_at >= began:  # an older one is the answer to a repeated request
        service.metrics.note_report(receipt, body.report.source)
    row, placement = service.policy.priority, receipt.placement
    index = index_at(
        row,
        placement.priority.base,
        timedelta(seconds=placement.priority.handling_seconds),
        receipt.received_at,
        placement.due_at,
        receipt.received_at,
    )
    return receipt_out(row, receipt, index)


def _lines(body: bytes, content_type: str) -> list[bytes]:
    """Split a batch into one JSON text per report. Raises: MalformedBody, TooLarge."""
    if content_type.partition(";")[0].strip().lower() == NDJSON:
        lines = [line for line in body.removeprefix(BOM_UTF8).split(b"\n") if line.strip()]
    else:
        lines = _elements(body)
    if len(lines) > MAX_BATCH:
        raise TooLarge("body", len(lines), MAX_BATCH, "reports")
    if not lines:
        raise InvalidInput("body", "holds no report")
    return lines


def _elements(body: bytes) -> list[bytes]:
    rows = load_json(body)
    if not isinstance(rows, list):
        raise InvalidInput("body", f"must be an array of reports, or {NDJSON}")
    try:
        return [json.dumps(row).encode() for row in rows]
    except RecursionError:
        raise MalformedBody("nested too deeply") from None
