"""Erase the text of an item, as its author or the law may ask."""

from triage_ml.domain.decision import check_note
from triage_ml.domain.erasure import erase
from triage_ml.ports import Clock, ErasedItem, FeedbackStore


class Eraser:
    def __init__(self, store: FeedbackStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def erase(self, actor: str, item_id: str, reason: str) -> ErasedItem:
        """Erase every text and context of an item; again changes nothing.

        The reason stands in the log of the item's cases. Raises: NotFound, InvalidInput.
        """
        check_note("why", reason)
        return await self._store.erase_item(
            item_id, self._clock.now(), lambda case: erase(case, actor, reason)
        )
