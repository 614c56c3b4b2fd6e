import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.stats import wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(48, 57, 0.7264, 0.9146), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 2, 0.0945, 0.9055)],
)
def test_interval_of_a_share(successes: int, n: int, low: float, high: float) -> None:
    """As worked out by hand from the formula."""
    assert wilson(successes, n) == pytest.approx((low, high), abs=2e-4)


def test_nothing_counted_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (0, -1)])
def test_what_is_no_share_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(successes, n)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_share(counted: tuple[int, int]) -> None:
    """It lies within 0 and 1, and is mirrored when what is counted is turned round."""
    successes, n = counted
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low))
