"""What the worker does for trends."""

from datetime import timedelta

from serving.worker import Worker
from tests.serving.bench import Bench


def test_the_worker_counts_days(bench: Bench) -> None:
    """And says that nothing is left to count."""
    bench.report()
    assert bench.run(Worker(bench.service, None).count_round) == 0
    assert bench.run(bench.store.counted_at) == bench.clock.now()


def test_the_worker_looks_for_what_emerges(bench: Bench) -> None:
    """Never in a restricted queue."""
    now = bench.clock.now()
    bench.clock.set(now - timedelta(days=15))
    for n in range(160):
        bench.report(item_id=f"usual-{n}", text=f"a usual text {n % 9}", item_author_ref=f"a{n}")
    bench.clock.set(now)
    for n in range(8):
        body = {"item_author_ref": f"b{n}", "report_reason": "child_safety"}
        bench.report(item_id=f"h-{n}", text=f"moonpepper {'abcdefgh'[n] * 3}", **body)
        bench.report(
            item_id=f"g-{n}", text=f"glowberry {'abcdefgh'[n] * 3}", item_author_ref=f"c{n}"
        )
    assert bench.run(Worker(bench.service, None).emerging_round) == 0
    found, at = bench.run(bench.store.emerging)
    assert at == now
    assert {row.words for row in found} == {"glowberry"}
