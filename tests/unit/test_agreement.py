"""Krippendorff's alpha against published examples, and what it says of too little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.agreement import MIN_UNITS, alpha, measure

# Krippendorff 2011, Computing Krippendorff's Alpha-Reliability: examples A to C. A row is an
# observer; 0 in example C is a missing value.
BINARY = ((0, 1, 0, 0, 0, 0, 0, 0, 1, 0), (1, 1, 1, 0, 0, 1, 0, 0, 0, 0))
NOMINAL = ("aabbdcccedda", "babbbccceddd")
MISSING = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)
EXAMPLE_C = [[value for value in unit if value] for unit in zip(*MISSING, strict=True)]

units = st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=4), min_size=10, max_size=30)


def test_two_observers_and_two_values() -> None:
    """Example A: 0.095."""
    assert alpha(list(zip(*BINARY, strict=True))) == pytest.approx(0.095, abs=5e-4)


def test_two_observers_and_five_values() -> None:
    """Example B: 0.692."""
    coded = [[ord(value) for value in unit] for unit in zip(*NOMINAL, strict=True)]
    assert alpha(coded) == pytest.approx(0.692, abs=5e-4)


def test_four_observers_and_missing_values() -> None:
    """Example C: 0.743 for names, 0.815 for ranks; the twelfth unit has one value and is left."""
    assert alpha(EXAMPLE_C) == pytest.approx(0.743, abs=5e-4)
    assert alpha(EXAMPLE_C, ordinal=True) == pytest.approx(0.815, abs=5e-4)
    assert measure(EXAMPLE_C).n == 11


def test_example_c_by_hand() -> None:
    """From the paper's coincidence matrix: what stands above its diagonal, and its margins."""
    counts = (9, 13, 10, 5, 3)  # of the values 1 to 5
    disagreed = 2 * (4 / 3 + 1 / 3 + 1 / 3 + 4 / 3 + 1 / 3 + 1 / 3)  # 12 13 14 23 24 34
    expected = sum(a * b for i, a in enumerate(counts) for j, b in enumerate(counts) if i != j)
    assert alpha(EXAMPLE_C) == pytest.approx(1 - 39 * disagreed / expected)


def test_the_interval_holds_alpha_and_is_the_same_every_time() -> None:
    """500 resamples with a fixed seed."""
    once, again = measure(EXAMPLE_C), measure(EXAMPLE_C)
    assert once == again
    assert once.alpha is not None
    assert once.low is not None
    assert once.high is not None
    assert once.low < once.alpha < once.high


def test_too_few_units_say_nothing() -> None:
    """A number over nine cases would look like knowledge; one value is no unit."""
    found = measure([(0, 1)] * (MIN_UNITS - 1) + [(1,)] * 5)
    assert found.too_few
    assert found.alpha is None
    assert found.n == MIN_UNITS - 1


@pytest.mark.parametrize("value", [0, 1])
def test_values_that_are_all_alike_have_no_alpha(value: int) -> None:
    """Without variation there is nothing to agree on beyond chance."""
    found = measure([(value, value)] * 20)
    assert (found.n, found.alpha, found.low) == (20, None, None)


def test_one_case_of_a_rare_label_has_no_interval() -> None:
    """A third of the resamples would not hold it."""
    found = measure([(1, 1)] + [(0, 0)] * 30)
    assert found.alpha == pytest.approx(1)
    assert found.low is None


@given(units)
def test_alpha_never_passes_one_and_order_does_not_matter(cases: list[list[int]]) -> None:
    """Neither that of units nor that of the verdicts on one."""
    found = alpha(cases)
    turned = alpha([list(reversed(unit)) for unit in reversed(cases)])
    assert (found is None) == (turned is None)
    if found is not None and turned is not None:
        assert found <= 1 + 1e-9
        assert found == pytest.approx(turned)
