"""Reviewers and cases, played through by hand."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.claim_order import OrderRules, Waiter
from triage_ml.domain.queueing import Outcome, desk_of, run_desk
from triage_ml.domain.staffing import Crew
from triage_ml.domain.taxonomy import Language

FIRST_COME = OrderRules(0.0, 1.0, 120.0, 0.0)
POOL = ("std", "en")
DAY = 86_400.0
ALL_DAY = ((0.0, DAY),)
ONE = (Crew("a", 1),)


def waiter(number: int, at: float, *, tier: int = 3, pool=POOL) -> Waiter:
    return Waiter(at, (number, 0), at + DAY, pool, tier, 1.0, number)


def play(cases, handling, crews=ONE, duties=(ALL_DAY,), until=DAY, rules=FIRST_COME):
    desk = desk_of(crews, duties, {case.pool for case in cases}, {"child"})
    return run_desk(cases, handling, desk, rules, until, Random(1))


def test_one_reviewer_works_off_three_cases():
    """The second waits for the first; the third comes to a free desk."""
    cases = [waiter(0, 0.0), waiter(1, 10.0), waiter(2, 500.0)]
    assert play(cases, [100.0, 50.0, 5.0]) == [
        Outcome(0.0, 100.0),
        Outcome(100.0, 150.0),
        Outcome(500.0, 505.0),
    ]


def test_who_becomes_free_takes_the_most_urgent():
    """Not the one that waits the longest."""
    cases = [waiter(0, 0.0), waiter(1, 1.0), waiter(2, 2.0, tier=0)]
    found = play(cases, [100.0] * 3)
    assert [row.claimed_at for row in found] == [0.0, 200.0, 100.0]


def test_nobody_claims_after_hours_but_finishes_what_was_begun():
    """The rest waits for the next morning."""
    cases = [waiter(0, 5.0), waiter(1, 6.0), waiter(2, 15.0)]
    found = play(cases, [100.0, 10.0, 10.0], duties=[((0.0, 10.0), (1000.0, 2000.0))])
    assert found == [Outcome(5.0, 105.0), Outcome(1000.0, 1010.0), Outcome(1010.0, 1020.0)]


def test_somebody_idle_goes_home_too():
    """A case at night finds nobody."""
    found = play([waiter(0, 500.0)], [10.0], duties=[((0.0, 10.0), (1000.0, 2000.0))])
    assert found == [Outcome(1000.0, 1010.0)]


def test_languages_and_restricted_queues_are_kept_apart():
    """What nobody may take waits to the end."""
    cases = [
        waiter(0, 0.0),
        waiter(1, 0.0, pool=("std", "ko")),
        waiter(2, 0.0, pool=("child", "en")),
    ]
    crews = (Crew("en", 1, frozenset({Language.EN})), Crew("r", 1, restricted=True))
    found = play(cases, [10.0] * 3, crews, (ALL_DAY, ()))
    assert found == [Outcome(0.0, 10.0), Outcome(), Outcome()]


def test_less_of_the_time_makes_a_case_longer():
    """Half productive, twice as long; what ends after the end is not decided."""
    found = play(
        [waiter(0, 0.0), waiter(1, 0.0)], [30.0] * 2, [Crew("a", 1, productive=0.5)], until=100
    )
    assert found == [Outcome(0.0, 60.0), Outcome(60.0, None)]


def test_what_comes_after_the_end_is_not_seen():
    """It neither waits nor is decided."""
    assert play([waiter(0, 200.0)], [10.0], until=100.0) == [Outcome()]


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 900)), min_size=1, max_size=40),
    st.integers(1, 4),
)
def test_more_reviewers_never_raise_the_wait_on_a_fixed_order(rows, n):
    """First come, first served, with the same cases and handling times."""
    cases = [waiter(number, float(at)) for number, (at, _) in enumerate(rows)]
    handling = [float(seconds) for _, seconds in rows]
    few = play(cases, handling, [Crew("a", n)])
    more = play(cases, handling, [Crew("a", n + 1)])
    assert all(b.claimed_at <= a.claimed_at for a, b in zip(few, more, strict=True))
