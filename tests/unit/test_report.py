"""What comes in is refused by name when it cannot be stored, shown or scored."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.unit.builders import NOW, make_item, make_report, make_summary
from triage_ml.domain.report import (
    MAX_CONTEXT_ITEMS,
    MAX_REF_CHARS,
    MAX_TEXT_CHARS,
    ContextItem,
    Source,
    merge_item,
)
from triage_ml.domain.taxonomy import Label, Language
from triage_ml.errors import InvalidInput, TooLarge

LONG_REF, LONG_TEXT = "x" * (MAX_REF_CHARS + 1), "x" * (MAX_TEXT_CHARS + 1)
CONTEXT = ContextItem("parent", "a question")
WRONG: list[tuple[Callable[[], object], str, str]] = [
    (lambda: make_item(item_id=""), "item.id", "must not be empty"),
    (lambda: make_item(item_id=" \t"), "item.id", "must not be empty"),
    (lambda: make_item(item_id="a\x00"), "item.id", "holds a NUL character"),
    (lambda: make_item(item_id="a\ud800"), "item.id", "holds a lone surrogate"),
    (lambda: make_item(item_id=" a"), "item.id", "must not begin or end with white space"),
    (lambda: make_item(item_id=LONG_REF), "item.id", "201 characters is over the limit of 200"),
    (lambda: make_item(surface=""), "item.surface", "must not be empty"),
    (lambda: make_item(author_ref=""), "item.author_ref", "must not be empty"),
    (lambda: make_item(text=""), "item.text", "holds no visible character"),
    (lambda: make_item(text="\u200b \u3164" * 99), "item.text", "holds no visible character"),
    (lambda: make_item(text="a\x00"), "item.text", "holds a NUL character"),
    (lambda: make_item(text="a\udfff"), "item.text", "holds a lone surrogate"),
    (lambda: make_item(text=LONG_TEXT), "item.text", "100,001 characters is over the limit"),
    (lambda: make_item(context=(CONTEXT,) * 21), "item.context", "21 items is over the limit"),
    (lambda: make_item(views_per_hour=-1), "item.views_per_hour", "must be a finite number"),
    (lambda: make_item(views_per_hour=float("nan")), "item.views_per_hour", "must be a finite"),
    (lambda: make_item(views_per_hour=float("inf")), "item.views_per_hour", "must be a finite"),
    (lambda: ContextItem("", "x"), "item.context.relation", "must not be empty"),
    (lambda: ContextItem("parent", " "), "item.context.text", "holds no visible character"),
    (lambda: make_report(reporter_ref=""), "report.reporter_ref", "must not be empty"),
    (lambda: make_report(jurisdiction="de"), "report.jurisdiction", "must be two capital letters"),
    (lambda: make_report(jurisdiction="DE\n"), "report.jurisdiction", "must be two capital"),
    (
        lambda: make_report(legal_deadline=datetime(2026, 3, 3)),  # noqa: DTZ001  what is refused
        "report.legal_deadline",
        "must carry a time zone",
    ),
    (
        lambda: make_report(legal_deadline=NOW).check_deadline(NOW),
        "report.legal_deadline",
        "is in the past",
    ),
]


@pytest.mark.parametrize(("build", "field", "reason"), WRONG)
def test_a_wrong_value_names_its_field(
    build: Callable[[], object], field: str, reason: str
) -> None:
    """Every refusal says which field is wrong and why."""
    with pytest.raises(InvalidInput) as caught:
        build()
    assert caught.value.field == field
    assert caught.value.reason.startswith(reason)


def test_sizes_are_facts_of_the_error() -> None:
    """Whoever catches TooLarge can tell the size and the limit without reading the message."""
    with pytest.raises(TooLarge) as caught:
        make_item(text=LONG_TEXT)
    assert (caught.value.size, caught.value.max_size) == (MAX_TEXT_CHARS + 1, MAX_TEXT_CHARS)


def test_what_stands_at_the_limits_is_accepted() -> None:
    """The limits themselves are allowed, and text that becomes visible late is found."""
    item = make_item(
        item_id="x" * MAX_REF_CHARS,
        text="\u200b" * (MAX_TEXT_CHARS - 1) + "x",
        context=(CONTEXT,) * MAX_CONTEXT_ITEMS,
        views_per_hour=0,
    )
    report = make_report(jurisdiction="EU", legal_deadline=NOW + timedelta(seconds=1))
    report.check_deadline(NOW)
    make_report().check_deadline(NOW)
    assert item.text.endswith("x")


def test_an_error_never_repeats_the_text() -> None:
    """What was refused is not quoted: errors are logged, item texts are not."""
    with pytest.raises(InvalidInput) as caught:
        make_item(text="a secret\x00")
    assert "secret" not in str(caught.value)


def test_reports_of_a_case_add_up() -> None:
    """Sources, reasons and jurisdictions accumulate; the earliest deadline counts."""
    early, late = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    summary = make_summary(
        make_report(Label.HATE, jurisdiction="DE", legal_deadline=late),
        make_report(None, source=Source.LEGAL, jurisdiction="AT", legal_deadline=early),
        make_report(Label.HATE),
    )
    assert (summary.n_reports, summary.n_active) == (3, 3)
    assert summary.sources == (Source.LEGAL, Source.USER)
    assert summary.reasons == {"hate": 2, "other": 1}
    assert summary.reason_labels == (Label.HATE,)
    assert (summary.jurisdictions, summary.legal_deadline) == (("AT", "DE"), early)


def test_a_withdrawn_report_stays_in_the_sum() -> None:
    """Only the number of active reports falls; what was claimed stays known."""
    summary = make_summary(make_report(Label.HATE), make_report())
    assert summary.withdraw_one().n_active == 1
    assert summary.withdraw_one().n_reports == 2
    assert summary.withdraw_one().reasons == summary.reasons


def test_the_newest_version_of_an_item_keeps_what_it_does_not_say() -> None:
    """A later report without views, context or hint does not erase those of an earlier one."""
    old = make_item(
        views_per_hour=5, high_profile=True, context=(CONTEXT,), language_hint=Language.KO
    )
    merged = merge_item(old, make_item(text="edited"))
    assert (merged.text, merged.views_per_hour, merged.high_profile) == ("edited", 5, True)
    assert (merged.context, merged.language_hint) == ((CONTEXT,), Language.KO)
    assert merge_item(old, make_item(views_per_hour=0)).views_per_hour == 0
