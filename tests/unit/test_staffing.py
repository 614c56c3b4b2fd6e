"""Who works when, and what a staffing file must not say."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from triage_ml.domain.staffing import (
    Crew,
    assumed_staffing,
    check_queues,
    next_duty,
    on_duty,
    parse_staffing,
)
from triage_ml.domain.taxonomy import Language
from triage_ml.errors import InvalidInput

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
GROUP = {"name": "day", "reviewers": 2}


def spans(crew: Crew, days: int = 7) -> list[tuple[str, str]]:
    found = crew.duty(MONDAY, MONDAY + timedelta(days=days))
    return [tuple(f"{datetime.fromtimestamp(at, UTC):%a %H:%M}" for at in span) for span in found]


def test_hours_are_those_of_the_place():
    """Five days of nine to five in Seoul."""
    crew = Crew("seoul", 1, zone=ZoneInfo("Asia/Seoul"), hours=((540, 1020),), days=frozenset({0}))
    assert spans(crew) == [("Mon 00:00", "Mon 08:00")]


def test_a_night_shift_passes_midnight():
    """Also the one that began before the first day, and from one night to the next."""
    crew = Crew("night", 1, hours=((22 * 60, 6 * 60),))
    assert spans(crew, 1) == [("Mon 00:00", "Mon 06:00"), ("Mon 22:00", "Tue 00:00")]
    weekdays = Crew("day", 1, hours=((0, 1440),), days=frozenset({0, 1}))
    assert spans(weekdays) == [("Mon 00:00", "Wed 00:00")]


def test_clocks_that_change_leave_the_local_hours():
    """On the last Sunday of March Berlin works an hour earlier in UTC."""
    crew = Crew("b", 1, zone=ZoneInfo("Europe/Berlin"), hours=((540, 600),), days=frozenset({5, 6}))
    begins = datetime(2026, 3, 28, tzinfo=UTC)
    found = crew.duty(begins, begins + timedelta(days=2))
    assert [datetime.fromtimestamp(a, UTC).hour for a, _ in found] == [8, 7]


def test_duty_is_looked_up():
    """The end belongs to the free time."""
    times = ((10.0, 20.0), (30.0, 40.0))
    assert [on_duty(times, at) for at in (9.0, 10.0, 19.9, 20.0, 35.0)] == [
        *(False, True, True, False, True)
    ]
    assert [next_duty(times, at) for at in (0.0, 15.0, 30.0)] == [10.0, 30.0, None]


def test_restricted_queues_need_leave():
    """Queues that are named are the only ones."""
    crew = Crew("a", 1, frozenset({Language.EN}))
    assert crew.serves("std", "en", {"child"})
    assert not crew.serves("child", "en", {"child"})
    assert not crew.serves("std", "de", {"child"})
    assert Crew("b", 1, restricted=True).serves("child", "ko", {"child"})
    assert not Crew("c", 1, queues=frozenset({"legal"})).serves("std", "en", ())


def test_assumed_reviewers_are_loaded_as_said():
    """Two hours of work for a language in ten hours, at 85 % of the time."""
    found = assumed_staffing({Language.EN: 7200.0, Language.KO: 60_000.0}, timedelta(hours=10))
    english, korean = found.crews
    assert (english.n_reviewers, korean.n_reviewers) == (1, 2)
    assert 7200 / (36_000 * english.productive) == pytest.approx(0.85)
    assert 60_000 / (36_000 * 2 * korean.productive) == pytest.approx(0.85)


def test_a_file_is_read():
    """What is left out is all of it."""
    row = {
        **GROUP,
        "languages": ["de", "en"],
        "queues": ["legal"],
        "restricted": True,
        "time_zone": "Europe/Berlin",
        "hours": ["09:00-17:00", "22:00-06:00"],
        "days": ["mon", "sun"],
        "productive": 0.8,
    }
    staffing = parse_staffing({"group": [row, {**GROUP, "name": "all"}]}, "staffing.toml")
    first, second = staffing.crews
    assert first.hours == ((540, 1020), (1320, 360))
    assert (first.days, first.zone.key) == (frozenset({0, 6}), "Europe/Berlin")
    assert second == Crew("all", 2)
    assert staffing.words == "staffing.toml: 4 reviewers"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"reviewers": 0}, "group[0].reviewers: must lie within 1 and 10000"),
        ({"reviewers": 1.5}, "group[0].reviewers: must be a whole number"),
        ({"reviewers": "two"}, "group[0].reviewers: must be a number"),
        ({"languages": ["fr"]}, "group[0].languages: fr is not one of en, de, tr, es, ko, und"),
        ({"languages": "en"}, "group[0].languages: must be a list"),
        ({"hours": ["9-17"]}, "group[0].hours: 9-17 is no span of a day, as in 09:00-17:00"),
        ({"hours": ["09:00-24:30"]}, "group[0].hours: 09:00-24:30 is no span of a day"),
        ({"days": ["monday"]}, "group[0].days: monday is not one of mon, tue"),
        ({"time_zone": "Berlin"}, "group[0].time_zone: must be the name of a time zone"),
        ({"productive": 2}, "group[0].productive: must lie within 0.05 and 1"),
        ({"restricted": "yes"}, "group[0].restricted: must be a bool"),
        ({"people": 2}, "group[0].people: is not a known key"),
        ({"name": ""}, "group[0].name: must not be empty"),
    ],
)
def test_a_wrong_file_is_named(row, told):
    """With the group, the field and the reason."""
    with pytest.raises(InvalidInput) as raised:
        parse_staffing({"group": [{**GROUP, **row}]}, "staffing.toml")
    assert str(raised.value).startswith(f"staffing.toml {told}")


@pytest.mark.parametrize("document", [{}, {"group": []}, {"group": [3]}, {"crew": [GROUP]}])
def test_a_file_without_groups_is_refused(document):
    """So is one with other tables."""
    with pytest.raises(InvalidInput, match=r"staffing.toml (group|crew)"):
        parse_staffing(document, "staffing.toml")


def test_a_queue_that_no_policy_has_is_refused():
    """It would be staffed for nothing."""
    staffing = parse_staffing({"group": [{**GROUP, "queues": ["lega"]}]}, "staffing.toml")
    with pytest.raises(InvalidInput, match="no policy has a queue lega"):
        check_queues(staffing, ["legal"])
