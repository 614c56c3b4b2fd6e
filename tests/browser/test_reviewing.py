"""A reviewer's round: sign in, claim, reveal, decide, undo, give back, escalate, lose a lease."""

import re

import pytest

from tests.browser.desk import PASSWORD
from tests.browser.pages import claim, send_sign_in

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
DONE = re.compile(r"/console/queues\?.*done=")
REASONS = "It insults a person of the group (policy 1.2)."
SCENE = "The film shows the whole accident, scene by scene."


def test_signing_in_leads_to_the_page_that_was_asked_for(open_page) -> None:
    """The page behind the sign-in is kept as the next one."""
    page = open_page()
    page.goto("/console/preferences")
    expect(page.locator("#password")).to_be_visible()
    send_sign_in(page, "anna", PASSWORD)
    page.wait_for_url("**/console/preferences")
    expect(page.locator("header .who")).to_have_text("Anna Ay")


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_a_wrong_password_is_refused_in_one_way(open_page, watch, name) -> None:
    """What is said does not tell whether the name exists; the right one then goes on."""
    watch.expect_status(401)
    page = open_page()
    page.goto("/console/preferences")
    send_sign_in(page, name, "something else entirely")
    expect(page.locator("#note")).to_have_text(re.compile("name or the password is wrong"))
    expect(page.locator("#password")).to_have_value("")
    expect(page.locator("#name")).to_have_value(name)
    send_sign_in(page, "anna", PASSWORD)
    page.wait_for_url("**/console/preferences")


def test_signing_out_closes_the_desk(anna) -> None:
    """After signing out a page of before asks for the password, also by the back button."""
    anna.locator("form[action='/console/sign-out'] button").click()
    expect(anna.locator("#note")).to_be_visible()
    anna.go_back()
    expect(anna.locator("#password")).to_be_visible()
    anna.goto("/console/queues")
    expect(anna.locator("#password")).to_be_visible()


def test_a_case_is_claimed_by_one_key(desk, anna) -> None:
    """The number of a queue's row takes its most urgent case; the log knows by whom."""
    receipt = desk.report()
    anna.reload()
    anna.keyboard.press(key_of(anna, receipt["queue"]))
    anna.wait_for_url(f"**/console/cases/{receipt['case_id']}")
    expect(anna.locator("#item-text")).to_contain_text("pathetic loser")
    assert desk.case(receipt["case_id"])["claim"]["reviewer"] == "anna"


def test_an_empty_queue_says_so(anna) -> None:
    """Where there is nothing to do, the page of the queues names the queue."""
    anna.locator("form[action='/console/queues/std-en-safety/next'] button").click()
    anna.wait_for_url(re.compile(r"empty=std-en-safety"))
    expect(anna.get_by_role("status").filter(has_text="std-en-safety")).to_be_visible()


def test_the_queues_follow_what_comes_in(desk, anna) -> None:
    """A report that arrives is in the table without a reload."""
    open_cases = anna.locator("#queue-std-en-safety td").first
    expect(open_cases).to_have_text("0")
    desk.report()
    expect(open_cases).to_have_text("1", timeout=20_000)


def test_hidden_text_is_revealed_while_the_key_is_held(desk, anna) -> None:
    """A graphic text is seen as long as R is held, and no longer."""
    claim(anna, desk.report(SCENE, "graphic_violence")["queue"])
    expect_hidden(anna, hidden=True)
    anna.keyboard.down("r")
    expect_hidden(anna, hidden=False)
    anna.keyboard.up("r")
    expect_hidden(anna, hidden=True)
    anna.locator(".veil-button").first.hover()
    anna.mouse.down()
    expect_hidden(anna, hidden=False)
    anna.mouse.up()
    expect_hidden(anna, hidden=True)


def test_a_mild_text_is_not_hidden(desk, anna) -> None:
    """What is neither graphic nor serious stands there as it is."""
    claim(anna, desk.report("Win a phone at http://prize.example", "deception_spam")["queue"])
    expect(anna.locator("#item-text")).to_be_visible()
    expect(anna.locator("[data-veil]")).to_have_count(0)


def test_a_case_is_decided_by_keyboard_alone(desk, anna) -> None:
    """Label, severity, action and reasons by key; what was meant is what is stored."""
    receipt = desk.report()
    anna.reload()
    anna.keyboard.press(key_of(anna, receipt["queue"]))
    anna.wait_for_url("**/console/cases/*")
    fill_by_keyboard(anna)
    anna.keyboard.press("Control+Enter")
    expect(anna.locator("#pending")).to_be_visible()
    anna.keyboard.press("Enter")
    anna.wait_for_url(DONE)
    case = desk.case(receipt["case_id"])
    assert case["state"] == "decided"
    decision = case["decision"]
    assert (decision["findings"], decision["action"]) == ({"harassment": "S2"}, "remove_content")
    assert (decision["explanation"], decision["reviewer"]) == (REASONS, "anna")


def test_a_decision_can_be_undone_before_it_is_sent(desk, anna) -> None:
    """Undo within ten seconds leaves the case claimed and the form filled in; then it is sent."""
    anna.clock.install()
    case_id = claim(anna, desk.report()["queue"])
    fill_by_keyboard(anna)
    anna.keyboard.press("Control+Enter")
    expect(anna.locator("#pending")).to_be_visible()
    anna.clock.fast_forward(4_000)
    anna.keyboard.press("u")
    expect(anna.locator("#pending")).to_be_hidden()
    anna.clock.fast_forward(30_000)
    assert desk.case(case_id)["state"] == "claimed"
    expect(anna.locator("#explanation")).to_have_value(REASONS)
    anna.keyboard.press("Control+Enter")
    expect(anna.locator("#pending")).to_be_visible()
    anna.clock.fast_forward(11_000)
    anna.wait_for_url(DONE)
    assert desk.case(case_id)["state"] == "decided"
    assert desk.steps(case_id).count("decided") == 1


def test_leaving_the_page_sends_the_decision(desk, anna) -> None:
    """Who goes elsewhere within the ten seconds has decided."""
    receipt = desk.report()
    claim(anna, receipt["queue"])
    anna.locator("#decision [name=action][value=no_action]").check()
    anna.keyboard.press("Control+Enter")
    expect(anna.locator("#pending")).to_be_visible()
    anna.goto("/console/queues")
    expect(anna.locator(f"#queue-{receipt['queue']} td").first).to_have_text("0", timeout=20_000)
    assert desk.case(receipt["case_id"])["decision"]["action"] == "no_action"


def test_after_a_decision_the_next_case_is_there(desk, anna) -> None:
    """The next case of the same queue is claimed, unless the reviewer wants a break."""
    first, second = desk.report(), desk.report("Get lost, you fool, nobody likes you here.")
    assert first["queue"] == second["queue"]
    case_id = claim(anna, first["queue"])
    (other,) = {first["case_id"], second["case_id"]} - {case_id}
    decide_no_action(anna)
    anna.wait_for_url(re.compile(rf"/console/cases/{other}\?done={case_id}"))
    anna.locator("#decision [name=next]").uncheck()
    decide_no_action(anna)
    anna.wait_for_url(re.compile(rf"/console/cases/{other}\?done={other}"))
    expect(anna.locator("#decision")).to_have_count(0)


def test_a_decision_that_lacks_something_is_not_sent_away(desk, anna, watch) -> None:
    """An action against content without reasons comes back with what was entered."""
    watch.expect_status(422)
    case_id = claim(anna, desk.report()["queue"])
    anna.locator("#facts").fill("An insult in a comment.")
    anna.locator("#decision [name=action][value=remove_content]").check()
    anna.keyboard.press("Control+Enter")
    anna.locator("#send-now").click()
    expect(anna.locator("[role=alert]").first).to_be_visible()
    expect(anna.locator("#facts")).to_have_value("An insult in a comment.")
    assert desk.case(case_id)["state"] == "claimed"


def test_the_policy_may_have_no_word_for_a_case(desk, anna) -> None:
    """Such a case goes to the queue of policy gaps, undecided."""
    case_id = claim(anna, desk.report()["queue"])
    anna.keyboard.press("g")
    expect(anna.locator("[name=gap]")).to_be_checked()
    anna.locator("#explanation").fill("Nothing is said about quoting a song.")
    anna.locator("#decision [name=action][value=no_action]").check()
    anna.keyboard.press("Control+Enter")
    anna.locator("#send-now").click()
    anna.wait_for_url(re.compile(r"done="))
    assert desk.case(case_id)["queue"] == "policy-gap"


def test_a_case_is_given_back_with_a_reason(desk, anna) -> None:
    """It waits in its queue again, and the log has the step."""
    case_id = claim(anna, desk.report()["queue"])
    anna.keyboard.press("l")
    expect(anna.locator("#release")).to_be_visible()
    anna.locator("#release-reason").fill("I know the people in it.")
    anna.locator("#release button").click()
    anna.wait_for_url(DONE)
    assert desk.case(case_id)["state"] == "queued"
    assert desk.steps(case_id)[-1] == "released"


def test_a_case_is_handed_up_to_a_named_person(desk, anna) -> None:
    """It stands in the escalation queue with its owner."""
    case_id = claim(anna, desk.report()["queue"])
    anna.keyboard.press("e")
    anna.locator("#escalate-owner").fill("lea")
    anna.locator("#escalate-reason").fill("Somebody has to call the club.")
    anna.locator("#escalate button").click()
    anna.wait_for_url(DONE)
    case = desk.case(case_id)
    assert (case["queue"], case["owner"]) == ("escalation", "lea")


@pytest.mark.parametrize("away", ["04:00", "11:00"], ids=["told by the service", "seen by itself"])
def test_a_lost_lease_is_said_and_the_draft_survives(desk, anna, watch, away) -> None:
    """When the claim is over the page says so; claimed again, the case has the draft."""
    watch.expect_status(410)
    anna.clock.install()
    receipt = desk.report()
    case_id = claim(anna, receipt["queue"])
    lost = anna.locator("#case").get_attribute("data-lost")
    anna.locator("#explanation").fill(REASONS)
    anna.locator("#decision [name=action][value=warn_author]").check()
    desk.expire_lease(case_id)
    anna.clock.fast_forward(away)
    anna.mouse.move(200, 200)
    expect(anna.locator("#said")).to_have_text(lost)
    anna.keyboard.press("Control+Enter")
    expect(anna.locator("#pending")).to_be_hidden()
    assert claim(anna, receipt["queue"]) == case_id
    expect(anna.locator("#explanation")).to_have_value(REASONS)
    expect(anna.locator("[name=action][value=warn_author]")).to_be_checked()
    assert desk.steps(case_id).count("decided") == 0


def test_a_lease_is_renewed_while_the_page_is_used(desk, anna) -> None:
    """Who works on a case keeps it beyond the first lease."""
    anna.clock.install()
    case_id = claim(anna, desk.report()["queue"])
    first = desk.case(case_id)["claim"]["lease_expires_at"]
    with anna.expect_response(re.compile("/renew")) as answered:
        anna.locator("#facts").press_sequentially("An insult")
        anna.clock.fast_forward("06:00")
        anna.locator("#facts").press_sequentially(" in a comment.")
        anna.clock.run_for(2_000)
    assert answered.value.ok
    assert desk.case(case_id)["claim"]["lease_expires_at"] > first


def test_what_somebody_opted_out_of_is_not_given_to_them(desk, anna) -> None:
    """A claim passes over cases with such a label, likely or reported, and takes the others."""
    unwanted = desk.report()
    other = desk.report("The bench by the lake was painted green.", "hate")
    assert unwanted["queue"] == other["queue"]
    anna.goto("/console/preferences")
    anna.locator("#label-harassment").check()
    anna.locator("form[action='/console/preferences'] button[type=submit]").click()
    anna.wait_for_url("**/console/preferences?saved=1")
    assert claim(anna, other["queue"]) == other["case_id"]
    anna.goto("/console/queues")
    anna.locator(f"form[action='/console/queues/{other['queue']}/next'] button").click()
    anna.wait_for_url(re.compile(r"empty="))
    assert desk.case(unwanted["case_id"])["state"] == "queued"


def key_of(page, queue: str) -> str:
    """Give the key that takes the next case of a queue."""
    key: str = page.locator(f"#queue-{queue}").get_attribute("data-key")
    return key


def expect_hidden(page, *, hidden: bool) -> None:
    """See whether the veil lies over the item's text, for eyes and for screen readers."""
    expect(page.locator(".veil-content[inert][aria-hidden=true] #item-text")).to_have_count(
        int(hidden)
    )
    expect(page.locator(".veil-box:not(.revealed) #item-text")).to_have_count(int(hidden))


def fill_by_keyboard(page) -> None:
    """Find harassment of S2, to be removed, with reasons, and never touch the mouse."""
    page.keyboard.press("2")
    expect(page.locator("[name=label][value=harassment]")).to_be_checked()
    page.keyboard.press("2")
    expect(page.locator("[name='severity.harassment']")).to_have_value("S2")
    page.keyboard.press("a")
    removal = page.locator("[name=action][value=remove_content]")
    for _ in range(page.locator("[name=action]").count()):
        if removal.is_checked():
            break
        page.keyboard.press("ArrowDown")
    expect(removal).to_be_checked()
    page.keyboard.press("t")
    expect(page.locator("#explanation")).to_be_focused()
    page.keyboard.type(REASONS)


def decide_no_action(page) -> None:
    page.locator("#decision [name=action][value=no_action]").check()
    page.keyboard.press("Control+Enter")
    page.locator("#send-now").click()
