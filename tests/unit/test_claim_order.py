"""Cases given out in the order of the claim."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.claim_order import OrderRules, Waiter, Waiting

RULES = OrderRules(urgency_weight=100.0, age_weight=1.0, handling_seconds=120.0, random_share=0.0)
POOL = ("std", "en")
HOUR = 3600.0


def waiter(number: int, *, at=0.0, sla=24 * HOUR, tier=3, base=1.0, pool=POOL) -> Waiter:
    return Waiter(at, (number, 0), at + sla, pool, tier, base, number)


def given_out(cases, now, pools=(POOL,), rules=RULES, seed=1) -> list[int]:
    waiting = Waiting(rules)
    for case in cases:
        waiting.add(case)
    taken = iter(lambda: waiting.take(pools, now, Random(seed)), None)
    return [case.number for case in taken]


def test_a_tier_goes_before_every_index():
    """And inside of it the index decides."""
    cases = [waiter(0, base=99.0), waiter(1, tier=2), waiter(2, base=100.0)]
    assert given_out(cases, HOUR) == [1, 2, 0]


def test_of_equal_cases_the_older_goes_first():
    """Then the lower key."""
    cases = [waiter(2, at=5.0), waiter(1, at=5.0), waiter(0, at=9.0)]
    assert given_out(cases, HOUR) == [1, 2, 0]


def test_a_case_near_its_due_time_overtakes():
    """Within four handling times of it, not before."""
    soon, grave = waiter(0, sla=2 * HOUR, base=0.1), waiter(1, base=5.0)
    assert given_out([soon, grave], 2 * HOUR - 481) == [1, 0]
    assert given_out([soon, grave], 2 * HOUR - 400) == [0, 1]


def test_only_own_pools_are_given_out():
    """What others serve stays."""
    cases = [waiter(0, pool=("std", "ko")), waiter(1), waiter(2, pool=("legal", "en"))]
    assert given_out(cases, HOUR, pools=[("std", "ko"), ("legal", "en")]) == [0, 2]


def test_a_random_draw_stays_in_the_queue_and_tier_of_the_best():
    """Every case there is drawn at some time, none elsewhere."""
    rules = OrderRules(100.0, 1.0, 120.0, random_share=1.0)
    cases = [
        waiter(0),
        waiter(1, base=9.0),
        waiter(2),
        waiter(3, tier=4),
        waiter(4, pool=("b", "en")),
    ]
    firsts = {given_out(cases, HOUR, (POOL, ("b", "en")), rules, seed)[0] for seed in range(40)}
    assert firsts == {0, 1, 2}


cases_of = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.floats(0, 20),
        st.integers(0, 40_000),
        st.sampled_from([900.0, 4 * HOUR, 24 * HOUR]),
    ),
    min_size=1,
    max_size=30,
)


@given(cases_of, st.lists(st.integers(1, 9_000), min_size=30, max_size=30))
def test_the_heaps_agree_with_sorting_by_the_index(rows, steps):
    """At every moment, while the clock goes on between the claims."""
    cases = [
        waiter(n, tier=tier, base=base, at=float(at), sla=sla)
        for n, (tier, base, at, sla) in enumerate(rows)
    ]
    waiting, left, now = Waiting(RULES), list(cases), 40_000.0
    for case in cases:
        waiting.add(case)
    for step in steps[: len(cases)]:
        now += step
        taken = waiting.take([POOL], now, Random(1))
        assert taken is not None
        best = min(left, key=lambda x: (x.tier, -waiting.index(x, now), x.arrived_at, x.key))
        assert taken.tier == best.tier
        assert waiting.index(taken, now) == pytest.approx(waiting.index(best, now), abs=1e-6)
        left.remove(taken)
    assert waiting.take([POOL], now, Random(1)) is None
