"""The error rate of automated means, for transparency reports and other systems."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from serving.dependencies import Running, operation
from serving.schemas.means import EXAMPLE, MeansOut
from serving.security import scoped
from triage_ml.errors import InvalidInput
from triage_ml.ports import ApiKey

router = APIRouter(tags=["Model"])

MlKey = Annotated[ApiKey, Depends(scoped("ml"))]


@router.get(
    "/v1/automated-means",
    summary="Measure automated means",
    **operation("ml", answer=EXAMPLE, errors=(InvalidInput,)),
)
async def measure_means(
    service: Running,
    who: MlKey,
    window: Annotated[int, Query(description="Days to reach back: 30, 90 or 365.")] = 90,
) -> MeansOut:
    """Give indicators of accuracy and the possible rate of error, per language and label.

    Estimated from cases that chance drew, with intervals of 95 %; what is not known is null, with
    the reason. Restricted queues and labels are in it for keys with the scope `restricted` only.
    """
    return MeansOut.of(await service.means.report(who.scopes, window))
