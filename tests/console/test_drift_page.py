"""The page of drift: what is not as it was, in words, and somebody who saw it."""

from datetime import timedelta

import pytest

from serving.console.drift_words import said
from serving.console.i18n import Voice, zone_of
from tests.console.desk import member
from tests.console.person import Person
from tests.serving.bench import Bench
from tests.unit.builders import longer_texts
from triage_ml.domain.drift import ALL
from triage_ml.domain.drift_ledger import every_key
from triage_ml.domain.drift_watch import Reading
from triage_ml.domain.taxonomy import Language
from triage_ml.ports.drift import DriftAlarm
from triage_ml.testing.doubles import FIXED_START

URL = "/console/drift"
DAY = timedelta(days=1)
TODAY = FIXED_START.date()
LONGER = longer_texts(TODAY - DAY)


@pytest.fixture
def mira(bench: Bench) -> Person:
    """Somebody who looks after models."""
    return member(bench, "mira", "ml")


@pytest.fixture
def longer(bench: Bench) -> DriftAlarm:
    """Turkish texts have become longer; hate is still being watched for."""
    store = bench.store
    collecting = Reading(TODAY - DAY, "score:hate", "tr", "m-1", have=12, need=28, limit=4.7)
    quiet = Reading(TODAY - 2 * DAY, "length", "tr", "", 28, 28, 870, 61.2, 61.9, z=0.4, limit=4.7)
    bench.run(store.save_readings, TODAY - 2 * DAY, [quiet])
    bench.run(store.save_readings, TODAY - DAY, [LONGER, collecting])
    [alarm] = bench.run(store.raise_drift_alarms, [LONGER], bench.clock.now())
    return alarm


def send(person: Person, alarm: DriftAlarm, **fields: str):
    given = {"csrf": person.token(URL), **fields}
    return person.post(f"{URL}/alarms/{alarm.alarm_id}", given)


def test_before_anything_is_read_the_page_says_what_is_missing(mira: Person) -> None:
    page = mira.get(URL)
    assert page.status_code == 200
    assert "Nothing is read yet" in page.text
    assert "28 days of texts as reference, with 20 texts a day" in page.text
    assert "There is no open alarm" in page.text
    assert "style=" not in page.text


def test_sentences_stand_apart(mira: Person, longer: DriftAlarm) -> None:
    """With a space after each."""
    assert "(UTC). The first 28 full days" in mira.get(URL).text


def test_an_alarm_is_told_in_plain_words(mira: Person, longer: DriftAlarm) -> None:
    """With where to look next, and how far other series are."""
    page = mira.get(f"{URL}?language=tr").text
    assert "Turkish: texts became longer: median 61 → 112 characters since Jan 1, 2026" in page
    assert "A new field or limit in an app" in page
    assert "12 of 28 days" in page
    assert "7.5 Alarm" in page
    assert f'href="{URL}?language=tr#charts"' in page
    assert "/console/trends?" not in page  # which this account may not open


def test_the_charts_hold_the_numbers_of_their_tables(mira: Person, longer: DriftAlarm) -> None:
    [chart] = mira.get(f"{URL}/data?language=tr").json()["charts"]
    assert chart["key"] == "length"
    assert [row["values"] for row in chart["series"]] == [[0.4, 7.5], [4.7, 4.7]]
    page = mira.get(f"{URL}?language=tr").text
    assert 'id="chart-length"' in page
    assert ">112<" in page
    assert mira.get(f"{URL}/data?language=de").json()["charts"] == []


def test_somebody_has_seen_it(mira: Person, longer: DriftAlarm) -> None:
    """It stays open, with the note, until things are as they were."""
    assert send(mira, longer, note="the new composer").status_code == 303
    page = mira.get(URL).text
    assert "the new composer" in page
    assert "mira" in page
    assert "I have seen it" not in page
    [alarm] = mira.bench.run(mira.bench.store.drift_alarms, 9)
    assert alarm.closed_at is None
    assert send(mira, longer, note="twice").headers["location"] == URL


def test_a_change_may_be_the_new_normal(mira: Person, longer: DriftAlarm) -> None:
    answer = send(mira, longer, note="the new composer", as_normal="yes")
    assert answer.headers["location"] == f"{URL}?saved=1"
    page = mira.get(URL).text
    assert "Alarms that are over" in page
    assert "Taken as normal from Jan 1, 2026 on." in page
    assert mira.bench.run(mira.bench.store.drift_restarts) == {longer.key: longer.since}


@pytest.mark.parametrize(
    ("note", "told"),
    [("", "must not be empty"), ("x" * 9_999, "too long"), ("a\x00b", "cannot be stored")],
)
def test_a_note_that_cannot_be_kept_is_refused(
    mira: Person, longer: DriftAlarm, note: str, told: str
) -> None:
    """With what was entered still there, and nothing written."""
    answer = send(mira, longer, note=note, as_normal="yes")
    assert answer.status_code == 422
    assert told in answer.text
    assert " checked" in answer.text
    [alarm] = mira.bench.run(mira.bench.store.drift_alarms, 9)
    assert alarm.acknowledged_at is None


def test_a_form_of_another_page_is_refused(mira: Person, longer: DriftAlarm) -> None:
    answer = mira.post(f"{URL}/alarms/{longer.alarm_id}", {"csrf": "0", "note": "x"})
    assert answer.status_code == 403


def test_an_alarm_that_there_is_not_is_not_found(mira: Person) -> None:
    given = {"csrf": mira.token("/console/preferences"), "note": "x"}
    assert mira.post(f"{URL}/alarms/77", given).status_code == 404
    assert mira.get(f"{URL}/alarms/77").headers["location"] == URL


def test_an_unknown_language_is_refused(mira: Person) -> None:
    assert mira.get(f"{URL}?language=xx").status_code == 422
    assert mira.get(f"{URL}/data?language=xx").status_code == 422


def test_a_lead_reads_and_acknowledges_nothing(bench: Bench, longer: DriftAlarm) -> None:
    lou = member(bench, "lou", "lead")
    page = lou.get(URL).text
    assert "texts became longer" in page
    assert "I have seen it" not in page
    assert "/console/trends?language=tr&amp;split=surface" in page
    given = {"csrf": lou.token("/console/preferences"), "note": "x"}
    assert lou.post(f"{URL}/alarms/{longer.alarm_id}", given).status_code == 403


@pytest.mark.parametrize("path", ["", "/data"])
def test_reviewers_are_not_shown_drift(person: Person, path: str) -> None:
    """What the model does must not lean on what they decide."""
    assert person.get(URL + path).status_code == 403
    assert f'href="{URL}"' not in person.get("/console/queues").text


def test_a_note_cannot_bring_markup(mira: Person, longer: DriftAlarm) -> None:
    send(mira, longer, note="<b>raid</b>")
    assert '<bdi class="note">&lt;b&gt;raid' in mira.get(URL).text


@pytest.mark.parametrize("key", every_key(), ids=lambda key: f"{key.measure} {key.language}")
def test_every_alarm_has_words(key) -> None:
    """A sentence with its numbers, a title and an advice."""
    alarm = DriftAlarm(
        1, key.measure, key.language, "m-1", FIXED_START, TODAY, TODAY, 0.2, 0.41, 5.0, 4.7
    )
    found = said(Voice(Language.EN, zone_of("UTC"), FIXED_START), alarm)
    assert "%(" not in found.text
    assert "Jan 5, 2026" in found.text
    assert found.advice
    assert ALL not in found.title.split()
