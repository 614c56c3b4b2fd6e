"""An app under test, what it is made of, and the requests that tests send."""

from dataclasses import dataclass
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from serving.service import Service
from triage_ml.domain.taxonomy import Label
from triage_ml.testing import FixedClock, StubScorer
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.access import PREFIX

KEYWORDS = {"loser": {Label.HARASSMENT: 0.9}, "parcel fee": {Label.DECEPTION_SPAM: 0.95}}


@dataclass
class Bench:
    """An app under test, and what it is made of."""

    client: TestClient
    service: Service
    store: MemoryCaseStore
    scorer: StubScorer
    clock: FixedClock

    def call(
        self, method: str, path: str, body: Any = None, *, scope: str = "admin", **more: Any
    ) -> Response:
        """Send a request with a key of that scope."""
        headers = {"Authorization": f"Bearer {secret_of(scope)}", **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        return self.client.request(method, path, headers=headers, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Response:
        return self.call("POST", path, body, **more)

    def get(self, path: str, **more: Any) -> Response:
        return self.call("GET", path, **more)

    def report(self, **changes: Any) -> dict[str, Any]:
        """Report an item and give the receipt."""
        answer = self.post("/v1/reports", report_body(**changes))
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    def claim(self, queue: str = "std-en-safety", *, scope: str = "review") -> dict[str, Any]:
        """Claim the most urgent case of a queue and give claim and case."""
        answer = self.post(f"/v1/queues/{queue}/claims", {}, scope=scope)
        assert answer.status_code == 200, answer.text
        claimed: dict[str, Any] = answer.json()["claims"][0]
        return claimed

    def n_stored(self) -> int:
        """Count the reports in the store."""
        return len(self.store._reports)


def secret_of(scope: str) -> str:
    return f"{PREFIX}test-{scope}"


def report_body(
    item_id: str = "post-1", text: str = "You are a loser.", **changes: Any
) -> dict[str, Any]:
    """Make a report; `item_...` and `report_...` change single fields."""
    item = {"id": item_id, "text": text, "surface": "post", "author_ref": "author-1"}
    report = {"reporter_ref": "reporter-1", "source": "user", "reason": "harassment"}
    for name, value in changes.items():
        kind, _, field = name.partition("_")
        (item if kind == "item" else report)[field] = value
    return {"item": item, "report": report}
