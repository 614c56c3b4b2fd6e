"""Points, shifts, breaks, and what may be told of a group."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.builders import NOW, shipped_policy
from tests.unit.test_policy import shipped_documents
from triage_ml.domain.care import (
    Exposure,
    GroupDose,
    PersonDose,
    groups,
    light_due,
    rest_due,
    stretch,
    total,
)
from triage_ml.domain.policy import parse_policy
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import PolicyInvalid

CARE = shipped_policy().care
EN, DE, TR = Language.EN, Language.DE, Language.TR


def at(minutes: float, points: float = 4.0, lasted: float = 1.0) -> Exposure:
    """Make a case that was concluded so many minutes after NOW."""
    end = NOW + timedelta(minutes=minutes)
    return Exposure("rita", end - timedelta(minutes=lasted), end, points)


def people(n: int, language: Language, points: float = 100.0) -> list[PersonDose]:
    return [PersonDose(language, points, points)] * n


def test_a_case_weighs_as_much_as_its_gravest_label() -> None:
    """Others beside it add nothing, and light labels weigh nothing."""
    both = {Label.SELF_HARM: 3.0, Label.ADULT_SEXUAL: 2.0, Label.HATE: 4.0}
    assert CARE.weigh(both) == CARE.points[Label.SELF_HARM] * CARE.severity_weights[3]
    assert CARE.weigh({Label.HATE: 4.0}) == CARE.weigh({}) == 0.0


@pytest.mark.parametrize(("severity", "nearest"), [(-1.0, 0), (0.4, 0), (1.6, 2), (9.0, 4)])
def test_a_severity_between_two_counts_as_the_nearest(severity: float, nearest: int) -> None:
    weight = CARE.points[Label.SELF_HARM] * CARE.severity_weights[nearest]
    assert CARE.weigh({Label.SELF_HARM: severity}) == weight


def test_a_dose_has_a_name() -> None:
    """From its bounds on."""
    doses = (0, CARE.raised_points, CARE.high_points)
    assert [CARE.level(points) for points in doses] == ["low", "raised", "high"]


def test_a_pause_of_the_gap_ends_a_stretch() -> None:
    """Also one that lasts until now."""
    rows = [at(0), at(30), at(42)]
    ten = timedelta(minutes=10)
    assert stretch(rows, ten, NOW + timedelta(minutes=43)) == rows[2:]
    assert stretch(rows, timedelta(hours=4), NOW + timedelta(minutes=43)) == rows
    assert stretch(rows, ten, NOW + timedelta(minutes=52)) == []
    assert stretch([], ten, NOW) == []


def test_a_long_case_is_no_pause() -> None:
    """Time spent on a case is work, however many were taken at once."""
    rows = [at(0), at(30, lasted=29), at(31, lasted=30)]
    assert stretch(rows, timedelta(minutes=10), NOW + timedelta(minutes=31)) == rows


def test_a_break_is_proposed_once_per_full_measure() -> None:
    """Who goes on is asked again after another one, not at the next case."""
    step = CARE.break_after_points / 4
    asked = []
    rows: list[Exposure] = []
    for n in range(8):
        rows.append(at(n, step))
        asked.append(rest_due(CARE, rows, rows[-1].at))
    assert asked == [False, False, False, True] * 2


def test_a_break_is_proposed_after_long_work_however_light() -> None:
    """Minutes count as well."""
    minutes = CARE.break_after.total_seconds() / 60
    rows = [at(n * 5.0, 0.0, lasted=5) for n in range(60)]
    due = [n for n in range(1, 61) if rest_due(CARE, rows[:n], rows[n - 1].at)]
    assert [n * 5 for n in due] == [minutes, 2 * minutes, 3 * minutes]


def test_after_a_break_it_counts_anew() -> None:
    """What was read before it is behind one."""
    before = [at(n, CARE.break_after_points / 2 - 1) for n in range(2)]
    rows = [*before, at(20, CARE.break_after_points - 1)]
    assert not rest_due(CARE, rows, rows[-1].at)
    assert not rest_due(CARE, [], NOW)


def test_a_light_case_is_due_after_heavy_ones_in_a_row() -> None:
    """One light case between begins the row anew, and so does a new shift."""
    rows = [at(n, CARE.heavy_points) for n in range(CARE.interleave_after)]
    now = rows[-1].at
    assert light_due(CARE, rows, now)
    assert not light_due(CARE, rows[1:], now)
    assert not light_due(
        CARE, [*rows, at(10, CARE.heavy_points - 0.5)], NOW + timedelta(minutes=10)
    )
    assert not light_due(CARE, rows, now + CARE.shift_gap)


def test_a_group_of_five_is_told_and_one_of_four_is_not() -> None:
    """Rounded, so that a mean is no sum of known numbers."""
    told = groups(CARE, people(5, EN, 103.0))
    assert told.everybody == GroupDose(105.0, 0.1) == told.by_language[EN]
    hidden = groups(CARE, people(4, EN))
    assert hidden.everybody is None
    assert hidden.by_language == {EN: None}
    assert groups(CARE, []).everybody is None


def test_a_group_is_hidden_if_everybody_else_are_fewer_than_five() -> None:
    """Everybody minus this group would tell of three people."""
    told = groups(CARE, [*people(6, EN), *people(3, DE)])
    assert told.everybody is not None
    assert told.by_language == {EN: None, DE: None}


def test_two_groups_are_not_told_if_their_rest_is_fewer_than_five() -> None:
    """Everybody minus both would tell of the two others: the smaller one is kept back."""
    told = groups(CARE, [*people(9, EN), *people(6, DE), *people(2, TR)])
    assert told.by_language[EN] is not None
    assert told.by_language[DE] is None
    assert told.by_language[TR] is None


@pytest.mark.parametrize("sizes", [(a, b, c) for a in range(8) for b in range(8) for c in range(8)])
def test_no_sum_or_difference_of_what_is_told_is_of_one_to_four_people(
    sizes: tuple[int, int, int],
) -> None:
    """Every group, everybody, and everybody without any of the told groups."""
    languages = (EN, DE, TR)
    rows = [row for n, name in zip(sizes, languages, strict=True) for row in people(n, name)]
    told = groups(CARE, rows)
    shown = [n for n, name in zip(sizes, languages, strict=True) if told.by_language.get(name)]
    if told.everybody is None:
        assert shown == []
        return
    rests = [sum(rows_) for rows_ in subsets(shown)]
    assert all(n == 0 or n >= 5 for rest in rests for n in (rest, sum(sizes) - rest))


def subsets(values: list[int]) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for value in values:
        found += [[*rest, value] for rest in found]
    return found


def test_nobody_and_everybody_are_never_said() -> None:
    """A share of all or none would speak of each single person."""
    none = groups(CARE, people(6, EN, 0.0)).everybody
    everyone = groups(CARE, people(6, EN, CARE.high_points)).everybody
    assert none is not None
    assert everyone is not None
    assert (none.high_share, everyone.high_share) == (0.1, 0.9)


def test_points_add_up() -> None:
    assert total([at(0, 1.5), at(1, 2.0)]) == 3.5
    assert total([]) == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"heavy_points": 0}, "heavy_points"),
        ({"interleave_after": 1.5}, "interleave_after"),
        ({"severity_weights": [1, 2]}, "severity_weights"),
        ({"points": {"rudeness": 1}}, "points.rudeness"),
        ({"points": {"hate": -1}}, "points.hate"),
        ({"raised_points": 200.0}, "high_points"),
        ({"break_minutes": 90}, "break_after_minutes"),
        ({"shift_gap": 4}, "shift_gap"),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, Any], field: str) -> None:
    """With its place in the file."""
    documents = shipped_documents()
    care = {**documents["policy"]["care"], **change}
    documents["policy"] = {**documents["policy"], "care": care}
    with pytest.raises(PolicyInvalid, match=f"care.{field}"):
        parse_policy(documents)
