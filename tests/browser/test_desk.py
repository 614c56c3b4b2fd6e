"""Deciding without hints, holding a case, and one's own cases."""

import re

import pytest

from tests.browser.pages import claim

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
NOTE = "The reporter answers this afternoon."


def test_a_blind_case_shows_its_hints_after_the_decision(desk, anna) -> None:
    """Until then neither hints nor marked words nor the terms of its place are on the page."""
    case_id = claim(anna, desk.report()["queue"])
    expect(anna.locator(".hint-row").first).to_be_attached()
    desk.blind(case_id)
    anna.reload()
    expect(anna.locator("#withheld")).to_be_visible()
    expect(anna.locator(".hint-row, #item-text mark, table.terms")).to_have_count(0)
    expect(anna.locator("#item-text")).to_contain_text("pathetic loser")
    anna.locator("#decision [name=next]").uncheck()
    anna.locator("#decision [name=action][value=no_action]").check()
    anna.keyboard.press("Control+Enter")
    expect(anna.locator(".hint-row")).to_have_count(0)
    anna.locator("#send-now").click()
    expect(anna.locator("[data-withheld]")).to_be_visible()
    expect(anna.locator(".hint-row").first).to_be_attached()
    assert desk.case(case_id)["decision"]["hints_withheld"] is True


def test_others_see_the_hints_of_a_blind_case(desk, anna, open_page) -> None:
    """A colleague who looks over a shoulder from another desk sees what is always there."""
    case_id = claim(anna, desk.report()["queue"])
    desk.blind(case_id)
    ben = open_page("ben")
    ben.goto(f"/console/cases/{case_id}")
    expect(ben.locator(".hint-row").first).to_be_attached()
    expect(ben.locator("#withheld")).to_have_count(0)


def test_hidden_text_of_a_blind_case_is_revealed_but_not_explained(desk, anna) -> None:
    """R works as always; the label it is hidden for is not named."""
    scene = desk.report("The film shows the whole accident, scene by scene.", "graphic_violence")
    desk.blind(claim(anna, scene["queue"]))
    anna.reload()
    expect(anna.locator(".veil-content[inert]")).to_have_count(1)
    expect(anna.locator(".item > p.soft")).to_have_text("Hidden text.")
    anna.keyboard.down("r")
    expect(anna.locator(".veil-box.revealed #item-text")).to_be_visible()
    anna.keyboard.up("r")


def test_a_case_is_held_by_keyboard_and_found_again(desk, anna) -> None:
    """It stands among one's own cases beyond the lease, and what was entered is still there."""
    anna.clock.install()
    case_id = claim(anna, desk.report()["queue"])
    anna.locator("#facts").fill(NOTE)
    anna.locator("#facts").press("Escape")
    anna.keyboard.press("h")
    expect(anna.locator("#hold")).to_be_visible()
    anna.locator("#hold-minutes").select_option("60")
    anna.locator("#hold-reason").fill("A translation.")
    anna.locator("#hold button").click()
    anna.wait_for_url(re.compile(r"/console/mine\?held="))
    expect(anna.locator(f"tr[data-case='{case_id}']")).to_contain_text("on hold")
    assert desk.steps(case_id)[-1] == "held"
    anna.locator(f"tr[data-case='{case_id}'] a").click()
    anna.wait_for_url(f"**/console/cases/{case_id}")
    expect(anna.locator("#on-hold")).to_be_visible()
    expect(anna.locator("#facts")).to_have_value(NOTE)
    anna.clock.fast_forward("20:00")
    expect(anna.locator("#case.lost")).to_have_count(0)
    expect(anna.locator("#lease-left")).to_contain_text(re.compile(r"[34]\d:\d\d"))
    assert "renewed" not in desk.steps(case_id)


def test_a_case_that_was_handed_over_is_taken(desk, anna) -> None:
    """From the page of one's own cases, by its button."""
    receipt = desk.report()
    desk.escalate(receipt["case_id"], "anna")
    anna.get_by_role("link", name="My cases").click()
    anna.locator(f"tr[data-case='{receipt['case_id']}'] button").click()
    anna.wait_for_url(f"**/console/cases/{receipt['case_id']}")
    expect(anna.locator("#decision")).to_be_visible()
    assert desk.case(receipt["case_id"])["claim"]["reviewer"] == "anna"


def test_a_case_is_handed_only_to_somebody_who_is_there(desk, anna, watch) -> None:
    """Names are offered while one writes; a wrong one is said, and what was written is kept."""
    watch.expect_status(422)
    case_id = claim(anna, desk.report()["queue"])
    anna.keyboard.press("e")
    offered = anna.locator("#owners option").evaluate_all("all => all.map(row => row.value)")
    assert {"ben", "lea"} <= set(offered)
    assert "anna" not in offered
    anna.locator("#escalate-owner").fill("nobody")
    anna.locator("#escalate-reason").fill("Press asks.")
    anna.locator("#escalate button").click()
    expect(anna.locator("#problem-owner")).to_be_visible()
    expect(anna.locator("#escalate-reason")).to_have_value("Press asks.")
    anna.locator("#escalate-owner").fill("lea")
    anna.locator("#escalate button").click()
    anna.wait_for_url(re.compile(r"/console/queues\?.*done="))
    assert desk.case(case_id)["owner"] == "lea"
