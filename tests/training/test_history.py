"""The log of what was live."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.finished import good_reports
from training.release.compare import compare
from training.release.history import (
    as_tag,
    live_version,
    make_change,
    read_changes,
    spans,
    version_before,
)
from training.release.records import version_of
from triage_ml.errors import InvalidInput

START = datetime(2026, 1, 1, tzinfo=UTC)


def logged(*steps: str) -> dict[str, str]:
    """Write a log: "+3" promotes version 3, "-3" rolls back to it; an hour apart."""
    tags: dict[str, str] = {"other": "tag"}
    for hours, (step, number) in enumerate(steps):
        kind = {"+": "promote", "-": "rollback"}[step]
        now = START + timedelta(hours=hours)
        change = make_change(kind, int(number), f"m{number}", now, "anna", "because")
        key, value = as_tag(change, tags, "00")
        assert key not in tags
        tags[key] = value
    return tags


def test_a_log_says_what_was_live_from_when_to_when():
    """What is live now has no end."""
    found = spans(read_changes(logged("+1", "+2", "-1")))
    rows = [(x.change.version, x.change.at[11:13], x.until and x.until[11:13]) for x in found]
    assert rows == [(1, "00", "01"), (2, "01", "02"), (1, "02", None)]


@pytest.mark.parametrize(
    ("steps", "live", "before"),
    [
        ((), None, None),
        (("+1",), 1, None),
        (("+1", "+2"), 2, 1),
        (("+1", "+2", "-1"), 1, None),
        (("+1", "+2", "-1", "+3"), 3, 1),
        (("+1", "+2", "+3", "-2", "-1"), 1, None),
        (("+1", "+2", "+1"), 1, 2),
        (("+1", "+2", "+3", "-2", "-2"), 2, 1),  # two at the same moment go back once
    ],
)
def test_a_rollback_goes_to_the_champion_before(steps, live, before):
    """What was rolled back is not returned to."""
    changes = read_changes(logged(*steps))
    assert (live_version(changes), version_before(changes)) == (live, before)


@given(st.lists(st.integers(1, 9), max_size=30))
def test_rollbacks_end(numbers):
    """One after another they come to the first champion and stop."""
    steps = [f"+{number}" for number in numbers]
    for _ in range(len(steps)):
        before = version_before(read_changes(logged(*steps)))
        if before is None:
            break
        steps.append(f"-{before}")
    assert version_before(read_changes(logged(*steps))) is None


def test_entries_of_the_same_number_are_in_one_order():
    """Whoever reads them."""
    tags = logged("+1")
    change = make_change("promote", 2, "m2", START, "ben", "at once")
    first, second = as_tag(change, tags, "aa"), as_tag(change, tags, "bb")
    assert first[0] < second[0]
    assert len(read_changes(tags | dict([second, first]))) == 3


@pytest.mark.parametrize(
    ("by", "why"), [("", "x"), ("x", " "), ("x" * 101, "x"), ("x", "y" * 1001)]
)
def test_a_change_has_a_name_and_a_reason(by, why):
    """Neither empty nor endless."""
    with pytest.raises(InvalidInput):
        make_change("promote", 1, "m1", START, by, why)


def test_models_are_compared_cell_by_cell():
    """A cell that only one of them has stays, without a difference."""
    first, second = good_reports(auc=0.9), good_reports(auc=0.91, n_passed=90)
    del first["evaluate"]["cells"][0]
    rows = {(x.language, x.output, x.measure): x.change for x in compare(first, second)}
    assert rows["de", "violation", "AUC"] == pytest.approx(0.01)
    assert rows["de", "violation", "calibration error"] == 0
    assert rows["ko", "functional suite", "passed"] == pytest.approx(0.1)
    assert rows["de", "hate", "AUC"] is None


def test_a_version_knows_its_aliases():
    """Also where the store says numbers as text."""

    class Stored:
        version, creation_timestamp, run_id, tags = "3", 0, "run", {"model_version": "m"}

    found = version_of(Stored(), {"champion": "3", "challenger": "4"})
    assert (found.number, found.aliases, found.model_version) == (3, ("champion",), "m")
