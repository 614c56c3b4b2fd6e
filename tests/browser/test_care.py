"""The ledger and the break in a browser: by keyboard, on a phone, for a screen reader."""

import pytest

from tests.browser.pages import PHONE, claim, controls, overflow, sign_in, tab_through, violations

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
PATHS = ("/console/care", "/console/break?queue=std-en-safety", "/console/care/group")


@pytest.fixture(scope="module")
def lead(running_desk) -> str:
    """An account that sees groups, too."""
    running_desk.add_account("olga", "Olga Oz", "review", "lead")
    return "olga"


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_no_violation(desk, open_page, lead, path) -> None:
    """In either scheme, wide and on a phone, and nothing sticks out."""
    desk.note_exposure(lead, 70, 1)
    page = open_page(lead, reduced_motion="reduce")
    page.goto(path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    page.set_viewport_size(PHONE)
    assert violations(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("path", PATHS)
def test_the_keyboard_reaches_every_control(open_page, lead, path) -> None:
    """With a mark that shows where one is."""
    page = open_page(lead, reduced_motion="reduce")
    page.goto(path)
    wanted, steps = controls(page), tab_through(page)
    assert wanted - {step["name"] for step in steps} == set()
    assert [step["name"] for step in steps if not step["ring"]] == []


def test_a_break_is_proposed_after_the_case_that_fills_the_measure(desk, anna) -> None:
    """The draft of that case is gone, and n goes on to the next one."""
    desk.note_exposure("anna", 39, 0.05)
    queue = desk.report("A story about a hard year.", "self_harm")["queue"]
    claim(anna, queue)
    anna.locator("#explanation").fill("A report of the past.")
    anna.locator("#decision [name=action][value=no_action]").check()
    anna.keyboard.press("Control+Enter")
    anna.locator("#send-now").click()
    anna.wait_for_url("**/console/break?**")
    expect(anna.locator("h1")).to_have_text("Time for a break?")
    assert anna.evaluate("() => Object.keys(sessionStorage)") == []
    desk.report()
    anna.keyboard.press("n")
    anna.wait_for_url("**/console/cases/**")


def test_a_break_says_when_it_is_over(anna) -> None:
    """Also to a screen reader."""
    anna.clock.install()
    anna.goto("/console/care")
    anna.get_by_role("link", name="Take a break").click()
    expect(anna.locator("#break-left")).to_contain_text("The break goes on until:")
    anna.clock.fast_forward("10:05")
    expect(anna.locator("#break-left")).to_contain_text("Your break is over")
    expect(anna.locator("#announcements")).to_contain_text("Your break is over")


def test_the_ledger_is_deleted_by_its_owner(desk, open_page) -> None:
    """One button, and the page says so."""
    desk.note_exposure("ben", 70, 1)
    page = open_page()
    sign_in(page, "ben", "/console/care")
    expect(page.locator(".dose")).to_contain_text("raised")
    page.get_by_role("button", name="Delete my ledger").click()
    expect(page.locator("[role=status].message")).to_have_text("Your ledger is deleted.")
    assert desk.sql("DELETE FROM exposure WHERE reviewer = 'ben'") == 0
