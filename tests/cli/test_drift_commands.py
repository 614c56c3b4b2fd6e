"""`triage drift`, as somebody types it, over a real database."""

from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import pytest

from tests.cli.shell import on_store
from tests.contract.steps import make_scores, report
from triage_ml.domain.drift import LENGTH_EDGES

DAY = timedelta(days=1)


@pytest.fixture
def triage(triage, monkeypatch):
    """Run `triage drift …`."""
    monkeypatch.setenv("COLUMNS", "120")
    return partial(triage, "drift")


def lengths(url: str, n_days: int, n_long: int) -> None:
    """Write days of Turkish texts that were counted, the last of them of long ones."""
    today = datetime.now(UTC).date()
    with psycopg.connect(url) as connection:
        for n in range(n_days, 0, -1):
            counts = [0.0] * (len(LENGTH_EDGES) + 1)
            counts[12 if n <= n_long else 8] = 50.0 - n % 3
            counts[9] = 10.0 + n % 3
            day = today - n * DAY
            connection.execute(
                "INSERT INTO drift_day VALUES (%s, 'length', 'tr', '', 60, %s)",
                (day, [*counts, 3_000.0]),
            )
            connection.execute("INSERT INTO drift_counted VALUES (%s, now())", (day,))


def test_a_wrong_language_is_one_line_before_a_database_is_made(triage, tmp_path):
    status, _, said = triage("show", "--language", "xx")
    assert (status, said) == (1, "triage: language: must be one of all, en, de, tr, es, ko, und\n")
    assert not (tmp_path / "data").exists()


def test_an_empty_database_has_nothing_to_show(triage, database):
    assert triage("show") == (0, "nothing is scored yet on a day that is over\n", "")


def test_an_alarm_is_printed_with_its_numbers(triage, database):
    """And, of each series, how far it is."""
    lengths(database, n_days=34, n_long=4)
    status, printed, _ = triage("show", "--language", "tr")
    assert status == 0
    assert "ALARM length tr: " in printed
    assert "language tr; an alarm needs" in printed
    assert "28 of 28 days" in printed
    assert "score:hate" not in printed
    assert "score:hate" in triage("show", "--labels")[1]


def test_days_with_scores_are_counted(triage, database):
    """From the first one on; also when all is counted anew."""

    at = datetime.now(UTC) - 3 * DAY
    on_store(database, lambda store: report(store, scores=make_scores(), at=at))
    assert "no open alarm" in triage("show")[1]
    assert "3 days counted anew" in triage("recount")[1]
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT sums_of, n FROM drift_day ORDER BY sums_of").fetchall()
    assert ("content", 1) in found
    assert ("length", 1) in found
