"""A change that is certain is an alarm only if a person would act on it."""

import numpy as np
import pytest

from triage_ml.domain.drift import ALL
from triage_ml.domain.drift_effects import matters_to_people
from triage_ml.domain.drift_ledger import Key


@pytest.mark.parametrize(
    ("measure", "language", "before", "after", "matters"),
    [
        ("language", "ko", 0.010, 0.016, True),
        ("language", "ko", 0.001, 0.004, False),  # three times as many of next to nothing
        ("language", "ko", 0.500, 0.520, False),  # a fiftieth more of many
        ("language", "ko", 0.0, 0.006, True),
        ("flagged", "en", 0.060, 0.040, True),
        ("flagged", "en", 0.060, 0.057, False),
        ("calibration:hate", "en", 0.30, 0.26, True),
        ("calibration:hate", "en", 0.30, 0.28, False),
        ("found:hate", "en", 0.05, 0.07, True),
        ("found:hate", "en", 0.001, 0.009, False),
        ("found:hate", "en", 0.50, 0.52, False),
        ("overturned", "en", 0.10, 0.16, True),
        ("overturned", "en", 0.10, 0.14, False),
    ],
)
def test_how_large_a_change_of_a_share_must_be(measure, language, before, after, matters):
    """Upwards as downwards, also by its ratio where shares are small."""
    key = Key(measure, language)
    assert matters_to_people(key, before, after) is matters
    assert matters_to_people(key, after, before) is matters


@pytest.mark.parametrize("key", [Key("language", ALL), Key("content", "en")])
def test_a_distance_matters_by_itself(key):
    """There is nothing before it."""
    assert matters_to_people(key, 0.9, 0.05)
    assert not matters_to_people(key, 0.9, 0.049)


@pytest.mark.parametrize("measure", ["length", "score:hate"])
def test_a_distribution_matters_by_where_it_moved_most(measure):
    """Not by its mean; without a shift there is nothing to say."""
    key = Key(measure, "en")
    assert matters_to_people(key, 10, 10, np.array([0.0, -0.05, 0.02]))
    assert not matters_to_people(key, 10, 90, np.array([0.0, -0.04, 0.04]))
    assert not matters_to_people(key, 10, 90)
