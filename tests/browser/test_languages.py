"""Every page in each of the five languages of the interface."""

import pytest

from tests.browser.desk import LANGUAGES, REPORTS
from tests.browser.pages import claim

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
LOANS = {"Trends"}
"""What is called the same in another language."""
HEADINGS = "h1, nav a, form[action='/console/sign-out'] button"
OTHERS = tuple(code for code in LANGUAGES if code != "en")


def headings(page, place: str = HEADINGS) -> list[str]:
    """Read what names the page and its places, without what the case brings in."""
    return [text.strip() for text in page.locator(place).all_inner_texts() if text.strip()]


def tour(desk, page, language: str) -> list[str]:
    """Visit queues, preferences and the page of a claimed case, and read their headings."""
    found = []
    for path in ("/console/queues", "/console/preferences", "case"):
        if path == "case":
            claim(page, desk.report()["queue"])
        else:
            page.goto(path)
        expect(page.locator("html")).to_have_attribute("lang", language)
        found += headings(page)
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_a_page_speaks_one_language(desk, open_page, language) -> None:
    """Headings and places are translated, and `lang` says into what."""
    english = tour(desk, open_page("ben"), "en")
    desk.prefer("anna", language)
    translated = tour(desk, open_page("anna"), language)
    assert len(translated) == len(english)
    assert [text for text in translated if text in english and text not in LOANS] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_browser_is_met_in_its_language(desk, open_page, language) -> None:
    """Before signing in the page follows what the browser asks for."""
    page = open_page(locale=language)
    page.goto("/console/sign-in")
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert (headings(page, "h1") == ["Sign in"]) == (language == "en")


def test_the_language_is_a_choice_that_stays(desk, anna, open_page) -> None:
    """It is changed on the page, at once, and is there at the next sign-in."""
    anna.goto("/console/preferences")
    anna.locator("#locale").select_option("ko")
    anna.locator("form[action='/console/preferences'] button[type=submit]").click()
    anna.wait_for_url("**/console/preferences?saved=1")
    expect(anna.locator("html")).to_have_attribute("lang", "ko")
    expect(open_page("anna").locator("html")).to_have_attribute("lang", "ko")


def test_times_are_told_by_the_readers_clock(desk, open_page) -> None:
    """The due time of a case differs by the zone an account prefers."""
    desk.report()
    told = "main time:not([data-relative])"
    before = open_page("anna").locator(told).first.inner_text()
    assert desk.sql("UPDATE account SET time_zone = 'Asia/Seoul' WHERE name = 'anna'") == 1
    assert open_page("anna").locator(told).first.inner_text() != before


@pytest.mark.parametrize(("text", "reason"), REPORTS[2::2])
def test_an_item_is_marked_with_its_own_language(desk, anna, text, reason) -> None:
    """A screen reader is told in which language the item speaks, whatever the page's is."""
    receipt = desk.report(text, reason)
    claim(anna, receipt["queue"])
    code = receipt["language"]["code"]
    if code != "und":
        expect(anna.locator(f"#item-text[lang='{code}']")).to_be_attached()
