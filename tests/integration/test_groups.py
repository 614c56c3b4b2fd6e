"""Who is done together, who waits, who is refused: the gathering of calls, without a database."""

import asyncio
from dataclasses import dataclass, field

import pytest
from psycopg_pool import PoolTimeout

from triage_ml.errors import InvalidInput, StoreUnavailable
from triage_ml.storage import groups
from triage_ml.storage.groups import Groups

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Call:
    number: int
    slots: frozenset[str] = frozenset()
    n_chars: int = 1


def call(number, *slots, n_chars=1):
    return Call(number, frozenset(slots), n_chars)


@dataclass
class Desk:
    """Does groups when it is let, and remembers them; the answer to a call is its number."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    groups: list[list[int]] = field(default_factory=list)
    failing: dict[int, Exception] = field(default_factory=dict)
    n_at_once: int = 0
    most_at_once: int = 0

    async def do(self, group):
        numbers = [one.number for one in group]
        self.groups.append(numbers)
        self.n_at_once += 1
        self.most_at_once = max(self.most_at_once, self.n_at_once)
        try:
            await self.open.wait()
        finally:
            self.n_at_once -= 1
        for number in numbers:
            if number in self.failing:
                raise self.failing[number]
        return numbers


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def calls(desk):
    return Groups(desk.do)


def begin(calls, *works):
    return [asyncio.ensure_future(calls.add(work)) for work in works]


async def settled(tasks):
    return await asyncio.gather(*tasks, return_exceptions=True)


async def pause():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_calls_of_one_moment_go_together(desk, calls):
    """And each gets its own answer."""
    desk.open.set()
    assert await settled(begin(calls, *map(call, range(10)))) == list(range(10))
    assert desk.groups == [list(range(10))]


async def test_what_waits_while_writers_are_busy_is_the_next_group(desk, calls):
    """No call waits for company, and no more groups are in work than there are writers."""
    tasks = []
    for number in range(10):
        tasks += begin(calls, call(number))
        await pause()
    desk.open.set()
    assert await settled(tasks) == list(range(10))
    alone = [[number] for number in range(groups.MAX_WRITERS)]
    assert desk.groups == [*alone, list(range(groups.MAX_WRITERS, 10))]
    assert desk.most_at_once == groups.MAX_WRITERS


async def test_a_group_has_a_largest_size(desk, calls, monkeypatch):
    """In calls, and in characters: a huge one still is done."""
    monkeypatch.setattr(groups, "MAX_GROUP", 3)
    monkeypatch.setattr(groups, "MAX_GROUP_CHARS", 10)
    desk.open.set()
    sizes = [1, 1, 1, 99, 1, 5, 5, 1]
    works = [call(n, n_chars=size) for n, size in enumerate(sizes)]
    assert await settled(begin(calls, *works)) == list(range(8))
    assert desk.groups == [[0, 1, 2], [3], [4, 5, 6], [7]]


async def test_calls_that_share_a_slot_follow_each_other(desk, calls):
    """In the order in which they came, also where one shares a slot with each of two."""
    desk.open.set()
    works = [call(0, "a"), call(1, "a", "k"), call(2, "k"), call(3, "b"), call(4, "a")]
    assert await settled(begin(calls, *works)) == [0, 1, 2, 3, 4]
    assert desk.groups == [[0, 3], [1], [2, 4]]


async def test_a_slot_in_work_does_not_hold_up_others(desk, calls):
    """The second writer takes what is free."""
    first = begin(calls, call(0, "a"))
    await pause()
    rest = begin(calls, call(1, "a"), call(2, "b"))
    await pause()
    assert desk.groups == [[0], [2]]
    desk.open.set()
    assert await settled(first + rest) == [0, 1, 2]


async def test_a_group_that_fails_is_done_call_by_call(desk, calls):
    """The bad one keeps its error, its neighbours get their answers, and its slot is free again."""
    desk.open.set()
    desk.failing = {2: ValueError("bad")}
    works = [call(n, f"slot-{n}") for n in range(4)]
    answers = await settled(begin(calls, *works))
    assert answers == [0, 1, desk.failing[2], 3]
    assert desk.groups == [[0, 1, 2, 3], [0], [1], [2], [3]]
    assert await calls.add(call(9, "slot-2")) == 9


async def test_a_lost_database_is_not_asked_again(desk, calls):
    """What became of the group is not known: a second try could store everything twice."""
    desk.failing = {0: StoreUnavailable("lost")}
    tasks = begin(calls, call(0, "a"), call(1), call(2, "a"))
    await pause()
    desk.open.set()
    answers = await settled(tasks)
    assert [type(answer) for answer in answers[:2]] == [StoreUnavailable, StoreUnavailable]
    assert answers[0] is not answers[1]
    assert answers[2] == 2
    assert desk.groups == [[0, 1], [2]]


async def test_nobody_waits_in_line_for_a_database_that_is_away(desk, calls):
    """When no connection can be had, those behind would wait as long, and in vain."""
    away = StoreUnavailable("away")
    away.__cause__ = PoolTimeout()
    desk.failing = {0: away}
    tasks = begin(calls, call(0, "a"), call(1, "a"), call(2, "a"))
    await pause()
    desk.open.set()
    assert [str(answer) for answer in await settled(tasks)] == [str(away)] * 3
    assert desk.groups == [[0]]


async def test_an_error_given_for_one_call_is_its_own():
    """Without raising, a group tells each call what became of it."""
    error = InvalidInput("report", "is wrong")

    async def do(group):
        return [error if one.number == 1 else one.number for one in group]

    assert await settled(begin(Groups(do), *map(call, range(3)))) == [0, error, 2]


async def test_who_leaves_before_the_work_has_begun_is_forgotten(desk, calls):
    """Who leaves later disturbs nobody."""
    tasks = begin(calls, call(0, "a"), call(1), call(2, "a"), call(3, "a"))
    await pause()
    tasks[1].cancel()
    tasks[2].cancel()
    await pause()
    desk.open.set()
    answers = await settled(tasks)
    assert (answers[0], answers[3]) == (0, 3)
    assert desk.groups == [[0, 1], [3]]


async def test_only_so_many_wait(desk, calls, monkeypatch):
    """The next one is refused at once; there is room again when work has begun."""
    monkeypatch.setattr(groups, "MAX_WAITING", 2)
    first = begin(calls, call(0, "a"))
    await pause()
    waiting = begin(calls, call(1, "a"), call(2, "a"))
    await pause()
    with pytest.raises(StoreUnavailable, match="too many"):
        await calls.add(call(3))
    desk.open.set()
    assert await settled(first + waiting) == [0, 1, 2]


async def test_closing_finishes_what_has_begun_and_refuses_the_rest(desk, calls):
    """Nobody is left waiting, and nobody is let in."""
    desk.failing = {1: ValueError("bad")}
    tasks = begin(calls, call(0, "a"), call(1), call(2, "a"))
    await pause()
    closing = asyncio.ensure_future(calls.close())
    await pause()
    with pytest.raises(StoreUnavailable, match="closed"):
        await calls.add(call(3))
    assert not closing.done()
    desk.open.set()
    await closing
    answers = await settled(tasks)
    assert answers[:2] == [0, desk.failing[1]]
    assert isinstance(answers[2], StoreUnavailable)
    await calls.close()
