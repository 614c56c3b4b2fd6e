"""How long a claim takes among few and among very many open cases.

    python -m benchmarks.claims [--few 1000] [--many 1000000] [--claims 1500]

Fills two fresh databases of one embedded server with copies of a case, in one queue and five tiers,
and claims one case at a time in each in turn, as reviewers do: committed, with the policy's random
share. Prints medians and 99th percentiles in milliseconds, and their ratios.
"""

import argparse
import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import psycopg

from serving.app import SystemClock
from triage_ml.domain.policy import Policy
from triage_ml.domain.report import Item, Report, Source
from triage_ml.domain.taxonomy import Label
from triage_ml.inference.batching import Batcher
from triage_ml.inference.language import Detector
from triage_ml.policy import load_policy
from triage_ml.ports import ClaimRequest
from triage_ml.storage.embedded import EmbeddedServer
from triage_ml.storage.migrate import migrate
from triage_ml.storage.postgres import PostgresCaseStore
from triage_ml.workflow.intake import Intake
from triage_ml.workflow.scoring import Scoring

COPIES = """
INSERT INTO triage_case
SELECT copy.* FROM triage_case one, generate_series(1, %s) n, jsonb_populate_record(
    one, jsonb_build_object(
        'case_id', gen_random_uuid(), 'item_id', 'copy-' || n, 'tier', n %% 5,
        'base_index', random() * 10, 'lot', random(),
        'due_at', one.due_at + random() * interval '2 days'
    )
) copy
"""
VERSIONS = """
INSERT INTO item_version
SELECT item_id, version_sha256, 'a text', '[]', received_at FROM triage_case
ON CONFLICT DO NOTHING
"""
LEASE = timedelta(minutes=10)


async def fill(url: str, n_cases: int, policy: Policy) -> str:
    """Store `n_cases` open cases in one queue; give its name."""
    migrate(url)
    async with PostgresCaseStore.at(url) as store:
        detector = Detector()  # and no model: a claim does not need scores
        unscored = Scoring(
            None, detector, partial(Batcher, detector=detector), deadline=timedelta(seconds=1)
        )
        intake = Intake(store, unscored, policy, SystemClock())
        item = Item("first", "You are such a loser.", "post", "author")
        report = Report("reporter", Source.USER, Label.HARASSMENT)
        receipt = await intake.submit(item, report, "benchmark")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET session_replication_role TO replica")  # no foreign keys: faster to fill
        db.execute(COPIES, (n_cases - 1,))
        db.execute(VERSIONS)
        db.execute("VACUUM ANALYZE")
    return receipt.placement.queue


async def claim_once(store: PostgresCaseStore, queue: str, policy: Policy) -> float:
    """Claim one case; give the seconds it took."""
    row = policy.priority
    request = ClaimRequest(
        queue=queue,
        reviewer="reviewer",
        n=1,
        lease=LEASE,
        now=datetime.now(UTC),
        urgency_weight=row.urgency_weight,
        age_weight=row.age_weight,
        random_share=row.random_share,
        blind_share=row.blind_share,
    )
    began = time.perf_counter()
    found = await store.claim(request)
    took = time.perf_counter() - began
    if len(found) != 1:
        raise SystemExit(f"a claim found {len(found)} cases")
    return took


async def measure(urls: dict[int, str], n_claims: int) -> dict[int, list[float]]:
    policy = load_policy()
    took: dict[int, list[float]] = {n: [] for n in urls}
    queues = {}
    for n_cases, url in urls.items():
        began = time.perf_counter()
        queues[n_cases] = await fill(url, n_cases, policy)
        print(f"{n_cases:,} cases filled in {time.perf_counter() - began:.0f} s", flush=True)
    few, many = (PostgresCaseStore.at(url) for url in urls.values())
    async with few, many:
        for i in range(n_claims):
            for n_cases, store in zip(urls, (few, many), strict=True):
                found = await claim_once(store, queues[n_cases], policy)
                if i >= n_claims // 10:  # the first tenth warms caches
                    took[n_cases].append(found)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--claims", type=int, default=900)
    asked = parser.parse_args()
    if asked.claims >= asked.few:
        parser.error("--claims must be fewer than --few")
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder) / "pg") as server:
        urls = {}
        for n_cases in (asked.few, asked.many):
            with psycopg.connect(server.url, autocommit=True) as db:
                db.execute(f"CREATE DATABASE claims_{n_cases}")
            place = urlsplit(server.url)
            urls[n_cases] = urlunsplit(place._replace(path=f"/claims_{n_cases}"))
        took = asyncio.run(measure(urls, asked.claims))
    p50, p99 = (
        {n: 1e3 * float(np.quantile(seconds, q)) for n, seconds in took.items()}
        for q in (0.5, 0.99)
    )
    found = {
        "p50_ms": p50,
        "p99_ms": p99,
        "ratio_p50": p50[asked.many] / p50[asked.few],
        "ratio_p99": p99[asked.many] / p99[asked.few],
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
