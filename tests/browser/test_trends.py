"""Charts in a browser: drawn under the policy of the page, a click away from their cases."""

import re

import pytest

from tests.browser.desk import INSULT
from tests.browser.pages import sign_in

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
DRAWN = "#chart-reports[data-drawn]"


@pytest.fixture
def trends(desk, anna):
    """A page of trends with reports of today, counted."""
    for _ in range(3):
        desk.report(INSULT)
    desk.triage("trends", "recount")
    anna.goto("/console/trends?split=language")
    expect(anna.locator(DRAWN)).to_be_visible()
    return anna


def test_charts_are_drawn_and_hold_what_the_table_does(trends) -> None:
    """On a canvas; the table is folded away under it."""
    expect(trends.locator("#chart-reports canvas").first).to_be_visible()
    card = trends.locator("section:has(#chart-reports)")
    card.locator("summary").click()
    expect(card.locator("tbody tr").last.locator("td").first).to_have_text(re.compile(r"[1-9]"))


def test_a_click_on_a_bar_leads_to_its_cases(trends) -> None:
    """To those of its day and part."""
    trends.locator("#chart-reports").scroll_into_view_if_needed()
    place = trends.evaluate(
        """() => {
            const element = document.getElementById("chart-reports");
            const chart = window.echarts.getInstanceByDom(element);
            const last = chart.getOption().xAxis[0].data.length - 1;
            const box = element.getBoundingClientRect();
            const [x, y] = chart.convertToPixel({ seriesIndex: 0 }, [last, 0.5]);
            return { x: box.x + x, y: box.y + y };
        }"""
    )
    trends.mouse.click(place["x"], place["y"])
    trends.wait_for_url(re.compile(r"/console/trends/cases\?.*language="))
    expect(trends.locator("table.listed tbody tr").first).to_be_visible()
    trends.locator("table.listed tbody a").first.click()
    trends.wait_for_url("**/console/cases/*")


def test_the_table_leads_there_by_keyboard(trends) -> None:
    """Without the picture."""
    card = trends.locator("section:has(#chart-reports)")
    card.locator("summary").press("Enter")
    card.locator("tbody a").last.press("Enter")
    trends.wait_for_url("**/console/trends/cases?*")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_numbers_are_saved_as_a_file(trends, kind) -> None:
    with trends.expect_download() as saved:
        trends.locator(f"a[href*='export.{kind}'][href*='chart=reports']").click()
    assert saved.value.suggested_filename.startswith("triage-reports-")
    assert saved.value.path().stat().st_size > 50


def test_a_chart_is_saved_as_a_picture(trends, watch) -> None:
    """Drawn anew, of what may leave the console."""
    with trends.expect_download() as saved:
        trends.locator("[data-png='reports']").click()
    assert saved.value.suggested_filename == "triage-reports.png"
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")
    assert any("/trends/data?" in url and "file=1" in url for url in watch.requests)


def test_filters_are_kept_in_the_address(trends) -> None:
    """What a link shows is what its sender saw."""
    trends.locator("#language").select_option("en")
    trends.locator(".filters button").click()
    trends.wait_for_url("**language=en**")
    expect(trends.locator("#language")).to_have_value("en")
    expect(trends.locator(DRAWN)).to_be_visible()


def test_without_scripts_there_is_no_button_for_a_picture(trends, open_page) -> None:
    """Nothing would come of it; the tables are there."""
    page = open_page(java_script_enabled=False)
    sign_in(page, "anna", "/console/trends")
    expect(page.locator("[data-png='reports']")).to_be_hidden()
    expect(page.locator("#chart-reports")).to_be_hidden()
    expect(page.locator("section:has(#chart-reports) summary")).to_be_visible()
