"""Announcements as signed webhooks (standardwebhooks.com)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import orjson
from pydantic import SecretStr
from standardwebhooks import Webhook

from triage_ml.errors import DeliveryFailed
from triage_ml.ports import Delivery

TIMEOUT_SECONDS = 10.0
"""Longest that one attempt takes, from the name's look-up to the answer's status."""

EVENTS = {
    "case.decided": "A reviewer decided a case: findings, action, category.",
    "case.appealed": "A decided case was reopened for another reviewer.",
    "case.withdrawn": "The last report of a case was taken back, and the case closed.",
}


def message_id(delivery: Delivery) -> str:
    """Name an announcement, also apart from those of another database."""
    return f"evt_{delivery.case_id.hex}_{delivery.delivery_id}"


class WebhookSender:
    """Post announcements; a receiver verifies `webhook-signature` with the shared secret.

    `webhook-id` is the same at every attempt, so that a receiver can drop what it has. It is
    delivered at least once, and in order per case.
    """

    def __init__(
        self,
        url: SecretStr,
        secret: SecretStr,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = url
        self._signer = Webhook(secret.get_secret_value())
        self._now = now
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False)

    async def __call__(self, delivery: Delivery) -> None:
        """Deliver one announcement. Raises: DeliveryFailed, never naming the URL."""
        body = encode(delivery)
        headers = self._signed(message_id(delivery), body)
        url = self._url.get_secret_value()
        try:
            # httpx limits each read and write alone; only the status is read of the answer.
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._client.stream("POST", url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {TIMEOUT_SECONDS:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryFailed(type(error).__name__) from None
        if not httpx.codes.is_success(status):
            raise DeliveryFailed(f"status {status}")

    def _signed(self, name: str, body: str) -> dict[str, str]:
        now = self._now().astimezone(UTC)
        return {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(name, now, body),
        }

    async def close(self) -> None:
        await self._client.aclose()


def encode(delivery: Delivery) -> str:
    """Write an announcement as {type, timestamp, data}."""
    data = {"case_id": str(delivery.case_id), **delivery.payload}
    kind = data.pop("type", "case.changed")
    body = {"type": kind, "timestamp": delivery.created_at.isoformat(), "data": data}
    return orjson.dumps(body).decode()
