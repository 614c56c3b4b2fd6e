"""`triage trends`, as somebody types it."""

from functools import partial

import pytest


@pytest.fixture
def triage(triage):
    """Run `triage trends …`."""
    return partial(triage, "trends")


@pytest.mark.parametrize(
    ("week", "locale", "told"),
    [
        ("2026-W99", "en", "week: must be a week of the calendar, as in 2026-W47"),
        ("2026-W01", "fr", "locale: must be one of en, de, tr, es, ko"),
    ],
)
def test_a_wrong_argument_is_one_line_before_a_database_is_made(
    triage, tmp_path, week, locale, told
):
    out = tmp_path / "report.html"
    status, _, said = triage("report", "--week", week, "--locale", locale, "--out", out)
    assert (status, said) == (1, f"triage: {told}\n")
    assert not (tmp_path / "data").exists()
    assert not out.exists()


def test_a_report_is_written(triage, tmp_path, database):
    """In a language, over a database that has nothing in it."""
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    for kind, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF-")):
        out = tmp_path / f"report.{kind}"
        options = ("--week", "2026-W02", "--locale", "ko", "--format", kind, "--out", out)
        assert triage("report", *options)[0] == 0
        assert out.read_bytes().startswith(begins)


def test_everything_is_counted_anew(triage, database):
    assert triage("recount") == (0, "counted anew\n", "")
