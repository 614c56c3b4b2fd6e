"""What is answered of items."""

from datetime import datetime

from pydantic import Field

from serving.schemas.base import Answer
from triage_ml.ports import ErasedItem


class ErasedOut(Answer):
    """An item whose texts are gone."""

    item_id: str
    erased_at: datetime
    n_versions: int = Field(description="Texts erased now; 0: they were gone before.")
    n_cases: int = Field(description="Cases of the item; they stay.")

    @classmethod
    def of(cls, row: ErasedItem) -> "ErasedOut":
        return cls(
            item_id=row.item_id,
            erased_at=row.erased_at,
            n_versions=row.n_versions,
            n_cases=row.n_cases,
        )
