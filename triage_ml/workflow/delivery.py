"""Announcements out of the outbox: at least once, in order per case, with backoff."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from triage_ml.errors import DeliveryFailed
from triage_ml.ports import CaseStore, Clock, Delivery

Send = Callable[[Delivery], Awaitable[None]]
"""Deliver one announcement. Raises: DeliveryFailed."""

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(hours=1)
SEND_LEASE = timedelta(minutes=2)
"""Longer than any single attempt: a worker that died gives its announcements back."""


async def deliver_due(store: CaseStore, send: Send, clock: Clock, limit: int = 20) -> int:
    """Send what is due; give how many arrived. A failed one is tried again later."""
    arrived = 0
    for delivery in await store.take_deliveries(limit, clock.now(), SEND_LEASE):
        try:
            await send(delivery)
        except DeliveryFailed as error:
            retry_at = clock.now() + retry_delay(delivery.n_attempts)
            await store.settle_delivery(delivery.delivery_id, clock.now(), retry_at, error.reason)
        else:
            await store.settle_delivery(delivery.delivery_id, clock.now(), None)
            arrived += 1
    return arrived


def retry_delay(n_attempts: int) -> timedelta:
    """Double from 5 s up to an hour; a receiver that is away for a day loses nothing."""
    return min(FIRST_DELAY * (1 << min(n_attempts - 1, 20)), LONGEST_DELAY)
