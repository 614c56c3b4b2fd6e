"""A lead's round: giving back, second looks, settling; on every screen and by keyboard."""

import re

import pytest

from tests.browser.pages import (
    PHONE,
    ZOOMED,
    claim,
    controls,
    overflow,
    sign_in,
    tab_through,
    violations,
)

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
QUEUE = "std-en-safety"
PAGES = ("/console/leads", "/console/leads/quality", "/console/leads/measures")


@pytest.fixture(scope="module")
def lead_account(running_desk) -> None:
    running_desk.add_account("lena", "Lena Kaya", "review", "lead")


@pytest.fixture
def lena(lead_account, open_page):
    return open_page("lena")


def judge_as_harmless(page) -> None:
    """Go to the next second look and find nothing in it."""
    page.goto("/console/quality")
    page.get_by_role("button", name="Take the next").click()
    page.locator("[name=action][value=no_action]").check()
    page.locator("[name=note]").fill("A joke among friends.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()


def decide(desk, page, receipt=None) -> str:
    """Claim a case and remove it; its claim counts as drawn at random, so it is looked at again."""
    case_id = claim(page, (receipt or desk.report())["queue"])
    assert desk.sql("UPDATE claim SET drawn_at_random = true WHERE case_id = %s", case_id) == 1
    page.locator("#decision [name=label][value=harassment]").check()
    page.locator("[name='severity.harassment']").select_option("S2")
    page.locator("#decision [name=action][value=remove_content]").check()
    page.locator("[name=explanation]").fill("It insults a person of the group.")
    page.locator("#decision [name=next]").uncheck()
    page.keyboard.press("Control+Enter")
    page.locator("#send-now").click()
    page.wait_for_url(f"**/console/cases/{case_id}?done=*")
    return case_id


def test_a_case_is_given_back_and_its_reviewer_is_told(desk, anna, lena, watch) -> None:
    """The lead sees who holds it; the page of who held it says that it is lost."""
    watch.expect_status(410)
    case_id = claim(anna, desk.report()["queue"])
    lena.goto("/console/leads")
    hand = lena.locator(".hand").filter(has_text="anna")
    hand.get_by_role("checkbox").check()
    hand.get_by_label("Reason").fill("End of the shift.")
    hand.get_by_role("button", name="Give the chosen back").click()
    expect(lena.get_by_text("1 case went back to its queue.")).to_be_visible()
    assert desk.steps(case_id)[-1] == "released"
    anna.locator("#decision [name=action][value=no_action]").check()
    anna.keyboard.press("Control+Enter")
    anna.locator("#send-now").click()
    expect(anna.get_by_text("You do not hold this case any more")).to_be_visible()


def test_a_case_is_given_to_somebody_else(desk, anna, lena) -> None:
    """Ben is offered, and his name stands on the case."""
    case_id = claim(anna, desk.report()["queue"])
    lena.goto("/console/leads")
    lena.get_by_role("link", name="Give to somebody else").first.click()
    lena.get_by_label("To whom").select_option("ben")
    lena.get_by_label("Reason").fill("He knows the region.")
    lena.get_by_role("button", name="Give to this person").click()
    lena.wait_for_url(re.compile("reassigned=1"))
    assert desk.steps(case_id)[-1] == "released"
    lena.goto(f"/console/cases/{case_id}")
    expect(lena.get_by_text("Handed to ben")).to_be_visible()


def test_a_second_look_that_differs_is_settled(desk, anna, open_page, lena) -> None:
    """Ben does not see what Anna decided; Lena sees both and says that the policy is unclear."""
    case_id = decide(desk, anna)
    ben = open_page("ben")
    judge_as_harmless(ben)
    expect(ben.get_by_text("Remove the content")).to_have_count(0)
    assert desk.steps(case_id)[-1] == "decided"
    lena.goto("/console/leads/quality")
    expect(lena.get_by_text("Harassment S2")).to_be_visible()
    lena.get_by_label("The policy is unclear").check()
    lena.get_by_label("Why").fill("Is a nickname an insult?")
    lena.get_by_role("button", name="Settle").click()
    expect(lena.get_by_text("There is nothing to settle.")).to_be_visible()
    lena.goto("/console/leads/measures")
    expect(lena.get_by_text("Harassment: 1")).to_be_visible()


def test_hidden_text_of_a_second_look_is_shown_while_held(desk, anna, open_page) -> None:
    """As on the page of a case: by R or the button, and not by one click."""
    scene = desk.report("The film shows the whole accident, scene by scene.", "graphic_violence")
    decide(desk, anna, scene)
    ben = open_page("ben")
    ben.goto("/console/quality")
    ben.get_by_role("button", name="Take the next").click()
    expect(ben.locator(".veil-content[inert] #item-text")).to_have_count(1)
    ben.keyboard.down("r")
    expect(ben.locator(".veil-box.revealed #item-text")).to_be_visible()
    ben.keyboard.up("r")
    expect(ben.locator(".veil-box.revealed")).to_have_count(0)


def test_a_golden_case_teaches_afterwards(desk, anna, open_page, lena) -> None:
    """The answer is shown once one has judged."""
    case_id = decide(desk, anna)
    lena.goto(f"/console/cases/{case_id}")
    lena.get_by_role("link", name="Make it a golden case").click()
    lena.get_by_label("Why").fill("A taunt at a person.")
    lena.get_by_role("button", name="Make it a golden case").click()
    lena.wait_for_url(re.compile("saved=1"))
    ben = open_page("ben")
    for _ in range(2):  # the drawn decision and the golden case, in whichever order
        judge_as_harmless(ben)
        if ben.get_by_text("A taunt at a person.").is_visible():
            break
    expect(ben.get_by_text("A taunt at a person.")).to_be_visible()


def test_reviewers_are_not_shown_the_pages_of_leads(anna, watch) -> None:
    watch.expect_status(403)
    expect(anna.get_by_role("link", name="Team")).to_have_count(0)
    anna.goto("/console/leads")
    expect(anna.get_by_role("heading", level=1)).to_have_text("This is not open to you")


def with_work(desk, page) -> None:
    """Fill the three pages: a case held, verdicts that differ, a golden case."""
    case_id = decide(desk, page)
    desk.report()
    claim(page, QUEUE)
    page.goto(f"/console/leads/golden/{case_id}")
    page.get_by_label("Why").fill("A taunt at a person.")
    page.get_by_role("button", name="Make it a golden case").click()


@pytest.mark.parametrize("path", [*PAGES, "/console/quality"])
def test_everybody_can_use_the_pages(desk, lead_account, open_page, path) -> None:
    """No rule of WCAG is broken, and no page scrolls sideways: wide, zoomed and on a phone."""
    page = open_page(reduced_motion="reduce")
    sign_in(page, "lena")
    with_work(desk, page)
    judged = open_page("ben")
    judge_as_harmless(judged)
    assert violations(judged) == []
    page.goto(path)
    for size in (page.viewport_size, ZOOMED, PHONE):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == [], (size, scheme)
        assert overflow(page) == 0, size


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [None, PHONE], ids=["wide", "phone"])
def test_everybody_can_take_a_second_look(
    desk, anna, lead_account, open_page, scheme, size
) -> None:
    """The form of a second look, also filled in wrongly."""
    decide(desk, anna)
    page = open_page(color_scheme=scheme, **({"viewport": size} if size else {}))
    sign_in(page, "lena", "/console/quality")
    page.get_by_role("button", name="Take the next").click()
    page.wait_for_url("**/console/quality/*-*")
    assert violations(page) == []
    assert overflow(page) == 0


@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything(desk, lena, path) -> None:
    """Every control, in order, and the focus shows."""
    with_work(desk, lena)
    lena.goto(path)
    wanted, steps = controls(lena), tab_through(lena)
    assert wanted - {step["name"] for step in steps} == set()
    assert [step["name"] for step in steps if not step["ring"]] == []
