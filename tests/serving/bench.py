"""An app under test, what it is made of, and the requests that tests send."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from httpx2 import Response
from starlette.testclient import TestClient

from serving.service import Service
from triage_ml.domain.policy import Policy
from triage_ml.domain.taxonomy import Label
from triage_ml.policy import load_policy
from triage_ml.ports import ApiKey
from triage_ml.testing import FixedClock, StubScorer
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.access import PREFIX, hash_key

T = TypeVar("T")
KEYWORDS = {"loser": {Label.HARASSMENT: 0.9}, "parcel fee": {Label.DECEPTION_SPAM: 0.95}}


@dataclass
class Bench:
    """An app under test, and what it is made of."""

    client: TestClient
    service: Service
    store: MemoryCaseStore
    clock: FixedClock

    @property
    def scorer(self) -> StubScorer:
        scorer = self.service.scoring.scorer
        assert isinstance(scorer, StubScorer)
        return scorer

    def run(self, call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Run a coroutine function on the app's own event loop."""
        assert self.client.portal is not None
        return self.client.portal.call(call, *arguments)

    def add_key(self, name: str, *scopes: str) -> None:
        key = ApiKey(f"key-{name}", frozenset(scopes), self.clock.now())
        self.run(self.store.add_key, key, hash_key(secret_of(name)))

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


def policy_with(blind_share: float) -> Policy:
    """Give the shipped policy with another share of claims whose hints are withheld."""
    policy = load_policy()
    return replace(policy, priority=replace(policy.priority, blind_share=blind_share))


def secret_of(scope: str) -> str:
    return f"{PREFIX}test-{scope}"


def scope_of(path: str, method: str = "POST") -> dict[str, Any]:
    """Make a bare ASGI request, for what no well-behaved client sends."""
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"authorization", f"Bearer {secret_of('intake')}".encode())],
    }  # fmt: skip


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
