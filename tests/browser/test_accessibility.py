"""WCAG 2.2 A and AA: what axe-core can tell, the keyboard, zoom, and a phone."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.browser.desk import REPORTS
from tests.browser.learning import compare, decide_some, drift, erase, pick_some
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
SCENE = "The film shows the whole accident, scene by scene."
NO_CASE = "/console/cases/00000000-0000-4000-8000-000000000000"


def sign_in_page(desk, page) -> None:
    page.goto("/console/sign-in?next=/console/preferences")


def queues(desk, page) -> None:
    for text, reason in REPORTS:
        desk.report(text, reason)
    sign_in(page, "anna")


def empty_queue(desk, page) -> None:
    sign_in(page, "anna")
    page.goto("/console/queues?empty=std-en-safety")


def preferences(desk, page) -> None:
    sign_in(page, "anna", "/console/preferences")


def review(desk, page) -> None:
    receipt = desk.report(context=[{"relation": "parent", "text": "Have you tried the new bus?"}])
    sign_in(page, "anna")
    claim(page, receipt["queue"])


def hidden_text(desk, page) -> None:
    sign_in(page, "anna")
    claim(page, desk.report(SCENE, "graphic_violence")["queue"])


def revealed_text(desk, page) -> None:
    hidden_text(desk, page)
    page.keyboard.press("Shift+R")
    expect(page.locator(".veil-box.revealed")).to_be_visible()


def everything_unfolded(desk, page) -> None:
    review(desk, page)
    unfold(page)


def about_to_be_sent(desk, page) -> None:
    review(desk, page)
    page.locator("#decision [name=action][value=no_action]").check()
    page.clock.set_fixed_time(datetime.now(UTC))  # it is not sent while it is looked at
    page.keyboard.press("Control+Enter")
    expect(page.locator("#pending")).to_be_visible()


def filled_in_wrongly(desk, page) -> None:
    review(desk, page)
    page.locator("#decision [name=label][value=harassment]").check()
    page.locator("#decision [name=action][value=remove_content]").check()
    page.keyboard.press("Control+Enter")
    page.locator("#send-now").click()
    expect(page.locator("#not-saved")).to_be_visible()


def give_back(desk, page) -> None:
    review(desk, page)
    page.keyboard.press("l")
    expect(page.locator("#release")).to_be_visible()


def escalate(desk, page) -> None:
    review(desk, page)
    page.keyboard.press("e")
    expect(page.locator("#escalate")).to_be_visible()


def blind(desk, page) -> None:
    sign_in(page, "anna")
    desk.blind(claim(page, desk.report()["queue"]))
    page.reload()
    expect(page.locator("#withheld")).to_be_visible()


def hold(desk, page) -> None:
    review(desk, page)
    page.keyboard.press("h")
    expect(page.locator("#hold")).to_be_visible()


def mine(desk, page) -> None:
    handed = desk.report("The picture shows a minister.", "harassment")
    desk.escalate(handed["case_id"], "anna")
    hold(desk, page)
    page.locator("#hold-reason").fill("A colleague translates it.")
    page.locator("#hold button").click()
    page.wait_for_url("**/console/mine?held=*")


def no_cases(desk, page) -> None:
    sign_in(page, "anna", "/console/mine")


def keys(desk, page) -> None:
    review(desk, page)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def lost_lease(desk, page) -> None:
    page.clock.install()
    review(desk, page)
    page.clock.fast_forward("11:00")
    expect(page.locator("#case.lost")).to_be_attached()


def decided(desk, page) -> None:
    review(desk, page)
    page.locator("#decision [name=next]").uncheck()
    page.locator("#decision [name=action][value=no_action]").check()
    page.locator("#explanation").fill("A quarrel among friends.")
    page.keyboard.press("Control+Enter")
    page.locator("#send-now").click()
    expect(page.locator("#decided-title")).to_be_visible()


def only_to_read(desk, page) -> None:
    receipt = desk.report()
    sign_in(page, "anna", f"/console/cases/{receipt['case_id']}")


def trends(desk, page) -> None:
    for text, reason in REPORTS:
        desk.report(text, reason)
    desk.triage("trends", "recount")
    sign_in(page, "anna", "/console/trends")
    expect(page.locator("#chart-reports[data-drawn]")).to_be_visible()
    unfold(page)


def trend_cases(desk, page) -> None:
    desk.report()
    sign_in(page, "anna", "/console/trends/cases")


def means(desk, page) -> None:
    decide_some(desk)
    sign_in(page, "ida", "/console/means")
    expect(page.locator("#charts")).to_be_visible()
    unfold(page)


def drifted(desk, page) -> None:
    drift(desk)
    sign_in(page, "ida", "/console/drift")
    expect(page.locator("#chart-length canvas").first).to_be_visible()
    unfold(page)


def labelling(desk, page) -> None:
    pick_some(desk)
    sign_in(page, "ida", "/console/labelling")


def models(desk, page) -> None:
    compare(desk)
    sign_in(page, "ida", "/console/models")


def comparison(desk, page) -> None:
    sign_in(page, "ida", compare(desk))


def score_history(desk, page) -> None:
    receipt = desk.report()
    sign_in(page, "ida", f"/console/cases/{receipt['case_id']}")
    expect(page.locator("#score-history-title")).to_be_visible()


def erased(desk, page) -> None:
    receipt = desk.report()
    erase(desk, receipt["case_id"])
    sign_in(page, "ida", f"/console/cases/{receipt['case_id']}")
    expect(page.locator("#item-text[data-erased]")).to_be_visible()


def unfold(page) -> None:
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")


def not_found(desk, page) -> None:
    sign_in(page, "anna")
    page.goto(NO_CASE)


def refused_sign_in(desk, page) -> None:
    page.goto("/console/sign-in")
    page.locator("#name").fill("nobody")
    page.locator("#password").fill("something else entirely")
    page.locator("#password").press("Enter")
    expect(page.locator("#note")).to_be_visible()


View = Callable[[Any, Any], None]
PAGES: tuple[View, ...] = (
    sign_in_page, refused_sign_in, queues, empty_queue, preferences, review, hidden_text,
    revealed_text, everything_unfolded, about_to_be_sent, filled_in_wrongly, lost_lease, decided,
    only_to_read, trends, trend_cases, not_found, blind, mine, no_cases, means, drifted,
    labelling, models, comparison, score_history, erased,
)  # fmt: skip
WHOLE = (sign_in_page, queues, mine, preferences, review, decided, not_found)
DIALOGS: tuple[View, ...] = (give_back, hold, escalate, keys)


@pytest.fixture(autouse=True)
def failures_are_part_of_it(watch) -> None:
    """Some of the pages looked at here are answers to something that failed."""
    watch.expect_status(401, 404, 422)


@pytest.mark.parametrize("view", [*PAGES, *DIALOGS])
def test_axe_finds_no_violation(desk, open_page, view) -> None:
    """No rule of WCAG 2.0, 2.1 and 2.2, A and AA, is broken on any page, in either scheme."""
    page = open_page(reduced_motion="reduce")
    view(desk, page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme


@pytest.mark.parametrize("view", [review, queues, hidden_text])
def test_axe_finds_no_violation_on_a_phone(desk, open_page, view) -> None:
    """What is laid out differently on a small window is still sound."""
    page = open_page(viewport=PHONE, reduced_motion="reduce")
    view(desk, page)
    assert violations(page) == []


@pytest.mark.parametrize(
    "view", [sign_in_page, queues, mine, preferences, review, decided, not_found]
)
def test_the_keyboard_reaches_every_control(desk, open_page, view) -> None:
    """Tab leads to each control once, in sight, with a mark that shows where one is."""
    page = open_page(reduced_motion="reduce")
    view(desk, page)
    wanted, steps = controls(page), tab_through(page)
    assert wanted - {step["name"] for step in steps} == set()
    assert [step["name"] for step in steps if not step["ring"]] == []
    assert [step["name"] for step in steps if not step["inside"]] == []


@pytest.mark.parametrize("view", DIALOGS)
def test_a_dialog_keeps_the_focus_until_it_is_closed(desk, open_page, view) -> None:
    """In a dialog Tab stays inside, and Escape closes it."""
    page = open_page(reduced_motion="reduce")
    view(desk, page)
    assert page.evaluate("() => document.activeElement.closest('dialog[open]') !== null")
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "() => document.activeElement === document.body"
            " || document.activeElement.closest('dialog[open]') !== null"
        )
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


@pytest.mark.parametrize("view", [*PAGES, *DIALOGS])
def test_nothing_sticks_out_of_a_narrow_window(desk, open_page, view) -> None:
    """At 200 % of 1280 pixels, and on a phone, the page is never scrolled sideways."""
    page = open_page(viewport=ZOOMED)
    view(desk, page)
    assert overflow(page) <= 0
    page.set_viewport_size(PHONE)
    assert overflow(page) <= 0


@pytest.mark.parametrize(
    "view", [sign_in_page, queues, mine, preferences, review, decided, not_found]
)
def test_a_page_has_one_heading_and_its_landmarks(desk, open_page, view) -> None:
    """One h1, one main, a title of its own, and a way past the navigation."""
    page = open_page()
    view(desk, page)
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("main")).to_have_count(1)
    assert page.locator("h1").inner_text() in page.title()
    page.keyboard.press("Tab")
    page.locator(".skip").press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_single_keys_can_be_switched_off(desk, anna) -> None:
    """Who speaks to the computer does not decide by a word: WCAG 2.1.4."""
    claim(anna, desk.report()["queue"])
    anna.keyboard.press("?")
    anna.locator("#keys-on").uncheck()
    anna.keyboard.press("Escape")
    anna.locator("#case").click(position={"x": 5, "y": 5})
    anna.keyboard.press("2")
    expect(anna.locator("[name=label][value=harassment]")).not_to_be_checked()


def test_what_happens_is_said(desk, anna) -> None:
    """A decision that waits to be sent, and its undoing, are told to a screen reader."""
    claim(anna, desk.report()["queue"])
    anna.locator("#decision [name=action][value=no_action]").check()
    expect(anna.locator("#pending-said[role=status][aria-live=assertive]")).to_have_count(1)
    anna.keyboard.press("Control+Enter")
    expect(anna.locator("#pending-said")).not_to_be_empty()
    expect(anna.locator("#send-now")).to_be_focused()
    anna.locator("#undo").press("Space")
    expect(anna.locator("#pending")).to_be_hidden()
    expect(anna.locator("#said[aria-live=polite]")).not_to_be_empty()
    expect(anna.locator("#send")).to_be_focused()
