"""Items: erasing what was stored of their text."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from serving.dependencies import AdminKey, Running, operation
from serving.schemas import answers
from serving.schemas.items import ErasedOut
from triage_ml.domain.decision import MAX_NOTE_CHARS
from triage_ml.errors import InvalidInput, NotFound

router = APIRouter(prefix="/v1/items", tags=["Items"])
ASKED_FOR = "asked for by the platform"


@router.delete(
    "/{item_id:path}",
    summary="Erase an item's text",
    **operation("admin", answer=answers.ERASED, errors=(NotFound, InvalidInput)),
)
async def erase(
    service: Running,
    who: AdminKey,
    item_id: Annotated[str, Path(description="The item's id, as it was reported.")],
    why: Annotated[
        str,
        Query(max_length=MAX_NOTE_CHARS, description="Stands in the log of the item's cases."),
    ] = ASKED_FOR,
) -> ErasedOut:
    """Empty every text and context that was stored of an item. Cases, decisions and their log
    stay; what is reported of the item later is stored again. A second time changes nothing.
    """
    found = await service.eraser.erase(who.name, item_id, why)
    if found.n_versions:
        service.metrics.erasures.inc()
    return ErasedOut.of(found)
