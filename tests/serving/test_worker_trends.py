"""What the worker does for trends."""

from serving.worker import Worker
from tests.serving.bench import Bench


def test_the_worker_counts_days(bench: Bench) -> None:
    """And says that nothing is left to count."""
    bench.report()
    assert bench.run(Worker(bench.service, None).count_round) == 0
    assert bench.run(bench.store.counted_at) == bench.clock.now()


def test_the_worker_looks_for_what_emerges(bench: Bench) -> None:
    """Never in a restricted queue."""
    for n in range(40):
        bench.report(item_id=f"usual-{n}", text=f"a usual text {n % 9}", item_author_ref=f"a{n}")
    for n in range(8):
        body = {"text": f"moonpepper {'abcdefgh'[n] * 3}", "item_author_ref": f"b{n}"}
        bench.report(item_id=f"h-{n}", report_reason="child_safety", **body)
    for n in range(8):
        bench.report(
            item_id=f"g-{n}", text=f"glowberry {'abcdefgh'[n] * 3}", item_author_ref=f"c{n}"
        )
    assert bench.run(Worker(bench.service, None).emerging_round) == 0
    found, at = bench.run(bench.store.emerging)
    assert at == bench.clock.now()
    assert not any("moonpepper" in row.words for row in found)
