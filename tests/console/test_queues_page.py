import asyncio
from datetime import timedelta

import pytest

from serving.console.live import Live
from serving.console.pages import queues
from tests.console.desk import another, take
from tests.console.person import Person
from triage_ml.domain.taxonomy import Label
from triage_ml.errors import StoreUnavailable
from triage_ml.ports import QueueDepth


def test_queues_show_what_waits(person: Person) -> None:
    """The table names each queue one may see and how many cases are open in it."""
    person.bench.report()
    page = person.get("/console/queues")
    assert page.status_code == 200
    assert "std-en-safety" in page.text
    assert "1 open case" in page.text
    assert "child-safety" not in page.text


def test_restricted_queues_are_shown_with_the_scope(person: Person) -> None:
    """Who has the scope sees the restricted queue, marked as such."""
    page = another(person.bench, "lea", "restricted").get("/console/queues")
    assert 'data-queue="child-safety"' in page.text
    assert "restricted" in page.text


def test_next_case_is_claimed_and_opened(person: Person) -> None:
    """One press claims the most urgent case for who is signed in."""
    receipt = person.bench.report()
    assert take(person) == f"/console/cases/{receipt['case_id']}"
    page = person.get(f"/console/cases/{receipt['case_id']}")
    assert 'id="decision"' in page.text


def test_empty_queue_says_so(person: Person) -> None:
    """Without a case to give one is back at the queues, told why."""
    assert take(person) == "/console/queues?empty=std-en-safety"
    assert "nothing to claim in std-en-safety" in person.get(take(person)).text


def test_made_up_name_of_an_empty_queue_is_not_repeated(person: Person) -> None:
    """What stands in the address is shown only if it is a queue."""
    assert "<i>x" not in person.get("/console/queues?empty=%3Ci%3Ex").text


@pytest.mark.parametrize(("queue", "status"), [("no-such", 404), ("child-safety", 403)])
def test_queue_one_may_not_take_from(person: Person, queue: str, status: int) -> None:
    """An unknown or restricted queue gives a page that says so, and no case."""
    fields = {"csrf": person.token("/console/queues")}
    answer = person.post(f"/console/queues/{queue}/next", fields)
    assert answer.status_code == status
    assert "text/html" in answer.headers["content-type"]


def test_forged_form_claims_nothing(person: Person) -> None:
    """Without the token of the session no case is claimed."""
    person.bench.report()
    assert person.post("/console/queues/std-en-safety/next", {}).status_code == 403
    depths = person.bench.run(person.bench.store.queue_depths, person.bench.clock.now())
    assert [row.n_claimed for row in depths] == [0]


def test_excluded_labels_are_honoured(person: Person) -> None:
    """Who opted out of a label is not handed such a case."""
    bench = person.bench
    account = bench.run(bench.service.accounts.all)[0]

    async def opt_out() -> None:
        await bench.service.accounts.prefer(
            account,
            locale=account.locale,
            time_zone=account.time_zone,
            excluded_labels=frozenset({Label.HARASSMENT}),
        )

    bench.run(opt_out)
    bench.report()
    assert take(person) == "/console/queues?empty=std-en-safety"


def test_stream_sends_the_table(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first event of the stream is the table as it stands."""
    monkeypatch.setattr(queues, "STREAM_SECONDS", 0.0)
    person.bench.report()
    answer = person.get("/console/queues/live", accept="text/event-stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("event: depths\ndata: ")
    assert "1 open case" in answer.text
    assert "child-safety" not in answer.text


def test_stream_needs_a_session(stranger: Person) -> None:
    """Who is not signed in gets no stream, and no redirect either."""
    answer = stranger.get("/console/queues/live", accept="text/event-stream")
    assert answer.status_code == 401


def test_event_keeps_its_lines_together() -> None:
    """Every line of an event is marked as its data."""
    assert queues.event("depths", "<p>\n\n</p>\n") == b"event: depths\ndata: <p>\ndata: </p>\n\n"


class Asked:
    """Counts the looks at the queues."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.n = 0
        self.failure = failure

    async def __call__(self) -> list[QueueDepth]:
        self.n += 1
        if self.failure is not None:
            raise self.failure
        return []


@pytest.mark.anyio
async def test_listeners_share_one_look() -> None:
    """Two pages that wait for the same turn cost one query."""
    asked = Asked()
    live = Live(asked, timedelta(0))
    first, second = live.turns(), live.turns()
    await asyncio.gather(anext(first), anext(second))
    assert asked.n == 1
    live.end()
    assert [turn async for turn in first] == [turn async for turn in second] == []


@pytest.mark.anyio
async def test_nobody_listens_nobody_asks() -> None:
    """When the last page is left, no further query is made."""
    asked = Asked()
    turns = Live(asked, timedelta(hours=1)).turns()
    await anext(turns)
    await turns.aclose()
    await asyncio.sleep(0)
    assert asked.n == 1


@pytest.mark.anyio
async def test_end_lets_listeners_go_at_once() -> None:
    """A listener that waits for the next turn is let go when the server stops."""
    live = Live(Asked(), timedelta(hours=1))
    turns = live.turns()
    await anext(turns)
    waiting = asyncio.ensure_future(anext(turns, None))
    await asyncio.sleep(0)
    live.end()
    assert await waiting is None


@pytest.mark.anyio
async def test_lost_database_does_not_end_the_stream() -> None:
    """While the database is away a turn brings nothing, and the next one asks again."""
    asked = Asked(StoreUnavailable("gone"))
    live = Live(asked, timedelta(0))
    turns = live.turns()
    assert await anext(turns) is None
    asked.failure = None
    assert await anext(turns) == []
    live.end()
    assert [turn async for turn in turns] == []
