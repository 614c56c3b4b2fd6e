"""What follows the live model: taken once, refused once, fetched again when that may help."""

import asyncio
import errno
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from serving import swap
from serving.metrics import Metrics
from serving.swap import Follower, following
from tests.contract.steps import NOW
from triage_ml.errors import ArtifactInvalid, StoreUnavailable
from triage_ml.ports import ModelArtifact, Scorer
from triage_ml.storage.postgres import PostgresCaseStore
from triage_ml.testing import StubScorer

pytestmark = pytest.mark.anyio

SOON = timedelta(milliseconds=20)
NEVER = timedelta(hours=1)
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@dataclass
class Loader:
    """Loads a stub named by its card. Cards in `bad` are refused."""

    bad: dict[str, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __call__(self, folder: Path) -> Scorer:
        card = (folder / "card.md").read_text()
        self.calls.append(card)
        time.sleep(self.seconds)
        if card in self.bad:
            raise self.bad[card]
        return StubScorer(version=card)


@pytest.fixture
def load() -> Loader:
    return Loader()


@pytest.fixture
def follower(postgres_store, tmp_path, load) -> Follower:
    return Follower(postgres_store, tmp_path / "models", load, Metrics(), SOON)


async def go_live(store: PostgresCaseStore, place: Path, version: str) -> str:
    """Publish a folder of that version, make it live, and give its hash."""
    folder = place / f"made-{version}"
    folder.mkdir(exist_ok=True)
    files = {"manifest.json": f"of {version}", "card.md": version}
    for name, text in files.items():
        (folder / name).write_text(text)
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    model = ModelArtifact(version, hashes["manifest.json"], folder, hashes)
    await store.publish_model(model, NOW)
    await store.make_live(version, NOW, "anna", "x")
    return model.sha256


def versions_in(scorers: list[Scorer]) -> list[str]:
    return [scorer.info.version for scorer in scorers]


def behind(follower: Follower) -> float | None:
    return follower._metrics.registry.get_sample_value("triage_model_behind")


def n_changes(follower: Follower, outcome: str) -> float:
    value = follower._metrics.registry.get_sample_value(
        "triage_model_changes_total", {"outcome": outcome}
    )
    return value or 0.0


@asynccontextmanager
async def used(follower: Follower) -> AsyncIterator[list[Scorer]]:
    """Follow, and give the list of what was taken into use."""
    taken: list[Scorer] = []
    async with following(follower, taken.append):
        yield taken


async def until(holds) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is awaited sets no event
            await asyncio.sleep(0.01)


async def test_the_live_model_is_given_once(follower, postgres_store, tmp_path):
    """None is live at first; then one is; then nothing is new."""
    assert await follower.look() is None
    await go_live(postgres_store, tmp_path, "a")
    with capture_logs() as logs:
        scorer = await follower.look()
    assert (scorer.info.version, behind(follower)) == ("a", 0)
    assert [line["event"] for line in logs] == ["model goes live"]
    assert await follower.look() is None
    assert n_changes(follower, "taken") == 1


async def test_a_refused_model_is_looked_at_again_after_a_while(
    follower, load, postgres_store, tmp_path, monkeypatch
):
    """Memory that was short may be there later; the log is told of the first time as an error."""
    monkeypatch.setattr("serving.swap.LONGEST_PAUSE", timedelta(0))
    load.bad["a"] = MemoryError()
    await go_live(postgres_store, tmp_path, "a")
    with capture_logs() as logs:
        assert [await follower.look() for _ in range(2)] == [None] * 2
    assert [line["log_level"] for line in logs] == ["error", "warning"]
    load.bad.clear()
    assert (await follower.look()).info.version == "a"
    assert (await follower.look(), behind(follower)) == (None, 0)


async def test_a_start_beside_a_refused_model_takes_the_one_before(
    follower, load, postgres_store, tmp_path
):
    """Servers that are started again do not drift from those that went on."""
    await go_live(postgres_store, tmp_path, "a")
    await follower.look()
    await go_live(postgres_store, tmp_path, "b")
    load.bad["b"] = ArtifactInvalid("x", "damaged")
    again = Follower(postgres_store, tmp_path / "models", load, Metrics(), SOON)
    assert (await again.first()).info.version == "a"
    assert behind(again) == 1
    await go_live(postgres_store, tmp_path, "a")
    assert await again.look() is None
    load.bad["a"] = ArtifactInvalid("x", "damaged")
    await go_live(postgres_store, tmp_path, "b")
    other = Follower(postgres_store, tmp_path / "models", load, Metrics(), SOON)
    assert await other.first() is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ArtifactInvalid("x", "format 2 is not 4"), {"reason": "format 2 is not 4"}),
        (KeyError("unknown label"), {"error": "KeyError"}),
    ],
)
async def test_a_model_that_cannot_be_used_is_refused_once(
    follower, load, postgres_store, tmp_path, error, said
):
    """With the reason in the log; the one in use stays, and going back to it loads nothing."""
    load.bad["b"] = error
    await go_live(postgres_store, tmp_path, "a")
    await follower.look()
    await go_live(postgres_store, tmp_path, "b")
    with capture_logs() as logs:
        assert [await follower.look() for _ in range(3)] == [None] * 3
    [line] = [line for line in logs if line["log_level"] == "error"]
    assert said.items() <= line.items()
    assert (load.calls, behind(follower), n_changes(follower, "refused")) == (["a", "b"], 1, 1)
    await go_live(postgres_store, tmp_path, "a")
    assert await follower.look() is None
    assert (load.calls, behind(follower)) == (["a", "b"], 0)


async def test_what_is_damaged_in_the_database_is_refused(
    follower, load, postgres_store, database_url, tmp_path
):
    """It is not even loaded."""
    await go_live(postgres_store, tmp_path, "a")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE model_chunk SET bytes = 'x' WHERE name = 'card.md'")
    with capture_logs() as logs:
        assert await follower.look() is None
    assert "card.md in the database does not match" in logs[-1]["reason"]
    assert (load.calls, list((tmp_path / "models").iterdir())) == ([], [])


async def test_what_is_no_longer_in_the_database_is_refused(
    follower, postgres_store, database_url, tmp_path
):
    """Somebody dropped the files."""
    await go_live(postgres_store, tmp_path, "a")
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM model_file")
    with capture_logs() as logs:
        assert await follower.look() is None
    assert logs[-1]["reason"] == "no published model a"


async def test_a_download_is_used_again(follower, load, postgres_store, database_url, tmp_path):
    """After a restart nothing is fetched."""
    await go_live(postgres_store, tmp_path, "a")
    await follower.look()
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM model_file")
    again = Follower(postgres_store, tmp_path / "models", load, Metrics())
    assert (await again.first()).info.version == "a"


@pytest.mark.parametrize("name", ["manifest.json", "card.md"])
async def test_a_damaged_download_is_fetched_again(follower, load, postgres_store, tmp_path, name):
    """The disk lost it, or a hand changed it."""
    load.bad["damaged"] = ArtifactInvalid("x", "card.md does not match its checksum")
    sha256 = await go_live(postgres_store, tmp_path, "a")
    await follower.look()
    (tmp_path / "models" / sha256 / name).write_text("damaged")
    again = Follower(postgres_store, tmp_path / "models", load, Metrics())
    assert (await again.first()).info.version == "a"
    assert (tmp_path / "models" / sha256 / "card.md").read_text() == "a"


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), StoreUnavailable("lost")]
)
async def test_what_may_help_is_tried_again(follower, postgres_store, tmp_path, monkeypatch, error):
    """A full disk is emptied, a database comes back: the model in use serves until then."""
    await go_live(postgres_store, tmp_path, "a")
    fetch = postgres_store.fetch_model
    failures = [error, error]

    async def failing(version: str, folder: Path) -> None:
        if failures:
            raise failures.pop()
        await fetch(version, folder)

    monkeypatch.setattr(postgres_store, "fetch_model", failing)
    with capture_logs() as logs:
        assert await follower.first() is None
        assert behind(follower) == 1
        async with used(follower) as taken:
            await until(lambda: taken)
    reasons = [line["reason"] for line in logs if line["log_level"] == "warning"]
    assert reasons == ["No space left on device" if isinstance(error, OSError) else "lost"] * 2
    assert (versions_in(taken), n_changes(follower, "failed"), behind(follower)) == (["a"], 2, 0)


async def test_a_change_is_heard_of(follower, postgres_store, tmp_path):
    """At once, though the next look would be in an hour."""
    follower._look_every = NEVER
    async with used(follower) as taken:
        for version in "ab":
            await go_live(postgres_store, tmp_path, version)
            await until(lambda version=version: version in versions_in(taken))
    assert versions_in(taken) == ["a", "b"]


async def test_a_change_is_seen_without_a_notice(follower, postgres_store, tmp_path, monkeypatch):
    """As through a pool between server and database that passes none on."""

    async def silent() -> AsyncIterator[None]:
        raise StoreUnavailable("no listening here")
        yield

    monkeypatch.setattr(postgres_store, "model_notices", silent)
    async with used(follower) as taken:
        await go_live(postgres_store, tmp_path, "a")
        await until(lambda: taken)


async def test_listening_goes_on_after_a_lost_connection(
    follower, postgres_store, database_url, tmp_path, monkeypatch
):
    """What went live meanwhile is seen when it listens again."""
    monkeypatch.setattr(swap, "LISTEN_AGAIN", timedelta(seconds=0.2))
    follower._look_every = NEVER
    async with used(follower) as taken:
        await go_live(postgres_store, tmp_path, "a")
        await until(lambda: taken)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(CUT)
        await go_live(postgres_store, tmp_path, "b")
        await until(lambda: len(taken) == 2)


async def test_a_database_that_goes_away_is_waited_for(follower, postgres_store, monkeypatch):
    """Whatever it raises, following goes on."""
    errors = [StoreUnavailable("gone"), RuntimeError("odd")]
    looks = []

    async def failing() -> None:
        looks.append(1)
        if errors:
            raise errors.pop()

    monkeypatch.setattr(postgres_store, "live_model", failing)
    with capture_logs() as logs:
        async with used(follower):
            await until(lambda: len(looks) > 3)
    assert [line.get("reason", line.get("error")) for line in logs] == ["RuntimeError", "gone"]


async def test_a_start_does_not_wait_for_long(
    follower, load, postgres_store, tmp_path, monkeypatch
):
    """The model comes later, while the service runs already."""
    monkeypatch.setattr(swap, "START_PATIENCE", timedelta(seconds=0.05))
    load.seconds = 0.3
    await go_live(postgres_store, tmp_path, "a")
    with capture_logs() as logs:
        assert await follower.first() is None
    assert "started without it" in logs[-1]["event"]
    async with used(follower) as taken:
        await until(lambda: taken)
    assert versions_in(taken) == ["a"]


async def test_old_downloads_are_removed(follower, postgres_store, tmp_path, monkeypatch):
    """All but the live one and the one before; what is not a download is left alone."""
    monkeypatch.setattr("serving.downloads.SPARED", timedelta(0))
    (tmp_path / "models" / "notes").mkdir(parents=True)
    hashes = []
    async with used(follower) as taken:
        for n, version in enumerate("abc"):
            hashes.append(await go_live(postgres_store, tmp_path, version))
            await until(lambda n=n: len(taken) == n + 1)
        wanted = {"notes", *hashes[1:]}
        await until(lambda: {path.name for path in (tmp_path / "models").iterdir()} == wanted)


async def test_what_cannot_be_tidied_is_left(follower, postgres_store, tmp_path, monkeypatch):
    """The model in use matters, the disk can wait."""

    async def away(limit: int = 100) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(postgres_store, "model_history", away)
    with capture_logs() as logs:
        await follower._tidy()
    assert [line["reason"] for line in logs] == ["gone"]
