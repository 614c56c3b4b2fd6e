"""Tests that may be looked at after every observation: valid at any time, and not blind."""

import random
from math import log

import pytest

from triage_ml.domain.sequential import evidence, share_bounds, share_evidence

CHANCE = 0.05
LOOKS = 300
RUNS = 200


def ever_convinced(draw, limit: float) -> bool:
    """Look after every observation."""
    counts = {1: 0, 0: 0, -1: 0}
    for _ in range(LOOKS):
        counts[draw()] += 1
        if evidence(counts[1], counts[0], counts[-1], limit) >= log(1 / CHANCE):
            return True
    return False


@pytest.mark.parametrize(("up", "down", "limit"), [(0.15, 0.10, 0.05), (0.02, 0.0, 0.02)])
def test_who_looks_all_the_time_is_rarely_misled(up, down, limit):
    """At the very limit the chance of ever being convinced stays under what was asked for."""
    dice = random.Random(1)

    def draw() -> int:
        return dice.choices((1, -1, 0), (up, down, 1 - up - down))[0]

    misled = sum(ever_convinced(draw, limit) for _ in range(RUNS))
    assert misled / RUNS <= CHANCE


def test_a_gross_excess_is_found_after_few_observations():
    """A model that alarms on everything is seen within some tens of texts."""
    needed = log(170 / 0.01)
    assert evidence(25, 0, 0, 0.05) >= needed
    assert evidence(5, 0, 0, 0.05) < needed
    assert share_evidence(5, 5, 0.02) >= needed


def test_a_slight_excess_is_found_after_many():
    """8 % where 5 % are allowed need some thousands."""
    assert evidence(8, 92, 0, 0.05) < 3
    assert evidence(800, 9_200, 0, 0.05) > log(170 / 0.01)


def test_what_speaks_for_a_model_is_no_evidence_against_it():
    """Nor is what is within the limit."""
    assert evidence(0, 100, 900, 0.05) < 0
    assert evidence(40, 960, 0, 0.05) < 1
    assert share_evidence(0, 1_000, 0.02) < 0


def test_bounds_of_a_share_hold_at_all_times_together():
    """In all but a few of many runs the share never leaves them."""
    dice = random.Random(2)
    left = 0
    for _ in range(100):
        hits = 0
        for n in range(1, 120):
            hits += dice.random() < 0.2
            low, high = share_bounds(hits, n, CHANCE)
            if not low <= 0.2 <= high:
                left += 1
                break
    assert left / 100 <= CHANCE


def test_bounds_narrow_and_contain_what_was_seen():
    """Without observations they say nothing."""
    assert share_bounds(0, 0, CHANCE) == (0.0, 1.0)
    few, many = share_bounds(5, 10, CHANCE), share_bounds(500, 1_000, CHANCE)
    assert few[0] < many[0] < 0.5 < many[1] < few[1]
    assert share_bounds(0, 50, CHANCE)[0] == 0.0
    assert share_bounds(50, 50, CHANCE)[1] == 1.0


@pytest.mark.parametrize("wrong", [(-1, 0, 0, 0.1), (1, 1, 1, 1.0), (1, 1, 1, -0.1)])
def test_what_is_no_count_or_limit_is_refused(wrong):
    with pytest.raises(ValueError, match="limit"):
        evidence(*wrong)
