"""Drift in a browser: charts under the policy of the page, an alarm seen by keyboard."""

import pytest

from tests.browser.learning import drift
from tests.browser.pages import PHONE, overflow, sign_in, violations

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


@pytest.fixture(scope="module")
def mira(running_desk) -> None:
    """Somebody may say that this is how it is now."""
    running_desk.add_account("mira", "Mira Oz", "ml")


@pytest.fixture
def drifted(desk, mira):
    """Turkish texts became longer."""
    drift(desk)
    return desk


def test_an_alarm_is_read_seen_and_over(drifted, open_page) -> None:
    """On a wide window and on a phone, in the dark, without a barrier axe-core knows."""
    dark = open_page(viewport=PHONE, color_scheme="dark")
    sign_in(dark, "mira", "/console/drift")
    assert violations(dark) == []
    assert overflow(dark) <= 0
    page = open_page()
    sign_in(page, "mira", "/console/drift")
    page.goto("/console/drift?language=tr")
    expect(page.get_by_text("Turkish: texts became longer")).to_be_visible()
    expect(page.locator("#chart-length canvas").first).to_be_visible()
    assert violations(page) == []
    card = page.locator(".card", has_text="Turkish: Length of texts")
    card.get_by_label("What it was").fill("a new composer")
    card.get_by_label("This is how it is from now on").press("Space")
    card.get_by_role("button").press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_text("a new composer")).to_be_visible()
    expect(page.get_by_role("heading", name="Alarms that are over")).to_be_visible()


def test_another_language_leads_back_to_the_charts(drifted, open_page) -> None:
    """They stand far below where a page begins."""
    page = open_page()
    sign_in(page, "mira", "/console/drift")
    page.locator("#language").select_option("tr")
    page.locator(".filters button").click()
    page.wait_for_url("**/console/drift?language=tr#charts")
    expect(page.locator("#charts-title")).to_be_in_viewport()
