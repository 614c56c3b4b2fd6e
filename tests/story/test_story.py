"""The learning loop as its users live it: one story on real text, from a clean start.

5,000 reports, reviewers of stated accuracy, a new insult that the champion misses, a retrained
challenger, its queue diff, shadow, canary, promotion; then a bad challenger that the gates refuse
and another one that the guard rolls back. Everything is done with the commands of
docs/how-to/retrain.md beside a running server; STORY_OUT keeps what they print.
"""

import asyncio
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import httpx
import psycopg
import pytest

from tests.story.crowd import Crowd
from tests.story.planted import TERMS, planted
from tests.story.sabotage import alarmist, careless_settings, damaged
from tests.story.server import Server
from tests.story.world import REVIEWERS, Post, all_posts, bodies
from training.config import EXPERIMENTS
from triage_ml.inference.artifact import SHIPPED

pytestmark = [pytest.mark.data, pytest.mark.timeout(2_400)]

LANGUAGE = "de"
OPEN = {f"std-{language}-safety" for language in ("en", "de", "es", "ko")}
N_REPORTS = int(os.environ.get("STORY_REPORTS", "5000"))
N_PLANTED = 300
N_SINCE = 300
N_COMPLAINTS = 40
PATIENCE = 120  # seconds for what servers do by themselves


Sides = tuple[Sequence[float], Sequence[float]]
"""Scores of violating and of harmless sentences."""


@dataclass
class Story:
    """Where the story stands: the server, the people, and what was told so far."""

    server: Server
    folder: Path
    data: Path
    crowd: Crowd
    keys: list[Any]
    database: str
    chance: random.Random = field(default_factory=lambda: random.Random(6))
    planted_before: Sides = ((), ())
    erased: str = ""
    told: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def tell(self, line: str) -> None:
        """Keep a line of the transcript, with the minutes since the beginning."""
        minutes = (time.monotonic() - self.began) / 60
        self.told.append(f"[{minutes:4.1f} min] {line}")
        if out := os.environ.get("STORY_OUT"):
            Path(out).write_text("\n".join(self.told) + "\n", "utf-8")

    def triage(self, *words: str, status: int = 0) -> str:
        written = self.server.triage(*words, status=status)
        self.tell(f"$ triage {' '.join(words)}\n{written.rstrip()}")
        return written

    def send(self, posts: Sequence[Post], prefix: str) -> list[dict[str, Any]]:
        """Report posts; give the answers. None may be refused."""
        before = len(self.crowd.answers)
        self.crowd.posts |= {
            item_id: post for (item_id, _), post in zip(bodies(posts, prefix), posts, strict=True)
        }
        asyncio.run(self.crowd.report(bodies(posts, prefix)))
        assert self.crowd.refused == []
        answers = self.crowd.answers[before:]
        assert len(answers) == len(posts)
        return answers

    def fresh(self, n: int, seed: int) -> list[Post]:
        """Draw posts that nobody reported yet."""
        known = {post.text for post in self.crowd.posts.values()}
        drawn = all_posts(self.data, [], 9_000, random.Random(seed))
        return [post for post in drawn if post.text not in known][:n]

    def scores(self, posts: Sequence[Post]) -> list[float]:
        """Ask the live model for the chance of a violation."""
        items = [{"text": post.text, "language_hint": post.language} for post in posts]
        answer = httpx.post(
            f"{self.server.url}/v1/score",
            json={"texts": items},
            headers={"Authorization": f"Bearer {self.crowd.intake}"},
            timeout=60,
            trust_env=False,
        )
        return [row["p_violation"] for row in answer.raise_for_status().json()["scores"]]

    def open_case(self, prefix: str) -> str:
        """Give a case of a report sent under that prefix, neither restricted nor erased."""
        shown = {answer["case_id"] for answer in self.crowd.answers if answer["queue"] in OPEN}
        return next(
            case_id
            for item_id, case_id in self.crowd.cases.items()
            if item_id.rpartition("-")[0] == prefix and case_id in shown and item_id != self.erased
        )

    def served(self) -> str:
        answer = httpx.get(f"{self.server.url}/readyz", trust_env=False, timeout=10)
        return str(answer.raise_for_status().json()["model_version"])

    def count(self, query: str, *values: Any) -> int:
        with psycopg.connect(self.database) as connection:
            row = connection.execute(query, values).fetchone()
        assert row is not None
        return int(row[0])

    def n_scored(self, version: str, arm: str) -> int:
        """Count the records of scores that a model made as what."""
        query = "SELECT count(*) FROM score WHERE model_version = %s AND arm = %s::score_arm"
        return self.count(query, version, arm)

    def wait_for(self, what: str, seen: Any) -> None:
        until = time.monotonic() + PATIENCE
        while not seen():
            assert time.monotonic() < until, f"not within {PATIENCE} s: {what}"
            time.sleep(0.5)


@pytest.fixture
def story(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[Story]:
    data = os.environ.get("TRIAGE_DATA")
    if not data:
        pytest.skip("TRIAGE_DATA names no folder of public corpora")
    database = new_database()
    with Server(tmp_path, TRIAGE_DATA=data, TRIAGE_DATABASE_URL=database) as server:
        keys = [(x, server.key(x.name, "review", "restricted")) for x in REVIEWERS]
        crowd = Crowd(server.url, server.key("intake", "intake"))
        yield Story(server, tmp_path, Path(data), crowd, keys, database)


def planted_posts(n: int, seed: int, *, held_out: bool = False) -> list[Post]:
    return [
        Post(row.text, LANGUAGE, "harassment" if row.violating else None, "harassment", True)
        for row in planted(LANGUAGE, n, seed, held_out=held_out)
    ]


def test_the_learning_loop(story: Story) -> None:
    """Each chapter begins where the one before ended."""
    reported(story)
    decided(story)
    folder = exported(story)
    challenger = retrained(story, folder)
    compared(story, challenger)
    shadowed(story, challenger)
    on_canary(story, challenger)
    promoted(story, challenger)
    refused_by_gates(story, folder)
    refused_as_damaged(story)
    rolled_back(story)
    nothing_is_lost(story)


def reported(story: Story) -> None:
    """The champion is the shipped model, and it does not know the new insult."""
    posts = all_posts(story.data, planted_posts(N_PLANTED, 1), N_REPORTS, random.Random(1))
    story.tell(f"{len(posts)} posts: {dict(Counter(post.language for post in posts))}")
    began = time.monotonic()
    answers = story.send(posts, "post")
    seconds = time.monotonic() - began
    late = sum(answer["degraded"] for answer in answers)
    story.tell(
        f"{len(answers)} reports acknowledged in {seconds:.0f} s, none refused; {late} were queued "
        "before their scores and scored afterwards"
    )
    insults, plain = story.planted_before = by_truth(story)
    story.tell(
        f"the champion gives sentences with the word {mean(insults):.2f}, with plain words "
        f"{mean(plain):.2f} (chance of a violation; held-out sentences)"
    )


def by_truth(story: Story) -> tuple[list[float], list[float]]:
    """Score held-out planted sentences; violating ones first."""
    posts = planted_posts(160, 2, held_out=True)
    found = story.scores(posts)
    pairs = list(zip(posts, found, strict=True))
    return [p for x, p in pairs if x.label], [p for x, p in pairs if not x.label]


def gained(before: Sides, after: Sides, chance: random.Random) -> tuple[float, float]:
    """Give the 95 % interval of the gain in AUC, both drawn anew from the same sentences."""
    places = [range(len(side)) for side in before]
    found = []
    for _ in range(1_000):
        drawn = [chance.choices(place, k=len(place)) for place in places]
        first, second = (
            auc(*([side[i] for i in rows] for side, rows in zip(sides, drawn, strict=True)))
            for sides in (before, after)
        )
        found.append(second - first)
    found.sort()
    return found[25], found[974]


def auc(violating: Sequence[float], harmless: Sequence[float]) -> float:
    """Give how often a violating text is above a harmless one."""
    wins = sum((x > y) + 0.5 * (x == y) for x in violating for y in harmless)
    return wins / (len(violating) * len(harmless))


def decided(story: Story) -> None:
    """Reviewers empty the queues; some authors complain, and somebody else looks again."""
    crowd = story.crowd
    first = asyncio.run(crowd.review(story.keys, N_REPORTS, seed=3))
    truth = {crowd.cases[item_id]: post.label for item_id, post in crowd.posts.items()}
    right = sum(truth[case_id] == finding for case_id, finding in first.items())
    story.tell(
        f"{len(first)} decisions, {right / len(first):.1%} right; reviewers are right in "
        f"{min(r.accuracy for r in REVIEWERS):.0%} to {max(r.accuracy for r in REVIEWERS):.0%}"
    )
    assert len(first) >= 0.99 * len(set(crowd.cases.values()))
    wronged = [case_id for case_id, x in first.items() if x and truth[case_id] is None]
    asyncio.run(crowd.complain(wronged[:N_COMPLAINTS]))
    second = asyncio.run(crowd.review(story.keys, N_COMPLAINTS, seed=4))
    overturned = sum(finding is None for finding in second.values())
    story.tell(f"{len(second)} complaints decided by somebody else, {overturned} overturned")
    assert overturned > len(second) / 2


def exported(story: Story) -> Path:
    """Decisions become examples; what was erased is not among them, nor are handles."""
    item_id, post = next((i, p) for i, p in story.crowd.posts.items() if not p.planted)
    story.triage("erase", item_id, "--why", "the author asked for it")
    story.erased = item_id
    folder = story.folder / "decisions"
    story.triage("decisions", "export", "--out", str(folder))
    story.triage("decisions", "show", str(folder))
    lines = (folder / "examples.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    said_by_others = sum(p.text == post.text for p in story.crowd.posts.values()) > 1
    assert said_by_others or post.text not in texts
    assert sum(TERMS[LANGUAGE] in text for text in texts) > N_PLANTED / 3
    handles = {name for text in texts for name in re.findall(r"(?<!\w)@(\w+)", text)}
    assert handles <= {"user", "email", "phone"}
    return folder


def retrained(story: Story, decisions: Path) -> str:
    """The challenger knows the insult, and no language is worse beyond its interval."""
    story.triage("model", "adopt", "--why", "the model that comes with the product")
    began = time.monotonic()
    words = ("--decisions", str(decisions), "--experiment", "retrain-quick")
    story.triage("retrain", *words, "--out", str(story.folder / "retrain"))
    story.tell(f"retrained in {(time.monotonic() - began) / 60:.1f} minutes")
    versus = json.loads((story.folder / "retrain" / "versus.json").read_text("utf-8"))
    for cell in versus["cells"]:
        if cell["output"] == "violation":
            found = cell["measures"]["auc"]
            low, high = found["difference"]["low"], found["difference"]["high"]
            story.tell(
                f"{cell['part']:9} {cell['language']}: AUC {found['champion']:.3f} -> "
                f"{found['challenger']:.3f}, difference {low:+.3f} to {high:+.3f}"
            )
            if cell["part"] == "public":
                assert high >= 0, cell["language"]
    manifest = json.loads((story.folder / "retrain" / "artifact" / "manifest.json").read_text())
    return str(manifest["model_version"])


def compared(story: Story, challenger: str) -> None:
    """The queue diff: which past cases move, and what that does to harm that waits.

    What came in while the challenger learned is what it cannot remember, and stands apart.
    """
    story.send(story.fresh(N_SINCE, 10), "since")
    found = asyncio.run(story.crowd.review(story.keys, N_SINCE, seed=5))
    story.tell(f"{N_SINCE} more reports since the export, {len(found)} decided")
    out = story.folder / "diff.json"
    story.triage(
        *("compare", "--model", "live", "--model", "challenger", "--last", "2000"),
        *("--repeat", "5", "--json", str(out)),
    )
    diff = json.loads(out.read_text("utf-8"))
    assert diff["after"]["model"] == challenger
    assert 0.9 * N_SINCE <= diff["came_later"]["n_cases"] <= N_SINCE


def shadowed(story: Story, challenger: str) -> None:
    """As a shadow it scores what comes in, and places nothing."""
    story.triage("model", "shadow", "challenger", "--why", "first look at live traffic")
    begin_traffic(story, challenger, "shadow")
    posts = [*story.fresh(250, 11), *planted_posts(40, 12, held_out=True)]
    answers = story.send(posts, "shadow")
    assert challenger not in {answer["model_version"] for answer in answers}
    story.wait_for("shadow scores", lambda: story.n_scored(challenger, "shadow") >= 200)
    story.triage("model", "trial")


def begin_traffic(story: Story, version: str, arm: str) -> None:
    """Report a post at a time until the servers have heard of a model."""
    posts = iter(story.fresh(400, len(story.crowd.posts)))

    def heard() -> bool:
        story.send([next(posts)], f"{version}-{arm}-{len(story.crowd.posts)}")
        return story.n_scored(version, arm) > 0

    story.wait_for(f"{version} scores as {arm}", heard)


def on_canary(story: Story, challenger: str) -> None:
    """A share of the texts is placed by it; no report is refused, the guard finds nothing."""
    story.triage("model", "canary", "--share", "0.3", "--why", "shadow looked well")
    begin_traffic(story, challenger, "canary")
    answers = story.send(story.fresh(300, 21), "canary")
    by = Counter(answer["model_version"] for answer in answers)
    story.tell(f"placed by: {dict(by)}")
    assert 0.1 < by[challenger] / len(answers) < 0.5
    asyncio.run(story.crowd.review(story.keys, 600, seed=5))
    story.triage("model", "trial")


def promoted(story: Story, challenger: str) -> None:
    """The challenger becomes the champion; scores of before replay to the same number."""
    before = story.served()
    story.triage("model", "promote", "challenger", "--why", "better on the new insult, no loss")
    story.wait_for("the new champion serves", lambda: story.served() == challenger)
    insults, plain = by_truth(story)
    story.tell(
        f"the new champion gives sentences with the word {mean(insults):.2f}, with plain words "
        f"{mean(plain):.2f}"
    )
    low, high = gained(story.planted_before, (insults, plain), story.chance)
    story.tell(f"AUC of the new insult: gained {low:+.3f} to {high:+.3f} (95 %)")
    assert before != challenger
    assert low > 0
    for prefix in ("post", "shadow", "canary"):
        assert "none differs" in story.triage("replay", story.open_case(prefix))
    said = story.triage("replay", story.crowd.cases[story.erased], status=3)
    assert "the text was erased" in said
    story.triage("model", "history")


def refused_by_gates(story: Story, decisions: Path) -> None:
    """A training that went wrong is measured, and not registered."""
    folder = story.folder / "careless"
    folder.mkdir()
    careless = careless_settings((EXPERIMENTS / "retrain-quick.toml").read_text("utf-8"))
    (story.folder / "careless.toml").write_text(careless, "utf-8")
    words = ("--decisions", str(decisions), "--experiment", str(story.folder / "careless.toml"))
    said = story.triage("retrain", *words, "--out", str(folder), status=2)
    assert re.search(r"not registered, \d+ gates? failed", said)
    assert "against the champion" in said


def refused_as_damaged(story: Story) -> None:
    """A damaged artifact goes nowhere, and a registry that is away changes nothing."""
    champion = story.served()
    folder = damaged(SHIPPED, story.folder / "damaged")
    said = story.triage("model", "shadow", "--folder", str(folder), "--why", "x", status=2)
    assert "checksum" in said
    away = ("--mlflow", "postgresql://nobody@127.0.0.1:9/registry")
    said = story.triage("model", "promote", "1", "--why", "x", *away, status=2)
    assert "MLflow store" in said
    assert story.served() == champion


def rolled_back(story: Story) -> None:
    """A model that alarms without reason is taken off the traffic by the guard."""
    champion = story.served()
    story.triage("model", "end", "--why", "the probation went well")
    alarmist(story.folder / "retrain" / "artifact", story.folder / "alarmist")
    words = ("--folder", str(story.folder / "alarmist"), "--share", "0.3")
    story.triage("model", "canary", *words, "--why", "a model with a fault")
    begin_traffic(story, "alarmist", "canary")
    posts = iter(story.fresh(6_000, 31))
    began, n_sent = time.monotonic(), 0

    def ended() -> bool:
        nonlocal n_sent
        story.send([next(posts) for _ in range(40)], f"guard-{n_sent}")
        n_sent += 40
        return story.count("SELECT count(*) FROM model_rollout WHERE made_by = 'guard'") > 0

    story.wait_for("the guard ends the trial", ended)
    story.tell(
        f"the guard ended the trial after {time.monotonic() - began:.0f} s and {n_sent} reports"
    )
    story.triage("model", "trial")
    n_tried = 0

    def back() -> bool:
        """Whether 30 texts, of which nine would be the canary's, are all the champion's."""
        nonlocal n_tried
        answers = story.send([next(posts) for _ in range(30)], f"back-{n_tried}")
        n_tried += 1
        return placed_by(answers) == {champion}

    story.wait_for("the servers heard of the end", back)
    answers = story.send([next(posts) for _ in range(60)], "after")
    assert placed_by(answers) == {champion}


def placed_by(answers: Sequence[dict[str, Any]]) -> set[str]:
    return {answer["model_version"] for answer in answers if not answer["degraded"]}


def nothing_is_lost(story: Story) -> None:
    """Every report that was acknowledged is stored once."""
    acknowledged = {answer["report_id"] for answer in story.crowd.answers}
    assert len(acknowledged) == len(story.crowd.answers) == len(story.crowd.posts)
    assert story.count("SELECT count(*) FROM report") == len(acknowledged)
    assert story.count(
        "SELECT count(*) FROM report WHERE report_id = ANY (%s::uuid[])", list(acknowledged)
    ) == len(acknowledged)
    story.tell(f"{len(acknowledged)} reports acknowledged, all stored, none refused")
