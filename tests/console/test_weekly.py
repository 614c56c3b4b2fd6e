"""The weekly report: what it says, in each language, and that it needs nothing else."""

import re

import pytest

from serving.console.i18n import Voice, zone_of
from serving.console.weekly import WeeklyReport, report_of, texts_of
from serving.console.weekly_charts import pdf_of
from tests.console.desk import decide, hold
from tests.console.person import Person
from triage_ml.domain.taxonomy import SUPPORTED_LANGUAGES, Language
from triage_ml.errors import InvalidInput, SetupFailed
from triage_ml.workflow.weekly import Week, gather_week, monday_of

WEEK = "2026-W02"


def gathered(person: Person, name: str = WEEK) -> Week:
    service = person.bench.service
    parts = (service.trends, service.store, service.policy, service.clock, name)
    return person.bench.run(gather_week, *parts)


def made(person: Person, language: Language = Language.EN) -> WeeklyReport:
    voice = Voice(language, zone_of("UTC"), person.bench.clock.now())
    return report_of(gathered(person), voice)


def cells(report: WeeklyReport) -> str:
    rows = [row for section in report.sections if section.table for row in section.table.rows]
    return "\n".join(" | ".join(row) for row in rows)


def test_a_week_says_what_was_reported_and_found(person: Person) -> None:
    """With intervals, the queues, and what is not measured."""
    decide(person, hold(person))
    report = made(person)
    told = cells(report)
    assert report.title == "Weekly report 2026-W02"
    assert "the week still runs" in report.subtitle
    assert "Reports | 1 | 0" in told
    assert "Share of decisions that found a violation | 100% [20.7% – 100%] | –" in told
    assert "std-en-safety | 1 | 0" in told
    assert "Harassment | 1 / 1" in told
    assert "How frequent violations are in what nobody reports." in told


def test_nothing_restricted_is_in_a_report(person: Person) -> None:
    """Nor the queue, nor the label, nor a count of them."""
    person.bench.report(report_reason="child_safety")
    week = gathered(person)
    assert week.n_reports == 0
    told = cells(made(person))
    assert "child" not in told.lower()


@pytest.mark.parametrize("language", SUPPORTED_LANGUAGES)
def test_a_report_speaks_each_language(person: Person, language: Language) -> None:
    """Its headings differ from the English ones, unless they are the same word."""
    decide(person, hold(person))
    report = made(person, language)
    english = made(person)
    same = [
        a.title
        for a, b in zip(report.sections, english.sections, strict=True)
        if a.title == b.title
    ]
    assert len(same) == (len(english.sections) if language is Language.EN else 0)


@pytest.mark.parametrize("week", ["2026-47", "2026-W54", "2026-W00", "W47", "2026-W2", ""])
def test_what_is_no_week_is_refused(week: str) -> None:
    with pytest.raises(InvalidInput, match="week"):
        monday_of(week)


def test_a_week_to_come_is_refused(person: Person) -> None:
    with pytest.raises(InvalidInput, match="not begun"):
        gathered(person, "2026-W40")


def test_without_the_extra_the_way_to_it_is_told(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    person.bench.report()
    with pytest.raises(SetupFailed, match=re.escape("pip install 'triage-ml[reports]'")):
        made(person).as_html()


def test_the_page_needs_nothing_but_itself(person: Person) -> None:
    """Charts stand in it as SVG; no script, no address to load from."""
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    decide(person, hold(person))
    page = made(person).as_html()
    assert page.count("<svg") >= 1
    assert "<script" not in page
    assert re.search(r"""(src|href)=["']?(https?:)?//""", page) is None


def test_a_pdf_is_one(person: Person) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    decide(person, hold(person))
    assert pdf_of(texts_of(made(person))).startswith(b"%PDF-")
