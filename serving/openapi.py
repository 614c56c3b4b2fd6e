"""The OpenAPI document: what FastAPI derives, and the bodies that are parsed from raw bytes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from serving.schemas.answers import ANNOUNCEMENT
from serving.schemas.base import Problem
from serving.schemas.models import ScoreIn
from serving.schemas.reports import BatchReportIn, ReportIn
from serving.schemas.review import (
    AppealIn,
    ClaimIn,
    DecisionIn,
    EscalationIn,
    HoldIn,
    ReleaseIn,
    WithdrawalIn,
)
from serving.webhooks import EVENTS
from triage_ml import __version__

BODIES = (
    ReportIn,
    BatchReportIn,
    ScoreIn,
    ClaimIn,
    ReleaseIn,
    HoldIn,
    DecisionIn,
    EscalationIn,
    AppealIn,
    WithdrawalIn,
)
DESCRIPTION = """\
Content triage for Trust & Safety teams: reports in, scored and ordered cases out, decisions back.

Every request but the health checks carries an API key: `Authorization: Bearer triage_...`.
Errors are RFC 9457 problems that name the field and the reason. The service never removes or
dismisses content by itself; it orders work for people and records what they decide.
"""
TAGS = [
    {"name": "Reports", "description": "Hand in what was reported or found."},
    {"name": "Queues", "description": "Find work and lease it."},
    {"name": "Cases", "description": "Read a case, decide it, hand it up, reopen it."},
    {"name": "Items", "description": "Erase what was stored of an item's text."},
    {"name": "Model", "description": "Score without a case; what the model can and cannot do."},
    {"name": "Health", "description": "For probes and Prometheus; no key needed."},
]
SIGNED = (
    "Sent to TRIAGE_WEBHOOK_URL, signed as standardwebhooks.com describes: verify "
    "`webhook-signature` with TRIAGE_WEBHOOK_SECRET. At least once and in order per case; "
    "`webhook-id` stays the same when it is sent again."
)
_EVENT = {
    "type": "object",
    "required": ["type", "timestamp", "data"],
    "properties": {
        "type": {"type": "string", "enum": list(EVENTS)},
        "timestamp": {"type": "string", "format": "date-time"},
        "data": {"type": "object", "description": "case_id, item_id, and what happened."},
    },
}
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key with scopes: intake, review, ml; admin opens every route; "
    "restricted opens the queues a policy restricts, and is never implied. A revoked key may "
    "work on for a few seconds (TRIAGE_KEY_TTL).",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Build the document once and keep it."""
    if app.openapi_schema is None:
        app.openapi_schema = _build(app)
    return app.openapi_schema


def _build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="triage-ml",
        version=__version__,
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    _, definitions = models_json_schema(
        [*((model, "validation") for model in BODIES), (Problem, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    components = document["components"]
    components["schemas"] = {
        name: schema
        for name, schema in sorted({**components["schemas"], **definitions["$defs"]}.items())
        if name not in ("HTTPValidationError", "ValidationError")
    }
    components["securitySchemes"] = {"ApiKey": _KEY}
    document["webhooks"] = {name: {"post": _webhook(name, text)} for name, text in EVENTS.items()}
    return document


def _webhook(name: str, text: str) -> dict[str, Any]:
    said = ANNOUNCEMENT["data"]
    if name != ANNOUNCEMENT["type"]:
        said = {field: said[field] for field in ("case_id", "item_id")}
    example = {**ANNOUNCEMENT, "type": name, "data": said}
    return {
        "summary": text,
        "description": SIGNED,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _EVENT, "example": example}},
        },
        "responses": {"2XX": {"description": "Taken. Anything else is tried again with backoff."}},
    }
