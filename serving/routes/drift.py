"""Drift, for systems."""

from typing import Annotated

from fastapi import APIRouter, Depends

from serving.dependencies import Running, operation
from serving.schemas.drift import DRIFT, DriftOut
from serving.security import scoped
from triage_ml.ports import ApiKey

router = APIRouter(tags=["Model"])


@router.get("/v1/drift", summary="Read drift", **operation("ml", answer=DRIFT))
async def read_drift(
    service: Running,
    who: Annotated[ApiKey, Depends(scoped("ml"))],  # noqa: ARG001  lets in
) -> DriftOut:
    """Give where every series stands after the last full day, and the alarms.

    Restricted queues are in none of it.
    """
    return DriftOut.of(await service.drift.state())
