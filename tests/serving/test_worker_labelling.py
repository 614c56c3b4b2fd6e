"""What the worker does to have the right cases labelled."""

from datetime import timedelta

from serving.worker import Worker
from tests.serving.bench import Bench


def test_the_worker_fills_the_queue_qa_within_the_budget_and_counts_it(bench: Bench) -> None:
    for number in range(30):
        bench.report(item_id=f"post-{number}", text=f"a post, number {number}")
    bench.clock.set(bench.clock.now() + timedelta(hours=2))
    worker = Worker(bench.service, None)
    n_open = bench.run(bench.service.labelling.status).n_open
    assert 0 < n_open < 30
    for _ in range(2):
        assert bench.run(worker.labelling_round) == 0
    queues = [case.placement.queue for case in bench.store._cases.values()]
    assert queues.count("qa") == n_open
    metrics = bench.client.get("/metrics").text
    lines = [x for x in metrics.splitlines() if x.startswith("triage_labelling_picks_total{")]
    assert sum(float(line.rpartition(" ")[2]) for line in lines) == n_open


def test_a_case_that_becomes_dangerous_leaves_the_queue_qa(bench: Bench) -> None:
    bench.report(text="a post")
    bench.clock.set(bench.clock.now() + timedelta(hours=2))
    bench.run(Worker(bench.service, None).labelling_round)
    [case] = bench.store._cases.values()
    assert case.placement.queue == "qa"
    bench.report(text="a post", report_reason="self_harm", report_reporter_ref="reporter-2")
    [after] = bench.store._cases.values()
    assert after.placement.queue == "std-en-safety"
    assert after.placement.due_at <= case.placement.due_at
