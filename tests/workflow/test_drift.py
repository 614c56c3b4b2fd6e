"""A day is counted when it is over, read once, and raises and ends alarms."""

from datetime import timedelta

import pytest

from tests.contract.steps import NOW, POLICY, make_scores, report
from triage_ml.domain.drift import ALL, N_DIMS, DriftDay
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import Conflict, InvalidInput, NotFound, TooLarge
from triage_ml.inference.projection import project
from triage_ml.ports import ApiKey
from triage_ml.testing import FixedClock
from triage_ml.testing.memory import MemoryCaseStore
from triage_ml.workflow.drift import DriftWatch

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
MIRA = ApiKey("mira", frozenset({"ml"}), NOW)
SHORT, LONG = 40, 160
LENGTHS = Key("length", "tr")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def memory(clock) -> MemoryCaseStore:
    return MemoryCaseStore(now=clock.now)


@pytest.fixture
def watch(memory, clock) -> DriftWatch:
    return DriftWatch(memory, POLICY, clock, project)


def lengths(day, n_chars, n=60) -> DriftDay:
    """Make a day of Turkish texts, nearly all of a length."""
    from triage_ml.domain.drift import LENGTH_EDGES

    counts = [0.0] * (len(LENGTH_EDGES) + 1)
    place = sum(edge <= n_chars for edge in LENGTH_EDGES)
    counts[place] = n - 6.0
    counts[place + 1] = 3.0 + day.toordinal() % 3
    counts[place - 1] = 3.0 - day.toordinal() % 3
    return DriftDay(day, "length", "tr", "", n, (*counts, float(n * n_chars)))


async def count(memory, n_days, n_chars, start=0) -> None:
    for n in range(start, start + n_days):
        day = NOW.date() + n * DAY
        await memory.save_drift_day(day, [lengths(day, n_chars)], NOW)


async def test_a_day_is_counted_when_it_is_over(watch, memory, clock):
    """Its sums say how many texts there were, never which."""
    await report(memory, scores=make_scores(0.3), text="a text of the day")
    assert not await watch.count()
    clock.set(NOW.replace(hour=0, minute=2) + DAY)
    assert not await watch.count()  # something of it may still be being written
    clock.advance(timedelta(minutes=5))
    assert await watch.count()
    assert not await watch.count()
    rows = {row.sums_of: row for row in await memory.drift_days(NOW.date(), NOW.date())}
    assert set(rows) == {"length", "content", "score", "score:harassment"}
    assert all((row.n, row.language) == (1, "en") for row in rows.values())
    assert rows["length"].sums[-1] == 17
    assert rows["score"].model_version == "m-1"
    assert len(rows["content"].sums) == N_DIMS


async def test_nothing_of_a_restricted_queue_is_counted(watch, memory, clock):
    await report(memory, scores=make_scores(0.3), reason=Label.CHILD_SAFETY)
    clock.advance(DAY)
    assert await watch.count()
    assert await memory.drift_days(NOW.date(), NOW.date()) == []


async def test_days_of_which_nothing_counts_are_read_once_too(watch, memory, clock):
    """Else the worker would try again without a pause."""
    await report(memory, scores=make_scores(0.3), reason=Label.CHILD_SAFETY)
    clock.advance(DAY)
    await watch.catch_up()
    state = await watch.state()
    assert (state.read_to, state.n_behind) == (NOW.date(), 0)


async def test_many_scores_are_read_in_pieces(watch, memory, clock, monkeypatch):
    monkeypatch.setattr("triage_ml.workflow.drift.RECORDS_AT_ONCE", 2)
    for n in range(5):
        await report(memory, f"i-{n}", scores=make_scores())
    clock.advance(DAY)
    await watch.count()
    [row] = [x for x in await memory.drift_days(NOW.date(), NOW.date()) if x.sums_of == "length"]
    assert row.n == 5


async def test_nothing_is_known_before_anything_happened(watch):
    state = await watch.state()
    assert (state.readings, state.alarms, state.read_to, state.n_behind) == ((), (), None, 0)
    await watch.catch_up()
    assert await watch.read() == []


async def test_a_watch_without_a_reference_says_what_is_missing(watch, memory):
    await count(memory, 5, SHORT)
    await watch.read()
    state = await watch.state()
    [row] = [row for row in state.readings if row.key == LENGTHS]
    assert (row.have, row.need, row.z) == (5, 28, None)
    assert state.read_to == NOW.date() + 4 * DAY


async def test_longer_texts_raise_one_alarm_and_shorter_ones_end_it(watch, memory):
    """In words that a person can check: how long texts were, are, and since when."""
    await count(memory, 32, SHORT)
    assert await watch.read() == []  # 31 days at once
    assert await watch.read() == []
    await count(memory, 3, LONG, start=32)
    raised = {alarm.key: alarm for alarm in await watch.read()}
    assert set(raised) == {LENGTHS, Key("length", ALL)}
    alarm = raised[LENGTHS]
    assert alarm.after > 3 * alarm.before > 3 * 30
    assert alarm.since == NOW.date() + 32 * DAY
    await count(memory, 2, LONG, start=35)
    assert await watch.read() == []
    await count(memory, 40, SHORT, start=37)
    while (await watch.state()).n_behind:
        await watch.read()
    assert (await watch.state()).open_alarms == ()
    assert len((await watch.state()).alarms) == 2


async def test_what_is_normal_from_now_on_is_a_new_reference(watch, memory):
    await count(memory, 36, SHORT)
    await count(memory, 5, LONG, start=36)
    await watch.read()
    await watch.read()
    [alarm] = [x for x in (await watch.state()).alarms if x.key == LENGTHS]
    await watch.acknowledge(MIRA, alarm.alarm_id, "a new field in the app", as_normal=True)
    await count(memory, 1, LONG, start=41)
    await watch.read()
    state = await watch.state()
    assert LENGTHS not in {x.key for x in state.open_alarms}
    [row] = [row for row in state.readings if row.key == LENGTHS]
    assert (row.have, row.z) == (6, None)


@pytest.mark.parametrize(
    ("note", "error"), [("", InvalidInput), (" \n", InvalidInput), ("x" * 10_000, TooLarge)]
)
async def test_an_alarm_is_acknowledged_with_a_note(watch, memory, note, error):
    await count(memory, 30, SHORT)
    await count(memory, 3, LONG, start=30)
    for _ in range(2):
        await watch.read()
    alarm = (await watch.state()).open_alarms[0]
    with pytest.raises(error, match="note"):
        await watch.acknowledge(MIRA, alarm.alarm_id, note, as_normal=False)
    await watch.acknowledge(MIRA, alarm.alarm_id, "a raid", as_normal=False)
    with pytest.raises(Conflict):
        await watch.acknowledge(MIRA, alarm.alarm_id, "again", as_normal=False)
    with pytest.raises(NotFound):
        await watch.acknowledge(MIRA, 99, "which?", as_normal=False)


async def test_the_history_is_of_one_language(watch, memory, clock):
    await count(memory, 3, SHORT)
    await watch.read()
    clock.advance(3 * DAY)
    assert {row.language for row in await watch.history(Language.TR)} == {"tr"}
    assert len({row.day for row in await watch.history(ALL)}) == 3
    with pytest.raises(InvalidInput, match="language"):
        await watch.history("xx")


async def test_counting_anew_keeps_alarms(watch, memory, clock):
    await report(memory, scores=make_scores())
    clock.advance(2 * DAY)
    await watch.catch_up()
    assert await watch.recount() == 2
    assert (await watch.state()).read_to == NOW.date() + DAY
