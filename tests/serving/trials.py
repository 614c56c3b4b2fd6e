"""A service with trials: real artifacts, of which one may be sick, and reports all the while."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
from psycopg.rows import dict_row
from starlette.testclient import TestClient

from serving import app
from serving.app import SystemClock
from tests.serving.bench import report_body
from tests.serving.test_model_swap import SECONDS, Models
from triage_ml.domain.guard import GuardLimits
from triage_ml.errors import ScoringFailed
from triage_ml.policy import load_policy
from triage_ml.ports import Piece, Scorer
from triage_ml.storage.postgres import PostgresCaseStore
from triage_ml.workflow.rollout import Rollout

STRICT = GuardLimits(min_texts=20, probation_hours=24)
GOOD, LOUD = -3.5, 4.0  # logits without a keyword: of a calm model and of one that always alarms


class Trials(Models):
    """Publishes models and moves them through their stages, as the commands do."""

    def publish(self, version: str, **changes: Any) -> None:
        async def work(store: PostgresCaseStore) -> None:
            await store.publish_model(self.artifact(version, **changes), SystemClock().now())

        self.run(work)

    def shadow(self, version: str, limits: GuardLimits = STRICT) -> None:
        self._use(lambda rollout: rollout.shadow(version, "anna", "a try", limits))

    def canary(self, version: str, share: float = 0.5, limits: GuardLimits = STRICT) -> None:
        self._use(lambda rollout: rollout.canary(version, share, "anna", "a try", limits))

    def end(self) -> None:
        self._use(lambda rollout: rollout.end("anna", "enough"))

    def promote(self, version: str) -> None:
        async def work(store: PostgresCaseStore) -> None:
            await store.make_live(version, SystemClock().now(), "anna", "good")

        self.run(work)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            return connection.execute(statement).fetchall()

    def arms(self) -> dict[tuple[str, str], int]:
        """Count the recorded scores by arm and model."""
        found = self.rows("SELECT arm::text, model_version, count(*) AS n FROM score GROUP BY 1, 2")
        return {(row["arm"], row["model_version"]): row["n"] for row in found}

    def newest(self) -> dict[str, Any]:
        return self.rows("SELECT * FROM model_rollout ORDER BY number DESC LIMIT 1")[0]

    def _use(self, ask: Callable[[Rollout], Any]) -> None:
        async def work(store: PostgresCaseStore) -> None:
            await ask(Rollout(store, load_policy(), SystemClock()))

        self.run(work)


class Sick:
    """A model that was well when it was loaded: it fails, or takes `seconds` for each run."""

    def __init__(self, scorer: Scorer, seconds: float | None = None) -> None:
        self._scorer = scorer
        self._seconds = seconds
        self.info = scorer.info
        self.cut = scorer.cut
        self.join = scorer.join
        self.score = scorer.score

    def run(self, pieces: Sequence[Piece]) -> Sequence[Any]:
        if self._seconds is None:
            raise ScoringFailed("out of order")
        time.sleep(self._seconds)
        return self._scorer.run(pieces)


def make_sick(monkeypatch: Any, version: str, seconds: float | None = None) -> None:
    """Let the model of that version be sick as soon as it is loaded."""
    load = app.load_scorer

    def loaded(folder: Path, severities: Any) -> Any:
        scorer = load(folder, severities)
        return Sick(scorer, seconds) if scorer.info.version == version else scorer

    monkeypatch.setattr(app, "load_scorer", loaded)


_numbers = count()


def text_of(n: int) -> str:
    """Give one of 40,000 texts; a text counts once in a trial."""
    return f"w{n % 200} w{n // 200 % 200}"


def report(client: TestClient, text: str | None = None) -> dict[str, Any]:
    """Report an item of its own and give the receipt, which has scores."""
    n = next(_numbers)
    body = report_body(f"trial-{n}", text=text or text_of(n))
    answer = client.post("/v1/reports", json=body)
    assert (answer.status_code, answer.json()["degraded"]) == (201, False), answer.text
    found: dict[str, Any] = answer.json()
    return found


@contextmanager
def under_load(*clients: TestClient, n_threads: int = 2) -> Iterator[list[dict[str, Any]]]:
    """Report without a break; each is accepted and scored. Gives the receipts."""
    done, receipts = Event(), []

    def work(client: TestClient) -> None:
        while not done.is_set():
            receipts.append(report(client))

    with ThreadPoolExecutor(len(clients) * n_threads) as pool:
        asked = [pool.submit(work, client) for client in clients for _ in range(n_threads)]
        try:
            yield receipts
        finally:
            done.set()
        for future in asked:
            future.result()


def until(holds: Callable[[], object], seconds: float = SECONDS * 2) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it never came about"
        time.sleep(0.05)


def on_trial(client: TestClient) -> str | None:
    """Give stage and version of the model beside the live one, as this server has it."""
    service = client.app.state.service  # type: ignore[attr-defined]
    found = service.scoring.challenger
    return f"{found.trial.stage.value} {found.trial.version}" if found else None


def counted(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))
