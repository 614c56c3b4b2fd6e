"""The worker's loop: goes on after errors, stops when asked."""

import asyncio
from datetime import timedelta

import pytest

from serving.app import running
from serving.worker import IDLE, LONGEST_PAUSE, Worker
from tests.serving.bench import KEYWORDS, Bench, report_body
from tests.serving.conftest import MakeBench
from triage_ml.domain.case import Case
from triage_ml.errors import StoreUnavailable
from triage_ml.testing import StubScorer


def test_a_running_worker_catches_up_by_itself(make_bench: MakeBench) -> None:
    """It scores what waits and ends when its context does."""
    bench = make_bench(scorer=None)
    bench.report()
    bench.service.scoring.scorer = StubScorer(KEYWORDS)

    async def live() -> None:
        scored = asyncio.Event()
        worker = Worker(bench.service, None)
        change = bench.store.change

        async def noting(*arguments: object) -> Case:
            case = await change(*arguments)  # type: ignore[arg-type]
            scored.set()
            return case

        bench.store.change = noting  # type: ignore[assignment, method-assign]
        async with asyncio.timeout(10), running(worker):
            await scored.wait()

    bench.run(live)
    assert bench.get("/readyz").json()["degraded"] is False
    assert "triage_backlog_cases 0.0" in bench.get("/metrics").text


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), RuntimeError("unforeseen")])
def test_the_worker_survives_errors_with_growing_pauses(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A database that is away, or a mistake of ours, stops no later round."""
    worker = Worker(bench.service, None)
    pauses: list[timedelta] = []

    async def fail() -> int:
        if len(pauses) == 8:
            return 1
        raise error

    async def rest(pause: timedelta) -> None:
        pauses.append(pause)
        if len(pauses) == 9:
            worker.stop()

    monkeypatch.setattr(worker, "_rest", rest)
    bench.run(worker._loop, "score", fail)
    assert pauses[:3] == [IDLE * 2, IDLE * 4, IDLE * 8]
    assert max(pauses) == LONGEST_PAUSE
    assert pauses[-1] == timedelta(0)


def test_a_hung_step_is_given_up_at_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping does not wait for ever."""
    monkeypatch.setattr("serving.app.WORKER_GRACE_SECONDS", 0.0)
    worker = Worker(bench.service, None)

    async def live() -> None:
        begun = asyncio.Event()

        async def hang() -> int:
            begun.set()
            await asyncio.Event().wait()
            return 0

        monkeypatch.setattr(worker, "score_round", hang)
        async with asyncio.timeout(10), running(worker):
            await begun.wait()

    bench.run(live)


def test_the_worker_forgets_what_only_served_repetition(bench: Bench) -> None:
    """An old Idempotency-Key is free again; the case stays."""
    headers = {"Idempotency-Key": "k-1"}
    first = bench.post("/v1/reports", report_body(), headers=headers).json()
    bench.clock.advance(timedelta(days=31))
    assert bench.run(Worker(bench.service, None).forget_round) == 0
    again = bench.post("/v1/reports", report_body(), headers=headers).json()
    assert (again["case_id"], again["joined"]) == (first["case_id"], True)
