"""People and intake systems of the story, over HTTP: they report, claim, decide, complain."""

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.story.world import Post, Reviewer

AT_ONCE = 24  # reports under way at a time
CLAIMED = 25  # cases a reviewer takes at once
REASONS_GIVEN = "breaks the rules on respect"


@dataclass
class Crowd:
    """What was sent and what came of it. `posts` is by item id, `cases` item id -> case id."""

    url: str
    intake: str
    posts: dict[str, Post] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    async def report(self, bodies: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Send reports, many at a time. What is not acknowledged stands in `refused`."""
        waiting = asyncio.Semaphore(AT_ONCE)
        async with self._client(self.intake) as client:

            async def send(item_id: str, body: Mapping[str, Any]) -> None:
                async with waiting:
                    answer = await client.post("/v1/reports", json=body)
                if answer.status_code not in (200, 201):
                    self.refused.append(answer.status_code)
                    return
                self.answers.append(answer.json())
                self.cases[item_id] = answer.json()["case_id"]

            await asyncio.gather(*(send(*each) for each in bodies))

    async def review(
        self, reviewers: Sequence[tuple[Reviewer, str]], limit: int, seed: int
    ) -> dict[str, str | None]:
        """Let reviewers empty the queues, up to `limit` decisions; give case id -> finding."""
        found: dict[str, str | None] = {}
        work = [
            self._shift(reviewer, key, found, limit, random.Random(seed + number))
            for number, (reviewer, key) in enumerate(reviewers)
        ]
        await asyncio.gather(*work)
        return found

    async def _shift(
        self,
        reviewer: Reviewer,
        key: str,
        found: dict[str, str | None],
        limit: int,
        chance: random.Random,
    ) -> None:
        async with self._client(key) as client:
            while len(found) < limit:
                queues = (await client.get("/v1/queues")).raise_for_status().json()["queues"]
                open_ones = [row["queue"] for row in queues if row["n_open"] > row["n_claimed"]]
                if not open_ones:
                    return
                taken = await client.post(
                    f"/v1/queues/{chance.choice(open_ones)}/claims", json={"n": CLAIMED}
                )
                for each in taken.raise_for_status().json()["claims"]:
                    finding = reviewer.finds(self.posts[each["case"]["item"]["id"]], chance)
                    await decide(client, each, finding)
                    found[each["case"]["case_id"]] = finding

    async def complain(self, case_ids: Sequence[str]) -> None:
        """Lodge a complaint against each decision."""
        async with self._client(self.intake) as client:
            for case_id in case_ids:
                body = {"complainant_ref": f"author of {case_id}", "grounds": "I meant no harm."}
                answer = await client.post(f"/v1/cases/{case_id}/appeal", json=body)
                answer.raise_for_status()

    def _client(self, key: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60, trust_env=False)


async def decide(
    client: httpx.AsyncClient, claimed: Mapping[str, Any], finding: str | None
) -> None:
    """Decide a claimed case: no action, or removal with a statement of reasons."""
    verdict: dict[str, Any] = {"findings": {}, "action": "no_action"}
    if finding is not None:
        verdict = {
            "findings": {finding: "S2"},
            "action": "remove_content",
            "explanation": REASONS_GIVEN,
        }
    body = {"claim_id": claimed["claim"]["claim_id"], **verdict}
    answer = await client.post(f"/v1/cases/{claimed['case']['case_id']}/decision", json=body)
    answer.raise_for_status()
