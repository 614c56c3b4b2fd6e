"""People at the desk, over HTTP: they sign in, take cases, read, decide, and look around.

Each has a client with its own cookies on kept-alive connections, and sends only what a page's form
holds. A request counts from its sending to the last byte of its answer, on the loopback.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import httpx

from benchmarks.desk.forms import form_in, waiting_queues

SIGN_IN, QUEUES = "/console/sign-in", "/console/queues"
CASE = "/console/cases/{case_id}"
PAGES = (
    QUEUES,
    "/console/preferences",
    CASE,  # a decided one
    "/console/mine",
    "/console/trends",
    "/console/trends/data",
    "/console/trends/cases",
    "/console/trends/export.csv",
    "/console/trends/export.xlsx",
    "/console/leads",
    "/console/leads/quality",
    "/console/leads/measures",
    "/console/quality",
    "/console/care",
    "/console/care/group",
    "/console/break",
    "/console/models",
    "/console/means",
    "/console/means/data",
    "/console/means/export.csv",
    "/console/means/export.xlsx",
    "/console/drift",
    "/console/drift/data",
    "/console/labelling",
)
"""What people look at besides their case. Who may not see a page, or has none, leaves it out."""

WITH_QUERY = frozenset({"/console/trends/export.csv", "/console/trends/export.xlsx"})
"""Of these the address names a chart."""

LOOKS_AROUND = 0.25  # shares of cases
PAGES_AT_ONCE = 1
RENEWS = 0.3
RELEASES, ESCALATES, FINDS_GAP = 0.06, 0.05, 0.03
FINDS_VIOLATION = 0.5
TIMEOUT_SECONDS = 30.0
KEPT_SECONDS = 4.0
"""The server closes an idle connection after five: a request must not cross with that."""
SEVERITIES = ("S1", "S2", "S3")
ACTIONS = ("warn_author", "label_content", "reduce_reach", "remove_content")


@dataclass
class Told:
    """What the server answered: times in seconds by route, and what it acknowledged.

    `held` maps each claim to who was shown its case, `decided` each claim to its case.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    held: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    decided: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Desk:
    """Where people work: the address, cases they can look up, whom they escalate to."""

    url: str
    password: str
    decided: Sequence[str]
    lead: str
    think_seconds: float


class Reviewer:
    """One person with one browser."""

    def __init__(self, name: str, desk: Desk, told: Told, seed: int) -> None:
        self.name = name
        self._desk = desk
        self._told = told
        self._draw = random.Random(seed)
        self._pages: Iterator[str] = iter(())
        self._client = httpx.AsyncClient(
            base_url=desk.url,
            headers={"Accept": "text/html,*/*;q=0.8"},
            timeout=TIMEOUT_SECONDS,
            limits=httpx.Limits(keepalive_expiry=KEPT_SECONDS),
            trust_env=False,
            verify=False,  # there is no TLS here, and certificates take a second to read
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def sign_in(self) -> None:
        """Raises: PermissionError."""
        page = await self._client.get(SIGN_IN)
        fields = form_in(page.text, SIGN_IN) or {}
        given = {**fields, "name": self.name, "password": self._desk.password}
        answer = await self._client.post(SIGN_IN, data=given)
        if answer.status_code != 303:
            raise PermissionError(f"{self.name} cannot sign in: {answer.status_code}")

    async def find_pages(self) -> dict[str, int]:
        """Give the status of every page."""
        answers = {}
        for route in PAGES:
            answers[route] = (await self._client.get(self._path(route))).status_code
        return answers

    def look_at(self, pages: Sequence[str]) -> None:
        """Look at these pages in turn from now on, beginning at one of them."""
        first = self._draw.randrange(len(pages))
        self._pages = cycle([*pages[first:], *pages[:first]])

    async def work(self, until: float) -> None:
        """Take and finish cases until a moment of `time.monotonic`."""
        await self._think()  # people do not come all in one second
        while time.monotonic() < until:
            case = await self._take()
            if case is None:
                await self._think()
            while case is not None and time.monotonic() < until:
                case = await self._review(case)

    async def watch(self) -> None:
        """Follow the live queues until cancelled."""
        while True:
            try:
                async with self._client.stream("GET", f"{QUEUES}/live") as answer:
                    if answer.status_code != 200:
                        self._told.errors[f"GET {QUEUES}/live: {answer.status_code}"] += 1
                        return
                    async for line in answer.aiter_lines():
                        self._told.steps["live updates"] += line == "event: depths"
            except httpx.HTTPError as error:
                self._told.errors[f"GET {QUEUES}/live: {type(error).__name__}"] += 1
                return

    async def _take(self) -> str | None:
        """Look at the queues and claim from one where cases wait; give the way to the case."""
        page = await self._get(QUEUES, QUEUES)
        waiting = waiting_queues(page)
        if not waiting:
            return None
        queue = self._draw.choice(waiting)
        path = f"{QUEUES}/{queue}/next"
        fields = form_in(page, path)
        if fields is None:
            self._told.errors[f"GET {QUEUES}: no form to take a case"] += 1
            return None
        return _case_at(await self._send(path, f"{QUEUES}/{{queue}}/next", fields, "take"))

    async def _review(self, case: str) -> str | None:
        """Read a case and finish it; give the way to the next one, if it opens at once."""
        page = await self._get(case, CASE, "held")
        place = case.partition("?")[0]
        fields = form_in(page, f"{place}/decide")
        if fields is None or "claim_id" not in fields:
            if page:
                self._told.errors[f"GET {CASE}: no form to decide"] += 1
            return None
        claim = fields["claim_id"]
        self._told.held[claim].add(self.name)
        await self._think()
        if self._draw.random() < LOOKS_AROUND:
            await self._look_around()
        if self._draw.random() < RENEWS:
            await self._renew(claim, fields["csrf"])
        way = self._draw.random()
        if way < RELEASES:
            return await self._end(place, "release", page, {"reason": "Not my field."})
        if way < RELEASES + ESCALATES:
            given = {"owner": self._desk.lead, "reason": "A second look is needed."}
            return await self._end(place, "escalate", page, given)
        gap = way < RELEASES + ESCALATES + FINDS_GAP
        verdict = {"action": "no_action", "gap": "1"} if gap else self._verdict()
        given = {**fields, **verdict, "next": "1"}
        step = "policy gap" if gap else "decide"
        following = await self._send(f"{place}/decide", f"{CASE}/decide", given, step)
        if following is not None and not gap:
            self._told.decided[claim] = place.rpartition("/")[2]
        return _case_at(following)

    def _verdict(self) -> dict[str, str]:
        if self._draw.random() >= FINDS_VIOLATION:
            return {"action": "no_action"}
        return {
            "label": "harassment",
            "severity.harassment": self._draw.choice(SEVERITIES),
            "action": self._draw.choice(ACTIONS),
            "facts": "A person is put down.",
            "explanation": "The text belittles a person, which the rules do not allow.",
        }

    async def _end(self, place: str, step: str, page: str, given: Mapping[str, str]) -> None:
        fields = form_in(page, f"{place}/{step}") or {}
        await self._send(f"{place}/{step}", f"{CASE}/{step}", {**fields, **given}, step)

    async def _look_around(self) -> None:
        for route in islice(self._pages, PAGES_AT_ONCE):
            await self._get(self._path(route), route, "decided" if route == CASE else "")

    async def _renew(self, claim: str, csrf: str) -> None:
        answer = await self._ask(
            "POST",
            f"/console/claims/{claim}/renew",
            "/console/claims/{claim_id}/renew",
            200,
            headers={"X-CSRF-Token": csrf},
        )
        self._told.steps["renew"] += answer is not None

    async def _get(self, path: str, route: str, kind: str = "") -> str:
        answer = await self._ask("GET", path, f"{route} ({kind})" if kind else route, 200)
        return "" if answer is None else answer.text

    async def _send(
        self, path: str, route: str, fields: Mapping[str, str], step: str
    ) -> str | None:
        """Send a form; give where it leads, or None where it was refused."""
        answer = await self._ask("POST", path, route, 303, data=fields)
        if answer is None:
            return None
        self._told.steps[step] += 1
        return str(answer.headers["location"])

    async def _ask(
        self, method: str, path: str, route: str, expected: int, **given: Any
    ) -> httpx.Response | None:
        name = f"{method} {route}"
        began = time.perf_counter()
        try:
            answer = await self._client.request(method, path, **given)
        except httpx.HTTPError as error:
            self._told.errors[f"{name}: {type(error).__name__}"] += 1
            return None
        self._told.seconds[name].append(time.perf_counter() - began)
        if answer.status_code != expected:
            self._told.errors[f"{name}: {answer.status_code}"] += 1
            return None
        return answer

    async def _think(self) -> None:
        await asyncio.sleep(self._desk.think_seconds * self._draw.random())

    def _path(self, route: str) -> str:
        path = route.replace("{case_id}", self._draw.choice(self._desk.decided))
        return f"{path}?chart=reports" if route in WITH_QUERY else path


def _case_at(location: str | None) -> str | None:
    """Give a location if a case is there, and no queue that had none."""
    return location if location and location.startswith("/console/cases/") else None
