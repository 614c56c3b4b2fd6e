"""What is counted for drift, what is kept of it, and alarms, in both stores."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.contract.steps import (
    DISMISSED,
    NOW,
    POLICY,
    UPHELD,
    appeal,
    claim_one,
    decide,
    make_scores,
    report,
)
from tests.unit.builders import longer_texts
from triage_ml.domain.drift import DriftDay
from triage_ml.domain.drift_ledger import Key
from triage_ml.domain.scores import Arm
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import Conflict, NotFound
from triage_ml.policy import load_policy
from triage_ml.ports import ScoreRecord
from triage_ml.ports.drift import Watched

pytestmark = pytest.mark.anyio
TODAY = NOW.date()
DAY = timedelta(days=1)
OPEN = tuple(name for name, row in load_policy().queues.items() if not row.restricted)
WANTED = Watched(OPEN, ("child_safety",))
READING = longer_texts(TODAY)


async def test_days_are_counted_from_the_first_score_on_and_once(store):
    """The day that is not over is none of them."""
    assert await store.uncounted_drift_days(TODAY, 10) == []
    await report(store, scores=make_scores(), at=NOW - 3 * DAY)
    days = [TODAY - 3 * DAY, TODAY - 2 * DAY, TODAY - DAY]
    assert await store.uncounted_drift_days(TODAY, 10) == days
    assert await store.uncounted_drift_days(TODAY, 2) == days[:2]
    await store.save_drift_day(days[0], [], NOW)
    assert await store.uncounted_drift_days(TODAY, 10) == days[1:]


async def test_texts_are_those_that_were_scored_that_day(store):
    """Not of a case that only few may see, nor of a model on trial."""
    seen = await report(store, text="a text", scores=make_scores())
    await report(store, "i-2", text="later", scores=make_scores(), at=NOW + DAY)
    await report(store, "i-3", text="hidden", scores=make_scores(), reason=Label.CHILD_SAFETY)
    await report(store, "i-4", text="no score")
    assert await store.texts_of_day(TODAY, WANTED, 10) == {Language.EN: ["a text"]}
    assert await store.texts_of_day(TODAY, replace(WANTED, queues=()), 10) == {}
    case = await store.get_case(seen.case_id)
    shadow = ScoreRecord.of(
        case.case_id,
        case.item.version_sha256,
        6,
        make_scores(0.5, "m-2"),
        Arm.SHADOW,
        NOW + 2 * DAY,
    )
    await store.add_shadow_scores([shadow])
    assert await store.texts_of_day(TODAY + 2 * DAY, WANTED, 10) == {}


async def test_of_many_texts_some_are_drawn(store):
    for n in range(5):
        await report(store, f"i-{n}", text=f"text {n}", scores=make_scores())
    found = await store.texts_of_day(TODAY, WANTED, 3)
    assert len(set(found[Language.EN])) == 3


async def test_decisions_on_random_draws_carry_their_weight_and_what_the_model_said(store):
    await report(store, scores=make_scores(0.3), at=NOW - timedelta(hours=1))
    await report(store, "i-2", scores=make_scores(0.4), at=NOW - timedelta(hours=1))
    case = await claim_one(store, queue=(await _queue(store)), share=1.0)
    await decide(store, case, UPHELD)
    [row] = await store.drawn_on(TODAY, WANTED)
    assert row.weight == pytest.approx(2.0)
    assert row.p_violation in (0.3, 0.4)
    assert (row.language, row.upheld, row.model_version) == (Language.EN, True, "m-1")
    assert row.found == (Label.HARASSMENT,)
    assert await store.drawn_on(TODAY - DAY, WANTED) == []
    assert await store.drawn_on(TODAY, replace(WANTED, queues=())) == []
    assert await store.drawn_on(TODAY, replace(WANTED, hidden_labels=("harassment",))) == []


async def _queue(store):
    return next(row.queue for row in await store.queue_depths(NOW))


async def test_a_draw_without_scores_says_nothing_of_a_model(store):
    await report(store)
    await decide(store, await claim_one(store, share=1.0), DISMISSED)
    [row] = await store.drawn_on(TODAY, WANTED)
    assert (row.upheld, row.found, row.model_version, row.p_violation) == (False, (), "", None)


async def test_ranked_claims_are_no_draws(store):
    await report(store)
    await decide(store, await claim_one(store))
    assert await store.drawn_on(TODAY, WANTED) == []


async def test_a_complaint_says_whether_it_turned_the_decision(store):
    await report(store)
    case = await decide(store, await claim_one(store))
    await appeal(store, case.case_id)
    again = await claim_one(store, "ben", queue=POLICY.appeal_queue)
    await decide(store, again, DISMISSED)
    assert await store.complaints_decided_on(TODAY, WANTED) == [(Language.EN, True)]
    assert await store.complaints_decided_on(TODAY - DAY, WANTED) == []


async def test_sums_of_a_day_replace_what_was_there(store):
    rows = [DriftDay(TODAY, "length", "en", "", 2, (1.0, 1.0, 40.5))]
    await store.save_drift_day(TODAY, [replace(rows[0], n=9), replace(rows[0], language="de")], NOW)
    await store.save_drift_day(TODAY, rows, NOW)
    assert await store.drift_days(TODAY, TODAY) == rows
    assert await store.drift_days(TODAY + DAY, TODAY + DAY) == []
    assert await store.last_drift_days() == (TODAY, None)
    await store.forget_drift_days()
    assert await store.last_drift_days() == (None, None)


async def test_readings_come_back_as_they_were(store):
    """By day; of one language, or of each."""
    empty = replace(READING, measure="score", language="en", z=None, since=None, have=3)
    later = replace(READING, day=TODAY + DAY, z=1.5)
    await store.save_readings(TODAY, [empty])
    await store.save_readings(TODAY, [READING, empty])
    await store.save_readings(TODAY + DAY, [later])
    assert await store.readings(TODAY) == [READING, empty, later]
    assert await store.readings(TODAY, "tr") == [READING, later]
    assert await store.readings(TODAY + DAY) == [later]
    assert (await store.last_drift_days())[1] == TODAY + DAY


async def test_a_series_has_one_open_alarm(store):
    [alarm] = await store.raise_drift_alarms([READING], NOW)
    assert (alarm.key, alarm.since, alarm.z, alarm.limit) == (
        Key("length", "tr"), TODAY - 3 * DAY, 7.5, 4.7
    )  # fmt: skip
    assert await store.raise_drift_alarms([READING], NOW + DAY) == []
    assert await store.close_drift_alarms([Key("length", "tr"), Key("length", "de")], NOW) == 1
    [again] = await store.raise_drift_alarms([READING], NOW + DAY)
    found = await store.drift_alarms(10)
    assert [row.alarm_id for row in found] == [again.alarm_id, alarm.alarm_id]
    assert [row.closed_at for row in found] == [None, NOW]
    assert await store.drift_alarms(10, open_only=True) == [again]


async def test_an_alarm_is_acknowledged_once(store):
    """By a person, with a note; or as how things are from now on."""
    [alarm] = await store.raise_drift_alarms([READING], NOW)
    assert await store.drift_restarts() == {}
    seen = await store.acknowledge_drift_alarm(
        alarm.alarm_id, "mira", "a new app", NOW, as_normal=True
    )
    assert (seen.acknowledged_by, seen.note, seen.restart_on) == ("mira", "a new app", alarm.since)
    assert await store.drift_restarts() == {Key("length", "tr"): alarm.since}
    with pytest.raises(Conflict):
        await store.acknowledge_drift_alarm(alarm.alarm_id, "ben", "x", NOW, as_normal=False)
    with pytest.raises(NotFound):
        await store.acknowledge_drift_alarm(alarm.alarm_id + 9, "ben", "x", NOW, as_normal=False)


async def test_an_acknowledged_alarm_may_leave_the_reference_as_it_is(store):
    [alarm] = await store.raise_drift_alarms([READING], NOW)
    seen = await store.acknowledge_drift_alarm(alarm.alarm_id, "mira", "x", NOW, as_normal=False)
    assert seen.restart_on is None
    assert seen.closed_at is None
    assert await store.drift_restarts() == {}
    assert isinstance(seen.day, date)
