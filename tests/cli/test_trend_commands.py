"""`triage trends`, as somebody types it."""

import sys

import pytest

from triage_ml import cli


@pytest.fixture
def triage(monkeypatch, capsys, tmp_path):
    """Run `triage trends …`; give exit status, output, errors."""
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("TRIAGE_DATABASE_URL", raising=False)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["triage", "trends", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


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


def test_a_report_is_written(triage, tmp_path, database_url, monkeypatch):
    """In a language, over a database that has nothing in it."""
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url)
    for kind, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF-")):
        out = tmp_path / f"report.{kind}"
        options = ("--week", "2026-W02", "--locale", "ko", "--format", kind, "--out", out)
        assert triage("report", *options)[0] == 0
        assert out.read_bytes().startswith(begins)


def test_everything_is_counted_anew(triage, database_url, monkeypatch):
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url)
    assert triage("recount") == (0, "counted anew\n", "")
