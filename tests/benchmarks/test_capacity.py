"""The search for the highest rate, on servers made up of a formula."""

from dataclasses import replace

import pytest

from benchmarks.load.capacity import GAP, STEP_DOWN, find_capacity
from benchmarks.load.window import Window


def window(rate, p99_ms, n_errors=0, n_refused=0):
    ms = (p99_ms / 2, p99_ms, p99_ms, p99_ms)
    return Window(rate, 5.0, 500, *ms, n_errors, n_refused, 500, {}, 0, 0, 200)


def queue(service_ms, long_penalty=1.0):
    """A server with one line: its p99 grows without end towards 1000 / service_ms a second."""

    def measure(rate, long):
        load = rate * service_ms / 1000 * (long_penalty if long else 1.0)
        return window(rate, service_ms * 4.6 / (1 - load) if load < 1 else 1e9)

    return measure


@pytest.mark.parametrize("start", [1.0, 20.0, 5000.0])
def test_the_highest_rate_within_the_limit_is_found(start):
    """From below, near or far above, the result is within the gap of the formula's."""
    true_rate = 100 * (1 - 46 / 200)  # where the p99 of a 10 ms server is 200 ms
    found = find_capacity(queue(10), start)
    assert true_rate / GAP <= found.rate <= true_rate
    assert found.confirmed is not None
    assert found.confirmed.passed


def test_a_rate_that_a_longer_look_refutes_is_lowered():
    """What is reported has passed the long window."""
    found = find_capacity(queue(10, long_penalty=1.2), 20.0)
    true_rate = 100 * (1 - 46 / 200) / 1.2
    assert true_rate * STEP_DOWN <= found.rate <= true_rate


def test_errors_bound_the_capacity_though_latency_is_fine():
    """A server that refuses above a rate has that rate."""

    def measure(rate, _long):
        return window(rate, 10.0, n_errors=int(rate > 50))

    assert 50 / GAP <= find_capacity(measure, 20.0).rate <= 50


def test_a_refusal_is_late_and_nothing_worse():
    """One in a hundred may be refused, as one in a hundred may be late; an error may not be."""
    assert window(50, 100.0, n_errors=3, n_refused=3).passed
    assert not window(50, 100.0, n_errors=3, n_refused=2).passed


def test_a_server_that_never_keeps_the_limit_has_no_capacity():
    """The search ends, with nothing."""
    found = find_capacity(lambda rate, _long: window(rate, 1000.0), 20.0)
    assert (found.rate, found.confirmed) == (0.0, None)
    assert len(found.trace) < 20
    assert found.as_json()["confirmed"] is None


def test_a_server_that_fell_silent_ends_the_search():
    """Lower rates are not tried on a server that answers nothing any more."""

    def measure(rate, _long):
        answers = {"200": 500} if rate < 50 else {"none": 500}
        return replace(window(rate, 10.0, n_errors=500 * (rate >= 50)), answers=answers)

    found = find_capacity(measure, 20.0)
    assert (found.rate, len(found.trace)) == (0.0, 3)


def test_an_endless_server_ends_the_search():
    """Above the highest rate the generator may send, no more is tried."""
    found = find_capacity(lambda rate, _long: window(rate, 1.0), 20.0)
    assert found.rate > 2000
