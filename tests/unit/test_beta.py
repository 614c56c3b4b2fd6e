"""The beta distribution against values worked out elsewhere."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_ml.domain.beta import beta_below, log_beta


@pytest.mark.parametrize(
    ("x", "a", "b", "expected"),
    [
        # scipy.special.betainc
        (0.3, 0.5, 0.5, 0.36901011956554536),
        (0.4, 2, 3, 0.5248),
        (0.97, 75.1, 3.65, 0.7318628564571887),
        (0.1, 1e-3, 2, 0.9985979938799937),
        (0.0012, 10, 1e4, 0.7587075900534261),
        (0.5005, 5e5, 5e5, 0.8413447460685569),
        (2e-5, 30, 1e6, 0.021824350755094243),
    ],
)
def test_how_much_lies_below(x: float, a: float, b: float, expected: float) -> None:
    """Also for a million of trials, where the fraction is long."""
    assert beta_below(x, a, b) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("x", "share"), [(-0.1, 0.0), (0.0, 0.0), (1.0, 1.0), (1.1, 1.0)])
def test_nothing_lies_outside(x: float, share: float) -> None:
    assert beta_below(x, 2.5, 0.5) == share


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.01, 1e4), st.floats(0.01, 1e4))
def test_it_is_a_share_and_mirrors(x: float, a: float, b: float) -> None:
    below = beta_below(x, a, b)
    assert -1e-10 <= below <= 1 + 1e-10
    assert below + beta_below(1 - x, b, a) == pytest.approx(1, abs=1e-9)


def test_the_beta_function() -> None:
    """B(a, 1) is 1/a, and a half with a half is pi."""
    assert log_beta(4, 1) == pytest.approx(-log(4), abs=1e-14)
    assert log_beta(3.5, 7.25) == pytest.approx(-6.266313171974905, abs=1e-12)
