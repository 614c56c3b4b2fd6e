"""Post real reports over HTTP, review them, kill the server on the way, and count what is left.

    python benchmarks/survive.py --reports 20000 --reviewers 8 --kills 5

Shows that every acknowledged report is stored once, that no case is held by two reviewers at
a time, and that the log holds no illegal transition. Needs the labelled corpora (TRIAGE_DATA);
without them the demo's own texts are repeated. Exit status 1 when anything is wrong.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from audit import audit
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

console = Console()
REASONS = ("hate", "harassment", "violent_threat", "self_harm", "deception_spam", None)
SOURCES = ("user",) * 18 + ("trusted_flagger", "proactive")


class Server:
    """The service in a process group of its own, so that one signal ends all of it."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            **os.environ,
            "TRIAGE_DATA_DIR": str(folder),
            "TRIAGE_PORT": str(self.port),
            "TRIAGE_LEASE": "5",
            "TRIAGE_LOG_LEVEL": "warning",
        }
        if database:
            self.env["TRIAGE_DATABASE_URL"] = database
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start and wait until ready; give the seconds that took."""
        begun = time.monotonic()
        command = [sys.executable, "-m", "triage_ml.cli", "serve"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        while time.monotonic() - begun < 60:
            if self.process.poll() is not None:
                raise SystemExit((self.folder / "server.log").read_text()[-2000:])
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False, timeout=2).is_success:
                    return time.monotonic() - begun
            except httpx.TransportError:
                time.sleep(0.05)
        raise SystemExit("the server was not ready within 60 s")

    def kill(self, *, database_too: bool) -> None:
        """Kill without warning; the embedded database has a session of its own."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        pid_file = self.folder / "postgres" / "data" / "postmaster.pid"
        if database_too and pid_file.exists():
            os.killpg(int(pid_file.read_text().split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


class Run:
    """What clients were told, to be compared with what the database holds."""

    def __init__(self, bodies: list[dict[str, Any]], server: Server, keys: dict[str, str]) -> None:
        self.bodies = bodies
        self.server = server
        self.keys = keys
        self.acknowledged: dict[str, str] = {}  # Idempotency-Key -> report id
        self.decided: set[str] = set()
        self.answers: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.all_posted = asyncio.Event()

    def client(self, key: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.keys[key]}"}
        return httpx.AsyncClient(
            base_url=self.server.url, headers=headers, timeout=30, trust_env=False
        )

    async def post_all(self, n_clients: int) -> None:
        numbers = iter(range(len(self.bodies)))
        async with self.client("intake") as client:
            await asyncio.gather(*(self._post_some(client, numbers) for _ in range(n_clients)))
        self.all_posted.set()

    async def _post_some(self, client: httpx.AsyncClient, numbers: Any) -> None:
        for number in numbers:
            key = f"bench-{number}"
            while True:
                begun = time.monotonic()
                answer = await self._call(client, "/v1/reports", self.bodies[number], key)
                if answer is not None and answer.status_code == 201:
                    self.acknowledged[key] = answer.json()["report_id"]
                    self.seconds.append(time.monotonic() - begun)
                    break
                if answer is not None and answer.status_code not in (429, 500, 503):
                    raise SystemExit(f"report refused: {answer.status_code} {answer.text[:300]}")
                await asyncio.sleep(0.1)

    async def review(self, name: str, queues: list[str], seed: int) -> None:
        draw = random.Random(seed)
        idle = 0
        async with self.client(name) as client:
            while not (self.all_posted.is_set() and idle > len(queues)):
                queue = draw.choice(queues)
                answer = await self._call(client, f"/v1/queues/{queue}/claims", {"n": 8})
                if answer is None or not answer.is_success:
                    await asyncio.sleep(0.1)
                    continue
                claims = answer.json()["claims"]
                idle = 0 if claims else idle + 1
                for claim in claims:
                    await self._decide(client, claim, draw)

    async def _decide(
        self, client: httpx.AsyncClient, claimed: dict[str, Any], draw: random.Random
    ) -> None:
        claim, case_id = claimed["claim"]["claim_id"], claimed["case"]["case_id"]
        if draw.random() < 0.02:  # walk away: the lease has to run out
            self.answers["left to expire"] += 1
            return
        if draw.random() < 0.03:
            await self._call(client, f"/v1/claims/{claim}/release", {"reason": "not mine"})
            return
        body = {"claim_id": claim, "findings": {}, "action": "no_action"}
        answer = await self._call(client, f"/v1/cases/{case_id}/decision", body)
        if answer is not None and answer.is_success:
            self.decided.add(case_id)

    async def _call(
        self, client: httpx.AsyncClient, path: str, body: Any, key: str | None = None
    ) -> httpx.Response | None:
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = await client.post(path, json=body, headers=headers)
        except httpx.TransportError:
            self.answers["no answer (killed)"] += 1
            return None
        self.answers[f"{path.split('/')[2]} {answer.status_code}"] += 1
        return answer


async def kill_on_the_way(run: Run, n_kills: int, bar: Any) -> list[float]:
    """Kill whenever another share of the reports is acknowledged; give the restart times.

    Every second time the embedded database is killed with the service, and has to recover.
    """
    restarts: list[float] = []
    marks = [len(run.bodies) * (i + 1) // (n_kills + 1) for i in range(n_kills)]
    while not run.all_posted.is_set():
        bar(len(run.acknowledged))
        if marks and len(run.acknowledged) >= marks[0]:
            marks.pop(0)
            run.server.kill(database_too=len(restarts) % 2 == 1)
            restarts.append(await asyncio.to_thread(run.server.start))
        await asyncio.sleep(0.05)
    return restarts


def make_bodies(texts: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Make reports of texts; every tenth is about an item that was reported before."""
    draw = random.Random(11)
    bodies: list[dict[str, Any]] = []
    for number, (_, text) in enumerate(texts):
        if number % 10 == 9:
            item = draw.choice(bodies[-200:])["item"]
        else:
            item = {
                "id": f"item-{number}",
                "text": text,
                "surface": draw.choice(("post", "comment", "message")),
                "author_ref": f"author-{draw.randrange(3000)}",
                "views_per_hour": round(draw.lognormvariate(2, 2), 1),
            }
        report = {
            "reporter_ref": f"reporter-{draw.randrange(2000)}",
            "source": draw.choice(SOURCES),
            "reason": draw.choice(REASONS),
        }
        bodies.append({"item": item, "report": {k: v for k, v in report.items() if v}})
    return bodies


def read_texts(n: int) -> list[tuple[str, str]]:
    data = os.environ.get("TRIAGE_DATA", "../shared/data")
    if Path(data).is_dir():
        from texts import sample

        return sample(Path(data), n)
    from serving.demo import demo_reports

    console.print("TRIAGE_DATA is not set: the demo's own texts are repeated")
    own = [("", body["item"]["text"]) for body in demo_reports()]
    return [own[i % len(own)] for i in range(n)]


def make_keys(server: Server, n_reviewers: int) -> dict[str, str]:
    scopes = {"intake": ["intake"]}
    scopes |= {f"reviewer-{i}": ["review", "restricted"] for i in range(n_reviewers)}
    made = {}
    for name, wanted in scopes.items():
        command = [sys.executable, "-m", "triage_ml.cli", "keys", "create", name]
        command += [f"--scope={scope}" for scope in wanted]
        made[name] = subprocess.check_output(command, env=server.env, text=True).strip()
    return made


async def drive(run: Run, n_reviewers: int, n_clients: int, n_kills: int) -> dict[str, Any]:
    from triage_ml.policy import load_policy

    queues = list(load_policy().queues)
    begun = time.monotonic()
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("reports acknowledged", total=len(run.bodies))
        _, restarts, *_ = await asyncio.gather(
            run.post_all(n_clients),
            kill_on_the_way(run, n_kills, lambda n: progress.update(task, completed=n)),
            *(run.review(f"reviewer-{i}", queues, i) for i in range(n_reviewers)),
        )
    took = sorted(run.seconds)
    return {
        "reports": len(run.bodies),
        "seconds": round(time.monotonic() - begun, 1),
        "kills": len(restarts),
        "restart_seconds": [round(s, 2) for s in restarts],
        "report_seconds_p50": round(took[len(took) // 2], 3),
        "report_seconds_p99": round(took[int(len(took) * 0.99)], 3),
        "answers": dict(sorted(run.answers.items())),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--reports", type=int, default=20_000)
    parser.add_argument("--reviewers", type=int, default=8)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--database", help="an external server instead of the embedded one")
    parser.add_argument("--out", type=Path, help="write the result as JSON")
    options = parser.parse_args()
    bodies = make_bodies(read_texts(options.reports))
    with tempfile.TemporaryDirectory(prefix="triage-survive-") as folder:
        os.chmod(folder, 0o755)  # the embedded database may run as another user
        server = Server(Path(folder), options.database)
        first_start = server.start()
        try:
            run = Run(bodies, server, make_keys(server, options.reviewers))
            result = asyncio.run(drive(run, options.reviewers, options.clients, options.kills))
        finally:
            server.stop()
        result["first_start_seconds"] = round(first_start, 2)
        result["checks"] = audit(server.env, run.acknowledged, run.decided)
    show(result)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(any(result["checks"].values()))


def show(result: dict[str, Any]) -> None:
    table = Table("what", "value")
    for name, value in result.items():
        if name != "checks":
            table.add_row(name, str(value))
    console.print(table)
    checks = Table("must be 0", "found")
    for name, found in result["checks"].items():
        checks.add_row(name, str(found))
    console.print(checks)


if __name__ == "__main__":
    main()
