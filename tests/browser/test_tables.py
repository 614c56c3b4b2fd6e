"""Tables on a desk's window, in every language: no column is cut off, no interval breaks."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.desk import LANGUAGES, REPORTS, Desk
from tests.browser.learning import compare, decide_some, drift
from tests.browser.pages import sign_in

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
WINDOW = {"width": 1240, "height": 800}
"""Of 1280 pixels, without a scroll bar, and with room for wider letters than those here."""


def means(desk: Desk) -> str:
    decide_some(desk)
    return "/console/means"


def trends(desk: Desk) -> str:
    for text, reason in REPORTS:
        desk.report(text, reason)
    desk.triage("trends", "recount")
    return "/console/trends"


def drifted(desk: Desk) -> str:
    drift(desk)
    return "/console/drift"


@pytest.mark.parametrize("prepared", [means, trends, drifted, compare])
def test_no_table_is_wider_than_its_window(
    desk, open_page, prepared: Callable[[Desk], str]
) -> None:
    """A column out of sight is one that nobody reads; unfolded, in each language."""
    path = prepared(desk)
    page = open_page(viewport=WINDOW)
    sign_in(page, "ida", path)
    found = {}
    for language in LANGUAGES:
        desk.prefer("ida", language)
        page.goto(path)
        unfold(page)
        assert page.locator("table").count() > 0
        found[language] = too_wide(page)
    assert found == {language: [] for language in LANGUAGES}


@pytest.mark.parametrize("prepared", [means, compare])
def test_no_interval_breaks_over_two_lines(
    desk, open_page, prepared: Callable[[Desk], str]
) -> None:
    path = prepared(desk)
    page = open_page()
    sign_in(page, "ida", path)
    unfold(page)
    assert page.locator(".interval").count() > 0
    assert broken(page) == []


def unfold(page: Any) -> None:
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")


def too_wide(page: Any) -> list[str]:
    """Name the tables that are wider than their frame, with what is cut off in pixels."""
    found: list[str] = page.locator(".scroll").evaluate_all(
        """all => all.filter(one => one.scrollWidth > one.clientWidth).map(one =>
            `${one.getAttribute("aria-labelledby")} ${one.scrollWidth - one.clientWidth}`)"""
    )
    return found


def broken(page: Any) -> list[str]:
    """Give the intervals that stand on more than one line."""
    found: list[str] = page.locator(".interval").evaluate_all(
        "all => all.filter(one => one.getClientRects().length > 1).map(one => one.textContent)"
    )
    return found
