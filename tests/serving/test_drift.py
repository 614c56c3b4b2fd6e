"""Drift for systems: the answer, the metrics, the worker."""

from datetime import timedelta

from serving.worker import Worker
from tests.serving.bench import Bench
from tests.unit.builders import longer_texts
from triage_ml.domain.drift_watch import Reading

DAY = timedelta(days=1)


def readings(bench: Bench) -> list[Reading]:
    day = bench.clock.now().date() - DAY
    return [
        longer_texts(day),
        Reading(day, "score:hate", "de", "m-1", have=3, need=28, limit=4.7),
    ]


def raise_one(bench: Bench) -> None:
    rows = readings(bench)
    bench.run(bench.store.save_readings, rows[0].day, rows)
    bench.run(bench.store.raise_drift_alarms, rows[:1], bench.clock.now())


def test_systems_read_series_and_alarms(bench: Bench) -> None:
    """A series without its reference has no numbers."""
    raise_one(bench)
    body = bench.get("/v1/drift", scope="ml").json()
    assert (body["read_to"], body["behind_days"], body["limit"]) == ("2026-01-04", 0, 4.7)
    [alarm] = body["alarms"]
    assert (alarm["measure"], alarm["language"], alarm["after"]) == ("length", "tr", 112.0)
    assert "note" not in alarm
    assert [row["z"] for row in body["series"]] == [7.5, None]
    assert body["series"][1]["before"] is None


def test_drift_needs_the_scope_ml(bench: Bench) -> None:
    assert bench.get("/v1/drift", scope="review").status_code == 403
    assert bench.client.get("/v1/drift").status_code == 401
    assert bench.get("/v1/drift").json()["alarms"] == []


def test_metrics_say_how_far_and_whether_there_is_an_alarm(bench: Bench) -> None:
    """What is over is in them no longer."""
    raise_one(bench)
    text = bench.client.get("/metrics").text
    assert 'triage_drift_value{language="tr",measure="length"} 7.5' in text
    assert 'triage_drift_alarm{language="tr",measure="length"} 1.0' in text
    assert "triage_drift_limit 4.7" in text
    assert "triage_drift_behind_days 0.0" in text
    assert "score:hate" not in text
    bench.run(bench.store.close_drift_alarms, [readings(bench)[0].key], bench.clock.now())
    bench.clock.advance(timedelta(minutes=1))
    assert (
        'triage_drift_alarm{language="tr",measure="length"} 0.0'
        in bench.client.get("/metrics").text
    )


def test_the_worker_counts_and_reads_days_that_are_over(bench: Bench) -> None:
    """Nothing of a text is kept."""
    bench.report(text="You are a loser, plainly.")
    worker = Worker(bench.service, None)
    assert bench.run(worker.drift_round) == 0
    bench.clock.advance(2 * DAY)
    assert [bench.run(worker.drift_round) for _ in range(3)] == [1, 1, 0]
    state = bench.run(bench.service.drift.state)
    assert state.read_to == bench.clock.now().date() - DAY
    assert state.n_behind == 0
    assert "plainly" not in repr(bench.store._drift_days)
