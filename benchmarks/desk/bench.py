"""The whole run: start the service, fill its database, let people work, and look what is stored."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import httpx

from benchmarks.desk.checks import check
from benchmarks.desk.copies import LEASE, copy_cases, decided_cases, share_out, spread
from benchmarks.desk.reviewers import Desk, Reviewer, Told
from benchmarks.desk.templates import make_templates
from benchmarks.desk.timing import histograms, rows
from benchmarks.load.processes import StartFailed, cpu_busy_share, describe_machine
from benchmarks.load.targets import HOST, OurService
from serving.app import SystemClock
from serving.console.passwords import Argon2Hasher
from triage_ml.domain.account import SCOPES
from triage_ml.domain.case import CaseState
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
from triage_ml.policy import load_policy
from triage_ml.storage.embedded import EmbeddedServer
from triage_ml.storage.postgres import PostgresCaseStore
from triage_ml.workflow.accounts import Accounts
from triage_ml.workflow.review import RESTRICTED, Review

Say = Callable[[str], None]
N_EARLIER = 12
"""People whose decisions are in the database already."""
LEAD_EVERY = 10
"""One in so many reviewers is a lead, who sees more pages and the restricted queues."""
N_WATCHERS = 2
N_LOOKED_UP = 500
PATIENCE_SECONDS = 60.0
"""How long the last requests may take after the time is over."""


@dataclass(frozen=True)
class Options:
    """How much there is, how many work on it, for how long, and how long they read at most."""

    cases: int = 100_000
    reviewers: int = 50
    seconds: float = 60.0
    think_seconds: float = 20.0
    seed: int = 1


def run(options: Options, say: Say) -> dict[str, Any]:
    """Measure, and give what was found. Raises: StartFailed, PermissionError."""
    began_at = datetime.now(UTC)
    password = secrets.token_urlsafe(12)
    told = Told()
    with OurService("reports") as service, EmbeddedServer(service.database_folder) as database:
        say(f"the service is ready after {service.ready_seconds:.1f} s")
        counts = share_out(options.cases)
        leads, people = asyncio.run(_begin(options, service, database.url, password, counts))
        say(f"{len(leads)} leads, {len(people)} others and the first cases are there")
        begun = time.monotonic()
        copy_cases(database.url, counts, options.seed)
        say(f"{options.cases:,} cases are there, copied in {time.monotonic() - begun:.0f} s")
        found: dict[str, Any] = {
            "began_at": began_at.isoformat(timespec="seconds"),
            "machine": describe_machine(),
            "of": asdict(options),
            "spread": spread(database.url),
            "busy_before": round(cpu_busy_share(), 3),
        }
        desk = Desk(
            f"http://{HOST}:{service.port}",
            password,
            decided_cases(database.url, load_policy(), N_LOOKED_UP),
            leads[0],
            options.think_seconds,
        )
        found.update(asyncio.run(_work(options, desk, leads, people, told, say)))
        found["checks"] = check(database.url, told)
    say(f"checked: {sum(found['checks'].values())} findings")
    return found


async def _begin(
    options: Options,
    service: OurService,
    url: str,
    password: str,
    counts: Mapping[CaseState, int],
) -> tuple[list[str], list[str]]:
    """Make accounts and the first cases; give the names of leads and of other reviewers."""
    policy, clock = load_policy(), SystemClock()
    n_leads = max(1, options.reviewers // LEAD_EVERY)
    leads = [f"lead-{number:02}" for number in range(n_leads)]
    people = [f"reviewer-{number:02}" for number in range(options.reviewers - n_leads)]
    async with (
        PostgresCaseStore.at(url) as store,
        httpx.AsyncClient(
            base_url=f"http://{HOST}:{service.port}",
            headers=service.call.headers,
            timeout=30.0,
            trust_env=False,
        ) as client,
    ):
        accounts = Accounts(store, clock, Argon2Hasher())
        earlier = [
            await accounts.create(f"earlier-{n:02}", f"Earlier {n}", {"review", RESTRICTED}, None)
            for n in range(N_EARLIER)
        ]
        await _add(accounts, leads, SCOPES - {"admin", "intake"}, password)
        await _add(accounts, people, frozenset({"review"}), password)
        review = Review(store, policy, clock, accounts=store, lease=LEASE)
        await make_templates(client, url, review, policy, earlier, counts)
    return leads, people


async def _add(
    accounts: Accounts, names: Sequence[str], scopes: frozenset[str], password: str
) -> None:
    """Make accounts that read the console in each of its languages in turn."""

    async def add(name: str, language: Language) -> None:
        made = await accounts.create(name, name, scopes, password)
        await accounts.prefer(made, locale=language, time_zone="Europe/Berlin", excluded_labels=())

    await asyncio.gather(*map(add, names, cycle(SUPPORTED_LANGUAGES)))


async def _work(
    options: Options, desk: Desk, leads: Sequence[str], people: Sequence[str], told: Told, say: Say
) -> dict[str, Any]:
    """Sign everybody in and let them work for the time, with some queues being watched."""
    async with AsyncExitStack() as stack:
        everybody = []
        for number, name in enumerate([*leads, *people]):
            everybody.append(Reviewer(name, desk, told, options.seed * 1000 + number))
            stack.push_async_callback(everybody[-1].close)
        await asyncio.gather(*(one.sign_in() for one in everybody))
        say(f"{len(everybody)} people are signed in")
        left_out = await _find_pages((everybody[: len(leads)], everybody[len(leads) :]))
        before = histograms(await _metrics(desk.url))
        begun, cpu = time.monotonic(), time.process_time()
        until = begun + options.seconds
        beside = [asyncio.create_task(one.watch()) for one in everybody[:N_WATCHERS]]
        beside.append(asyncio.create_task(_tell(told, until, say)))
        try:
            async with asyncio.timeout(options.seconds + PATIENCE_SECONDS):
                await asyncio.gather(*(one.work(until) for one in everybody))
        except TimeoutError:
            told.errors["unfinished a minute after the end"] += 1
        finally:
            took = time.monotonic() - begun
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        after = histograms(await _metrics(desk.url))
    return {
        "left_out": left_out,
        "seconds": round(took, 1),
        "requests_per_second": round(sum(map(len, told.seconds.values())) / took, 1),
        "client_cpu": round((time.process_time() - cpu) / took, 3),
        "n_claims": len(told.held),
        "n_decisions": len(told.decided),
        "steps": dict(told.steps),
        "errors": dict(told.errors),
        "rows": rows(told.seconds, before, after),
    }


async def _find_pages(kinds: Sequence[Sequence[Reviewer]]) -> dict[str, int]:
    """Let everybody know the pages of their kind; give what none of them may see.

    Raises: StartFailed.
    """
    left_out: dict[str, int] = {}
    seen: set[str] = set()
    for kind in filter(None, kinds):
        answers = await kind[0].find_pages()
        broken = {page: status for page, status in answers.items() if status >= 500}
        if broken:
            raise StartFailed(f"pages that fail: {broken}")
        pages = [page for page, status in answers.items() if status == 200]
        for reviewer in kind:
            reviewer.look_at(pages)
        seen.update(pages)
        left_out |= {page: status for page, status in answers.items() if status != 200}
    return {page: status for page, status in left_out.items() if page not in seen}


async def _tell(told: Told, until: float, say: Say) -> None:
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(10.0, left))
        n_errors = sum(told.errors.values())
        say(f"{len(told.held):,} cases taken, {len(told.decided):,} decided, {n_errors} errors")


async def _metrics(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30.0) as client:
        return (await client.get("/metrics")).raise_for_status().text
