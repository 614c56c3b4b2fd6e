"""Waiting measured and compared."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from tests.unit.pairs import pair, stand
from triage_ml.domain.claim_order import OrderRules
from triage_ml.domain.delay import DelayReport, Plan, Side, delay_of
from triage_ml.domain.spread import Spread, spread_of, t_quantile
from triage_ml.domain.staffing import Crew, Staffing
from triage_ml.domain.taxonomy import Language, Severity

ORDER = OrderRules(100.0, 1.0, 120.0, 0.0)
AS_IT_WAS = Plan(1, 7, 0.0, resample=False)


def side(*crews: Crew, order: OrderRules = ORDER) -> Side:
    return Side(order, Staffing(crews or (Crew("a", 1),), "by hand"), frozenset({"child"}))


def rows(report: DelayReport, kind: str, which: str = "before") -> dict[str, dict[str, float]]:
    return {
        row.name: {name: spread.mean for name, spread in getattr(row, which).items()}
        for row in report.rows
        if row.kind == kind
    }


def test_three_cases_are_measured_by_hand():
    """One reviewer, an hour a case, all at once: waits of 0, 1 and 2 hours."""
    pairs = [pair(n, minutes=60, harm=harm) for n, harm in enumerate((1.0, 10.0, 100.0))]
    pairs[2] = replace(pairs[2], before=replace(pairs[2].before, due_at=pairs[2].arrived_at))
    report = delay_of(pairs, side(), side(), AS_IT_WAS)
    measured = rows(report, "all")[""]
    # The first finds a free desk; the third was due when it came, so it overtakes the second.
    assert measured["wait_p50"] == pytest.approx(1.0)
    assert measured["wait_p95"] == pytest.approx(2.0)
    assert measured["breach_rate"] == pytest.approx(1 / 3)
    assert measured["harm_hours"] == pytest.approx(1 * 1 + 100 * 2 + 10 * 3)
    assert measured["harm_per_case"] == pytest.approx(231 / 3)
    assert measured["backlog"] == 0


def test_what_waits_at_the_end_counts_up_to_it():
    """Nobody speaks Korean: eight hours are the shortest span, and a due time in it is missed."""
    english = side(Crew("en", 1, frozenset({Language.EN})))
    waits = replace(pair(1, harm=2.0), language=Language.KO)
    late = replace(waits, before=stand(later=timedelta(hours=-20)))
    report = delay_of([waits, replace(late, case_id=pair(2).case_id)], english, english, AS_IT_WAS)
    measured = rows(report, "language")["ko"]
    assert measured["harm_hours"] == pytest.approx(2 * 2.0 * 8)
    assert measured["breach_rate"] == 1.0  # of those whose due time came
    assert (measured["backlog"], report.n_unserved) == (2, 2)


def test_what_is_restricted_counts_apart():
    """Neither its queue nor its language shows."""
    child = stand(queue="child")
    pairs = [pair(1), pair(2, before=child, restricted=True)]
    report = delay_of(pairs, side(Crew("a", 1, restricted=True)), side(), AS_IT_WAS)
    assert set(rows(report, "queue")) == {"std"}
    assert [row.n_cases for row in report.rows if row.kind in ("all", "restricted")] == [1, 1]
    assert [test.name for test in report.tests] == ["en", "restricted"]


def test_the_same_on_both_sides_differs_in_nothing():
    """Whatever chance does: both sides have the same."""
    order = replace(ORDER, random_share=0.2)
    pairs = [pair(n, hours=n / 10, harm=float(n % 7)) for n in range(60)]
    report = delay_of(pairs, side(order=order), side(order=order), Plan(6, 3, 0.5))
    for row in report.rows:
        assert set(row.difference.values()) <= {Spread(0.0, 0.0, 0.0)}
        assert row.before == row.after


def test_what_moves_in_one_language_leaves_the_others_as_they_were():
    """Though claims are drawn at random, and the moved cases change who is drawn."""
    order = replace(ORDER, random_share=0.3)
    crews = [Crew(x, 1, frozenset({x})) for x in (Language.EN, Language.DE)]
    pairs = [
        replace(pair(n, hours=n / 60, minutes=3), language=Language.DE if n % 2 else Language.EN)
        for n in range(120)
    ]
    pairs = [replace(x, after=stand(tier=4)) if x.case_id.int % 4 == 1 else x for x in pairs]
    report = delay_of(pairs, side(*crews, order=order), side(*crews, order=order), Plan(5, 1, 0.5))
    tests = {test.name: test.difference for test in report.tests}
    assert tests["en"] == Spread(0.0, 0.0, 0.0)
    assert tests["de"] != Spread(0.0, 0.0, 0.0)


def test_a_seed_gives_the_same_numbers_again():
    """Another seed gives others."""
    pairs = [pair(n, hours=n / 20) for n in range(30)]
    first, again, other = (
        delay_of(pairs, side(), side(), Plan(4, seed, 0.5)).rows for seed in (1, 1, 2)
    )
    assert first == again != other


def test_grave_cases_that_sink_cost_more():
    """The interval of the difference lies above zero, in their language alone."""

    def sunk(n: int) -> bool:
        return n % 4 == 0

    pairs = [
        replace(
            pair(n, hours=n / 60, minutes=3, harm=27.0 if sunk(n) else 0.5),
            language=Language.DE if n % 2 else Language.EN,
            before=stand(tier=1 if sunk(n) else 3, hours=n / 60),
            after=stand(tier=4 if sunk(n) else 3, hours=n / 60),
            decided=Severity.S3 if sunk(n) else None,
        )
        for n in range(240)
    ]
    crews = [Crew(x, 1, frozenset({x}), productive=0.55) for x in (Language.EN, Language.DE)]
    report = delay_of(pairs, side(*crews), side(*crews), Plan(8, 1, 0.3))
    tests = {test.name: test.difference for test in report.tests}
    assert tests["en"].low > 0
    assert tests["de"] == Spread(0.0, 0.0, 0.0)
    assert rows(report, "gap")["language"]["harm_per_case"] > 0


def test_no_interval_holds_a_share_that_cannot_be():
    """Few cases in few repetitions reach far beyond what a share, or a difference, can be."""
    due = [stand(later=timedelta(hours=hours - 24)) for hours in (0.5, 1.5, 0.5, 1.5)]
    pairs = [pair(n, minutes=60, before=place) for n, place in enumerate(due)]
    report = delay_of(pairs, side(Crew("a", 1)), side(Crew("b", 3)), Plan(3, 2, 0.5))
    sides = [found for row in report.rows for found in (row.before, row.after) if found]
    shares = [found["breach_rate"] for found in sides]
    changes = [row.difference["breach_rate"] for row in report.rows if row.difference]
    assert all(0 <= one.low <= one.mean <= one.high <= 1 for one in shares)
    assert all(-1 <= one.low <= one.mean <= one.high <= 1 for one in changes)
    assert 1 in {one.high for one in shares}
    assert -1 in {one.low for one in changes}


@given(st.lists(st.floats(0, 30), min_size=2, max_size=40), st.integers(1, 3))
@given_settings(max_examples=25)
def test_more_reviewers_never_raise_the_mean_wait(hours, n):
    """In paired runs on a fixed order."""
    order = OrderRules(0.0, 1.0, 120.0, 0.0)
    pairs = [pair(number, hours=at, minutes=30) for number, at in enumerate(hours)]
    few, more = side(Crew("a", n), order=order), side(Crew("a", n + 1), order=order)
    report = delay_of(pairs, few, more, Plan(3, 1, 0.4))
    found = {row.kind: row.difference["wait_p50"] for row in report.rows if row.kind == "all"}
    assert found["all"].mean <= 1e-9


def test_quantiles_are_students():
    """Against published tables, 95 % and the 99.5 % point."""
    for freedom, value in ((4, 2.776), (9, 2.262), (19, 2.093), (199, 1.972)):
        assert t_quantile(0.975, freedom) == pytest.approx(value, rel=0.004)
    assert t_quantile(0.995, 19) == pytest.approx(2.861, rel=0.002)


def test_an_interval_holds_a_further_value_as_often_as_it_says():
    """19 of 20 times, in 2,000 draws of 20 normal values each."""
    chance = Random(5)
    hits = 0
    for _ in range(2_000):
        *seen, new = (chance.gauss(3.0, 2.0) for _ in range(21))
        spread = spread_of(seen)
        hits += spread.low <= new <= spread.high
    assert hits / 2_000 == pytest.approx(0.95, abs=0.015)


def test_one_value_has_no_interval():
    """It is its own mean."""
    assert spread_of([3.0]) == Spread(3.0, 3.0, 3.0)
