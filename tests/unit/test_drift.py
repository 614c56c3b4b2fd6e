"""Sums of days, the test that compares them, and when that is an alarm."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.drift import (
    ALL,
    LENGTH_EDGES,
    WATCHED,
    DayTally,
    DrawnDecision,
    DriftDay,
    ScoredText,
    median_of,
)
from triage_ml.domain.drift_ledger import Key, Ledger, every_key
from triage_ml.domain.drift_tests import (
    Days,
    Draws,
    Reference,
    began_at,
    calibration_p,
    shares_p,
)
from triage_ml.domain.drift_watch import N_TESTS, Rule, Watch
from triage_ml.domain.tails import f_tail, z_of, z_tail
from triage_ml.domain.taxonomy import Label, Language

FIRST = date(2026, 1, 5)
DAY = timedelta(days=1)


def scored(n_chars=50, p=0.2, language=Language.EN, model="m-1") -> ScoredText:
    return ScoredText(language, n_chars, model, p, {Label.HATE: p, Label.CHILD_SAFETY: p})


def days(x, n=28, noise=0.0, start=0) -> Days:
    at = np.arange(start, start + n) + FIRST.toordinal()
    return Days(at, np.asarray(x, float).reshape(n, -1), np.full(n, noise))


def draws(true, w=1.0, expected=0.0, chance=0.0, n=28) -> Draws:
    ones = np.ones(n)
    return Draws(
        np.arange(n), ones * 10, ones * 10 * w, ones * 10 * w * w, ones * true, ones * expected,
        ones * chance,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "d1", "d2", "expected"),
    [
        # scipy.stats.f.sf
        (1.0, 1.0, 21.0, 0.32869468),
        (30.0, 1.0, 21.0, 1.96017956e-05),
        (5.0, 7.3, 150.2, 3.10888692e-05),
        (12.0, 12.0, 250.0, 4.04638096e-19),
        (0.3, 3.0, 60.0, 0.82525875),
    ],
)
def test_the_tail_of_f_is_the_known_one(value, d1, d2, expected):
    assert f_tail(value, d1, d2) == pytest.approx(expected, rel=1e-6)


@given(st.floats(0.0, 30.0))
def test_a_p_value_and_its_strength_say_the_same(z):
    assert z_of(z_tail(z)) == pytest.approx(z, abs=1e-6)


def test_a_tail_is_a_chance_at_its_ends():
    assert f_tail(0.0, 3, 20) == 1.0
    assert f_tail(1e9, 3, 20) < 1e-30
    assert z_of(0.0) > 30


def test_a_day_adds_up_texts_by_language_model_and_bin():
    tally = DayTally(FIRST)
    tally.add_scores([scored(), scored(500), scored(language=Language.TR, model="m-2")])
    rows = {(x.sums_of, x.language, x.model_version): x for x in tally.rows()}
    lengths = rows["length", "en", ""]
    assert (lengths.n, lengths.sums[-1]) == (2, 550.0)
    assert sum(lengths.sums[:-1]) == 2
    assert rows["score", "tr", "m-2"].n == 1
    assert ("score:hate", "en", "m-1") in rows


def test_child_safety_is_in_no_sum():
    """Only a restricted queue sees it."""
    tally = DayTally(FIRST)
    tally.add_scores([scored()])
    assert not any("child_safety" in row.sums_of for row in tally.rows())
    assert Label.CHILD_SAFETY not in WATCHED
    assert not any("child_safety" in key.measure for key in every_key())


def test_draws_add_up_with_their_weights():
    tally = DayTally(FIRST)
    tally.add_drawn(
        [
            DrawnDecision(Language.EN, 10.0, True, (Label.HATE,), "m-1", 0.25),
            DrawnDecision(Language.EN, 2.0, False, (), "", None),
        ]
    )
    rows = {row.sums_of: row for row in tally.rows()}
    assert rows["drawn"].sums == pytest.approx((10, 100, 10, 2.5, 56.25, 18.75))
    assert rows["found"].n == 2
    assert rows["found"].sums[:3] == (12.0, 104.0, 10.0)


@pytest.mark.parametrize("n_chars", [3, 4, 61, 112, 4096, 60_000])
def test_a_median_comes_back_from_bins_within_a_half_octave(n_chars):
    tally = DayTally(FIRST)
    tally.add_scores([scored(n_chars)] * 9)
    row = next(row for row in tally.rows() if row.sums_of == "length")
    found = median_of(np.array(row.sums[:-1]), LENGTH_EDGES)
    inside = 2 <= n_chars < LENGTH_EDGES[-1] * 2
    assert not inside or abs(np.log2(found / n_chars)) <= 0.75
    assert median_of(np.zeros(len(LENGTH_EDGES) + 1), LENGTH_EDGES) == 0.0


def test_for_one_number_the_test_is_students():
    """Against the same weekdays: p of Student's t with 21 degrees of freedom."""
    chance = np.random.default_rng(1)
    x = chance.normal(size=28)
    p_value, shift = Reference(days(x)).compare(days(np.full(7, 1.0), 7, start=28))
    by_weekday = x.reshape(4, 7).mean(axis=0)
    spread = np.sum((x.reshape(4, 7) - by_weekday) ** 2) / 21
    echo = Reference(days(x)).echo
    variance = spread * (1 / 7 + 1 / 28) * (1 + echo) / (1 - echo)
    t2 = np.mean(1 - by_weekday) ** 2 / variance
    assert shift[0] == pytest.approx(np.mean(1 - by_weekday))
    assert p_value == pytest.approx(f_tail(t2, 1, 21))


def test_a_weekend_is_compared_with_weekends():
    """What each Saturday brings is no news on a Saturday."""
    x = np.array([0.0, 0, 0, 0, 0, 5, 5] * 4) + np.random.default_rng(2).normal(size=28) * 0.1
    weekend = Days(np.array([33, 34]) + FIRST.toordinal(), np.full((2, 1), 5.0), np.zeros(2))
    p_value, _ = Reference(days(x)).compare(weekend)
    assert p_value > 0.01


def test_p_values_of_the_test_are_spread_evenly_when_nothing_changes():
    """Also for vectors of which few directions scatter: no more small ones than there should be."""
    chance = np.random.default_rng(3)
    scale = np.array([3.0, 1.0, 0.3, 0.3, 0.1])
    found = []
    for _ in range(600):
        x = chance.normal(size=(35, 5)) * scale
        reference = Reference(days(x[:28]))
        found.append(reference.compare(days(x[28:], 7, start=28))[0])
    assert np.mean(np.array(found) < 0.05) < 0.09
    assert np.mean(np.array(found) < 0.001) < 0.01


def test_fewer_texts_a_day_make_the_test_more_careful():
    chance = np.random.default_rng(4)
    reference = Reference(days(chance.normal(size=28) * 0.1, noise=0.01))
    many, few = (days(np.full(7, 0.3), 7, noise=noise, start=28) for noise in (0.01, 0.09))
    assert reference.compare(few)[0] > 10 * reference.compare(many)[0]


def test_a_reference_that_never_moves_is_no_proof():
    """Without any scatter and noise nothing can be said."""
    reference = Reference(days(np.zeros(28)))
    assert reference.compare(days(np.ones(7), 7, start=28))[0] == 1.0


def test_a_weekday_that_the_reference_lacks_is_left_out():
    at = [n for n in range(35) if n % 7 < 5]
    x = np.random.default_rng(5).normal(size=(len(at), 1))
    weekdays = Days(np.array(at) + FIRST.toordinal(), x, np.zeros(len(at)))
    saturday = Days(np.array([FIRST.toordinal() + 40]), np.full((1, 1), 99.0), np.zeros(1))
    assert Reference(weekdays).compare(saturday) == (1.0, pytest.approx([0.0]))


def test_calibration_asks_whether_what_is_expected_is_found():
    assert calibration_p(draws(true=3.0, expected=3.0, chance=2.0)) == 1.0
    assert calibration_p(draws(true=5.0, expected=3.0, chance=2.0)) < 1e-6
    assert calibration_p(draws(true=0.0, expected=0.1, chance=0.1)) > 0.01
    assert calibration_p(draws(true=0.0)) == 1.0


def test_heavier_weights_make_shares_less_sure():
    even = shares_p(draws(2.0), draws(4.0, n=7))
    before, after = draws(2.0), draws(4.0, n=7)
    heavy = Draws(
        after.at, after.n, after.w, after.w2 * 5, after.true, after.expected, after.chance
    )
    assert even < 0.01
    assert shares_p(before, heavy) > 10 * even


def test_the_beginning_of_a_change_is_found():
    off = np.array([0.1, -0.2, 0.0, 0.1, 2.0, 1.8, 2.2])
    assert began_at(np.arange(7), off, np.ones(7)) == 4


def quiet_day(day: date, chance, model="m-1", n=200, more=0.0) -> list[DriftDay]:
    tally = DayTally(day)
    tally.add_scores(
        [
            scored(int(chance.integers(20, 200)), min(1.0, chance.beta(1, 4) + more), model=model)
            for _ in range(n)
        ]
    )
    return tally.rows()


def history(n_days, chance, **more) -> list[DriftDay]:
    return [row for n in range(n_days) for row in quiet_day(FIRST + n * DAY, chance, **more)]


def reading(rows, day, key, **more):
    [found] = [x for x in Watch(Ledger(rows), Rule(), **more).read(day) if x.key == key]
    return found


def test_higher_scores_of_the_same_model_raise_an_alarm():
    """About the scores, not about the texts."""
    chance = np.random.default_rng(6)
    rows = history(28, chance)
    rows += [x for n in range(28, 33) for x in quiet_day(FIRST + n * DAY, chance, more=0.2)]
    last = FIRST + 32 * DAY
    found = {row.key for row in Watch(Ledger(rows), Rule()).read(last) if row.alarms}
    assert {Key("score", "en"), Key("score", ALL), Key("score:hate", "en")} <= found
    assert Key("length", "en") not in found
    shown = reading(rows, last, Key("score", "en"))
    assert shown.since in (FIRST + 28 * DAY, FIRST + 29 * DAY)
    assert shown.after - shown.before == pytest.approx(0.2, abs=0.03)


def test_a_new_model_begins_a_new_reference():
    """From its first full day on; texts keep theirs."""
    chance = np.random.default_rng(7)
    rows = history(30, chance)
    rows += [x for n in range(30, 40) for x in quiet_day(FIRST + n * DAY, chance, "m-2", more=0.3)]
    last = FIRST + 39 * DAY
    shown = reading(rows, last, Key("score", "en"))
    assert (shown.model_version, shown.have, shown.z) == ("m-2", 9, None)
    assert reading(rows, last, Key("length", "en")).z is not None


def test_a_model_on_trial_is_not_the_live_one():
    chance = np.random.default_rng(8)
    rows = [
        row
        for n in range(3)
        for model, n_texts in (("m-1", 90), ("m-2", 10))
        for row in quiet_day(FIRST + n * DAY, chance, model, n=n_texts)
    ]
    rows = list({(x.day, x.sums_of, x.language, x.model_version): x for x in rows}.values())
    assert Ledger(rows).live_model((FIRST + 2 * DAY).toordinal())[0] == "m-1"


def test_days_before_a_change_that_is_normal_are_no_reference():
    rows = history(35, np.random.default_rng(9))
    key, last = Key("length", "en"), FIRST + 34 * DAY
    assert reading(rows, last, key).z is not None
    shown = reading(rows, last, key, restarts={key: FIRST + 30 * DAY})
    assert (shown.have, shown.z) == (5, None)


def test_a_language_with_few_texts_is_not_judged():
    rows = history(35, np.random.default_rng(10), n=15)
    shown = reading(rows, FIRST + 34 * DAY, Key("length", "en"))
    assert (shown.have, shown.z) == (0, None)


def test_an_empty_ledger_has_nothing_to_say():
    found = Watch(Ledger([]), Rule()).read(FIRST)
    assert len(found) == len(every_key())
    assert all(row.z is None and not row.alarms for row in found)


def test_the_budget_is_shared_by_all_tests_of_a_month():
    """The limit is that of one test in many thousands, whatever a day can see."""
    p_value = z_tail(Rule().limit)
    assert p_value * N_TESTS * 30 == pytest.approx(0.05)
    assert Rule(false_alarms=0.5).limit < Rule().limit
    rows = history(35, np.random.default_rng(11))
    assert reading(rows, FIRST + 34 * DAY, Key("length", "en")).limit == Rule().limit


def test_none_found_where_few_were_is_no_alarm():
    """Six of a hundred and then none of ninety happens by chance."""
    before, after = draws(0.6), draws(0.0, n=9)
    assert shares_p(before, after) > 0.001
    assert shares_p(draws(0.0), after) == 1.0
